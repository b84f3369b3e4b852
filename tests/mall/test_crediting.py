"""Who earned an order: by a link, by name, by holding the customer, or nobody but the store; and why."""

from datetime import timedelta
from typing import Any

import pytest

from customers import commands as customers
from kernel import clock, feed
from kernel.errors import StaleVersion
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import crediting
from mall.errors import CreditRulesWrong
from mall.models import CreditReason, NamedBy, Order, OrderState
from mall.models.credit_rules import USUAL, Party, Rule, Share, rule
from mall.queries import crediting as queries
from tests.factories import World, build_customer, build_world, relationship_of, reload, said
from tests.mall.earning import (
    build_guide,
    build_share,
    credits,
    days_ago,
    decisions,
    leave,
    parts,
    whys,
)
from tests.mall.trading import order_news, place, refund, till
from tests.statements import statements

WHOLE = 10_000


async def change(ground: Ground, world: World, *rules: Rule, **given: Any) -> None:
    async with unit_of_work(ground, world.hq) as work:
        await commands.change_credit_rules(work, rules, **given)


async def hear(ground: Ground, world: World, order: Order, customer: Any = None, **values: Any) -> Order:
    """Newer news of an order."""
    usual: dict[str, Any] = {"number": order.number, "placed_at": order.placed_at, "news_at": clock.now()}
    async with unit_of_work(ground, till(world)) as work:
        return await commands.record_order(work, order_news(world, customer, **usual | values))


async def test_a_link_comes_before_a_name_and_a_name_before_whoever_holds(ground: Ground) -> None:
    world = await build_world(ground)
    holder, sharer = world.shop.guides
    named = await build_guide(ground, world.shop, "李娜", "N7")
    customer = await build_customer(ground, holder)
    link = await build_share(ground, sharer, days_ago(3))

    by_link = await place(ground, world, customer, share_code=link.code, guide_code="N7")
    by_name = await place(ground, world, customer, guide_code="N7")
    by_holding = await place(ground, world, customer)
    by_nobody = await place(ground, world)

    assert await parts(ground, by_link) == [(sharer.account_ids[0], "share", WHOLE, 19_900)]
    assert await parts(ground, by_name) == [(named.account_ids[0], "named", WHOLE, 19_900)]
    assert await parts(ground, by_holding) == [(holder.account_ids[0], "holder", WHOLE, 19_900)]
    assert await parts(ground, by_nobody) == [(None, "store", WHOLE, 19_900)]
    assert await whys(ground, by_link) == [
        ("share", "applied"),
        ("named", "not_asked"),
        ("holder", "not_asked"),
        ("store", "not_asked"),
    ]
    assert await whys(ground, by_nobody) == [
        ("share", "no_link"),
        ("named", "not_named"),
        ("holder", "guest"),
        ("store", "applied"),
    ]


async def test_a_link_counts_from_when_it_was_made_or_last_opened_before_the_order(ground: Ground) -> None:
    world = await build_world(ground)
    sharer = world.shop.other_guide
    made = days_ago(30)
    never = await build_share(ground, sharer, made)
    lately = await build_share(ground, sharer, made, days_ago(20), days_ago(6))
    long_ago = await build_share(ground, sharer, made, days_ago(8), clock.now() - timedelta(minutes=1))
    later = await build_share(ground, sharer, clock.now())

    at = clock.now() - timedelta(hours=2)
    found = [
        await place(ground, world, share_code=each.code, placed_at=at) for each in (never, lately, long_ago, later)
    ]

    assert [(await whys(ground, order))[0] for order in found] == [
        ("share", "link_old"),
        ("share", "applied"),
        ("share", "link_old"),
        ("share", "link_later"),
    ]


async def test_exactly_as_many_days_as_the_rule_says_still_count(ground: Ground) -> None:
    world = await build_world(ground)
    placed_at = clock.now() - timedelta(hours=1)
    for early, why in ((timedelta(), "applied"), (timedelta(microseconds=1), "link_old")):
        link = await build_share(ground, world.shop.guide, placed_at - timedelta(days=7) - early)
        order = await place(ground, world, share_code=link.code, placed_at=placed_at)
        assert (await whys(ground, order))[0] == ("share", why)


async def test_who_had_left_when_it_was_paid_earns_nothing_by_link_or_name(ground: Ground) -> None:
    world = await build_world(ground)
    holder, sharer = world.shop.guides
    customer = await build_customer(ground, holder)
    link = await build_share(ground, sharer, days_ago(3))
    number = f"{world.brand.code}-1-G2"
    await leave(ground, sharer, days_ago(1))

    order = await place(ground, world, customer, share_code=link.code, guide_code=number)
    earlier = await place(ground, world, customer, share_code=link.code, placed_at=days_ago(2))

    assert await parts(ground, order) == [(holder.account_ids[0], "holder", WHOLE, 19_900)]
    assert (await whys(ground, order))[:2] == [("share", "not_at_work"), ("named", "code_unknown")]
    assert (await parts(ground, earlier))[0][:2] == (sharer.account_ids[0], "share")


