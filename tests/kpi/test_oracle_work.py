"""Each rule of what is done in a store, on a few rows whose figures fit in a head; the oracle agrees."""

from datetime import timedelta
from typing import Any

import pytest

from customers import commands as customers
from customers.commands import links
from customers.commands.links import Contact
from customers.models import GoneWhy
from directory.commands import covers, depart, reopen_access
from directory.models import Staff
from kernel import clock
from kernel.actor import Actor, Role, system
from kernel.work import Ground, unit_of_work
from mall import commands as mall
from tasks import commands as tasks
from tasks.models import Outcome, SkipReason, TaskKind
from tests.factories import build_customer, build_world, relationship_of
from tests.handover.closing import build_closing, close, reopen
from tests.handover.ending import also_known
from tests.kpi.counting import at, counted
from tests.mall import commissions
from tests.mall.earning import build_share, correct
from tests.mall.trading import place, refund
from tests.tagging.auditing import build_tagged, build_tags, draw, plant


async def work_out(ground: Ground, actor: Actor, act: Any, *given: Any, **named: Any) -> Any:
    """One command in a unit of work of its own."""
    async with unit_of_work(ground, actor) as work:
        return await act(work, *given, **named)


async def test_who_moves_at_noon_was_at_work_in_both_stores_that_day(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        old, new = world.shops[0], world.shops[1]
        await counted(ground, world)
        await work_out(
            ground, world.hq, customers.move_staff, old.guide.staff_id, role=Role.GUIDE, store_id=new.store.id
        )
    with clock.stopped_at(at("2026-03-05T12:00+08:00")):
        found = await counted(ground, world)

    days = ("2026-03-02", "2026-03-03", "2026-03-04")
    assert [found.of(old, day).get("at_work") for day in days] == [2, 2, 1]
    assert [found.of(new, day).get("at_work") for day in days] == [2, 3, 3]


async def test_whose_access_is_closed_is_not_at_work_the_day_after(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        await build_customer(ground, world.shop.guide)
        await counted(ground, world)
        await work_out(ground, world.hq, customers.close_access, world.shop.guide.staff_id)
    with clock.stopped_at(at("2026-03-04T12:00+08:00")):
        found = await counted(ground, world)

    assert [found.of(world.shop, day)["at_work"] for day in ("2026-03-03", "2026-03-04")] == [2, 1]


async def test_whose_departure_is_taken_back_was_at_work_all_the_time_until_it(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        shop = world.shop
        held = await relationship_of(ground, await build_customer(ground, shop.guide))
        await work_out(ground, world.hq, customers.close_access, shop.guide.staff_id)
    with clock.stopped_at(at("2026-03-06T12:00+08:00")):
        to = shop.other_guide.account_ids[0]
        await work_out(ground, shop.manager, customers.reassign, held.id, to_account_id=to)
        async with unit_of_work(ground, world.hq) as work:
            person = await work.session.get_one(Staff, (world.brand.id, shop.guide.staff_id))
            await depart(work, person)
    with clock.stopped_at(at("2026-03-09T12:00+08:00")):
        before = await counted(ground, world)
        await work_out(ground, world.hq, reopen_access, shop.guide.staff_id)

        found = await counted(ground, world)

    days = [f"2026-03-{day:02}" for day in range(3, 10)]
    assert [before.of(shop, day)["at_work"] for day in days] == [2, 1, 1, 1, 1, 1, 1]
    assert [found.of(shop, day)["at_work"] for day in days] == [2, 2, 2, 2, 1, 1, 2]


async def test_who_is_on_leave_all_day_is_not_at_work_however_many_stand_in(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        shop = world.shop
        for begin, end, delegate in (
            ("2026-03-04T12:00+08:00", "2026-03-06T12:00+08:00", shop.other_guide),
            ("2026-03-06T12:00+08:00", "2026-03-08T00:00+08:00", shop.manager),
            ("2026-03-09T00:00+08:00", "2026-03-10T00:00+08:00", shop.manager),
        ):
            cover = await work_out(
                ground, shop.manager, covers.arrange, staff_id=shop.guide.staff_id, delegate_id=delegate.staff_id,
                starts_at=at(begin), ends_at=at(end),
            )  # fmt: skip
        await work_out(ground, shop.manager, covers.end, cover.id)
    with clock.stopped_at(at("2026-03-10T12:00+08:00")):
        found = await counted(ground, world)

    assert [found.of(shop, f"2026-03-{day:02}")["at_work"] for day in range(4, 10)] == [2, 1, 1, 1, 2, 2]
    assert found.of(shop.other_guide, "2026-03-05")["at_work"] == 1
    assert found.of(shop.guide, "2026-03-05") == {}


async def test_a_guide_with_two_links_is_one_who_shares_and_a_manager_is_none(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-05T12:00+08:00")):
        world = await build_world(ground)
        shop, other = world.shops[0], world.shops[1]
        made_at = at("2026-03-03T12:00+08:00")
        opened = [made_at + timedelta(hours=hours) for hours in (1, 11, 13)]
        share = await build_share(ground, shop.guide, made_at, *opened)
        await build_share(ground, shop.guide, made_at)
        await build_share(ground, shop.manager, made_at)
        buyer = await build_customer(ground, other.guide)
        await place(ground, world, buyer, store_id=other.store.id, amount=70, share_code=share.code)

        found = await counted(ground, world)

    assert found.of(shop, "2026-03-03") == {"at_work": 2, "sharers": 1, "links": 3, "link_opens": 2}
    assert found.of(shop.guide, "2026-03-03") == {"at_work": 1, "sharers": 1, "links": 2, "link_opens": 2}
    assert found.of(shop.manager, "2026-03-03") == {"links": 1}
    assert found.of(shop, "2026-03-04")["link_opens"] == 1
    of_other = found.of(other, "2026-03-05")
    assert (of_other["link_orders"], of_other["link_gross"]) == (1, 70)
    assert found.of(shop.guide, "2026-03-05", shop=other)["link_orders"] == 1


async def test_who_makes_a_link_without_being_at_work_there_is_none_who_shares(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        shop, other = world.shops[0], world.shops[1]
        await work_out(
            ground, shop.manager, covers.arrange, staff_id=shop.guide.staff_id, delegate_id=shop.manager.staff_id,
            starts_at=at("2026-03-04T00:00+08:00"), ends_at=at("2026-03-05T12:00+08:00"),
        )  # fmt: skip
        to = {"role": Role.GUIDE, "store_id": other.store.id}
        await work_out(ground, world.hq, customers.move_staff, shop.other_guide.staff_id, **to)
        for day in ("03", "04", "05"):
            for guide in (shop.guide, shop.other_guide):
                await build_share(ground, guide, at(f"2026-03-{day}T18:00+08:00"))
    with clock.stopped_at(at("2026-03-06T12:00+08:00")):
        found = await counted(ground, world)

    # One is away all of the 4th; the other moved on the 3rd, and the links are the old store's.
    assert found.of(shop, "2026-03-03") == {"at_work": 2, "sharers": 2, "links": 2}
    assert found.of(shop, "2026-03-04") == {"links": 2}
    assert found.of(shop, "2026-03-05") == {"at_work": 1, "sharers": 1, "links": 2}
    assert found.of(shop.guide, "2026-03-04") == {"links": 1}
    assert found.of(shop.other_guide, "2026-03-05") == {"links": 1}
    assert found.of(other, "2026-03-05") == {"at_work": 3}


async def test_tasks_count_where_they_are_due_and_what_was_taken_back_nowhere(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        guide = world.shop.guide
        people = [await build_customer(ground, guide) for _ in range(4)]
        await counted(ground, world)
        due_at = at("2026-03-03T20:00+08:00")
        made = [
            await work_out(
                ground, guide, tasks.add, title="回访", kind=TaskKind.REVISIT, customer_id=each.id, due_at=due_at
            )
            for each in people
        ]
        plain = await work_out(ground, world.shop.manager, tasks.add, title="陈列", due_at=due_at)
        await work_out(ground, guide, tasks.complete, made[0].id, outcome=Outcome.BOUGHT)
        await work_out(ground, guide, tasks.complete, made[1].id, outcome=Outcome.NOT_REACHED)
        await work_out(ground, guide, tasks.skip, made[2].id, reason=SkipReason.BAD_TIME)
        before = await counted(ground, world)
        await work_out(ground, guide, tasks.snooze, made[3].id, until=at("2026-03-04T10:00+08:00"))
        await work_out(ground, world.shop.manager, tasks.cancel, plain.id)
    with clock.stopped_at(at("2026-03-04T11:00+08:00")):
        await work_out(ground, guide, tasks.complete, made[3].id, outcome=Outcome.REACHED)
        found = await counted(ground, world)

    assert (before.of(world.shop, "2026-03-03")["tasks_due"], before.of(guide, "2026-03-03")["tasks_due"]) == (5, 4)
    assert found.of(world.shop, "2026-03-03") == {
        "at_work": 2, "tasks_due": 3, "tasks_done": 2, "tasks_on_time": 2,
        "contacts_due": 3, "contacts_reached": 1, "contacts_bought": 1,
    }  # fmt: skip
    assert found.of(guide, "2026-03-04") == {
        "at_work": 1, "tasks_due": 1, "tasks_done": 1, "contacts_due": 1, "contacts_reached": 1
    }  # fmt: skip


async def test_a_relationship_began_where_it_began_whatever_closes_and_opens_again(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        shop, other = world.shops[0], world.shops[1]
        [alone, known] = [await build_customer(ground, shop.guide) for _ in range(2)]
        await also_known(ground, known, other.guide)
        began = await counted(ground, world)
        handover = await build_closing(ground, world, shop, [other.guide])
        await close(ground, handover)
        closed = await counted(ground, world)
        await reopen(ground, handover)

        found = await counted(ground, world)

    for each in (began, closed, found):
        assert [each.of(where, "2026-03-02").get("customers_added") for where in (shop, other)] == [2, 1]
    assert alone.id != known.id


async def test_a_contact_is_lost_on_its_day_until_it_begins_again(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-05T12:00+08:00")):
        world = await build_world(ground)
        guide = world.shop.guide
        relationship = await relationship_of(ground, await build_customer(ground, guide))
        await counted(ground, world)

        def contact(moment: str) -> list[Contact]:
            return [Contact(guide.account_ids[0], relationship.id, "wm1", at(moment))]

        gone = contact("2026-03-03T23:59+08:00")
        await work_out(ground, system(world.brand.id), links.unlink, gone, GoneWhy.BY_CUSTOMER)
        lost = await counted(ground, world)
        await work_out(ground, system(world.brand.id), links.link, contact("2026-03-04T12:00+08:00"))
        begun = await counted(ground, world)
        gone = contact("2026-03-05T09:00+08:00")
        await work_out(ground, system(world.brand.id), links.unlink, gone, GoneWhy.BY_STAFF)

        found = await counted(ground, world)

    assert lost.of(guide, "2026-03-03")["customers_lost"] == 1
    for each in (begun, found):
        assert {key for key, values in each.rows.items() if "customers_lost" in values} == set()


async def test_an_answer_counts_on_the_orders_day_from_its_payment_on(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-04T12:00:30+08:00")):
        world = await build_world(ground)
        guide = world.shop.guide
        customer = await build_customer(ground, guide)
        placed = {"placed_at": at("2026-03-03T11:00+08:00"), "paid_at": at("2026-03-03T12:00+08:00")}
        for who in (guide, world.shop.manager):
            order = await place(ground, world, customer, **placed)
            await counted(ground, world)
            await work_out(ground, who, mall.answer_order, order.id)

        found = await counted(ground, world)

    of_store, of_guide = found.of(world.shop, "2026-03-03"), found.of(guide, "2026-03-03")
    assert (of_store["answers"], of_store["answer_seconds"]) == (2, 2 * (24 * 3600 + 30))
    assert (of_guide["answers"], of_guide["answer_seconds"]) == (1, 24 * 3600 + 30)


async def test_commission_counts_by_the_day_that_it_is_posted_for(ground: Ground) -> None:
    with clock.stopped_at(commissions.NOON):
        world = await build_world(ground)
        shop = world.shop
        await commissions.running(ground, world)
        order = await commissions.buy(ground, world, placed_at=at("2026-04-08T12:00+08:00"))
        await counted(ground, world)
        await refund(ground, world, order.id, amount=10_000, placed_at=at("2026-04-09T12:00+08:00"))
        first = await counted(ground, world)
    with clock.stopped_at(commissions.NEXT_MONTH):
        await commissions.close(ground, world, commissions.APRIL)
        await correct(ground, shop.manager, order, (shop.other_guide, 10_000))

        found = await counted(ground, world)
        entries = await commissions.ledger(ground, world.brand.id)

    assert first.of(shop, "2026-04-08")["commission"] > 0 > first.of(shop, "2026-04-09")["commission"]
    total = sum(row.get("commission", 0) for key, row in found.rows.items() if key[1:3] == ("day", "store"))
    assert total == sum(entry.amount for entry in entries)
    assert {entry.day.isoformat() for entry in entries} >= {"2026-04-08", "2026-04-09"}


async def test_checked_tags_count_for_whoever_set_them(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        shop = world.shop
        [tag] = await build_tags(ground, world, 1)
        tagged = await build_tagged(ground, shop, tag, 5, setter=shop.other_guide)
        plant(monkeypatch, wrong=tagged[:1], unknown=tagged[1:2])
        await counted(ground, world)
        await draw(ground, shop.manager)

        found = await counted(ground, world)

    for whose in (shop, shop.other_guide):
        row = found.of(whose, "2026-03-03")
        assert (row["tags_checked"], row["tags_right"]) == (4, 3)
