"""The demo agrees with itself, keeps the brands apart, and can be signed in to."""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select
from sqlalchemy.types import Uuid
from sqlmodel import SQLModel, col

from customers.models import Customer, Holding, Note, Relationship, Visit
from customers.queries import phones
from directory.models import Account, AccountKind, Brand, Region, Staff, StaffState, Store
from kernel import clock, feed
from kernel.actor import Role, system
from kernel.feed import Feed
from mall.models import (
    OPEN_STATES,
    Channel,
    Credit,
    CreditReason,
    Order,
    OrderLine,
    OrderState,
    Product,
    PurchaseProfile,
    Refund,
)
from server.demo import PASSWORD
from server.demo.brands import QINGHE, ZHENXI
from server.tables import METADATA
from tagging.models import Choice, CustomerTag, RuleMode, RuleState, Segment, SetBy, Tag, TagGroup, TagRule
from tagging.queries import reading
from tasks.models import Task, TaskState
from tests.server.conftest import AS_OF, VAULT, Demo, not_a_hash

SHANGHAI = "Asia/Shanghai"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


async def staff_of(demo: Demo, brand_code: str, number: str) -> Any:
    """Id, account id and store id of somebody by brand and number."""
    query: Any = (
        select(col(Staff.brand_id), col(Staff.id), col(Account.id).label("account_id"), col(Staff.store_id))
        .join(Brand, col(Brand.id) == col(Staff.brand_id))
        .join(Account, col(Account.staff_id) == col(Staff.id), isouter=True)
        .where(col(Brand.code) == brand_code, col(Staff.number) == number)
    )
    (found,) = await demo.rows(query)
    return found


async def test_a_screenful_of_everything_is_made(demo: Demo) -> None:
    made = demo.report.rows
    tables: dict[str, type[SQLModel]] = {
        "brands": Brand,
        "stores": Store,
        "customers": Customer,
        "relationships": Relationship,
        "holdings": Holding,
        "orders": Order,
        "refunds": Refund,
        "tasks": Task,
        "customer_tags": CustomerTag,
        "visits": Visit,
        "notes": Note,
    }

    for name, model in tables.items():
        assert made[name] == len(await demo.all(model))
    assert (made["brands"], made["stores"], made["customers"]) == (2, 6, 1_500)
    guides = select(func.count()).where(col(Staff.role) == Role.GUIDE, col(Staff.state) != StaffState.DEPARTED)
    assert await demo.one(guides) == 24
    assert made["holdings"] > made["relationships"] > made["customers"]
    assert 6_500 < made["orders"] < 9_000
    assert all(made[name] > 150 for name in tables if name not in ("brands", "stores"))


async def test_every_relationship_is_held_by_an_account_of_its_store_whose_owner_works_there(demo: Demo) -> None:
    held = await demo.rows(
        select(
            col(Relationship.store_id), col(Account.store_id), col(Account.kind), col(Staff.state), col(Staff.store_id)
        )
        .join(Account, col(Account.id) == col(Relationship.holder_id))
        .outerjoin(Staff, col(Staff.id) == col(Account.staff_id)),
    )

    for store_id, account_store_id, kind, state, works_in in held:
        assert account_store_id == store_id
        if kind is AccountKind.PUBLIC:
            assert state is None
        else:
            assert state in (StaffState.ACTIVE, StaffState.LEAVING)
            assert works_in == store_id


async def test_holdings_are_one_unbroken_history_that_ends_with_the_holder(demo: Demo) -> None:
    histories: dict[UUID, list[Holding]] = defaultdict(list)
    async with demo.ground.db.read() as session:
        for holding in await session.scalars(select(Holding).order_by(col(Holding.from_at))):
            histories[holding.relationship_id].append(holding)
        relationships = (await session.scalars(select(Relationship))).all()

    assert len(histories) == len(relationships)
    for relationship in relationships:
        history = histories[relationship.id]
        assert history[0].from_at == relationship.created_at
        assert all(earlier.until_at == later.from_at for earlier, later in pairwise(history))
        assert history[-1].until_at is None
        assert history[-1].account_id == relationship.holder_id
    assert sum(len(history) > 1 for history in histories.values()) > 30


