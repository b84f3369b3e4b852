"""What must hold is looked for in the tables themselves: whatever is broken by hand is found."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers import commands as customers
from customers.models import Holding, Note, Relationship
from directory.models import Staff, StaffState
from handover.commands import departing
from handover.commands.reassigning import reassign
from handover.models import Handover, HandoverItem, HandoverState, HeldHere, LedgerEntry, LedgerLine
from handover.queries import ledger, verifying
from handover.queries.ledger import LineNow, Whereabouts
from kernel import clock, feed, ids
from kernel.feed import FeedEvent
from kernel.work import Ground, unit_of_work
from mall.models import Order, Share, ShareKind
from tagging import commands as tagging
from tagging.models import Tag
from tasks.models import Task
from tests.factories import World, build_campaign, build_customer, build_task, build_world, relationship_of, save
from tests.handover.handing import build_handover, leave, run
from tests.mall.trading import place


class Scene:
    """Two customers of the leaver's with everything that can hang on them, and one of somebody else's."""

    world: World
    handover: Handover
    relationship: Relationship
    bystander: Relationship
    share: Share
    tag: Tag


async def build_scene(ground: Ground) -> Scene:
    scene = Scene()
    scene.world = world = await build_world(ground)
    leaver = world.shop.guide
    both = [await build_customer(ground, leaver) for _ in range(2)]
    scene.bystander = await relationship_of(ground, await build_customer(ground, world.shops[1].guide))
    scene.relationship = await relationship_of(ground, both[0])
    async with unit_of_work(ground, leaver) as work:
        scene.tag = await tagging.add_tag(work, name="打高尔夫")
        await customers.add_note(work, both[0].id, body="喜欢羊绒")
    async with unit_of_work(ground, leaver) as work:
        await tagging.add_tags(work, [both[0].id], [scene.tag.id])
    for customer in both:
        await build_task(ground, leaver, customer)
        await place(ground, world, customer)
    await build_campaign(ground, leaver)
    scene.share = Share(
        brand_id=world.brand.id,
        id=ids.new(),
        code="abc",
        store_id=world.shop.store.id,
        account_id=leaver.account_ids[0],
        kind=ShareKind.PAGE,
        title="新品",
        page="/new",
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(days=30),
    )
    await save(ground, scene.share)
    await leave(ground, leaver)
    scene.handover = await build_handover(ground, world)
    return scene


async def codes(ground: Ground, scene: Scene, **values: Any) -> list[str]:
    async with ground.db.read() as session:
        return [each.code for each in await verifying.violations(session, scene.world.brand.id, **values)]


async def lines(ground: Ground, scene: Scene) -> dict[LedgerLine, LineNow]:
    async with ground.db.read() as session:
        return {line.line: line for line in await ledger.lines(session, scene.handover)}


WITHOUT_REFERENCES = """DO $$ DECLARE one record; BEGIN
FOR one IN SELECT conrelid::regclass AS place, conname FROM pg_constraint WHERE contype = 'f'
LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.place, one.conname); END LOOP; END $$"""


@asynccontextmanager
async def by_hand(ground: Ground) -> AsyncIterator[AsyncSession]:
    """A transaction of somebody at the tables, whom no reference stops; in the end all is put back."""
    async with AsyncSession(ground.db.engine) as session:
        await session.execute(text("PRAGMA defer_foreign_keys = ON" if ground.db.is_sqlite else WITHOUT_REFERENCES))
        yield session
        await session.rollback()


async def found(session: AsyncSession, scene: Scene, statement: Any, **values: Any) -> list[str]:
    """What is found once this has been done."""
    async with session.begin_nested() as point:
        await session.execute(statement, execution_options={"synchronize_session": False})
        codes = [each.code for each in await verifying.violations(session, scene.world.brand.id, **values)]
        await point.rollback()
    return codes


async def test_all_is_well_before_during_and_after_a_handover(ground: Ground) -> None:
    scene = await build_scene(ground)
    assert await codes(ground, scene) == []
    assert await codes(ground, scene, handover_id=scene.handover.id) == []

    await run(ground, scene.handover)

    assert await codes(ground, scene) == []
    assert await codes(ground, scene, handover_id=scene.handover.id) == []


async def test_each_thing_is_in_one_place_and_the_lines_add_up(ground: Ground) -> None:
    scene = await build_scene(ground)
    start = await lines(ground, scene)
    both = {LedgerLine.RELATIONSHIPS: 2, LedgerLine.OPEN_TASKS: 2, LedgerLine.OPEN_ORDERS: 2}
    one = {LedgerLine.SHARES: 1, LedgerLine.NOTES: 1, LedgerLine.PERSONAL_TAGS: 1}
    none = {LedgerLine.UNPAID_COMMISSION: 0, LedgerLine.SCHEDULED_MESSAGES: 0, LedgerLine.GROUP_CHATS: 0}
    assert {line: (now.at_start, now.arrived) for line, now in start.items()} == {
        line: (count, 0) for line, count in (both | one | none).items()
    }
    assert {place for now in start.values() for place in now.places} == {Whereabouts.WITH_LEAVER}

    await build_customer(ground, scene.world.shop.guide)
    assert (await lines(ground, scene))[LedgerLine.RELATIONSHIPS].arrived == 1
    await run(ground, scene.handover)

    async with ground.db.read() as session:
        moved = await session.get(Handover, (scene.world.brand.id, scene.handover.id))
        assert moved
        after = {line.line: line for line in await ledger.lines(session, moved)}
    taken = {Whereabouts.WITH_TAKEOVER: 2}
    assert after[LedgerLine.RELATIONSHIPS].places == {Whereabouts.WITH_TAKEOVER: 3}
    assert after[LedgerLine.OPEN_TASKS].places == after[LedgerLine.OPEN_ORDERS].places == taken
    assert after[LedgerLine.NOTES].places == after[LedgerLine.PERSONAL_TAGS].places == {Whereabouts.WITH_TAKEOVER: 1}
    assert after[LedgerLine.SHARES].places == {Whereabouts.WITH_LEAVER: 1}
    assert all(line.adds_up for line in after.values())


def _of(model: Any, scene: Scene) -> Any:
    return col(model.brand_id) == scene.world.brand.id


BROKEN: dict[str, tuple[str, Callable[[Scene], Any]]] = {
    "a relationship is deleted": (
        "LEDGER_SUM",
        lambda scene: delete(Relationship).where(
            _of(Relationship, scene), col(Relationship.id) == scene.relationship.id
        ),
    ),
    "a task is deleted": (
        "LEDGER_SUM",
        lambda scene: delete(Task).where(_of(Task, scene), col(Task.relationship_id) == scene.relationship.id),
    ),
    "an order is deleted": (
        "LEDGER_SUM",
        lambda scene: delete(Order).where(_of(Order, scene), col(Order.relationship_id) == scene.relationship.id),
    ),
    "a note is deleted": ("LEDGER_SUM", lambda scene: delete(Note).where(_of(Note, scene))),
    "a share link is deleted": ("LEDGER_SUM", lambda scene: delete(Share).where(_of(Share, scene))),
    "a personal tag is deleted": (
        "LEDGER_SUM",
        lambda scene: delete(Tag).where(_of(Tag, scene), col(Tag.id) == scene.tag.id),
    ),
    "a line of the ledger is deleted": (
        "LEDGER_SUM",
        lambda scene: delete(LedgerEntry).where(
            _of(LedgerEntry, scene), col(LedgerEntry.entity_id) == scene.relationship.id
        ),
    ),
    "the holder is of another store": (
        "HOLDER_MISSING",
        lambda scene: (
            update(Relationship)
            .where(_of(Relationship, scene), col(Relationship.id) == scene.relationship.id)
            .values(holder_id=scene.world.shops[1].public.id)
        ),
    ),
    "the holder has departed": (
        "HOLDER_DEPARTED",
        lambda scene: (
            update(Staff)
            .where(_of(Staff, scene), col(Staff.id) == scene.world.shop.other_guide.id)
            .values(state=StaffState.DEPARTED)
        ),
    ),
    "a task stays behind": (
        "TASK_ELSEWHERE",
        lambda scene: (
            update(Task)
            .where(_of(Task, scene), col(Task.relationship_id) == scene.relationship.id)
            .values(account_id=scene.world.shop.guide.account_ids[0])
        ),
    ),
    "an order stays behind": (
        "ORDER_ELSEWHERE",
        lambda scene: (
            update(Order)
            .where(_of(Order, scene), col(Order.relationship_id) == scene.relationship.id)
            .values(serving_account_id=scene.world.shop.guide.account_ids[0])
        ),
    ),
    "history names nobody": (
        "HISTORY_DISAGREES",
        lambda scene: (
            update(Holding)
            .where(_of(Holding, scene), col(Holding.relationship_id) == scene.relationship.id)
            .values(until_at=clock.now())
        ),
    ),
    "history names another": (
        "HISTORY_DISAGREES",
        lambda scene: (
            update(Relationship)
            .where(_of(Relationship, scene), col(Relationship.id) == scene.relationship.id)
            .values(holder_id=scene.world.shop.public.id)
        ),
    ),
    "a feed has a gap": (
        "FEED_GAP",
        lambda scene: delete(FeedEvent).where(
            _of(FeedEvent, scene),
            col(FeedEvent.feed_id) == feed.of_staff(scene.world.shop.other_guide.id),
            col(FeedEvent.seq) == 1,
        ),
    ),
    "a phone was told that it lost what it has": (
        "PHONE_DISAGREES",
        lambda scene: (
            update(FeedEvent)
            .where(
                _of(FeedEvent, scene),
                col(FeedEvent.feed_id) == feed.of_staff(scene.world.shop.other_guide.id),
                col(FeedEvent.entity_id) == scene.relationship.id,
            )
            .values(op="del")
        ),
    ),
    "a phone was not told that it lost it": (
        "PHONE_DISAGREES",
        lambda scene: (
            update(FeedEvent)
            .where(
                _of(FeedEvent, scene),
                col(FeedEvent.feed_id) == feed.of_staff(scene.world.shop.guide.id),
                col(FeedEvent.entity_id) == scene.relationship.id,
            )
            .values(op="put")
        ),
    ),
    "a line of the plan lies about where it moved": (
        "MOVE_UNKNOWN",
        lambda scene: (
            update(HandoverItem)
            .where(_of(HandoverItem, scene), col(HandoverItem.relationship_id) == scene.relationship.id)
            .values(to_account_id=scene.world.shop.public.id)
        ),
    ),
    "a line of the plan waits for ever": (
        "STILL_PENDING",
        lambda scene: (
            update(HandoverItem)
            .where(_of(HandoverItem, scene), col(HandoverItem.relationship_id) == scene.relationship.id)
            .values(here=HeldHere.PENDING)
        ),
    ),
}


async def test_whatever_is_broken_by_hand_is_found(ground: Ground) -> None:
    scene = await build_scene(ground)
    await run(ground, scene.handover)

    async with by_hand(ground) as session:
        for what, (code, statement) in BROKEN.items():
            assert code in await found(session, scene, statement(scene)), what
            assert code in await found(session, scene, statement(scene), handover_id=scene.handover.id), what
        assert await verifying.violations(session, scene.world.brand.id) == []


async def test_what_a_handover_that_is_over_left_with_the_leaver_is_found(ground: Ground) -> None:
    scene = await build_scene(ground)
    over = update(Handover).where(_of(Handover, scene), col(Handover.id) == scene.handover.id)

    async with by_hand(ground) as session:
        codes = await found(session, scene, over.values(state=HandoverState.DONE))

    assert {"LEFT_BEHIND", "STILL_PENDING"} <= set(codes)


async def test_what_comes_to_a_leaver_who_is_hired_again_is_theirs_though_the_worker_was_an_hour_ahead(
    ground: Ground,
) -> None:
    scene = await build_scene(ground)
    leaver, manager = scene.world.shop.guide, scene.world.shop.manager
    await leave(ground, leaver)
    with clock.stopped_at(clock.now() + timedelta(hours=1)):
        await run(ground, scene.handover)
    async with unit_of_work(ground, manager) as work:
        await departing.reopen_access(work, leaver.id)
    async with unit_of_work(ground, manager) as work:
        await reassign(work, scene.relationship.id, to_account_id=leaver.account_ids[0])

    async with ground.db.read() as session:
        assert await verifying.violations(session, scene.world.brand.id) == []