async def test_who_was_named_and_left_before_the_payment_earns_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    number = f"{world.brand.code}-1-G2"
    order = await place(ground, world, guide_code=number, state=OrderState.PENDING)
    await leave(ground, world.shop.other_guide, clock.now())

    await hear(ground, world, order, paid_at=clock.now())

    assert (await whys(ground, order))[1] == ("named", "not_at_work")
    assert await parts(ground, order) == [(None, "store", WHOLE, 19_900)]


@pytest.mark.parametrize("code", ["QINGHE-1-g2", " qinghe-1-G2 ", "ｑｉｎｇｈｅ－１－Ｇ２"])
async def test_a_staff_number_is_known_in_any_width_and_case(ground: Ground, code: str) -> None:
    world = await build_world(ground)

    order = await place(ground, world, guide_code=code)

    kept = await reload(ground, order)
    assert (kept.named_account_id, kept.named_by) == (world.shop.other_guide.account_ids[0], NamedBy.CODE)
    assert (await parts(ground, order))[0][:2] == (world.shop.other_guide.account_ids[0], "named")


@pytest.mark.parametrize("code", ["qinghe-1-G", "inghe-1-G2", "qinghe-1-G22", "员工qinghe-1-G2", "%"])
async def test_a_part_of_a_staff_number_is_nobodys(ground: Ground, code: str) -> None:
    world = await build_world(ground)

    order = await place(ground, world, guide_code=code)

    kept = await reload(ground, order)
    assert (kept.named_account_id, kept.named_by) == (None, NamedBy.CODE)
    assert (await whys(ground, order))[1] == ("named", "code_unknown")


async def test_somebody_of_another_store_is_known_by_number_and_credited_in_the_orders_store(ground: Ground) -> None:
    world = await build_world(ground)
    elsewhere = world.shops[1].guide

    order = await place(ground, world, guide_code=f"{world.brand.code}-2-G1")

    [credit] = await credits(ground, order)
    assert (credit.account_id, credit.store_id) == (elsewhere.account_ids[0], world.shop.store.id)


async def test_nothing_of_the_note_is_kept_but_whom_it_names(ground: Ground) -> None:
    world = await build_world(ground)
    guide = await build_guide(ground, world.shop, "李娜")
    await build_guide(ground, world.shop, "王强")

    named = await place(ground, world, note="找李娜，放门口 13812345678")
    unclear = await place(ground, world, note="导购李娜 或 导购王强")
    stranger = await place(ground, world, note="找李雷")

    assert [(order.named_account_id, order.named_by) for order in (named, unclear, stranger)] == [
        (guide.account_ids[0], NamedBy.NOTE),
        (None, NamedBy.NOTE),
        (None, None),
    ]
    kept = (
        f"{(await reload(ground, named)).model_dump()} {[each.model_dump() for each in await decisions(ground, named)]}"
    )
    assert "门口" not in kept
    assert [(await whys(ground, order))[1][1] for order in (named, unclear, stranger)] == [
        "applied",
        "name_unclear",
        "not_named",
    ]


async def test_a_guide_of_another_store_and_one_called_as_the_buyer_are_not_found_in_a_note(ground: Ground) -> None:
    world = await build_world(ground)
    await build_guide(ground, world.shops[1], "赵敏")
    await build_guide(ground, world.shop, "王芳")
    customer = await build_customer(ground, world.shop.guide, name="王芳")

    far = await place(ground, world, note="找赵敏")
    own = await place(ground, world, customer, note="找王芳")

    assert (far.named_account_id, far.named_by) == (None, None)
    assert (own.named_account_id, own.named_by) == (None, NamedBy.NOTE)
    assert (await parts(ground, own))[0][:2] == (world.shop.guide.account_ids[0], "holder")


async def test_a_code_of_nobody_lets_the_note_speak(ground: Ground) -> None:
    world = await build_world(ground)
    guide = await build_guide(ground, world.shop, "李娜")

    order = await place(ground, world, guide_code="X", note="导购：李娜")

    assert (order.named_account_id, order.named_by) == (guide.account_ids[0], NamedBy.NOTE)


async def test_an_order_is_split_by_fixed_shares_and_a_party_that_isnt_there_gives_to_the_first(ground: Ground) -> None:
    world = await build_world(ground)
    holder, sharer = world.shop.guides
    customer = await build_customer(ground, holder)
    shares = (Share(Party.SHARER, 3334), Share(Party.HOLDER, 3333), Share(Party.STORE, 3333))
    await change(ground, world, Rule(CreditReason.SHARE, 7, shares), *USUAL[2:])
    theirs, own = [await build_share(ground, guide, days_ago(1)) for guide in (sharer, holder)]

    three = await place(ground, world, customer, amount=100, share_code=theirs.code)
    guests = await place(ground, world, amount=100, share_code=theirs.code)
    once = await place(ground, world, customer, amount=101, share_code=own.code)

    assert await parts(ground, three) == [
        (sharer.account_ids[0], "share", 3334, 34),
        (holder.account_ids[0], "share", 3333, 33),
        (None, "share", 3333, 33),
    ]
    assert await parts(ground, guests) == [(sharer.account_ids[0], "share", 6667, 67), (None, "share", 3333, 33)]
    assert await parts(ground, once) == [(holder.account_ids[0], "share", 6667, 67), (None, "share", 3333, 34)]


