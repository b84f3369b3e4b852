"""Cover for leave as both phones have it: right before it, at its start, during it, at its end and after it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.models import Customer
from directory import commands as directory
from directory.commands import covers
from handover import commands as handover
from kernel import clock, feed
from kernel.actor import Actor, Role
from kernel.work import Ground, Work, unit_of_work
from mall import commands as mall
from mall.models import Credit
from tagging import commands as tagging
from tasks import commands as tasks
from tasks.models import Task, TaskKind
from tests.asking import VAULT
from tests.directory.covering import as_now, cover
from tests.factories import World, build_task, build_world, relationship_of
from tests.mall.trading import place
from tests.scenarios.belongings import Belongings, furnish
from tests.scenarios.copies import Phone, snapshot
from tests.scenarios.shown import differences

HANGING = ("customer", "relationship", "note", "task", "order", "refund")
Act = Callable[[Work], Awaitable[Any]]


@dataclass
class Shown:
    """A shop in which the first guide goes on leave, everybody's phones, and what was wrong with them."""

    ground: Ground
    world: World
    things: Belongings
    phones: dict[str, Phone] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def people(self) -> dict[str, Actor]:
        here = self.world.shop
        return {"absent": here.guide, "delegate": here.other_guide, "manager": here.manager}

    async def actor(self, who: str) -> Actor:
        return await as_now(self.ground, self.people[who])

    async def look(self, step: str) -> None:
        """Everybody catches up, and ought to hold what somebody would be given anew."""
        for who in self.people:
            actor = await self.actor(who)
            phone = self.phones.setdefault(who, Phone())
            if phone.cursor:
                await phone.catch_up(self.ground, actor, 2)
            else:
                await phone.start(self.ground, actor)
            truth, _ = await snapshot(self.ground, actor)
            self.wrong += [f"{step}: {who}: {line}" for line in differences(phone.copy, truth)]

    async def do(self, who: str, act: Act) -> Any:
        async with unit_of_work(self.ground, await self.actor(who)) as work:
            return await act(work)

    def has(self, who: str) -> set[str]:
        """Which of the absent guide's things somebody's phone has."""
        held = {UUID(key) for _, key in self.phones[who].copy}
        return {name for name in HANGING if self.things[name] in held}


async def shop(ground: Ground) -> Shown:
    world = await build_world(ground)
    things = await furnish(ground, world, world.shop)
    things["todo"] = (await build_task(ground, world.shop.guide)).id
    shown = Shown(ground, world, things)
    await shown.look("before")
    return shown


def deeds(shown: Shown) -> dict[str, tuple[str, Act]]:
    """What happens about the absent guide's customer, and who does it: everything that phones are told of."""
    things = shown.things
    known, at = things["customer"], clock.now() - timedelta(hours=1)
    return {
        "renames": ("delegate", lambda work: customers.edit(work, known, name="李娜")),
        "remarks": ("delegate", lambda work: customers.edit_remark(work, known, remark="周末来")),
        "notes": ("delegate", lambda work: customers.add_note(work, known, body="喜欢浅色")),
        "corrects a note": ("absent", lambda work: customers.edit_note(work, things["note"], body="喜欢深色")),
        "visits": ("delegate", lambda work: customers.note_visit(work, known, at=at)),
        "tags": ("manager", lambda work: tagging.add_tags(work, [known], [things["tag"]])),
        "untags": ("delegate", lambda work: tagging.remove_tags(work, [known], [things["tag"]])),
        "opens": ("delegate", lambda work: tasks.mark_seen(work, [things["task"], things["todo"]])),
        "completes": ("delegate", lambda work: tasks.complete(work, things["task"])),
        "plans": ("delegate", lambda work: _revisit(work, known)),
        "puts off": ("delegate", lambda work: _snooze(work, things["todo"])),
        "ships": ("delegate", lambda work: mall.ship_order(work, things["order"])),
        "closes": ("manager", lambda work: tasks.cancel(work, things["todo"])),
    }


async def test_both_phones_are_right_at_its_start_during_it_and_after_it(ground: Ground) -> None:
    shown = await shop(ground)
    own = await shown.do("delegate", lambda work: customers.create(work, VAULT, name="张伟"))
    await shown.look("somebody new")
    before = shown.has("delegate"), set(shown.phones["delegate"].copy)

    arranged = await cover(ground, shown.world)
    await shown.look("it begins")
    at_its_start = shown.has("delegate")
    for name, (who, act) in deeds(shown).items():
        await shown.do(who, act)
        await shown.look(f"{who} {name}")
    new = await place(ground, shown.world, await _customer(ground, shown))
    await shown.look("an order comes in")
    during = shown.has("delegate"), ("ORDER", str(new.id)) in shown.phones["delegate"].copy
    await shown.do("manager", lambda work: covers.end(work, arranged.id))
    await shown.look("it is over")
    await shown.do("absent", lambda work: customers.edit_remark(work, shown.things["customer"], remark="回来了"))
    await shown.look("afterwards")

    assert shown.wrong == []
    assert before[0] == shown.has("delegate") == set()
    assert ("CUSTOMER", str(own.id)) in before[1]
    assert before[1] == set(shown.phones["delegate"].copy)
    assert at_its_start == during[0] == set(HANGING)
    assert during[1]
    assert shown.has("absent") == shown.has("manager") == set(HANGING)


