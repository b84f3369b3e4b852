"""`daogou check` finds what is broken, names it, and finds nothing where nothing is."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, text, update
from sqlmodel import SQLModel, col

from customers.models import Customer, Holding, Relationship
from directory.models import Staff, StaffState
from handover import commands as handover
from intake.models import HookMessage, HookMessageState, HookSource
from kernel import clock, compaction, feed, ids
from kernel.actor import system
from kernel.crypto import Vault
from kernel.feed import Entry, Feed, FeedEvent, Op
from kernel.jobs import Job, JobState
from kernel.work import Ground, unit_of_work
from mall.commands import profiles
from mall.models import Channel, Order, OrderState, PurchaseProfile
from server import checking, migrating
from server.checking import Finding
from server.settings import Settings
from tasks import commands
from tests.factories import NOON, World, build_customer, build_task, build_world, relationship_of, save
from tests.tasks.planning import everybody, set_up

KEY = bytes(range(32))


@pytest.fixture
def settings(database_url: str, redis_url: str | None, tmp_path: Path) -> Settings:
    return Settings(
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url) if redis_url else None,
        data_key=SecretStr(base64.b64encode(KEY).decode()),
        daogou_home=tmp_path,
    )


@pytest.fixture
async def migrated(ground: Ground) -> AsyncIterator[None]:
    """The tests' databases are built from the models: say for a while that this one has the newest schema."""
    async with ground.db.write() as session:
        await session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        await session.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": migrating.head()})
    yield
    async with ground.db.write() as session:
        await session.execute(text("DROP TABLE alembic_version"))


class Shop:
    """A brand with a customer, an order, a task and something said of it, and their relationship."""

    def __init__(self, world: World, customer: Customer, relationship: Relationship) -> None:
        self.world, self.customer, self.relationship = world, customer, relationship

    @property
    def ground(self) -> Ground:
        return self.world.ground

    async def change(self, model: type[SQLModel], **values: object) -> None:
        """Change every row of a table, past all commands."""
        async with self.ground.db.write() as session:
            await session.execute(update(model).values(**values))


@pytest.fixture
async def shop(ground: Ground) -> Shop:
    world = await build_world(ground)
    await build_world(ground, "lanyue")
    vault = Vault(KEY)
    customer = await build_customer(
        ground, world.shop.guide, phone_sealed=vault.seal(world.brand.id, "13812345678"), phone_index="x"
    )
    relationship = await relationship_of(ground, customer)
    order = Order(
        brand_id=world.brand.id,
        id=ids.new(),
        source="test",
        number="1",
        store_id=relationship.store_id,
        customer_id=customer.id,
        relationship_id=relationship.id,
        serving_account_id=relationship.holder_id,
        state=OrderState.PAID,
        channel=Channel.MINI_MALL,
        amount=100,
        currency="CNY",
        placed_at=NOON,
        day=NOON.date(),
    )
    await save(ground, order)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await profiles.refresh(work, [customer.id])
    done = await build_task(ground, world.shop.guide, customer)
    await build_task(ground, world.shop.guide, customer)
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.complete(work, done.id)
    return Shop(world, customer, relationship)


def bad(findings: list[Finding]) -> list[tuple[str | None, str]]:
    return [(finding.brand, finding.what) for finding in findings if not finding.is_good]


async def test_a_sound_database_has_no_findings(settings: Settings, shop: Shop, migrated: None) -> None:
    async with unit_of_work(shop.ground, shop.world.shop.manager) as work:
        await handover.reassign(work, shop.relationship.id, to_account_id=shop.world.shop.other_guide.account_ids[0])

    findings = await checking.all_of(settings)

    assert bad(findings) == []
    assert {finding.brand for finding in findings} == {None, "qinghe", "lanyue"}


async def test_compaction_and_a_new_epoch_leave_a_sound_database(
    settings: Settings, shop: Shop, migrated: None
) -> None:
    brand_id = shop.world.brand.id
    await compaction.compact(shop.ground.db, brand_id, shop.world.shop.guide.id)
    assert bad(await checking.all_of(settings)) == []

    async with shop.ground.db.write() as session:
        await feed.new_epoch(session, brand_id)
    assert bad(await checking.all_of(settings)) == []

    await compaction.compact(shop.ground.db, brand_id, shop.world.shop.guide.id)
    assert bad(await checking.all_of(settings)) == []


async def hold_otherwise(shop: Shop) -> None:
    await shop.change(Holding, account_id=shop.world.shop.other_guide.account_ids[0])


async def end_the_holding(shop: Shop) -> None:
    await shop.change(Holding, until_at=clock.now())


async def let_the_holder_go(shop: Shop) -> None:
    async with shop.ground.db.write() as session:
        await session.execute(
            update(Staff).where(col(Staff.id) == shop.world.shop.guide.id).values(state=StaffState.DEPARTED)
        )


async def take_the_primary_away(shop: Shop) -> None:
    await shop.change(Relationship, is_primary=False)


async def move_without_the_tasks(shop: Shop) -> None:
    other = shop.world.shop.other_guide.account_ids[0]
    await shop.change(Relationship, holder_id=other)
    await shop.change(Holding, account_id=other)
    await shop.change(Order, serving_account_id=other)


async def serve_by_nobody(shop: Shop) -> None:
    await shop.change(Order, serving_account_id=None)