async def test_rules_are_hqs_and_what_was_decided_stays(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    before = await place(ground, world, customer)

    await change(ground, world, rule(CreditReason.STORE), expected_version=0)
    after = await place(ground, world, customer)

    assert (await parts(ground, before))[0][1] == "holder"
    assert (await parts(ground, after))[0][:2] == (None, "store")
    with pytest.raises(StaleVersion):
        await change(ground, world, *USUAL, expected_version=0)
    async with ground.db.read() as session:
        assert (await queries.setting_or_usual(session, world.brand.id)).version == 1


async def test_rules_that_cant_be_kept_change_nothing(ground: Ground) -> None:
    world = await build_world(ground)

    with pytest.raises(CreditRulesWrong):
        await change(ground, world, rule(CreditReason.HOLDER))

    async with ground.db.read() as session:
        assert await queries.setting_of(session, world.brand.id) is None


async def test_who_earned_it_elsewhere_hears_of_it_and_the_holder_and_the_manager_of_the_order(ground: Ground) -> None:
    world = await build_world(ground)
    holder, sharer = world.shop.guides
    customer = await build_customer(ground, holder)
    link = await build_share(ground, sharer, days_ago(1))

    order = await place(ground, world, customer, share_code=link.code)

    [credit] = await credits(ground, order)
    assert credit.is_elsewhere
    assert await said(ground, feed.of_staff(sharer.id)) == [("put", "credit", credit.id)]
    assert await said(ground, feed.of_staff(holder.id)) == [("put", "order", order.id)]
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "order", order.id)]


async def test_they_hear_when_the_order_changes_is_refunded_and_is_cancelled(ground: Ground) -> None:
    world = await build_world(ground)
    holder, sharer = world.shop.guides
    customer = await build_customer(ground, holder)
    link = await build_share(ground, sharer, days_ago(1))
    order = await place(ground, world, customer, share_code=link.code)
    [credit] = await credits(ground, order)

    await hear(ground, world, order, customer, amount=9_900)
    await refund(ground, world, order.id, amount=100)
    async with unit_of_work(ground, holder) as work:
        await commands.ship_order(work, order.id)
    await hear(ground, world, order, customer, amount=9_900, state=OrderState.CANCELLED)

    assert await said(ground, feed.of_staff(sharer.id)) == [("put", "credit", credit.id)] * 5
    assert ((await credits(ground, order))[0].amount, (await credits(ground, order))[0].version) == (9_900, 5)


async def test_credit_is_decided_once_and_stays_through_a_handover_of_the_customer(ground: Ground) -> None:
    world = await build_world(ground)
    holder, other = world.shop.guides
    customer = await build_customer(ground, holder)
    order = await place(ground, world, customer)
    async with unit_of_work(ground, world.shop.manager) as work:
        relationship = await relationship_of(ground, customer)
        await customers.reassign(work, relationship.id, to_account_id=other.account_ids[0])
    await hear(ground, world, order, customer, amount=30_000, guide_code=f"{world.brand.code}-1-G2")

    assert await parts(ground, order) == [(holder.account_ids[0], "holder", WHOLE, 30_000)]
    assert len(await decisions(ground, order)) == 1
    assert [row.is_elsewhere for row in await credits(ground, order)] == [False]


async def test_an_order_that_is_named_later_but_before_its_payment_is_credited_so(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world, state=OrderState.PENDING)

    await hear(ground, world, order, guide_code=f"{world.brand.code}-1-G1", paid_at=clock.now())

    assert (await parts(ground, order))[0][:2] == (world.shop.guide.account_ids[0], "named")


async def test_an_order_as_most_are_takes_one_statement_more_than_a_credit_without_reasons(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    with statements(ground) as sent:
        await place(ground, world, customer)

    about = [text for text in sent if "credit" in text or "holding" in text]
    assert len(about) == 3, about
    assert sum("INSERT" in text for text in about) == 2


async def test_a_split_that_loses_a_cent_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: parts that are rounded each for itself."""
    world = await build_world(ground)
    link = await build_share(ground, world.shop.guide, days_ago(1))
    thirds = (Share(Party.SHARER, 3333), Share(Party.STORE, 6667))
    await change(ground, world, Rule(CreditReason.SHARE, 7, thirds), rule(CreditReason.STORE))
    order = await place(ground, world, amount=101, share_code=link.code)
    assert sum(part[3] for part in await parts(ground, order)) == 101
    monkeypatch.setattr(crediting, "shared_out", lambda amount, weights: [amount * each // WHOLE for each in weights])

    await hear(ground, world, order, amount=100)

    assert sum(part[3] for part in await parts(ground, order)) == 99
