"""Warn managers while there is time: somebody looks at, takes away or deletes more than the work asks for."""

from uuid import UUID

from directory.queries import staff
from handover.commands.managers import ask_managers
from handover.events import AlertLookedInto, AlertRaised
from handover.models import Alert, AlertKind
from handover.models.alerts import WINDOWS
from handover.policy import require_manager
from handover.queries import watching
from kernel import clock, ids
from kernel.actor import Role
from kernel.errors import require_text, require_version
from kernel.work import Work
from tasks.commands import closing

RAISE = "handover.raise_alert"
LONGEST_WORDS = 500

_TITLES = {
    AlertKind.REVEALS: "{name} 一小时内查看了 {count} 次顾客电话",
    AlertKind.EXPORTS: "{name} 一天内导出了 {count} 次名单",
    AlertKind.DELETIONS: "{name} 一小时内删改了 {count} 位顾客的信息",
}
_REASON = "超过提醒线（{line}）。请了解原因，并在“异常提醒”中写下处理结果。"


async def raise_alert(work: Work, staff_id: UUID, kind: AlertKind) -> Alert | None:
    """Warn the managers above somebody, if they still did too much of it; once for each person, kind and window.

    A guide's store managers find a to-do; those above a manager find the alert, and their phones are told to look.
    """
    # Locked before it is counted: of two who look at once, the second finds what the first has raised.
    person = await staff.lock(work.session, work.actor, staff_id)
    at = clock.now()
    found = await watching.doing(work.session, person.brand_id, person.id, kind, at)
    if found is None or not found.is_too_much:
        return None
    if await watching.raised_since(work.session, person.brand_id, person.id, kind, at - WINDOWS[kind]):
        return None
    alert = Alert(
        brand_id=person.brand_id,
        id=ids.new(),
        kind=kind,
        staff_id=person.id,
        role=person.role,
        store_id=person.store_id,
        count=found.count,
        line=found.line,
        since=found.since,
        raised_at=at,
    )
    work.session.add(alert)
    work.record(AlertRaised(alert_id=alert.id, staff_id=person.id))
    if person.role is Role.GUIDE and person.store_id is not None:
        title = _TITLES[kind].format(name=person.name, count=found.count)
        await ask_managers(
            work, person.store_id, title=title, reason=_REASON.format(line=found.line), source_key=_key(alert.id)
        )
    return alert


async def settle(work: Work, alert_id: UUID, *, words: str, expected_version: int | None = None) -> Alert:
    """Say in 1 to 500 characters what came of looking into it; its to-do is done with that.

    Raises `NOT_FOUND`, also about oneself, `FORBIDDEN`, `STALE_VERSION`, `INVALID`, `ALERT_SETTLED`.
    """
    alert = await watching.lock(work.session, work.actor, alert_id)
    require_manager(work.actor)
    require_version(alert, expected_version)
    alert.settle(work.actor.staff_id, require_text("words", words, longest=LONGEST_WORDS), clock.now())
    await closing.complete_made(work, _key(alert.id))
    work.record(AlertLookedInto(alert_id=alert.id, staff_id=alert.staff_id))
    return alert


def _key(alert_id: UUID) -> str:
    return f"alert:{alert_id}"
