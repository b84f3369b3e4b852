"""Whose order is it that comes through the link of a guide who has handed over what they held?"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import false

from customers import commands as customers
from customers.models import Customer, HoldingReason
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from mall.models import Order, Share
from mall.models.explaining import said
from mall.queries import crediting, landing, taking_over
from tests.asking import ask
from tests.factories import NOON, World, build_customer, build_world, relationship_of
from tests.handover.closing import build_closing, close
from tests.mall.earning import build_guide, build_share, decisions, parts, whys
from tests.mall.trading import place
from tests.statements import statements

WHOLE = 10_000
START = NOON + timedelta(days=10)
TAKEN_OVER = ("share", "taken_over")


def day(days: float) -> datetime:
    return START + timedelta(days=days)


class Stage:
    """A leaver with three customers and a link, two who take over, and somebody else's customer."""

    def __init__(self, ground: Ground, world: World, taker: Actor, third: Actor, link: Share) -> None:
        self.ground, self.world, self.taker, self.third, self.link = ground, world, taker, third, link
        self.leaver = world.shop.guide
        self.theirs: list[Customer] = []

    async def hand_over(self, *to: tuple[Customer, Any], at: datetime, reason: Any = HoldingReason.HANDOVER) -> None:
        with clock.stopped_at(at):
            for customer, account_id in to:
                relationship = await relationship_of(self.ground, customer)
                async with unit_of_work(self.ground, self.world.shop.manager) as work:
                    await customers.reassign(work, relationship.id, to_account_id=account_id, reason=reason)

    async def leave(self, at: datetime, who: Actor | None = None) -> None:
        with clock.stopped_at(at):
            async with unit_of_work(self.ground, self.world.hq) as work:
                await customers.close_access(work, (who or self.leaver).id)

    async def bought(self, customer: Customer | None, at: datetime, link: Share | None = None, **more: Any) -> Order:
        code = (link or self.link).code
        with clock.stopped_at(max(at, day(60))):  # whenever it is heard of
            return await place(self.ground, self.world, customer, share_code=code, placed_at=at, paid_at=at, **more)

    async def earner(self, order: Order) -> tuple[UUID | None, str]:
        [(account_id, reason, points, _)] = await parts(self.ground, order)
        assert points == WHOLE
        return account_id, reason


@pytest.fixture
async def stage(ground: Ground) -> Stage:
    world = await build_world(ground)
    third = await build_guide(ground, world.shop, "周舟", "A-1")
    with clock.stopped_at(day(0)):
        link = await build_share(ground, world.shop.guide, day(0), *(day(each) for each in range(1, 60)))
    found = Stage(ground, world, world.shop.other_guide, third, link)
    found.theirs = [await build_customer(ground, world.shop.guide) for _ in range(3)]
    return found


async def hand_all_over(stage: Stage, at: datetime) -> None:
    """Two customers to the one, one to the other."""
    first, second, last = stage.theirs
    takers = (stage.taker.account_ids[0], stage.taker.account_ids[0], stage.third.account_ids[0])
    await stage.hand_over(*zip((first, second, last), takers, strict=True), at=at)


async def test_before_the_move_it_is_the_leavers_and_after_it_whoever_took_the_customer_over(stage: Stage) -> None:
    await stage.leave(day(5))
    await hand_all_over(stage, day(6))

    before = await stage.bought(stage.theirs[2], day(6) - timedelta(seconds=1))
    after = await stage.bought(stage.theirs[2], day(6))

    assert await stage.earner(before) == (stage.leaver.account_ids[0], "share")
    assert await stage.earner(after) == (stage.third.account_ids[0], "share")
    assert (await whys(stage.ground, after))[0] == TAKEN_OVER
    step = (await decisions(stage.ground, after))[-1].steps[0]
    assert step["account_id"] == str(stage.third.account_ids[0])
    assert said(step, "zh") == "通过已离职导购的分享链接下单，归接手导购。"
    assert said(step, "en").startswith("It came through the link of a guide who has left")


async def test_graphql_says_that_the_rule_applied_and_why(stage: Stage) -> None:
    await hand_all_over(stage, day(6))
    order = await stage.bought(stage.theirs[0], day(7))
    asked = "query ($id: ID!) { order(id: $id) { creditHistory { rules { rule isApplied says } } } }"

    answer = await ask(stage.ground, stage.world.shop.manager, asked, id=str(order.id))

    [first, *others] = answer["order"]["creditHistory"][0]["rules"]
    assert (first["rule"], first["isApplied"]) == ("SHARE", True)
    assert {each["isApplied"] for each in others} == {False}


async def test_a_guests_order_is_whoevers_took_over_most_as_the_link_leads_there(stage: Stage) -> None:
    await stage.leave(day(5))
    await hand_all_over(stage, day(6))

    order = await stage.bought(None, day(7))

    assert await stage.earner(order) == (stage.taker.account_ids[0], "share")
    async with stage.ground.db.read() as session:
        found = await landing.of_code(session, stage.link.code)
    assert found
    assert found.guide == "qinghe-1-G2"


async def test_who_is_known_in_another_store_only_is_the_takeover_guides_too(stage: Stage) -> None:
    stranger = await build_customer(stage.ground, stage.world.shops[1].guide)
    await stage.leave(day(5))
    await hand_all_over(stage, day(6))

    order = await stage.bought(stranger, day(7))

    assert await stage.earner(order) == (stage.taker.account_ids[0], "share")