async def test_a_customer_has_one_primary_relationship_and_a_few_have_two_stores(demo: Demo) -> None:
    found = await demo.rows(select(col(Relationship.customer_id), col(Relationship.is_primary)))
    stores = Counter(customer_id for customer_id, _ in found)

    assert Counter(customer_id for customer_id, is_primary in found if is_primary) == dict.fromkeys(stores, 1)
    assert len(stores) == 1_500
    assert 10 < sum(count == 2 for count in stores.values()) < 150


async def test_open_work_is_kept_by_the_holder(demo: Demo) -> None:
    tasks = await demo.rows(
        select(col(Task.account_id), col(Relationship.holder_id), col(Task.customer_id), col(Relationship.customer_id))
        .join(Relationship, col(Relationship.id) == col(Task.relationship_id))
        .where(col(Task.state) == TaskState.PENDING),
    )
    orders = await demo.rows(
        select(
            col(Order.serving_account_id),
            col(Relationship.holder_id),
            col(Order.customer_id),
            col(Relationship.customer_id),
        )
        .join(Relationship, col(Relationship.id) == col(Order.relationship_id))
        .where(col(Order.state).in_(OPEN_STATES)),
    )

    assert len(tasks) > 100
    assert len(orders) > 50
    for keeper, holder, customer, customer_of_relationship in (*tasks, *orders):
        assert keeper == holder
        assert customer == customer_of_relationship


async def test_an_order_is_credited_to_whoever_held_the_relationship_when_it_was_placed(demo: Demo) -> None:
    known = await demo.rows(
        select(col(Credit.account_id), col(Holding.account_id), col(Credit.reason))
        .select_from(Order)
        .join(Credit, col(Credit.order_id) == col(Order.id))
        .join(
            Holding,
            and_(
                col(Holding.relationship_id) == col(Order.relationship_id),
                col(Holding.from_at) <= col(Order.placed_at),
                func.coalesce(col(Holding.until_at), AS_OF + timedelta(days=1)) > col(Order.placed_at),
            ),
        ),
    )
    guests = await demo.rows(
        select(col(Credit.account_id), col(Credit.reason))
        .join(Order, col(Order.id) == col(Credit.order_id))
        .where(col(Order.customer_id).is_(None)),
    )

    assert all(credited == held for credited, held, _ in known)
    assert {reason for _, _, reason in known} == {CreditReason.HOLDER, CreditReason.SHARE}
    assert all(credited is None and reason is CreditReason.STORE for credited, reason in guests)
    assert len(guests) > 100
    assert len(known) + len(guests) == await demo.one(select(func.count()).select_from(Order))


async def test_orders_add_up_and_lie_in_the_past_in_hours_when_somebody_could_buy(demo: Demo) -> None:
    async with demo.ground.db.read() as session:
        orders = (await session.scalars(select(Order))).all()
        stores = {store.id: store for store in await session.scalars(select(Store))}
        since = {row.id: row.created_at for row in await session.scalars(select(Relationship))}
        lines = select(col(OrderLine.order_id), func.sum(col(OrderLine.amount))).group_by(col(OrderLine.order_id))
        sums: dict[UUID, int] = dict((await session.execute(lines)).all())

    hours: Counter[bool] = Counter()
    for order in orders:
        assert order.amount == sums[order.id] > 0
        assert order.placed_at <= AS_OF
        assert order.day == clock.store_day(order.placed_at, SHANGHAI)
        assert order.relationship_id is None or since[order.relationship_id] < order.placed_at
        local = order.placed_at.astimezone(ZoneInfo(SHANGHAI))
        opens, closes = stores[order.store_id].opening_hours[local.weekday()]
        if order.channel is Channel.POS:
            assert opens <= f"{local:%H:%M}" < closes
            assert order.state is OrderState.COMPLETED
        else:
            assert order.channel is Channel.MINI_MALL
            hours[opens <= f"{local:%H:%M}" < closes] += 1
    assert hours[False] > 200
    assert {order.state for order in orders} == {OrderState.PAID, OrderState.SHIPPED, OrderState.COMPLETED}


