"""What many ask for alike is worked out once, shows each change of figures, and takes up only so much room."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from directory.models import Staff
from kernel import clock, ids
from kernel.actor import Actor, Role
from kernel.work import Ground
from kpi.models.definitions import Figure
from kpi.queries import ranking
from kpi.queries.ranking import Position
from kpi.queries.remembering import MOST_AGE, Asked, Memory
from tests.factories import World, build_customer, build_world, save
from tests.kpi.test_every_change import count_all
from tests.kpi.test_ranking import MARCH
from tests.kpi.test_tiles import NOW
from tests.mall.trading import place
from tests.statements import statements

BRAND, OTHER = UUID(int=1), UUID(int=2)
ASKED = Asked(BRAND, "net", 1)


class Slow:
    """Something to work out that takes until it is let go on."""

    def __init__(self, *values: list[int] | Exception) -> None:
        self.values = list(values)
        self.times = 0
        self.go_on = asyncio.Event()

    async def __call__(self) -> list[int]:
        self.times += 1
        value = self.values.pop(0)
        await self.go_on.wait()
        if isinstance(value, Exception):
            raise value
        return value


def at_once(*value: int) -> Callable[[], Awaitable[list[int]]]:
    async def work_out() -> list[int]:
        return list(value)

    return work_out


async def test_many_who_ask_at_once_wait_for_the_first() -> None:
    memory, slow = Memory[list[int]](), Slow([1, 2])
    asking = [asyncio.create_task(memory.recall(ASKED, slow)) for _ in range(50)]
    await asyncio.sleep(0)

    slow.go_on.set()

    assert await asyncio.gather(*asking) == [[1, 2]] * 50
    assert await memory.recall(ASKED, slow) == [1, 2]
    assert slow.times == 1


async def test_the_next_takes_the_place_of_one_who_fails_or_leaves() -> None:
    memory, slow = Memory[list[int]](), Slow([0], RuntimeError("away"), [3])
    asking = [asyncio.create_task(memory.recall(ASKED, slow)) for _ in range(4)]
    await asyncio.sleep(0)

    asking[0].cancel()
    slow.go_on.set()
    left, failed, *served = await asyncio.gather(*asking, return_exceptions=True)

    assert (type(left), type(failed), served) == (asyncio.CancelledError, RuntimeError, [[3], [3]])
    assert slow.times == 3


async def test_one_who_waits_and_leaves_takes_nobody_along() -> None:
    memory, slow = Memory[list[int]](), Slow([1])
    asking = [asyncio.create_task(memory.recall(ASKED, slow)) for _ in range(3)]
    await asyncio.sleep(0)

    asking[1].cancel()
    await asyncio.sleep(0)
    slow.go_on.set()

    assert (await asking[0], await asking[2], slow.times) == ([1], [1], 1)


async def test_another_brand_another_question_and_another_revision_have_values_of_their_own() -> None:
    memory = Memory[list[int]]()
    all_asked = [ASKED, Asked(OTHER, "net", 1), Asked(BRAND, "gross", 1), Asked(BRAND, "net", 2)]

    found = [await memory.recall(asked, at_once(number)) for number, asked in enumerate(all_asked)]

    assert found == [[0], [1], [2], [3]]


async def test_who_sees_an_older_snapshot_is_given_it_and_takes_the_newer_from_nobody() -> None:
    memory = Memory[list[int]]()
    later = Asked(BRAND, "net", 2)
    await memory.recall(later, at_once(2))

    assert await memory.recall(ASKED, at_once(1)) == [1]
    assert await memory.recall(later, at_once(9)) == [2]


async def test_a_value_is_worked_out_anew_after_a_while() -> None:
    memory = Memory[list[int]]()
    with clock.stopped_at(NOW):
        await memory.recall(ASKED, at_once(1))
    with clock.stopped_at(NOW + MOST_AGE - timedelta(milliseconds=1)):
        just_before = await memory.recall(ASKED, at_once(2))
    with clock.stopped_at(NOW + MOST_AGE):
        then = await memory.recall(ASKED, at_once(3))
    with clock.stopped_at(NOW):
        set_back = await memory.recall(ASKED, at_once(4))

    assert (just_before, then, set_back) == ([1], [3], [4])


async def test_what_was_asked_for_longest_ago_is_given_up_when_room_runs_out() -> None:
    memory = Memory[list[int]](most_lines=5)
    first, second, third = (Asked(BRAND, name, 1) for name in ("a", "b", "c"))
    await memory.recall(first, at_once(1, 1))
    await memory.recall(second, at_once(2, 2))
    await memory.recall(first, at_once(0))

    await memory.recall(third, at_once(3, 3))

    assert memory.lines == 4
    assert await memory.recall(first, at_once(0)) == [1, 1]
    assert await memory.recall(second, at_once(0)) == [0]


async def test_what_is_larger_than_all_room_is_given_to_all_who_wait_and_not_kept() -> None:
    memory, slow = Memory[list[int]](most_lines=2), Slow([1, 2, 3])
    asking = [asyncio.create_task(memory.recall(ASKED, slow)) for _ in range(3)]
    await asyncio.sleep(0)
    slow.go_on.set()

    assert await asyncio.gather(*asking) == [[1, 2, 3]] * 3
    assert memory.lines == 0


@pytest.fixture
def brands(monkeypatch: pytest.MonkeyPatch) -> Memory[ranking.Ranking]:
    """An empty memory of rankings."""
    memory = Memory[ranking.Ranking]()
    monkeypatch.setattr(ranking, "BRANDS", memory)
    return memory


async def own(ground: Ground, actor: Actor) -> Position:
    """Where somebody stands in the brand."""
    async with ground.db.read() as session:
        return (await ranking.own(session, actor, Figure.GROSS, MARCH)).in_brand


async def begin(ground: Ground, world: World) -> None:
    """Let a guide begin to work."""
    its: dict[str, Any] = {"number": "new", "name": "李", "role": Role.GUIDE, "hired_at": NOW}
    await save(ground, Staff(brand_id=world.brand.id, id=ids.new(), store_id=world.shop.store.id, **its))


async def test_the_brand_is_added_up_once_for_all_its_guides_until_figures_change(
    ground: Ground, brands: Memory[ranking.Ranking]
) -> None:
    with clock.stopped_at(NOW):
        world = await build_world(ground)
        guides = [world.shop.guide, world.shop.other_guide, world.shops[1].guide]
        for number, guide in enumerate(guides[:2]):
            await place(ground, world, await build_customer(ground, guide), amount=100 + number)
        await count_all(ground, world.brand.id)

        with statements(ground) as told:
            before = await asyncio.gather(*(own(ground, guide) for guide in guides))
        sums = [each for each in told if "FROM kpi_sales" in each and "store_id" not in each]
        await place(ground, world, await build_customer(ground, guides[0]), amount=7)
        not_counted_yet = await own(ground, guides[0])
        await count_all(ground, world.brand.id)
        after = await own(ground, guides[0])

    assert len(sums) == 1
    assert [position.position for position in before] == [2, 1, 3]
    assert not_counted_yet == before[0]
    assert after == Position(Fraction(107), 1, 6)
    assert len(brands._known) == 1


async def test_a_guide_who_begins_shows_in_a_while_and_brands_never_mix(
    ground: Ground, brands: Memory[ranking.Ranking]
) -> None:
    with clock.stopped_at(NOW):
        world, other = await build_world(ground), await build_world(ground, "other")
        mine, theirs = [await own(ground, each.shop.other_guide) for each in (world, other)]
        await begin(ground, world)
        at_once = await own(ground, world.shop.other_guide)
    with clock.stopped_at(NOW + MOST_AGE):
        later, their_later = [await own(ground, each.shop.other_guide) for each in (world, other)]

    assert [each.of for each in (mine, theirs, at_once, later, their_later)] == [6, 6, 6, 7, 6]