async def lose_an_entry(shop: Shop) -> None:
    async with shop.ground.db.write() as session:
        entry = await session.get(FeedEvent, (shop.world.brand.id, shop.world.shop.guide.id, 1))
        assert entry is not None
        await session.delete(entry)


async def run_ahead(shop: Shop) -> None:
    async with shop.ground.db.write() as session:
        await session.execute(update(Feed).where(col(Feed.feed_id) == shop.world.hq.id).values(head=3))


async def say_that_it_left(shop: Shop) -> None:
    gone = Entry(shop.world.shop.guide.id, "relationship", shop.relationship.id, 1, Op.DEL)
    async with shop.ground.db.write() as session:
        await feed.append(session, shop.world.brand.id, [gone])


async def leave_a_job(shop: Shop, **values: object) -> None:
    job = Job(brand_id=shop.world.brand.id, id=ids.new(), name="x", args={}, run_at=clock.now() - timedelta(hours=1))
    for name, value in values.items():
        setattr(job, name, value)
    await save(shop.ground, job)


async def fail_a_job(shop: Shop) -> None:
    await leave_a_job(shop, state=JobState.FAILED.value)


async def park_a_message(shop: Shop) -> None:
    await leave_a_message(shop, HookMessageState.PARKED)


async def forget_a_message(shop: Shop) -> None:
    await leave_a_message(shop, HookMessageState.RECEIVED)


async def leave_a_message(shop: Shop, state: HookMessageState) -> None:
    brand_id, long_ago = shop.world.brand.id, clock.now() - timedelta(hours=1)
    source = HookSource(brand_id=brand_id, id=ids.new(), slug="x.y", title="商城", mapping="daogou", created_at=NOON)
    message = HookMessage(
        brand_id=brand_id,
        id=ids.new(),
        source_id=source.id,
        message_id="m",
        digest="",
        state=state,
        state_at=long_ago,
        received_at=long_ago,
    )
    await save(shop.ground, source, message)


async def cancel_past_the_command(shop: Shop) -> None:
    await shop.change(Order, state=OrderState.CANCELLED)


async def lose_the_profile(shop: Shop) -> None:
    async with shop.ground.db.write() as session:
        await session.execute(delete(PurchaseProfile))


async def count_a_visit_more(shop: Shop) -> None:
    await shop.change(PurchaseProfile, purchase_days=2)


async def miss_the_plan(shop: Shop) -> None:
    """One store plans at midnight, and nobody did: neither today nor, in its first minutes, yesterday."""
    await everybody(shop.ground, shop.world)
    await set_up(shop.ground, shop.world, is_on=False)
    await set_up(shop.ground, shop.world, store_id=shop.world.shop.store.id)


MALLS = "what malls sent is applied, and nothing waits for somebody"
PROFILES = "purchase profiles say what the orders say"
HELD = "relationships are held as their history says"
DAMAGES: list[tuple[Callable[[Shop], Awaitable[None]], str]] = [
    (hold_otherwise, HELD),
    (end_the_holding, HELD),
    (let_the_holder_go, "relationships are held by somebody who works here"),
    (take_the_primary_away, "customers have one primary relationship"),
    (move_without_the_tasks, "pending tasks are with the customer's holder"),
    (serve_by_nobody, "open orders are with the customer's holder"),
    (lose_an_entry, "feeds are without gaps"),
    (run_ahead, "feeds are without gaps"),
    (say_that_it_left, "feeds say who holds a relationship"),
    (cancel_past_the_command, PROFILES),
    (lose_the_profile, PROFILES),
    (count_a_visit_more, PROFILES),
    (leave_a_job, "jobs are carried out in time"),
    (fail_a_job, "jobs are carried out in time"),
    (park_a_message, MALLS),
    (forget_a_message, MALLS),
    (miss_the_plan, "stores are planned today, in time"),
]


@pytest.mark.parametrize(("damage", "what"), DAMAGES, ids=[damage.__name__ for damage, _ in DAMAGES])
async def test_each_damage_is_found_in_its_brand_and_nothing_else_is(
    settings: Settings, shop: Shop, migrated: None, damage: Callable[[Shop], Awaitable[None]], what: str
) -> None:
    await damage(shop)

    findings = await checking.all_of(settings)

    assert bad(findings) == [("qinghe", what)]
    assert [finding.detail.split(",")[0] for finding in findings if not finding.is_good] == ["1 not"]


async def test_another_data_key_is_found(settings: Settings, shop: Shop, migrated: None) -> None:
    other = settings.model_copy(update={"data_key": SecretStr(base64.b64encode(bytes(32)).decode())})

    assert bad(await checking.all_of(other)) == [("qinghe", "phones can be opened")]


async def test_a_redis_that_does_not_answer_is_found(settings: Settings, shop: Shop, migrated: None) -> None:
    other = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1")})

    findings = await checking.all_of(other, only_ready=True)

    assert bad(findings) == [(None, "redis")]
    assert "127.0.0.1:1 can't be reached" in findings[1].detail


async def test_an_old_schema_is_found_and_nothing_is_asked_of_it(settings: Settings, shop: Shop) -> None:
    findings = await checking.all_of(settings)

    assert bad(findings) == [(None, "schema")]
    assert len(findings) == 2
