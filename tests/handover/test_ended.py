"""A relationship that has ended with its store is out of sight everywhere, but in history."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer, Relationship
from customers.policy import feeds_of_customers, relationships_visible_to
from customers.queries import customers, records, relationships
from directory.models import Account, AccountKind, Brand, Store
from handover.commands import ledger
from handover.models import LedgerEntry, LedgerLine
from handover.queries import scopes
from intake.models.mapping import AnyMapping
from kernel import clock, feed
from kernel.actor import Actor, Role, system
from kernel.errors import NotFound
from kernel.work import Ground, unit_of_work
from mall.models import Credit, RefundCharge
from tagging.commands import marks
from tagging.models import CustomerMark, MarkPurpose
from tagging.models.expressions import Compare, Op
from tagging.models.facts import Today
from tagging.queries import facts, segment_sql
from tasks.models import Verdict
from tasks.queries import facts as task_facts
from tasks.queries import plans, workbench
from tests.factories import NOON, Shop, World, build_customer, build_world, relationship_of, reload
from tests.handover.closing import build_closing, close, lives_in
from tests.handover.ending import also_known
from tests.intake.carrying import carry, shipped, snapshot, write
from tests.mall.trading import place, refund


class Ended:
    """A customer of the first shop's first guide, whose store has closed into the second shop."""

    def __init__(self, world: World, customer: Customer, old: Relationship, new: Relationship) -> None:
        self.world, self.customer, self.old, self.new = world, customer, old, new
        self.shop, self.other = world.shops[0], world.shops[1]


async def ended(ground: Ground, **values: Any) -> Ended:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide, **values)
    old = await relationship_of(ground, customer)
    await close(ground, await build_closing(ground, world, world.shop, [world.shops[1].guide]))
    return Ended(world, customer, await reload(ground, old), await lives_in(ground, customer, world.shops[1]))


async def test_nobody_finds_it(ground: Ground) -> None:
    it = await ended(ground)
    for actor in (it.shop.guide, it.shop.manager, it.world.east_manager, it.world.hq, system(it.world.brand.id)):
        async with ground.db.read() as session:
            assert await relationships.by_ids(session, actor, [it.old.id]) == {}
            assert await relationships.holdings(session, actor, [it.old.id], 10) == {it.old.id: []}
            with pytest.raises(NotFound):
                await relationships.get(session, actor, it.old.id)
            found = await relationships.of_customers(session, actor, [it.customer.id])
            sees_other = actor.role in (Role.REGIONAL_MANAGER, Role.HQ, Role.SYSTEM)
            assert [row.id for row in found[it.customer.id]] == ([it.new.id] if sees_other else [])
            assert bool(await customers.by_ids(session, actor, [it.customer.id])) is sees_other
            assert list(await records.walk_notes(session, actor, None, 10)) == []


async def test_it_is_counted_by_nobody(ground: Ground) -> None:
    it = await ended(ground)
    async with ground.db.read() as session:
        assert await relationships.count_of_store(session, it.world.brand.id, it.shop.store.id) == 0
        assert await relationships.count_held_by(session, it.world.brand.id, it.shop.guide.id) == 0
        seen = await session.scalars(select(col(Relationship.id)).where(relationships_visible_to(it.world.hq)))
        assert list(seen) == [it.new.id]


async def test_rules_over_all_of_a_customer_s_don_t_know_it(ground: Ground) -> None:
    it = await ended(ground)
    async with ground.db.write() as session:
        assert await relationships.hold_many(session, it.world.brand.id, [it.old.id]) == {}
        assert [row.id for row in await relationships.of_customer(session, it.customer)] == [it.new.id]
        told = await feeds_of_customers(session, it.world.brand.id, [it.customer.id])
        assert told == {it.customer.id: {it.other.guide.id, feed.of_desk(it.other.store.id)}}


async def test_it_takes_nobody_s_place_on_a_workbench(ground: Ground) -> None:
    it = await ended(ground, birthday=NOON.date())
    anew = await build_customer(ground, it.shop.manager, "李雷", birthday=NOON.date() + timedelta(days=3))

    with clock.stopped_at(NOON - timedelta(days=1)):
        async with ground.db.read() as session:
            # The managers of a store hold what its public account holds.
            assert [row.id for row in await workbench.birthdays(session, it.shop.manager, 1)] == [anew.id]
            assert [row.id for row in await workbench.birthdays(session, it.other.guide, 1)] == [it.customer.id]


async def test_nobody_is_planned_for_through_it(ground: Ground) -> None:
    it = await ended(ground)
    whose = task_facts.Whose(it.world.brand.id, it.shop.store.id, NOON.date(), "Asia/Shanghai")
    async with ground.db.write() as session:
        assert list(await session.scalars(select(col(Relationship.id)).where(*whose.related()))) == []
        down = await plans.turned_down(session, it.world.brand.id, {it.customer.id: (it.old.id, it.shop.public.id)})
    assert down == {it.customer.id: Verdict.HOLDER_AWAY}


