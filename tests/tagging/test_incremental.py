"""Rules that follow each change come to what a night from scratch comes to, whatever happened in which order."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import delete, select
from sqlmodel import col

from customers import commands as customers
from customers.models import Customer
from kernel import clock, ids
from kernel.work import Ground, unit_of_work
from mall import commands as mall
from tagging.models import Choice, CustomerTag, RuleMode, SuggestionState, Tag, TagChange, TagSuggestion
from tests.factories import NOON, World, build_customer, build_world
from tests.mall.trading import place, refund
from tests.tagging.labels import build_group, build_tag
from tests.tagging.ruling import bought, evaluate, follow, live

DRESS, COAT = "碎花裙", "大衣"
AGES = (0, 29, 30, 59, 60, 100)
Step = tuple[str, int, int, str, int, bool]

steps = some.lists(
    some.tuples(
        some.sampled_from(["order", "order", "order", "cancel", "refund", "visit"]),
        some.integers(0, 1),  # which customer
        some.sampled_from(AGES),
        some.sampled_from([DRESS, COAT]),
        some.sampled_from([10_000, 20_000, 30_000]),
        some.booleans(),  # whether rules look right afterwards
    ),
    min_size=2,
    max_size=9,
)


@dataclass
class Past:
    """What a customer did, to work out by hand what rules should find: age, goods and amount of each order."""

    orders: dict[UUID, tuple[int, str, int]] = field(default_factory=dict)
    refunded: set[UUID] = field(default_factory=set)
    refunds: int = 0
    visits: list[int] = field(default_factory=list)

    def within(self, days: int) -> list[tuple[int, str, int]]:
        return [order for order in self.orders.values() if order[0] < days]

    def expected(self) -> dict[str, bool | None]:
        """For each tag whether it should be there; none where nothing can be said."""
        spent = sum(amount for _, _, amount in self.within(30))
        on_dresses = sum(amount for _, name, amount in self.within(30) if name == DRESS)
        return {
            "爱裙装": on_dresses * 2 >= spent if spent else None,
            "多次": (len(self.within(60)) >= 2 if self._did_anything(60) else None),
            "大额": (sum(each[2] for each in self.within(60)) >= 30_000 if self._did_anything(60) else None),
            "回访": (self.refunds >= 1 or len(self.visits) >= 2) if self._did_anything(101) else None,
        }

    def _did_anything(self, days: int) -> bool:
        return bool(self.within(days)) or any(age < days for age in self.visits)


@given(steps=steps)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_following_marks_comes_to_what_a_night_from_scratch_comes_to(ground: Ground, steps: list[Step]) -> None:
    world = await build_world(ground, ids.new().hex[-12:])
    people = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    with clock.stopped_at(NOON):
        tags = await write_rules(ground, world)
        pasts = [Past(), Past()]
        for step in steps:
            await happen(ground, world, people, pasts, step)
            if step[-1]:
                await follow(ground, world)
        while await follow(ground, world):
            pass
        followed = await state(ground, people)

        night = await evaluate(ground, *people)
        assert (night.set, night.unset, night.suggested, night.withdrawn) == (0, 0, 0, 0)
        await forget(ground, world)
        await evaluate(ground, *people)
        scratch = await state(ground, people)

    for customer, past in zip(people, pasts, strict=True):
        expected = past.expected()
        said = {name: (tags[name].id in followed[customer.id], tags[name].id in scratch[customer.id]) for name in tags}
        # What nothing can be said of any more stays as it was.
        known = {name: both for name, both in said.items() if expected[name] is not None}
        if expected["大额"]:
            known["多次"] = (False, False)  # the surer rule of the group has its way
            expected["多次"] = False
        assert known == {name: (expected[name], expected[name]) for name in known}


async def write_rules(ground: Ground, world: World) -> dict[str, Tag]:
    many = await build_group(ground, world)
    one = await build_group(ground, world, "层级", Choice.SINGLE)
    tags = {
        name: await build_tag(ground, world, group, name)
        for name, group in (("爱裙装", many), ("多次", one), ("大额", one), ("回访", many))
    }
    await live(ground, world, tags["爱裙装"], f'share(name: "{DRESS}", days: 30) >= 50%', name="一")
    await live(ground, world, tags["多次"], "orders(days: 60) >= 2", name="二", confidence=60)
    await live(ground, world, tags["大额"], "spend(days: 60) >= 300", name="三", confidence=90)
    visited = "refunds(days: 101) >= 1 or visits(days: 101) >= 2"
    await live(ground, world, tags["回访"], visited, name="四", mode=RuleMode.SUGGEST)
    return tags


async def happen(ground: Ground, world: World, people: list[Customer], pasts: list[Past], step: Step) -> None:
    kind, who, age, name, amount, _ = step
    customer, past = people[who], pasts[who]
    at = NOON - timedelta(days=age)
    free = sorted(past.orders.keys() - past.refunded)
    match kind:
        case "order":
            order = await place(ground, world, customer, **bought((name, amount), at=at))
            past.orders[order.id] = (age, name, amount)
        case "cancel" if free:
            async with unit_of_work(ground, world.shop.manager) as work:
                await mall.cancel_order(work, free[0])
            del past.orders[free[0]]
        case "refund" if free:
            await refund(ground, world, free[-1], amount=100)
            past.refunded.add(free[-1])
            past.refunds += 1
        case "visit":
            async with unit_of_work(ground, world.shop.guide) as work:
                await customers.note_visit(work, customer.id, at=at)
            past.visits.append(age)


async def state(ground: Ground, people: list[Customer]) -> dict[UUID, set[UUID]]:
    """The tags that each carries, or that are suggested."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    brand_id = people[0].brand_id
    carried = select(col(CustomerTag.customer_id), col(CustomerTag.tag_id)).where(col(CustomerTag.brand_id) == brand_id)
    offered = select(col(TagSuggestion.customer_id), col(TagSuggestion.tag_id)).where(
        col(TagSuggestion.brand_id) == brand_id, col(TagSuggestion.state) == SuggestionState.OPEN
    )
    async with ground.db.read() as session:
        for statement in (carried, offered):
            for customer_id, tag_id in await session.execute(statement):
                found[customer_id].add(tag_id)
    return found


async def forget(ground: Ground, world: World) -> None:
    """Whatever rules have ever done."""
    async with ground.db.write() as session:
        for table in (CustomerTag, TagChange, TagSuggestion):
            await session.execute(delete(table).where(col(table.brand_id) == world.brand.id))
