"""What a worker sees to by itself, at every sweep: what marks and the clock ask for, and nobody triggers."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from customers import commands as customers
from directory.commands import covers
from directory.queries import actors, staff
from directory.queries import covers as cover_queries
from directory.queries.stores import home_zone
from handover.commands import leasing, limits, settling
from handover.queries import limits as limit_queries
from handover.queries import moving, partner
from handover.queries import settling as settlement
from kernel import clock, jobs
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from kpi.commands import recounting, sending, turning
from kpi.queries import keeping
from kpi.queries import marks as figure_marks
from kpi.queries import watching as subscriptions
from tagging.commands import evaluating, folding, nights
from tagging.models import MarkPurpose
from tagging.queries import marks, upkeep
from tasks.commands import campaigns, handing_out, plans, tending
from tasks.queries import campaigns as campaign_queries
from tasks.queries import due
from tasks.queries import plans as plan_queries

MOST_FOLDS = 5  # at a sweep: jobs are waiting, too
NIGHT_BEGINS = timedelta(hours=3)  # after midnight, where most of the brand's stores are

MOST_PLANS = 200  # stores at a sweep

MOST_CAMPAIGNS = 20  # of each brand at a sweep
MOST_HANDOVERS = 100  # of each brand at a sweep
LONGEST_WAIT = timedelta(minutes=5)  # of a job that is tried again
MOST_LEAVERS = 50  # of each brand at a sweep
MOST_DAYS_BEGUN = 1_000  # stores at a time
MOST_SUBSCRIBERS = 200  # of each brand at a sweep
MOST_COUNTS = 200  # transactions of each brand at a time
MOST_ROUNDS = 20  # of marks in one sweep and brand: the others have their turn

Chore = Callable[[Ground], Awaitable[None]]

log = logging.getLogger(__name__)


async def begin_nights(ground: Ground) -> None:
    """Begin what is done once a night, for each brand where it is past three."""
    for brand_id in await _brands(ground):
        async with ground.db.read() as session:
            zone = await home_zone(session, brand_id)
            day = (clock.now().astimezone(ZoneInfo(zone)) - NIGHT_BEGINS).date()
            if await nights.has_begun(session, brand_id, day):
                continue
        async with unit_of_work(ground, system(brand_id)) as work:
            await nights.begin(work, day)


async def follow_rules(ground: Ground) -> None:
    """Let rules look at the customers who did something since, some hundreds of each brand at a time."""
    async with ground.db.read() as session:
        marked = await marks.brands_with(session, MarkPurpose.RULES)
    for brand_id in marked:
        for _ in range(MOST_ROUNDS):
            async with unit_of_work(ground, system(brand_id)) as work:
                if await evaluating.follow_marks(work) < evaluating.MARKS_AT_ONCE:
                    break


async def mind_segments(ground: Ground) -> None:
    """Fold what changed into each brand's bitmaps; where they are of no use, look at all its customers anew."""
    async with ground.db.read() as session:
        waiting = await upkeep.waiting(session, clock.now())
    for brand_id, what in waiting:
        if what is upkeep.Need.BUILD:
            async with unit_of_work(ground, system(brand_id)) as work:
                await folding.begin(work)
            continue
        for _ in range(MOST_FOLDS):
            async with unit_of_work(ground, system(brand_id)) as work:
                if await folding.fold(work, folding.AT_ONCE) < folding.AT_ONCE:
                    break


async def begin_plans(ground: Ground) -> None:
    """Begin the plan of today for each store whose clock has passed the hour at which it plans.

    What was missed while no worker ran is planned for today; days that are over are not.
    """
    async with ground.db.read() as session:
        unplanned = await plan_queries.due(session, clock.now(), MOST_PLANS)
    for brand_id, stores in groupby(unplanned, itemgetter(0)):
        async with unit_of_work(ground, system(brand_id)) as work:
            await plans.begin(work, [(store_id, day) for _, store_id, day in stores])


async def mind_campaigns(ground: Ground) -> None:
    """Send what is scheduled for now, and note which campaigns have handed out all, and which are over."""
    for brand_id in await _brands(ground):
        async with ground.db.read() as session:
            waiting = [
                (campaigns.begin, await campaign_queries.due_to_send(session, brand_id, clock.now(), MOST_CAMPAIGNS)),
                (handing_out.close_off, await campaign_queries.handed_out(session, brand_id, MOST_CAMPAIGNS)),
                (campaigns.end, await campaign_queries.finished(session, brand_id, clock.now(), MOST_CAMPAIGNS)),
            ]
        for see_to, found in waiting:
            for campaign_id in found:
                async with unit_of_work(ground, system(brand_id)) as work:
                    await see_to(work, campaign_id)


async def tend_tasks(ground: Ground) -> None:
    """Ask for the jobs of the stores where a task is to expire, or to come before the manager."""
    for brand_id in await _brands(ground):
        async with ground.db.read() as session:
            if not await due.stores(session, brand_id, clock.now(), 1):
                continue
        async with unit_of_work(ground, system(brand_id)) as work:
            await tending.ask_to_tend(work)


