"""Say how long commission periods are, and close them for good."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from kernel import audit, bulk, clock, ids
from kernel.errors import Invalid, NotFound, require_version
from kernel.work import Work
from mall.errors import (
    CommissionPeriodClosed,
    CommissionPeriodNotOver,
    CommissionRhythmTooEarly,
    EarlierPeriodOpen,
)
from mall.models import CommissionEntry, CommissionPeriod, CommissionSetting, CommissionStatement
from mall.models.periods import Rhythm, period_of
from mall.models.sealing import BEGINNING, chained
from mall.policy import require_paymaster
from mall.queries.commission import settings, statements

FREEZE = "mall.freeze_commission"
SEALED_AT_ONCE = 5_000


async def set_rhythm(
    work: Work, rhythm: Rhythm, from_day: date | None = None, *, expected_version: int | None = None
) -> CommissionSetting:
    """Let periods be months or quarters from the first of a month on; by default from the next period on. For HQ.

    Quarters are counted from that month. It begins with a period that hasn't begun; as long as nothing was posted, with
    any. Raises `FORBIDDEN`, `STALE_VERSION`, `INVALID`, `COMMISSION_RHYTHM_TOO_EARLY`.
    """
    require_paymaster(work.actor)
    brand_id = work.actor.brand_id
    setting = await settings.lock(work.session, brand_id)
    require_version(setting, expected_version)
    if from_day is not None and from_day.day != 1:
        raise Invalid(field="fromDay", reason="is the first of a month.", reason_zh="应为某月的第一天。")
    posted = await work.session.scalar(
        select(func.max(col(CommissionEntry.period))).where(col(CommissionEntry.brand_id) == brand_id)
    )
    _, today = await settings.days(work.session, brand_id)
    course = setting.course
    if posted is None and setting.closed_until is None:
        setting.rhythms = settings.stored([(from_day or date(today.year, 1, 1), rhythm)])
    else:
        since = period_of(max(today, posted or today), course).last_day + timedelta(days=1)
        begins = from_day or since
        if begins < since or period_of(begins, [each for each in course if each[0] < since]).first_day != begins:
            raise CommissionRhythmTooEarly(earliest=since)
        setting.rhythms = settings.stored([*(each for each in course if each[0] < since), (begins, rhythm)])
    setting.version += 1
    return setting


async def close_period(work: Work, day: date) -> CommissionPeriod:
    """Close the period of that day for good, and freeze its statements by a job; nothing is posted into it afterwards.

    For HQ. Raises `FORBIDDEN`, `NOT_FOUND` (no plan was ever started), `COMMISSION_PERIOD_NOT_OVER`,
    `COMMISSION_PERIOD_CLOSED`, `EARLIER_COMMISSION_PERIOD_OPEN`.
    """
    require_paymaster(work.actor)
    brand_id = work.actor.brand_id
    if await settings.setting(work.session, brand_id) is None:
        raise NotFound
    setting = await settings.lock(work.session, brand_id)
    span = period_of(day, setting.course)
    if setting.closed_until is not None and span.first_day <= setting.closed_until:
        raise CommissionPeriodClosed
    earliest, _ = await settings.days(work.session, brand_id)
    if span.last_day >= earliest:
        raise CommissionPeriodNotOver(last_day=span.last_day)
    await _require_none_before(work, setting, span.first_day)
    period = CommissionPeriod(
        brand_id=brand_id,
        id=ids.new(),
        first_day=span.first_day,
        last_day=span.last_day,
        closed_at=clock.now(),
        closed_by_id=work.actor.staff_id,
        digest=BEGINNING,
    )
    work.session.add(period)
    setting.closed_until = span.last_day
    setting.version += 1
    await audit.write(work.session, work.actor, "commission_period_closed", "commission_period", period.id)
    work.later(FREEZE, period_id=str(period.id))
    return period


async def _require_none_before(work: Work, setting: CommissionSetting, first_day: date) -> None:
    open_ones = select(func.min(col(CommissionEntry.period))).where(
        col(CommissionEntry.brand_id) == setting.brand_id, col(CommissionEntry.period) < first_day
    )
    if setting.closed_until is not None:
        open_ones = open_ones.where(col(CommissionEntry.period) > setting.closed_until)
    earlier = await work.session.scalar(open_ones)
    if earlier is not None:
        raise EarlierPeriodOpen(first_day=earlier)


async def freeze(work: Work, period_id: UUID) -> bool:
    """Chain the seals of a closed period's next entries, and write its statements once all are; whether more is left.

    What is closed changes no more, so it doesn't matter when.
    """
    brand_id = work.actor.brand_id
    period = await work.session.scalar(
        select(CommissionPeriod)
        .where(col(CommissionPeriod.brand_id) == brand_id, col(CommissionPeriod.id) == period_id)
        .with_for_update(key_share=True)
    )
    if period is None or period.frozen_at is not None:
        return False
    entry = CommissionEntry
    ours = select(col(entry.id), col(entry.seal), col(entry.amount), col(entry.is_borne_by_store)).where(
        col(entry.brand_id) == brand_id, col(entry.period) == period.first_day
    )
    if period.sealed_to is not None:
        ours = ours.where(col(entry.id) > period.sealed_to)
    rows = (await work.session.execute(ours.order_by(col(entry.id)).limit(SEALED_AT_ONCE))).all()
    for row in rows:
        period.digest = chained(period.digest, row.seal)
        period.sealed_to = row.id
        period.entries += 1
        period.amount += 0 if row.is_borne_by_store else row.amount
    period.version += 1
    if len(rows) == SEALED_AT_ONCE:
        return True
    written = await statements.worked_out(work.session, brand_id, period.first_day)
    await bulk.insert_missing(work.session, CommissionStatement, written)
    period.frozen_at = clock.now()
    return False