async def test_segments_know_only_where_the_customer_lives(ground: Ground) -> None:
    it = await ended(ground)
    brand_id, today = it.world.brand.id, Today(NOON.date(), "Asia/Shanghai")

    async def of(word: str, key: UUID) -> Sequence[UUID]:
        async with ground.db.read() as session:
            found = segment_sql.matching(brand_id, Compare(word, Op.IN, (str(key),)), today)
            return (await session.scalars(found)).all()

    assert [len(await of("store", shop.store.id)) for shop in it.world.shops] == [0, 1, 0]
    async with ground.db.read() as session:
        known = (await facts.of_customers(session, brand_id, [it.customer.id], today))[it.customer.id]
    assert known.stores == frozenset({it.other.store.id})


async def test_only_the_last_contact_where_the_customer_lives_counts(ground: Ground) -> None:
    """What was said of it went on; somebody who corrects the successor's isn't contradicted by what has ended."""
    it = await ended(ground)
    async with ground.db.write() as session:
        row = await session.get(Relationship, (it.old.brand_id, it.old.id))
        assert row is not None
        row.last_contact_at = NOON
    brand_id, today = it.world.brand.id, Today(NOON.date(), "Asia/Shanghai")
    async with ground.db.read() as session:
        known = (await facts.of_customers(session, brand_id, [it.customer.id], today))[it.customer.id]
        within = segment_sql.matching(brand_id, Compare("days_since_contact", Op.AT_MOST, (30,)), today)
        assert (await session.scalars(within)).all() == []
    assert known.contact is None


async def test_a_store_that_moves_marks_nobody_who_has_ended_there(ground: Ground) -> None:
    it = await ended(ground)
    async with unit_of_work(ground, system(it.world.brand.id)) as work:
        before = set(
            await work.session.scalars(
                select(col(CustomerMark.id)).where(col(CustomerMark.brand_id) == it.world.brand.id)
            )
        )
        await marks.mark_stores(work, MarkPurpose.SEGMENTS, [it.shop.store.id])
        after = set(
            await work.session.scalars(
                select(col(CustomerMark.id)).where(col(CustomerMark.brand_id) == it.world.brand.id)
            )
        )
    assert before == after


async def test_another_closing_of_the_store_counts_and_plans_only_what_lives(ground: Ground) -> None:
    it = await ended(ground)
    anew = await also_known(ground, it.customer, it.shop.other_guide)
    again = await build_closing(ground, it.world, it.shop, [it.other.guide], strategy="balanced")
    async with unit_of_work(ground, system(it.world.brand.id)) as work:
        await ledger.take(work, again)
        await work.session.flush()
        counted = await work.session.scalars(
            select(col(LedgerEntry.entity_id)).where(
                col(LedgerEntry.brand_id) == it.world.brand.id,
                col(LedgerEntry.handover_id) == again.id,
                col(LedgerEntry.line) == LedgerLine.RELATIONSHIPS,
            )
        )
        assert list(counted) == [anew.id]
        accounts = [it.shop.public.id, *(guide.account_ids[0] for guide in it.shop.guides)]
        held = scopes.of_accounts(it.world.brand.id, accounts)
        assert list(await work.session.scalars(select(col(Relationship.id)).where(held))) == [anew.id]


async def test_an_order_of_the_closed_store_is_the_successor_s(ground: Ground) -> None:
    """Also where another relationship of the customer comes first."""
    world = await build_world(ground)
    customer = await build_customer(ground, world.shops[2].guide)
    await also_known(ground, customer, world.shop.guide)
    await close(ground, await build_closing(ground, world, world.shop, [world.shops[1].guide]))
    new = await lives_in(ground, customer, world.shops[1])

    order = await place(ground, world, customer)

    assert (order.relationship_id, order.store_id) == (new.id, world.shop.store.id)
    assert order.serving_account_id == new.holder_id


async def test_late_news_credit_whoever_held_the_customer_then(ground: Ground) -> None:
    it = await ended(ground)
    earlier = NOON + timedelta(days=1)

    before = await place(ground, it.world, it.customer, placed_at=earlier)
    after = await place(ground, it.world, it.customer, placed_at=clock.now())
    given_back = await refund(ground, it.world, customer_id=it.customer.id, placed_at=earlier)

    async with ground.db.read() as session:
        credited = await session.execute(
            select(col(Credit.order_id), col(Credit.account_id)).where(col(Credit.brand_id) == it.world.brand.id)
        )
        assert dict(credited.all()) == {
            before.id: it.shop.guide.account_ids[0],
            after.id: it.other.guide.account_ids[0],
        }
        charged = await session.scalars(
            select(col(RefundCharge.account_id)).where(
                col(RefundCharge.brand_id) == it.world.brand.id, col(RefundCharge.refund_id) == given_back.id
            )
        )
        assert list(charged) == [it.shop.guide.account_ids[0]]


