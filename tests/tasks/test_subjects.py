"""What is read of a store's customers before rules judge them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import exp
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer, Holding, HoldingReason, Relationship
from directory.models import Staff, StaffState
from kernel import clock, ids
from kernel.work import Ground, unit_of_work
from mall.models import Channel, OrderState, Product, PurchaseProfile, ScoreScale, churn, year_before
from tagging import commands as tagging
from tagging.models import CustomerTag, SetBy, Tag
from tasks.models import RevisitRule, TaskKind, TaskState, Trigger
from tasks.models.subjects import Subject
from tasks.queries import subjects
from tests.factories import NOON, World, build_customer, build_task, build_world, relationship_of, save
from tests.mall.trading import place
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag
from tests.tasks.revisiting import TODAY, rule

ALL = [rule(trigger, days=3, window_days=5) for trigger in Trigger]


async def of_store(
    ground: Ground, world: World, rules: Sequence[RevisitRule] = (), shop: int = 0, day: date = TODAY, **values: Any
) -> list[Subject]:
    async with ground.db.read() as session:
        store_id = world.shops[shop].store.id
        return list(await subjects.of_store(session, world.brand.id, store_id, day, rules, **values))


async def the_only(ground: Ground, world: World, *rules: RevisitRule, day: date = TODAY, **values: Any) -> Subject:
    [found] = await of_store(ground, world, rules, day=day, **values)
    return found


async def test_a_relationship_is_read_with_the_customer_and_what_they_bought(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(
        ground, world.shop.guide, birthday=date(1990, 3, 8), tier="金卡", tier_until=date(2026, 5, 1)
    )
    await save(
        ground,
        PurchaseProfile(
            brand_id=world.brand.id,
            customer_id=customer.id,
            purchase_days=3,
            net_12_months=12_345,
            first_day=date(2025, 1, 2),
            last_day=date(2026, 1, 2),
            median_gap_days=30.5,
            rhythm=0.25,
            as_of=TODAY,
        ),
    )
    relationship = await relationship_of(ground, customer)

    assert await the_only(ground, world) == Subject(
        customer_id=customer.id,
        relationship_id=relationship.id,
        account_id=world.shop.guide.account_ids[0],
        is_primary=True,
        holder_works=True,
        do_not_contact=False,
        is_open=False,
        turned_to=None,
        since=TODAY,
        first_day=date(2025, 1, 2),
        last_day=date(2026, 1, 2),
        purchase_days=3,
        net_12_months=12_345,
        median_gap_days=30.5,
        rhythm=0.25,
        birthday=date(1990, 3, 8),
        tier="金卡",
        tier_until=date(2026, 5, 1),
    )


async def test_stores_and_brands_are_apart_and_single_customers_can_be_asked_for(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    first = await build_customer(ground, world.shop.guide)
    second = await build_customer(ground, world.shop.other_guide)
    elsewhere = await build_customer(ground, world.shops[1].guide)
    foreign = await build_customer(ground, other.shop.guide)

    assert [each.customer_id for each in await of_store(ground, world)] == [first.id, second.id]
    assert [each.customer_id for each in await of_store(ground, world, ALL, only=[second.id])] == [second.id]
    assert await of_store(ground, world, ALL, only=[elsewhere.id, foreign.id]) == []
    async with ground.db.read() as session:
        assert await subjects.of_store(session, world.brand.id, other.shop.store.id, TODAY, []) == []


@pytest.mark.parametrize("rules", [[], ALL])
async def test_any_number_of_customers_takes_as_many_statements(ground: Ground, rules: list[RevisitRule]) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide)
    with statements(ground) as for_one:
        await of_store(ground, world, rules)
    for _ in range(2):
        await build_customer(ground, world.shop.guide)
    with statements(ground) as for_three:
        await of_store(ground, world, rules)

    assert len(for_one) == len(for_three) == (7 if rules else 3)


@pytest.mark.parametrize(
    ("values", "works"),
    [
        ({}, True),
        ({"state": StaffState.LEAVING}, True),
        ({"state": StaffState.LEAVING, "access_closed_at": NOON}, False),
        ({"state": StaffState.DEPARTED}, False),
        ({"access_closed_at": NOON}, False),
    ],
)
async def test_who_is_shut_out_isnt_at_work_and_who_is_leaving_is_until_then(
    ground: Ground, values: dict[str, Any], works: bool
) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide)
    async with ground.db.write() as session:
        staff = await session.get(Staff, (world.brand.id, world.shop.guide.id))
        assert staff
        for name, value in values.items():
            setattr(staff, name, value)

    assert (await the_only(ground, world)).holder_works is works


async def test_the_public_account_is_looked_after_by_the_manager(ground: Ground) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.manager)

    assert (await the_only(ground, world)).holder_works


async def test_a_relationship_in_a_second_store_isnt_the_first(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await _relate(ground, world, customer)

    assert [each.is_primary for each in await of_store(ground, world, shop=1)] == [False]


async def test_whoever_turned_to_the_customer_in_any_store_counts(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    assert (await the_only(ground, world)).turned_to is None

    await _relate(ground, world, customer, last_contact_at=NOON - timedelta(days=9))
    assert (await the_only(ground, world)).turned_to == date(2026, 2, 21)

    # An hour before midnight in UTC is the next day in Shanghai.
    closed = {"state": TaskState.DONE, "closed_at": datetime(2026, 2, 22, 23, tzinfo=UTC)}
    await build_task(ground, world.shop.other_guide, customer, **closed)
    assert (await the_only(ground, world)).turned_to == date(2026, 2, 23)

    await build_task(ground, world.shop.guide, customer, state=TaskState.SKIPPED, contact_day=date(2026, 2, 24))
    assert (await the_only(ground, world)).turned_to == date(2026, 2, 24)

    for kind in (TaskState.CANCELLED, TaskState.EXPIRED):
        day = date(2026, 2, 25) if kind is TaskState.CANCELLED else date(2026, 2, 26)
        await build_task(ground, world.shop.guide, customer, state=kind, contact_day=day, closed_at=NOON)
    later = {"state": TaskState.DONE, "closed_at": NOON}
    await build_task(ground, world.shop.guide, customer, kind=TaskKind.CHECK_TAG, **later)
    await build_task(ground, world.shop.guide, customer, kind=TaskKind.TODO, **later)
    found = await the_only(ground, world)
    assert (found.turned_to, found.is_open) == (date(2026, 2, 24), False)


async def test_an_open_task_of_turning_to_them_is_known_whoever_made_it(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await build_task(ground, world.shop.guide, customer, kind=TaskKind.CHECK_TAG)
    assert not (await the_only(ground, world)).is_open

    await build_task(ground, world.shop.guide, customer, kind=TaskKind.CAMPAIGN)

    assert (await the_only(ground, world)).is_open


async def test_by_which_rule_they_were_turned_to_is_known(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    birthdays = rule(Trigger.BIRTHDAY_MONTH, brand_id=world.brand.id)
    await save(ground, birthdays)
    for ago in (40, 20):
        day = TODAY - timedelta(days=ago)
        await build_task(
            ground, world.shop.guide, customer, rule_id=birthdays.id, contact_day=day, state=TaskState.SKIPPED
        )

    assert (await the_only(ground, world)).turned_by == {birthdays.id: TODAY - timedelta(days=20)}


async def test_the_last_delivery_counts_by_the_stores_day(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    asks = rule(Trigger.DELIVERY, days=3, window_days=5)
    orders = [
        (Channel.MINI_MALL, OrderState.COMPLETED, datetime(2026, 2, 25, 17, tzinfo=UTC)),  # the 26th in Shanghai
        (Channel.MINI_MALL, OrderState.COMPLETED, datetime(2026, 2, 20, 4, tzinfo=UTC)),
        (Channel.MINI_MALL, OrderState.COMPLETED, datetime(2026, 3, 2, 16, tzinfo=UTC)),  # tomorrow
        (Channel.POS, OrderState.COMPLETED, None),
        (Channel.MINI_MALL, OrderState.SHIPPED, None),
    ]
    for channel, state, completed_at in orders:
        order = await place(ground, world, customer, placed_at=datetime(2026, 2, 10, tzinfo=UTC), channel=channel)
        order.state, order.completed_at = state, completed_at
        async with ground.db.write() as session:
            await session.merge(order)

    assert (await the_only(ground, world, asks)).delivered_on == date(2026, 2, 26)
    assert (await the_only(ground, world)).delivered_on is None


async def test_whoever_came_from_somebody_else_is_known_since_when(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    asks = rule(Trigger.HANDOVER, days=0, window_days=5)
    assert (await the_only(ground, world, asks)).held_since is None

    relationship = await relationship_of(ground, customer)
    async with ground.db.write() as session:
        [holding] = (await session.scalars(_holdings(world))).all()
        holding.until_at = NOON - timedelta(days=1)
        session.add(holding)
        await session.flush()
        session.add(
            Holding(
                brand_id=world.brand.id,
                id=ids.new(),
                relationship_id=relationship.id,
                account_id=world.shop.other_guide.account_ids[0],
                reason=HoldingReason.HANDOVER,
                by_actor_id=world.shop.manager.id,
                from_at=NOON - timedelta(days=1),
            )
        )

    assert (await the_only(ground, world, asks)).held_since == date(2026, 3, 1)


async def test_the_brands_stale_tags_are_read_and_nobodys_own(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    group = await build_group(ground, world)
    worn, fresh = await build_tag(ground, world, group, "通勤"), await build_tag(ground, world, group, "甜美")
    retired = await build_tag(ground, world, group, "旧", retired_at=NOON)
    own = await build_tag(ground, world, None, "难缠", owner_id=world.shop.guide.id)
    midnight = datetime(2026, 3, 1, 16, tzinfo=UTC)
    for tag, until in (
        (worn, midnight),
        (fresh, midnight + timedelta(seconds=1)),
        (retired, midnight),
        (own, midnight),
    ):
        await _carry(ground, customer, tag, until)

    found = await the_only(ground, world, rule(Trigger.STALE_TAG))

    assert found.stale_tags == {worn.id: "通勤"}


async def test_tags_that_rules_name_are_read_and_what_was_merged_into_them(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    tags = [await build_tag(ground, world, group, name) for name in ("通勤", "上班", "甜美", "酷")]
    office, work_wear, sweet, _cool = tags
    customers = [await build_customer(ground, world.shop.guide) for _ in range(4)]
    await _carry(ground, customers[0], office, None)
    await _carry(ground, customers[1], work_wear, None)
    await _carry(ground, customers[2], office, NOON - timedelta(days=1))
    await _carry(ground, customers[3], sweet, None)
    async with unit_of_work(ground, world.hq) as work:
        await tagging.merge_tags(work, work_wear.id, office.id)
    newly = rule(Trigger.NEW_ARRIVALS, window_days=7, category="连衣裙", tag_ids=[str(office.id)])

    found = {each.customer_id: each.tag_ids for each in await of_store(ground, world, [newly])}

    assert found == {
        customers[0].id: {office.id},
        customers[1].id: {office.id},
        customers[2].id: set(),
        customers[3].id: set(),
    }


async def test_members_of_segments_that_rules_name_are_known(ground: Ground) -> None:
    world = await build_world(ground)
    gold = await build_customer(ground, world.shop.guide, tier="金卡")
    silver = await build_customer(ground, world.shop.guide, tier="银卡")
    async with unit_of_work(ground, world.hq) as work:
        segment = await tagging.save_segment(work, name="金卡", text='tier = "金卡"')

    narrowed = rule(Trigger.NO_CONTACT, segment_id=segment.id)
    found = {each.customer_id: each.segment_ids for each in await of_store(ground, world, [narrowed])}

    assert found == {gold.id: {segment.id}, silver.id: set()}


async def test_a_past_day_knows_nothing_of_tasks_and_contacts_that_came_later(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await _contacted(ground, customer, NOON)
    await build_task(ground, world.shop.guide, customer, created_at=NOON, contact_day=TODAY)
    yesterday = TODAY - timedelta(days=1)

    now = await the_only(ground, world)
    then = await the_only(ground, world, day=yesterday, as_of_past=True)

    assert (now.turned_to, now.is_open) == (TODAY, True)
    assert (then.turned_to, then.is_open) == (None, False)


@pytest.mark.parametrize("day", [date(2025, 6, 1), date(2025, 8, 31), date(2025, 9, 1), date(2026, 3, 2)])
async def test_a_past_day_knows_the_purchases_until_then(ground: Ground, day: date) -> None:
    world = await build_world(ground)
    customers = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    await _buy(ground, world, customers[0], date(2024, 6, 1), date(2025, 3, 1), date(2025, 5, 30), date(2025, 9, 1))
    await _buy(ground, world, customers[1], date(2025, 8, 1), date(2025, 8, 15))
    until = {
        customer.id: [each for each in days if each <= day]
        for customer, days in (
            (customers[0], [date(2024, 6, 1), date(2025, 3, 1), date(2025, 5, 30), date(2025, 9, 1)]),
            (customers[1], [date(2025, 8, 1), date(2025, 8, 15)]),
        )
    }

    found = {each.customer_id: each for each in await of_store(ground, world, day=day, as_of_past=True)}
    async with ground.db.read() as session:
        common = await subjects.day_of(session, world.brand.id, day, ALL)

    exposed = decayed = 0.0
    for customer_id, days in until.items():
        known = found[customer_id]
        within = [each for each in days if each > year_before(day)]
        assert (known.purchase_days, known.net_12_months) == (len(days), 10_000 * len(within))
        assert (known.first_day, known.last_day) == (min(days, default=None), max(days, default=None))
        weights = [exp(-(day - each).days / 365) for each in days[1:]]
        assert churn.decayed(known.rhythm, day) == pytest.approx(sum(weights))
        exposed += churn.exposure(days[0], day) if days else 0
        decayed += sum(weights)
    assert common.patience_days == pytest.approx(exposed / decayed)


async def test_before_the_first_night_profiles_tell_how_patient_customers_are(ground: Ground) -> None:
    world = await build_world(ground)
    today = clock.now().date()
    first = today - timedelta(days=365)
    await save(
        ground,
        PurchaseProfile(
            brand_id=world.brand.id,
            customer_id=(await build_customer(ground, world.shop.guide)).id,
            purchase_days=2,
            first_day=first,
            last_day=today,
            rhythm=exp((today - churn.EPOCH).days / 365),
            as_of=today,
        ),
    )

    async with ground.db.read() as session:
        common = await subjects.day_of(session, world.brand.id, today, [])

    assert common.patience_days == pytest.approx(churn.exposure(first, today))


# What a day has


async def test_a_day_knows_the_brands_currency_and_how_patient_its_customers_are(ground: Ground) -> None:
    world = await build_world(ground)
    async with ground.db.read() as session:
        before = await subjects.day_of(session, world.brand.id, TODAY, ALL)
    await save(ground, ScoreScale(brand_id=world.brand.id, scored_on=TODAY, cuts={}, patience_days=87.5))
    async with ground.db.read() as session:
        after = await subjects.day_of(session, world.brand.id, TODAY, ALL)

    assert (before.currency, before.patience_days) == ("CNY", None)
    assert (after.currency, after.patience_days) == ("CNY", 87.5)


async def test_a_day_knows_the_products_that_are_new_and_the_names_of_tags(ground: Ground) -> None:
    world = await build_world(ground)
    office = await build_tag(ground, world, await build_group(ground, world), "通勤")
    for name, category, ago in (
        ("今日裙", "连衣裙", 0),
        ("周前裙", "连衣裙", 6),
        ("旧裙", "连衣裙", 7),
        ("明日裙", "连衣裙", -1),
        ("新鞋", "鞋", 0),
    ):
        await _product(ground, world, name, category, TODAY - timedelta(days=ago))
    await _product(ground, world, "没有日子的裙", "连衣裙", None)
    newly = rule(Trigger.NEW_ARRIVALS, window_days=7, category="连衣裙", tag_ids=[str(office.id)])

    async with ground.db.read() as session:
        found = await subjects.day_of(session, world.brand.id, TODAY, [newly])

    assert found.arrivals == {"连衣裙": ((TODAY, "今日裙"), (TODAY - timedelta(days=6), "周前裙"))}
    assert found.tags == {office.id: "通勤"}


def _holdings(world: World) -> Any:
    return select(Holding).where(col(Holding.brand_id) == world.brand.id)


async def _relate(ground: Ground, world: World, customer: Customer, **values: Any) -> None:
    """The customer comes to the second shop, too."""
    await save(
        ground,
        Relationship(
            brand_id=world.brand.id,
            id=ids.new(),
            customer_id=customer.id,
            store_id=world.shops[1].store.id,
            holder_id=world.shops[1].guide.account_ids[0],
            created_at=NOON,
            **values,
        ),
    )


async def _contacted(ground: Ground, customer: Customer, at: datetime) -> None:
    relationship = await relationship_of(ground, customer)
    relationship.last_contact_at = at
    async with ground.db.write() as session:
        await session.merge(relationship)


async def _carry(ground: Ground, customer: Customer, tag: Tag, until: datetime | None) -> None:
    await save(
        ground,
        CustomerTag(
            brand_id=customer.brand_id,
            customer_id=customer.id,
            tag_id=tag.id,
            set_by=SetBy.GUIDE,
            set_at=NOON - timedelta(days=90),
            checked_at=NOON - timedelta(days=90),
            valid_until=until,
        ),
    )


async def _buy(ground: Ground, world: World, customer: Customer, *days: date) -> None:
    for day in days:
        noon = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        await place(ground, world, customer, placed_at=noon, amount=10_000)


async def _product(ground: Ground, world: World, name: str, category: str, listed_on: date | None) -> UUID:
    product = Product(
        brand_id=world.brand.id, id=ids.new(), code=name, name=name, category=category, price=100, listed_on=listed_on
    )
    await save(ground, product)
    return product.id
