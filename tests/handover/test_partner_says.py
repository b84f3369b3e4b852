"""What the partner tells of people: who has left there is leaving here, and deleted contacts are heard of."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from customers.models import ContactLink, GoneWhy
from directory.models import StaffState
from handover.commands import departing
from handover.events import ContactDeleted, PartnerMemberLeft
from handover.models import Alert, AlertKind, Handover, HandoverSetting, HandoverState, Strategy
from kernel import clock
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from server.worker import Worker
from tasks.models import Task
from tests.factories import World, build_customer, build_world, relationship_of, save
from tests.handover.leaving import FRIDAY, MONDAY, close, mark, person


async def leave_there(ground: Ground, guide: Actor) -> None:
    """The partner says that they are no member any more; what follows from it is done."""
    async with unit_of_work(ground, system(guide.brand_id)) as work:
        work.record(PartnerMemberLeft(guide.id))
    for _ in range(3):
        await Worker(ground).sweep_once()


async def to_dos(ground: Ground) -> Sequence[str]:
    async with ground.db.read() as session:
        return (await session.scalars(select(col(Task.title)).order_by(col(Task.created_at)))).all()


async def drafts(ground: Ground) -> Sequence[Handover]:
    async with ground.db.read() as session:
        return (await session.scalars(select(Handover))).all()


async def test_who_has_left_at_the_partner_is_leaving_here_and_their_manager_decides_on_the_rest(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    await build_customer(ground, guide)

    await leave_there(ground, guide)
    await leave_there(ground, guide)

    found = await person(ground, guide)
    assert (found.state, found.access_closed_at) == (StaffState.LEAVING, None)
    assert [(draft.state, draft.strategy) for draft in await drafts(ground)] == [
        (HandoverState.DRAFT, Strategy.AFFINITY)
    ]
    assert await to_dos(ground) == ["员工qinghe-1-G1 即将离职，请确认交接方案"]


async def test_who_is_marked_already_keeps_their_day_and_gets_a_draft(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    await build_customer(ground, guide)
    with clock.stopped_at(MONDAY):
        await mark(ground, world.shop.manager, guide, FRIDAY)
        await leave_there(ground, guide)

    assert (await person(ground, guide)).last_day == FRIDAY
    assert len(await drafts(ground)) == len(await to_dos(ground)) == 1


async def test_who_holds_nothing_or_is_gone_makes_no_work(ground: Ground) -> None:
    world = await build_world(ground)
    guide, colleague = world.shop.guides
    await close(ground, world.hq, colleague)
    for each in (guide, colleague, world.shop.manager):
        await leave_there(ground, each)

    assert (await person(ground, guide)).state is StaffState.LEAVING
    assert (await person(ground, colleague)).state is StaffState.DEPARTED
    assert await drafts(ground) == []
    assert await to_dos(ground) == []


async def test_a_job_that_runs_twice_prepares_once(ground: Ground) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide)
    marked = await mark(ground, world.hq, world.shop.guide)

    for _ in range(2):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await departing.prepare(work, world.shop.guide.id, marked.version)

    assert len(await drafts(ground)) == len(await to_dos(ground)) == 1


async def unlink(ground: Ground, world: World, guide: Actor, why: GoneWhy) -> None:
    """The guide and a new customer are contacts no more."""
    relationship = await relationship_of(ground, await build_customer(ground, guide))
    account_id, at = guide.account_ids[0], clock.now()
    link = ContactLink(
        brand_id=world.brand.id,
        account_id=account_id,
        relationship_id=relationship.id,
        external_user_id=f"wm-{relationship.id.hex[:8]}",
        linked_at=at - timedelta(days=9),
        gone_at=at,
        gone_why=why,
        told_at=at,
    )
    await save(ground, link)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        work.record(ContactDeleted(account_id, relationship.id))
    await Worker(ground).sweep_once()


async def test_contacts_that_somebody_deletes_at_the_partner_are_warned_of(ground: Ground) -> None:
    world = await build_world(ground)
    await save(ground, HandoverSetting(brand_id=world.brand.id, deletions_an_hour=2))
    guide = world.shop.guide
    for why in (GoneWhy.BY_STAFF, GoneWhy.TRANSFERRED, GoneWhy.BY_CUSTOMER, GoneWhy.BY_STAFF):
        await unlink(ground, world, guide, why)
    async with ground.db.read() as session:
        assert (await session.scalars(select(Alert))).all() == []

    await unlink(ground, world, guide, GoneWhy.BY_STAFF)

    async with ground.db.read() as session:
        [alert] = await session.scalars(select(Alert))
    assert (alert.kind, alert.staff_id, alert.count) == (AlertKind.DELETIONS, guide.id, 3)