async def test_of_two_who_held_the_customer_then_the_one_of_the_store_earned_it(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await also_known(ground, customer, world.shops[1].guide)
    await close(ground, await build_closing(ground, world, world.shop, [world.shops[1].guide]))
    earlier, codes = NOON + timedelta(days=1), [shop.store.code for shop in world.shops[:2]]

    orders = [await place(ground, world, customer, placed_at=earlier, store_code=code) for code in codes]

    async with ground.db.read() as session:
        credited = await session.execute(
            select(col(Credit.order_id), col(Credit.account_id)).where(col(Credit.brand_id) == world.brand.id)
        )
    holders = [shop.guide.account_ids[0] for shop in world.shops[:2]]
    assert dict(credited.all()) == dict(zip([order.id for order in orders], holders, strict=True))


HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
FIRST = "600100,71053,LANTERN,1,2011-05-05T10:00:00,3.39,12400,Iceland"
ELSEWHERE = "600101,71053,LANTERN,1,2011-05-05T10:00:00,3.39,12448,Spain"
LATER = "600102,71053,LANTERN,1,2011-06-05T10:00:00,3.39,12400,Iceland"
ALSO = "600103,71053,LANTERN,1,2011-06-06T10:00:00,3.39,12400,Norway"
ONLINE_RETAIL: Any = shipped("online-retail")
OWN_STORE = ONLINE_RETAIL.model_copy(
    update={"customer": ONLINE_RETAIL.customer.model_copy(update={"orders_belong_to": "own_store"})}
)


class Imported:
    """A customer of Iceland's store, by an import, whose store has closed into Spain's."""

    def __init__(self, closes: Store, taker: Actor, guide: Actor) -> None:
        self.closes, self.taker, self.guide = closes, taker, guide


async def imported(ground: Ground, tmp_path: Path, mapping: AnyMapping) -> Imported:
    await carry(ground, write(tmp_path / "first.csv", [HEADER, FIRST, ELSEWHERE]), mapping)
    async with ground.db.read() as session:
        places = {store.code: store for store in await session.scalars(select(Store))}
        accounts = list(await session.scalars(select(Account)))
        brand = (await session.scalars(select(Brand))).one()
    closes, takes = places["Iceland"], places["Spain"]

    def of(store: Store, kind: AccountKind) -> Account:
        return next(each for each in accounts if each.store_id == store.id and each.kind is kind)

    taker, guide = (_actor(store, of(store, AccountKind.GUIDE)) for store in (takes, closes))
    shop = Shop(closes, of(closes, AccountKind.PUBLIC), [guide], taker)
    world = World(ground, brand, {}, [shop], taker, taker)
    await close(ground, await build_closing(ground, world, shop, [taker]))
    return Imported(closes, taker, guide)


async def homes_of_orders(ground: Ground) -> dict[str, str]:
    """The store whose relationship each order of the customer hangs on, by the order's number."""
    rows = [row.split(", ") for row in (await snapshot(ground))["order"] if "'12400'" in row]
    return {row[1].strip("'"): row[4].strip("'") for row in rows}


async def test_a_file_doesn_t_bring_it_back(ground: Ground, tmp_path: Path) -> None:
    it = await imported(ground, tmp_path, ONLINE_RETAIL)
    before = await _live(ground)

    await carry(ground, write(tmp_path / "later.csv", [HEADER, LATER]))

    assert await _live(ground) == before
    assert set((await homes_of_orders(ground)).values()) == {"Spain"}, "they go on with the successor"

    await carry(ground, write(tmp_path / "also.csv", [HEADER, ALSO]))

    assert it.closes.id not in {store_id for _, store_id in await _live(ground)}, "nor by what was bought elsewhere"


async def test_a_file_that_names_the_closed_store_goes_on_with_the_successor_beside_others(
    ground: Ground, tmp_path: Path
) -> None:
    it = await imported(ground, tmp_path, OWN_STORE)

    await carry(ground, write(tmp_path / "also.csv", [HEADER, LATER, ALSO]), OWN_STORE)

    assert it.closes.id not in {store_id for _, store_id in await _live(ground)}
    assert await homes_of_orders(ground) == {"600100": "Spain", "600102": "Spain", "600103": "Norway"}


async def test_a_file_finds_what_the_store_got_to_know_anew_before_the_successor(
    ground: Ground, tmp_path: Path
) -> None:
    it = await imported(ground, tmp_path, OWN_STORE)
    async with ground.db.read() as session:
        customer = (await session.scalars(select(Customer).where(col(Customer.member_number) == "12400"))).one()
    anew = await also_known(ground, customer, it.guide)
    before = await _live(ground)

    await carry(ground, write(tmp_path / "later.csv", [HEADER, LATER]), OWN_STORE)

    assert (customer.id, it.closes.id) in before
    assert await _live(ground) == before
    assert await homes_of_orders(ground) == {"600100": "Spain", "600102": "Iceland"}
    assert (await reload(ground, anew)).holder_id == it.guide.account_ids[0]


async def _live(ground: Ground) -> set[tuple[UUID, UUID]]:
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(Relationship.customer_id), col(Relationship.store_id)).where(
                col(Relationship.ended_at).is_(None)
            )
        )
        return {(customer_id, store_id) for customer_id, store_id in found}


def _actor(store: Store, account: Account) -> Actor:
    return Actor(
        brand_id=store.brand_id,
        id=account.staff_id or account.id,
        role=Role.GUIDE,
        staff_id=account.staff_id,
        store_id=store.id,
        account_ids=(account.id,),
    )