async def test_a_refund_gives_back_part_of_its_order_and_comes_after_it(demo: Demo) -> None:
    found = await demo.rows(select(Refund, Order).join(Order, col(Order.id) == col(Refund.order_id)))

    assert len(found) == demo.report.rows["refunds"] > 150
    for refund, order in found:
        assert 0 < refund.amount <= order.amount
        assert order.placed_at < refund.placed_at <= AS_OF
        assert (refund.customer_id, refund.relationship_id, refund.store_id) == (
            order.customer_id,
            order.relationship_id,
            order.store_id,
        )


async def test_no_row_of_one_brand_refers_to_the_other(demo: Demo) -> None:
    """Every column that holds an identifier, also those which no foreign key guards."""
    owner: dict[UUID, UUID] = {}
    references: list[tuple[str, UUID, UUID]] = []
    async with demo.ground.db.read() as session:
        for table in METADATA.sorted_tables:
            if "brand_id" not in table.columns or table.name == "feed":
                continue
            columns = [column for column in table.columns if isinstance(column.type, Uuid)]
            for row in (await session.execute(select(*columns))).mappings():
                brand_id = row["brand_id"]
                for name, value in row.items():
                    if name == "id":
                        owner[value] = brand_id
                    elif name != "brand_id" and value is not None:
                        references.append((f"{table.name}.{name}", value, brand_id))

    assert len(set(owner.values())) == 2
    assert len(references) > 20_000
    assert [what for what, target, brand_id in references if owner[target] != brand_id] == []


async def test_phones_are_sealed_masked_findable_and_nobodys(demo: Demo) -> None:
    async with demo.ground.db.read() as session:
        known = (await session.scalars(select(Customer).where(col(Customer.phone_sealed).is_not(None)))).all()
    numbers = set()
    for customer in known:
        assert customer.phone_sealed
        phone = VAULT.open(customer.brand_id, customer.phone_sealed)
        typed = phone.removeprefix("+86")
        assert re.fullmatch(r"14[23]\d{8}", typed)
        assert customer.phone_masked == f"{typed[:3]}****{typed[-4:]}"
        assert customer.phone_index == phones.index_of(VAULT, customer.brand_id, typed)
        numbers.add((customer.brand_id, phone))

    assert len(numbers) == len(known) > 1_300


async def test_tags_follow_the_library_and_the_rule_follows_the_purchases(demo: Demo) -> None:
    single = await demo.rows(
        select(col(CustomerTag.customer_id))
        .join(Tag, col(Tag.id) == col(CustomerTag.tag_id))
        .join(TagGroup, col(TagGroup.id) == col(Tag.group_id))
        .where(col(TagGroup.choice) == Choice.SINGLE),
    )
    by_rule = await demo.rows(
        select(
            col(CustomerTag.customer_id), col(Tag.name), col(CustomerTag.by_staff_id), func.count(col(OrderLine.line))
        )
        .join(Tag, col(Tag.id) == col(CustomerTag.tag_id))
        .outerjoin(Order, col(Order.customer_id) == col(CustomerTag.customer_id))
        .outerjoin(OrderLine, col(OrderLine.order_id) == col(Order.id))
        .outerjoin(Product, col(Product.id) == col(OrderLine.product_id))
        .where(col(CustomerTag.set_by) == SetBy.RULE, col(Product.category) == col(Tag.name))
        .group_by(col(CustomerTag.customer_id), col(Tag.name), col(CustomerTag.by_staff_id)),
    )
    personal = await demo.rows(
        select(col(Tag.owner_id), col(CustomerTag.by_staff_id), col(Account.staff_id))
        .select_from(CustomerTag)
        .join(Tag, col(Tag.id) == col(CustomerTag.tag_id))
        .join(Relationship, and_(col(Relationship.customer_id) == col(CustomerTag.customer_id)))
        .join(Account, col(Account.id) == col(Relationship.holder_id))
        .where(col(Tag.owner_id).is_not(None), col(Relationship.is_primary)),
    )

    assert len(single) == len(set(single)) > 200
    assert len(by_rule) == await demo.one(select(func.count()).where(col(CustomerTag.set_by) == SetBy.RULE)) > 100
    assert all(by is None and lines >= 3 for _, _, by, lines in by_rule)
    assert personal
    assert all(owner == setter == holder for owner, setter, holder in personal)