async def test_a_customer_whom_others_always_held_is_theirs_by_holding(stage: Stage) -> None:
    customer = await build_customer(stage.ground, stage.third)
    await stage.leave(day(5))
    await hand_all_over(stage, day(6))

    order = await stage.bought(customer, day(7))

    assert await stage.earner(order) == (stage.third.account_ids[0], "holder")
    assert (await whys(stage.ground, order))[0] == ("share", "not_at_work")


async def test_a_customer_whom_the_store_took_over_is_the_stores(stage: Stage) -> None:
    await stage.leave(day(5))
    public = stage.world.shop.public.id
    await stage.hand_over(*((each, public) for each in stage.theirs), at=day(6))

    known, guest = await stage.bought(stage.theirs[0], day(7)), await stage.bought(None, day(7))

    assert await stage.earner(known) == (None, "store")
    assert await stage.earner(guest) == (None, "store")


async def test_who_is_leaving_and_still_at_work_hands_their_links_over_with_the_customers(stage: Stage) -> None:
    await hand_all_over(stage, day(6))  # nobody's access is closed
    own = await build_share(stage.ground, stage.leaver, day(8))

    by_old, by_new = await stage.bought(None, day(9)), await stage.bought(None, day(9), own)

    assert await stage.earner(by_old) == (stage.taker.account_ids[0], "share")
    assert await stage.earner(by_new) == (stage.leaver.account_ids[0], "share")


async def test_as_long_as_something_is_left_to_be_moved_links_are_the_leavers(stage: Stage) -> None:
    await stage.leave(day(5))
    await stage.hand_over((stage.theirs[0], stage.taker.account_ids[0]), at=day(6))

    assert await stage.earner(await stage.bought(None, day(7))) == (stage.leaver.account_ids[0], "share")


async def test_links_of_a_store_that_closed_are_whoevers_has_the_customer_in_the_store_that_follows(
    stage: Stage,
) -> None:
    successor = stage.world.shops[1].guide
    with clock.stopped_at(day(6)):
        closing = await build_closing(stage.ground, stage.world, stage.world.shop, [successor])
        await close(stage.ground, closing)

    before = await stage.bought(stage.theirs[0], day(6) - timedelta(seconds=1))
    after = await stage.bought(stage.theirs[0], day(7))

    assert await stage.earner(before) == (stage.leaver.account_ids[0], "share")
    assert await stage.earner(after) == (successor.account_ids[0], "share")
    assert await stage.earner(await stage.bought(None, day(7))) == (None, "store")


async def test_who_gives_a_customer_away_in_the_daily_round_keeps_their_links(stage: Stage) -> None:
    await stage.hand_over(
        *((each, stage.taker.account_ids[0]) for each in stage.theirs), at=day(6), reason=HoldingReason.REASSIGNED
    )

    assert await stage.earner(await stage.bought(None, day(7))) == (stage.leaver.account_ids[0], "share")


async def test_what_is_given_back_gives_the_links_back(stage: Stage) -> None:
    await hand_all_over(stage, day(6))
    own = stage.leaver.account_ids[0]
    await stage.hand_over(*((each, own) for each in stage.theirs), at=day(8))

    assert await stage.earner(await stage.bought(None, day(7))) == (stage.taker.account_ids[0], "share")
    assert await stage.earner(await stage.bought(None, day(9))) == (own, "share")


async def test_late_news_find_whoever_had_taken_over_then_though_they_have_left_since(stage: Stage) -> None:
    await stage.leave(day(5))
    await hand_all_over(stage, day(6))
    await stage.leave(day(20), stage.taker)
    third = stage.third.account_ids[0]
    await stage.hand_over(*((each, third) for each in stage.theirs[:2]), at=day(21))

    for customer in (None, stage.theirs[0]):
        then, since = await stage.bought(customer, day(7)), await stage.bought(customer, day(22))
        assert await stage.earner(then) == (stage.taker.account_ids[0], "share")
        assert await stage.earner(since) == (third, "share")


async def test_the_stores_own_links_are_nobodys_to_take_over(stage: Stage) -> None:
    link = await build_share(stage.ground, stage.world.shop.manager, day(5))
    public = stage.world.shop.public.id
    await stage.hand_over(*((each, public) for each in stage.theirs), at=day(6))
    await stage.hand_over(*((each, stage.taker.account_ids[0]) for each in stage.theirs), at=day(7))

    assert await stage.earner(await stage.bought(None, day(8), link)) == (None, "store")


async def test_a_link_that_is_taken_over_costs_as_many_statements_however_many_were_held(stage: Stage) -> None:
    async def taken(guest_at: datetime) -> int:
        with statements(stage.ground) as sent:
            await stage.bought(None, guest_at)
        return len(sent)

    await stage.hand_over((stage.theirs[0], stage.taker.account_ids[0]), at=day(6))
    await stage.hand_over(*((each, stage.taker.account_ids[0]) for each in stage.theirs[1:]), at=day(8))

    assert await taken(day(9)) == await taken(day(10)) == await taken(day(7)) + 2


async def test_a_link_that_stayed_the_leavers_would_be_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: whoever has worked in a store keeps the credit of their links."""
    monkeypatch.setattr(crediting, "handed_over", lambda _at: false())

    with pytest.raises(AssertionError):
        await test_who_is_leaving_and_still_at_work_hands_their_links_over_with_the_customers(stage)


async def test_a_link_that_is_anybodys_would_be_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: who took over is looked up as of now."""
    usual = taking_over.taker

    async def of_now(session: Any, order: Order, store: UUID, account: UUID, holder: Any, _: datetime) -> UUID | None:
        return await usual(session, order, store, account, holder, clock.now())

    monkeypatch.setattr(crediting, "taker", of_now)

    with pytest.raises(AssertionError):
        await test_late_news_find_whoever_had_taken_over_then_though_they_have_left_since(stage)