async def mind_handovers(ground: Ground) -> None:
    """Ask anew for the moving of handovers whose worker has died, or whose job was lost."""
    for brand_id in await _brands(ground):
        async with ground.db.read() as session:
            left = await moving.unattended(session, brand_id, clock.now(), MOST_HANDOVERS)
            soon = clock.now() + LONGEST_WAIT
            asked = {args.get("handover_id") for args in await jobs.waiting(session, brand_id, leasing.MOVE, soon)}
        for handover_id, lease_until in left:
            # A job that waits is enough, unless it is the one whose worker has died, or asked by a clock far ahead.
            if lease_until is not None or str(handover_id) not in asked:
                async with unit_of_work(ground, system(brand_id)) as work:
                    await leasing.revive(work, handover_id)


async def mind_covers(ground: Ground) -> None:
    """Tell of the covers that have begun or are over. In force they are by their dates, also while no worker runs."""
    for brand_id in await _brands(ground):
        async with ground.db.read() as session:
            due_ones = await cover_queries.due(session, brand_id, clock.now())
        for cover_id in due_ones:
            async with unit_of_work(ground, system(brand_id)) as work:
                await covers.note(work, cover_id)


async def end_last_days(ground: Ground) -> None:
    """Shut out those who are leaving and whose last day is over where they work."""
    for brand_id in await _brands(ground):
        async with ground.db.read() as session:
            over = await staff.past_last_day(session, brand_id, clock.now(), MOST_LEAVERS)
        for staff_id in over:
            async with unit_of_work(ground, system(brand_id)) as work:
                await customers.close_after_last_day(work, staff_id)


async def mind_settling(ground: Ground) -> None:
    """Ask for the settling of what is due at the partner, where nobody has asked for it yet."""
    for brand_id in await _brands(ground):
        async with ground.db.read() as session:
            is_due = await settlement.is_anything_due(session, brand_id, clock.now())
            if not is_due or not await partner.is_active(session, brand_id):
                continue
            if await jobs.waiting(session, brand_id, settling.SETTLE):
                continue
        async with unit_of_work(ground, system(brand_id)) as work:
            work.later(settling.SETTLE)


async def mind_limits(ground: Ground) -> None:
    """Warn managers of what the partner takes no more soon, and take back what they need not do about it any more."""
    for brand_id in await _brands(ground):
        async with ground.db.read() as session:
            if not await partner.is_tied(session, brand_id):
                continue
            near = await limit_queries.near(session, brand_id, clock.now(), MOST_HANDOVERS)
            over = await limit_queries.over(session, brand_id, MOST_HANDOVERS)
        for see_to, found in ((limits.warn, near), (limits.retire, over)):
            for handover_id in found:
                async with unit_of_work(ground, system(brand_id)) as work:
                    await see_to(work, handover_id)


async def begin_days(ground: Ground) -> None:
    """Go on with the stores' calendars: a day that has begun is to be counted, weeks and months that ended are over."""
    async with ground.db.read() as session:
        gone = await keeping.gone(session, MOST_DAYS_BEGUN)
        found = await keeping.behind(session, clock.now(), MOST_DAYS_BEGUN)
    for brand_id, store_id in gone:
        async with unit_of_work(ground, system(brand_id)) as work:
            await turning.forget(work, store_id)
    for brand_id, stores in groupby(found, itemgetter(0)):
        todays = {store_id: today for _, store_id, today in stores}
        waiting = sorted(todays)
        while waiting:
            some, waiting = waiting[: turning.STORES_AT_ONCE], waiting[turning.STORES_AT_ONCE :]
            async with unit_of_work(ground, system(brand_id)) as work:
                await turning.turn(work, {store_id: todays[store_id] for store_id in some})


async def count_figures(ground: Ground) -> None:
    """Count the days that were marked, some at a time, until there is nothing left or others are to have their turn."""
    async with ground.db.read() as session:
        marked = await figure_marks.brands(session)
    for brand_id in marked:
        for _ in range(MOST_COUNTS):
            async with unit_of_work(ground, system(brand_id)) as work:
                if not await recounting.follow_marks(work):
                    break


async def send_notices(ground: Ground) -> None:
    """Tell subscribers of figures whose hour it is, one after the other: those who wait longest come first."""
    async with ground.db.read() as session:
        subscribed = await subscriptions.brands(session)
    for brand_id in subscribed:
        async with ground.db.read() as session:
            found = await subscriptions.due(session, brand_id, clock.now(), MOST_SUBSCRIBERS)
        for staff_id, kind in found:
            try:
                async with unit_of_work(ground, system(brand_id)) as work:
                    await sending.send(work, staff_id, kind)
            except Exception:
                # Whoever can't be told must not keep the others from being told, who wait behind them.
                log.exception("notice_failed", extra={"staff_id": str(staff_id), "kind": kind.value})


CHORES: tuple[Chore, ...] = (
    mind_covers,
    end_last_days,
    begin_nights,
    follow_rules,
    mind_segments,
    begin_plans,
    mind_campaigns,
    tend_tasks,
    mind_handovers,
    mind_settling,
    mind_limits,
    send_notices,
)


async def _brands(ground: Ground) -> list[UUID]:
    async with ground.db.read() as session:
        return [brand.id for brand in await actors.brands(session)]


async def see_to_all(ground: Ground) -> None:
    """One after the other; one that fails is logged, and the others are seen to."""
    for chore in CHORES:
        try:
            await chore(ground)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("chore_failed", extra={"chore": chore.__name__, "error": type(error).__name__})
        except Exception:
            log.exception("chore_failed", extra={"chore": chore.__name__})