async def test_everybodys_purchases_are_worked_out_and_sizes_are_said(demo: Demo) -> None:
    buyers = await demo.rows(
        select(col(Order.customer_id), func.count(col(Order.id)), func.sum(col(Order.amount)))
        .where(col(Order.customer_id).is_not(None), col(Order.state) != OrderState.CANCELLED)
        .group_by(col(Order.customer_id))
    )
    profiles = await demo.rows(
        select(col(PurchaseProfile.customer_id), col(PurchaseProfile.orders), col(PurchaseProfile.gross))
    )
    sized = await demo.rows(
        select(col(OrderLine.variant), col(Product.name))
        .join(
            Product, (col(Product.brand_id) == col(OrderLine.brand_id)) & (col(Product.id) == col(OrderLine.product_id))
        )
        .where(col(Product.category).in_(("外套", "四件套")))
    )

    assert sorted(profiles) == sorted((key, count, int(gross)) for key, count, gross in buyers)
    assert len(sized) > 100
    for variant, name in sized:
        color, _, size = variant.partition(" ")
        assert name.startswith(color)
        assert size in (*QINGHE.fit.tags, *ZHENXI.fit.tags)


async def test_rules_say_what_their_tags_say(demo: Demo) -> None:
    """Of the sizes that guides have noted, most are what the customer buys; a few are not."""
    rules = await demo.rows(
        select(col(TagRule.mode), col(TagRule.state), func.count()).group_by(col(TagRule.mode), col(TagRule.state))
    )
    noted = await demo.rows(
        select(col(Tag.name), col(OrderLine.variant))
        .select_from(CustomerTag)
        .join(Tag, (col(Tag.brand_id) == col(CustomerTag.brand_id)) & (col(Tag.id) == col(CustomerTag.tag_id)))
        .join(
            Order,
            (col(Order.brand_id) == col(CustomerTag.brand_id))
            & (col(Order.customer_id) == col(CustomerTag.customer_id)),
        )
        .join(OrderLine, (col(OrderLine.brand_id) == col(Order.brand_id)) & (col(OrderLine.order_id) == col(Order.id)))
        .where(col(Tag.name).in_(QINGHE.fit.tags), col(OrderLine.variant).contains(" "))
    )

    assert {(mode, state): count for mode, state, count in rules} == {
        (RuleMode.SET, RuleState.LIVE): 12,
        (RuleMode.WITNESS, RuleState.LIVE): 9,
        (RuleMode.SUGGEST, RuleState.DRAFT): 2,
    }
    agreeing = sum(variant.endswith(f" {size}") for size, variant in noted) / len(noted)
    assert 0.6 < agreeing < 0.95


async def test_saved_groups_are_written_with_todays_names(demo: Demo) -> None:
    for brand in await demo.all(Brand):
        async with demo.ground.db.read() as session:
            saved = await session.scalars(select(col(Segment.id)).where(col(Segment.brand_id) == brand.id))
            texts = await reading.texts(session, system(brand.id), [(key, 1) for key in saved])
        assert len(texts) == 4
        assert all("?" not in text for text in texts.values())


async def test_what_people_read_is_chinese(demo: Demo) -> None:
    columns: tuple[Any, ...] = (
        Brand.name, Region.name, Store.name, Store.city, Staff.name, Customer.name, Customer.city, Customer.tier,
        Product.name, Product.category, OrderLine.name, TagGroup.name, Note.body, Visit.remark, Relationship.remark,
        Task.title, Task.reason, Task.suggested_words, Task.outcome_remark,
    )  # fmt: skip
    sizes = ("XS", "S", "M", "L", "XL")
    for column in (*columns, Tag.name):
        texts = {text for (text,) in await demo.rows(select(col(column)).distinct()) if text is not None}
        assert texts
        strange = {text for text in texts if not CHINESE.search(text) or "{" in text}
        assert strange <= (set(sizes) if column is Tag.name else set())