async def test_it_ends_by_the_clock_on_a_phone_that_was_off_all_the_while(ground: Ground) -> None:
    shown = await shop(ground)
    await cover(ground, shown.world)
    await shown.look("it begins")
    during = shown.has("delegate")
    for who, act in deeds(shown).values():
        await shown.do(who, act)

    with clock.stopped_at(clock.now() + timedelta(hours=24)):
        await shown.look("a day later")

    assert shown.wrong == []
    assert (during, shown.has("delegate")) == (set(HANGING), set())


async def test_what_is_handed_over_meanwhile_leaves_the_delegate_unless_it_comes_to_them(ground: Ground) -> None:
    shown = await shop(ground)
    await cover(ground, shown.world)
    await shown.look("it begins")
    held = shown.things["relationship"]

    async def give(to: Actor | UUID) -> set[str]:
        account = to if isinstance(to, UUID) else to.account_ids[0]
        await shown.do("manager", lambda work: handover.reassign(work, held, to_account_id=account))
        await shown.look("it is handed over")
        return shown.has("delegate")

    gone = await give(shown.world.shop.public.id)
    back = await give(shown.people["absent"])
    own = await give(shown.people["delegate"])
    shared = await give(shown.people["absent"])

    assert shown.wrong == []
    assert (gone, back, own, shared) == (set(), set(HANGING), set(HANGING), set(HANGING))


async def test_of_two_covers_one_ends_and_what_the_other_covers_stays(ground: Ground) -> None:
    shown = await shop(ground)
    third = await _third(ground, shown.world)
    async with unit_of_work(ground, third) as work:
        theirs = await customers.create(work, VAULT, name="张伟")
    one = await cover(ground, shown.world)
    await cover(ground, shown.world, third)
    await shown.look("both begin")
    await shown.do("manager", lambda work: covers.end(work, one.id))
    await shown.look("one ends")

    assert shown.wrong == []
    assert shown.has("delegate") == set()
    assert ("CUSTOMER", str(theirs.id)) in shown.phones["delegate"].copy


async def test_what_the_delegate_does_is_noted_as_theirs_and_the_holder_keeps_what_they_hold(ground: Ground) -> None:
    shown = await shop(ground)
    absent, delegate = shown.people["absent"], shown.people["delegate"]
    await cover(ground, shown.world)
    for who, act in deeds(shown).values():
        await shown.do(who, act)
    planned = await shown.do("delegate", lambda work: _revisit(work, shown.things["customer"]))
    taken_on = await shown.do("delegate", lambda work: customers.create(work, VAULT, name="新客"))
    order = await place(ground, shown.world, await _customer(ground, shown))

    held = await relationship_of(ground, await _customer(ground, shown))
    assert (held.holder_id, planned.account_id, order.serving_account_id) == (absent.account_ids[0],) * 3
    assert planned.created_by_id == delegate.id
    assert (await relationship_of(ground, taken_on)).holder_id == delegate.account_ids[0]
    [earned] = await _credits(ground, order.id)
    assert earned == absent.account_ids[0]


async def _revisit(work: Work, customer_id: UUID) -> Task:
    later = clock.now() + timedelta(days=2)
    return await tasks.add(work, title="回访", due_at=later, kind=TaskKind.REVISIT, customer_id=customer_id)


async def _snooze(work: Work, task_id: UUID) -> Task:
    return await tasks.snooze(work, task_id, until=clock.now() + timedelta(days=1))


async def _customer(ground: Ground, shown: Shown) -> Customer:
    async with ground.db.read() as session:
        found = await session.get(Customer, (shown.world.brand.id, shown.things["customer"]))
    assert found
    return found


async def _credits(ground: Ground, order_id: UUID) -> list[UUID | None]:
    async with ground.db.read() as session:
        found = await session.scalars(select(col(Credit.account_id)).where(col(Credit.order_id) == order_id))
        return list(found)


async def _third(ground: Ground, world: World) -> Actor:
    """One more guide of the shop."""
    where = world.shop.store.id
    async with unit_of_work(ground, world.hq) as work:
        person = await directory.hire(work, number="G3", name="新人", role=Role.GUIDE, store_id=where)
    return await as_now(ground, Actor(world.brand.id, person.id, Role.GUIDE))


def unfollowed(broken: pytest.MonkeyPatch) -> None:
    """The delegate sees what is covered, and doesn't hear of it."""
    followed = feed.followed_by
    broken.setattr(feed, "followed_by", lambda actor: followed(actor.alone()))


def unsighted(broken: pytest.MonkeyPatch) -> None:
    """The delegate hears of what is covered, and doesn't see it."""
    broken.setattr(Actor, "served_ids", property(lambda actor: actor.account_ids))


@pytest.mark.parametrize("mutant", [unfollowed, unsighted])
async def test_what_is_broken_is_noticed(
    ground: Ground, mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    shown = await shop(ground)
    await cover(ground, shown.world)
    await shown.look("it begins")

    await shown.do("absent", lambda work: customers.edit_remark(work, shown.things["customer"], remark="周末来"))
    await shown.look("a remark")

    assert shown.wrong or shown.has("delegate") != set(HANGING)
