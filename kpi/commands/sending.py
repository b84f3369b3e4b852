"""Tell subscribers of figures: at their hour, of what is complete, once a day for each kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from handover.models import AlertKind
from handover.queries.watching import count_raised
from kernel import bulk, clock, ids
from kernel.errors import Forbidden, NotFound
from kernel.work import Work
from kpi.events import NoticeSent
from kpi.models import Days, Grain, KpiNotice, KpiWatch, Side, WatchKind
from kpi.models.definitions import DEFINITIONS
from kpi.models.exact import shown
from kpi.models.timing import PATIENCE, is_quiet, last_period
from kpi.models.watching import DIGESTS, scale_of
from kpi.models.wording import usual_range
from kpi.policy import require_warned
from kpi.queries import hooks, naming, scoping
from kpi.queries import watching as queries
from kpi.queries.comparing import Compared, beside_usual, compared, values
from kpi.queries.scoping import Scope
from kpi.queries.watching import Subscriber

POST = "post_kpi_notice"

SETTLING = timedelta(minutes=1)
"""What was raised as late as this may not be committed yet: it is told of the next time."""

_COMPARED = (
    "query ($figures: [KpiFigure!]!, $fromDay: Date!, $untilDay: Date!, $regionId: ID, $storeId: ID, $staffId: ID) "
    "{ kpiCompared(figures: $figures, fromDay: $fromDay, untilDay: $untilDay, "
    "regionId: $regionId, storeId: $storeId, staffId: $staffId) "
    "{ figure value previous usualLow usualHigh } }"
)
_ALERTS = "query { alerts(first: 100) { edges { node { id kind count line since raisedAt settledAt } } } }"


@dataclass(slots=True)
class _Look:
    """What a subscription comes to: whether it could be decided on, up to which day, and what is to be told."""

    watch: KpiWatch
    is_decided: bool = True
    sent_for: date | None = None
    line: dict[str, Any] | None = None


async def send(work: Work, staff_id: UUID, kind: WatchKind) -> UUID | None:
    """Tell somebody what they watch of that kind, if it is time and there is anything to tell; the notice's id.

    Nothing at night, nothing to whoever has left, and nothing more to whoever was told of that kind today. What isn't
    in their sight any more is paused. Of what was missed, only the newest.
    """
    session, brand_id = work.session, work.actor.brand_id
    person = await queries.subscriber(session, brand_id, staff_id)
    if person is None:
        return None
    at = clock.now()
    local = at.astimezone(ZoneInfo(person.time_zone))
    watches = await queries.lock_of(session, brand_id, staff_id, kind)
    if is_quiet(local) or await queries.was_told(session, brand_id, staff_id, kind, local.date()):
        return None
    looks = [look for watch in watches if (look := await _look(session, person, watch, local, at)) is not None]
    for watch in watches:
        watch.looked_at = at
    if local.time() < PATIENCE and not all(look.is_decided for look in looks):
        return None
    for look in looks:
        look.watch.sent_for = look.sent_for or look.watch.sent_for
    lines = [look.line for look in looks if look.line is not None]
    return await tell(work, staff_id, kind, local.date(), lines) if lines else None


async def tell(work: Work, staff_id: UUID, kind: WatchKind, day: date, lines: Sequence[dict[str, Any]]) -> UUID | None:
    """Write the notice, unless there is one of that kind and day already; it is posted, too, where the brand says."""
    session, brand_id = work.session, work.actor.brand_id
    notice_id = ids.new()
    notice = {
        "brand_id": brand_id,
        "id": notice_id,
        "staff_id": staff_id,
        "kind": kind,
        "day": day,
        "content": {"currency": await naming.currency_of(session, brand_id), "lines": list(lines)},
        "sent_at": clock.now(),
        "version": 1,
    }
    made = await bulk.insert_missing(session, KpiNotice, [notice])
    if not made:
        return None
    work.record(NoticeSent(notice_id=notice_id, staff_id=staff_id))
    if await hooks.is_posting(session, brand_id):
        work.later(POST, notice_id=str(notice_id))
    return notice_id


async def _look(
    session: AsyncSession, person: Subscriber, watch: KpiWatch, local: datetime, at: datetime
) -> _Look | None:
    """None where there is nothing to look at, or no more."""
    try:
        if watch.kind is WatchKind.DELETIONS:
            return await _deletions(session, person, watch, at)
        scope = await scoping.scope(session, person.actor, queries.asked_by(watch), Grain.STORE)
    except (NotFound, Forbidden):
        watch.lose_sight()
        return None
    days = last_period(watch.kind, local.date())
    if watch.sent_for >= days.last:
        return await _so_far(session, scope, watch, local.date())
    if not await queries.is_complete(session, scope, days):
        return _Look(watch, is_decided=False)
    found = await _found(session, scope, watch, days)
    return _Look(watch, sent_for=days.last, line=await _line(session, watch, days, found) if found else None)


async def _so_far(session: AsyncSession, scope: Scope, watch: KpiWatch, today: date) -> _Look | None:
    """What can only grow is told of as soon as it is above its line; the next morning that day is decided on."""
    if not watch.is_live or watch.sent_for >= today:
        return None
    days = Days(today, today)
    found = await _found(session, scope, watch, days)
    if not found:
        return _Look(watch)
    return _Look(watch, sent_for=today, line=await _line(session, watch, days, found))


async def _found(session: AsyncSession, scope: Scope, watch: KpiWatch, days: Days) -> list[dict[str, Any]]:
    """What is to be told of these days; of an alert nothing, where nothing is the matter."""
    if watch.kind in DIGESTS:
        return [
            _plain(each) | {"previous": shown(DEFINITIONS[each.figure], each.previous)}
            for each in await compared(session, scope, days, watch.named)
        ]
    [figure] = watch.named
    if watch.kind is WatchKind.UNUSUAL:
        each = await beside_usual(session, scope, days.last, figure)
        if each.value is None or each.usual is None or not each.usual.is_unusual(each.value):
            return []
        low, high = usual_range(figure, each.usual)
        return [_plain(each) | {"usual_low": low, "usual_high": high}]
    value = (await values(session, scope, days, [figure]))[figure]
    line = Fraction(watch.line or 0, scale_of([figure]))
    if value is None or not (value > line if watch.side is Side.ABOVE else value < line):
        return []
    return [_plain(Compared(figure, value)) | {"side": watch.side, "line": shown(DEFINITIONS[figure], line)}]


async def _line(session: AsyncSession, watch: KpiWatch, days: Days, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first, last = days.first.isoformat(), days.last.isoformat()
    asked = queries.asked_by(watch)
    scope = {
        name: str(each)
        for name, each in (("regionId", asked.region_id), ("storeId", asked.store_id), ("staffId", asked.staff_id))
        if each is not None
    }
    return {
        "watch_id": str(watch.id),
        "of": await queries.name_of(session, watch.brand_id, asked),
        "from_day": first,
        "until_day": last,
        "figures": list(found),
        "query": _COMPARED,
        "variables": {
            "figures": [each.name for each in watch.named],
            "fromDay": first,
            "untilDay": last,
            **scope,
        },
    }


async def _deletions(session: AsyncSession, person: Subscriber, watch: KpiWatch, at: datetime) -> _Look:
    """Alerts of mass deletion that were raised in the subscriber's sight since they were looked at last."""
    require_warned(person.actor)
    since, until = watch.looked_at - SETTLING, at - SETTLING
    count = await count_raised(session, person.actor, AlertKind.DELETIONS, since, until)
    if not count:
        return _Look(watch)
    line = {"watch_id": str(watch.id), "alerts": count, "figures": [], "query": _ALERTS, "variables": {}}
    return _Look(watch, line=line)


def _plain(each: Compared) -> dict[str, Any]:
    return {"figure": each.figure.value, "value": shown(DEFINITIONS[each.figure], each.value)}