async def test_every_role_can_sign_in_with_the_numbers_that_are_told(demo: Demo) -> None:
    told = [(known.brand_code, known.staff_number, known.role) for known in demo.report.sign_ins]
    numbers = (
        ("H0001", Role.HQ),
        ("R0001", Role.REGIONAL_MANAGER),
        ("M0001", Role.STORE_MANAGER),
        ("G0001", Role.GUIDE),
    )

    assert told == [(code, number, role) for code in ("qinghe", "zhenxi") for number, role in numbers]
    for known in demo.report.sign_ins:
        (found,) = await demo.rows(
            select(Staff)
            .join(Brand, col(Brand.id) == col(Staff.brand_id))
            .where(col(Brand.code) == known.brand_code, col(Staff.number) == known.staff_number),
        )
        staff: Staff = found[0]
        assert (staff.role, staff.name, staff.state) == (known.role, known.name, StaffState.ACTIVE)
        assert staff.access_closed_at is None
        assert known.password == PASSWORD
        assert staff.password_hash == not_a_hash(PASSWORD)


async def test_the_first_guide_has_something_to_see_today(demo: Demo) -> None:
    guide = await staff_of(demo, "qinghe", "G0001")
    held = select(col(Relationship.id)).where(col(Relationship.holder_id) == guide.account_id)
    today = clock.store_day(AS_OF, SHANGHAI)

    orders = select(func.count()).where(col(Order.relationship_id).in_(held), col(Order.day) == today)
    pending = select(func.count()).where(col(Task.account_id) == guide.account_id, col(Task.state) == TaskState.PENDING)

    assert await demo.one(orders) >= 2
    assert await demo.one(pending) >= 6


async def test_a_leaver_waits_for_a_handover_with_access_closed(demo: Demo) -> None:
    leaver = await staff_of(demo, "qinghe", "G0002")
    (staff,) = (await demo.rows(select(Staff).where(col(Staff.id) == leaver.id)))[0]
    held = select(func.count()).where(col(Relationship.holder_id) == leaver.account_id)
    tasks = select(func.count()).where(col(Task.account_id) == leaver.account_id, col(Task.state) == TaskState.PENDING)
    orders = select(func.count()).where(
        col(Order.serving_account_id) == leaver.account_id, col(Order.state).in_(OPEN_STATES)
    )
    told = [line for line in demo.report.waiting_for_handover if "qinghe G0002" in line]

    assert staff.state is StaffState.LEAVING
    assert staff.access_closed_at == datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    assert await demo.one(held) > 30
    assert await demo.one(tasks) > 3
    assert await demo.one(orders) >= 3
    assert len(told) == 1
    assert staff.name in told[0]


async def test_who_departed_holds_nothing_and_keeps_no_open_work(demo: Demo) -> None:
    gone = (
        select(col(Account.id))
        .join(Staff, col(Staff.id) == col(Account.staff_id))
        .where(col(Staff.state) == StaffState.DEPARTED, col(Staff.access_closed_at) < AS_OF)
    )

    assert len(await demo.rows(gone)) == 3
    assert await demo.one(select(func.count()).where(col(Relationship.holder_id).in_(gone))) == 0
    assert await demo.one(select(func.count()).where(col(Holding.account_id).in_(gone))) > 5
    assert await demo.one(select(func.count()).where(col(Task.account_id).in_(gone))) == 0
    assert await demo.one(select(func.count()).where(col(Order.serving_account_id).in_(gone))) == 0


async def test_everybody_has_a_feed_and_every_store_two(demo: Demo) -> None:
    staff = await demo.rows(select(col(Staff.brand_id), col(Staff.id)))
    stores = await demo.rows(select(col(Store.brand_id), col(Store.id)))
    expected = {(brand_id, feed.of_staff(staff_id)) for brand_id, staff_id in staff}
    for brand_id, store_id in stores:
        expected |= {(brand_id, feed.of_store(store_id)), (brand_id, feed.of_desk(store_id))}

    feeds = await demo.rows(select(col(Feed.brand_id), col(Feed.feed_id), col(Feed.head)))

    assert {(brand_id, feed_id) for brand_id, feed_id, _ in feeds} == expected
    assert all(head == 0 for _, _, head in feeds)
