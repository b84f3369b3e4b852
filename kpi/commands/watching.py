"""Subscribe to figures, and look at what one was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import col

from directory.models import Staff
from kernel import clock, ids
from kernel.errors import Invalid, NotFound, require_version
from kernel.work import Work
from kpi.errors import TooManyWatches
from kpi.events import NoticesSeen
from kpi.models import Grain, KpiNotice, KpiWatch, Side, WatchKind
from kpi.models.definitions import DEFINITIONS, Figure
from kpi.models.timing import last_period
from kpi.models.watching import DIGESTS, scale_of
from kpi.models.wording import kept
from kpi.policy import require_reader, require_subscriber, require_warned
from kpi.queries import scoping
from kpi.queries import watching as queries
from kpi.queries.scoping import Asked

MOST_WATCHES = 20
MOST_FIGURES = 8
MOST_SEEN = 100
FURTHEST_LINE = 10**15
WHOLE = Asked()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be told of; `line` is in the figure's unit, a share from 0 to 1."""

    figures: Sequence[Figure] = ()
    asked: Asked = WHOLE
    side: Side | None = None
    line: float | None = None


async def watch(work: Work, kind: WatchKind, wish: Wish) -> KpiWatch:
    """Subscribe to a digest or an alert; the first one is about what isn't over yet. At most 20 a person.

    Raises `FORBIDDEN`, `INVALID`, `NOT_FOUND`, `TOO_MANY_KPI_WATCHES`.
    """
    staff_id = require_subscriber(work.actor)
    said = await _checked(work, kind, wish)
    # One at a time for each person: there is no row to lock before the first one.
    await work.session.execute(
        select(col(Staff.id))
        .where(col(Staff.brand_id) == work.actor.brand_id, col(Staff.id) == staff_id)
        .with_for_update(key_share=True)
    )
    if await queries.count_of(work.session, work.actor) >= MOST_WATCHES:
        raise TooManyWatches(most=MOST_WATCHES)
    at = clock.now()
    made = KpiWatch(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        staff_id=staff_id,
        kind=kind,
        created_at=at,
        **said,
        **await _from_now_on(work, staff_id, kind),
    )
    work.session.add(made)
    return made


async def edit_watch(
    work: Work, watch_id: UUID, wish: Wish, *, is_paused: bool = False, expected_version: int | None = None
) -> KpiWatch:
    """Say a subscription differently, all of it; its kind stays. What goes on is told of what isn't over yet.

    Raises `NOT_FOUND`, `STALE_VERSION`, `FORBIDDEN`, `INVALID`.
    """
    found = await queries.lock(work.session, work.actor, watch_id)
    require_version(found, expected_version)
    said = await _checked(work, found.kind, wish)
    if found.is_paused and not is_paused:
        said |= await _from_now_on(work, found.staff_id, found.kind)
    found.say(said | {"is_paused": is_paused})
    return found


async def end_watch(work: Work, watch_id: UUID, *, expected_version: int | None = None) -> KpiWatch:
    """Subscribe no more. Raises `NOT_FOUND`, `STALE_VERSION`."""
    found = await queries.lock(work.session, work.actor, watch_id)
    require_version(found, expected_version)
    await work.session.delete(found)
    return found


async def see_notices(work: Work, notice_ids: Sequence[UUID]) -> Sequence[KpiNotice]:
    """Note that somebody has looked at notices of theirs, 1 to 100, all or none. Raises `NOT_FOUND`, `INVALID`."""
    if not 1 <= len(notice_ids) <= MOST_SEEN:
        raise Invalid(field="noticeIds", reason=f"name 1 to {MOST_SEEN}.", reason_zh=f"请选择 1 到 {MOST_SEEN} 条。")
    found = await queries.lock_notices(work.session, work.actor, notice_ids)
    if {each.id for each in found} != set(notice_ids):
        raise NotFound
    unseen = [each for each in found if each.seen_at is None]
    for each in unseen:
        each.seen_at = clock.now()
        each.version += 1
    if unseen and work.actor.staff_id is not None:
        work.record(NoticesSeen(staff_id=work.actor.staff_id))
    return found


async def _from_now_on(work: Work, staff_id: UUID, kind: WatchKind) -> dict[str, Any]:
    """What is over already is decided on."""
    person = await queries.subscriber(work.session, work.actor.brand_id, staff_id)
    at = clock.now()
    today = at.astimezone(ZoneInfo(person.time_zone if person else "UTC")).date()
    return {"sent_for": last_period(kind, today).last, "looked_at": at}


async def _checked(work: Work, kind: WatchKind, wish: Wish) -> dict[str, Any]:
    figures = kept(wish.figures)
    if kind is WatchKind.DELETIONS:
        require_warned(work.actor)
        if figures or wish.asked != WHOLE or wish.line is not None or wish.side is not None:
            raise Invalid(field="figures", reason="deletions take nothing else.", reason_zh="删改提醒不需要其他设置。")
    else:
        require_reader(work.actor)
        _require_count(kind, len(figures))
        await scoping.scope(work.session, work.actor, wish.asked, Grain.STORE)
    return {
        "figures": figures,
        "region_id": wish.asked.region_id,
        "store_id": wish.asked.store_id,
        "of_staff_id": wish.asked.staff_id,
        "side": wish.side,
        "line": _line(kind, wish),
    }


def require_figures(figures: Sequence[Figure]) -> list[Figure]:
    """Each once: 1 to 8. Raises `INVALID`."""
    named = list(dict.fromkeys(figures))
    _require_count(WatchKind.DAILY, len(named))
    return named


def _require_count(kind: WatchKind, count: int) -> None:
    most = MOST_FIGURES if kind in DIGESTS else 1
    if not 1 <= count <= most:
        words = "exactly one." if most == 1 else f"1 to {most}."
        raise Invalid(
            field="figures", reason=words, reason_zh="请选择 1 个。" if most == 1 else f"请选择 1 到 {most} 个。"
        )


def _line(kind: WatchKind, wish: Wish) -> int | None:
    has_both = wish.line is not None and wish.side is not None
    if has_both != (kind is WatchKind.THRESHOLD) or (wish.line is None) != (wish.side is None):
        raise Invalid(
            field="line", reason="a threshold has a line and a side, others have neither.",
            reason_zh="仅阈值提醒需要（且必须）填写数值和方向。",
        )  # fmt: skip
    if wish.line is None:
        return None
    if abs(wish.line) > FURTHEST_LINE / scale_of(wish.figures):
        raise Invalid(field="line", reason="too far from 0.", reason_zh="数值过大。")
    least, most = DEFINITIONS[wish.figures[0]].bounds
    if (least is not None and wish.line < least) or (most is not None and wish.line > most):
        # 5 for 5 % would never be passed, and nobody would know why nothing is told.
        raise Invalid(
            field="line",
            reason="0 or more." if most is None else f"a share from {least} to {most}.",
            reason_zh="不能小于 0。" if most is None else f"应为 {least} 到 {most} 之间的比例。",
        )
    return round(wish.line * scale_of(wish.figures))
