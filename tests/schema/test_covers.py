"""Cover for leave as apps ask for it: managers arrange it, a delegate's phone says for whom they serve until when."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from directory.models import Cover
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground
from kpi.queries.tiles import Tiles, tiles
from mall.queries import orders
from tasks.queries import tasks, workbench
from tests.asking import ask
from tests.directory.covering import as_now, cover
from tests.factories import NOON, build_customer, build_task, build_world
from tests.mall.trading import place
from tests.statements import statements

ARRANGE = """
mutation ($staff: ID!, $delegate: ID!, $ends: DateTime!) {
  arrangeCover(staffId: $staff, delegateId: $delegate, endsAt: $ends) {
    ... on CoverChanged { cover { id version state isInForce staff { id } delegate { id } arrangedBy { id } }
      places { seq } }
    ... on Problem { code message }
  }
}"""
MINE = "{ viewer { accounts { id } covers { isInForce endsAt staff { id } delegate { id } endedBy { id } } } }"
LIST = "query ($open: Boolean) { covers(open: $open) { edges { node { id staff { name } store { name } } } } }"


def given(absent: Actor, delegate: Actor, **ahead: float) -> dict[str, Any]:
    ends = clock.now() + timedelta(**ahead)
    return {"staff": str(absent.id), "delegate": str(delegate.id), "ends": ends.isoformat()}


async def test_a_manager_arranges_it_and_both_phones_say_so(ground: Ground) -> None:
    world = await build_world(ground)
    absent, delegate = world.shop.guides

    answer = await ask(ground, world.shop.manager, ARRANGE, **given(absent, delegate, days=3))
    theirs, own = [await ask(ground, await as_now(ground, each), MINE) for each in (delegate, absent)]

    arranged = answer["arrangeCover"]["cover"]
    assert (arranged["state"], arranged["isInForce"], arranged["version"]) == ("ACTIVE", True, 1)
    assert arranged["arrangedBy"] == {"id": str(world.shop.manager.id)}
    assert len(answer["arrangeCover"]["places"]) == 1
    assert theirs["viewer"]["covers"] == own["viewer"]["covers"]
    [said] = theirs["viewer"]["covers"]
    assert (said["isInForce"], said["staff"], said["endedBy"]) == (True, {"id": str(absent.id)}, None)
    assert theirs["viewer"]["accounts"] == [{"id": str(delegate.account_ids[0])}]


async def test_a_refusal_has_its_code_and_a_sentence(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide

    answer = await ask(ground, world.shop.manager, ARRANGE, **given(guide, guide, days=3))

    assert answer["arrangeCover"] == {
        "code": "OWN_COVER",
        "message": "Nobody can cover for themselves. Choose somebody else.",
    }


async def test_a_list_of_one_and_of_three_takes_the_same_number_of_statements(ground: Ground) -> None:
    one, three = await build_world(ground, "one"), await build_world(ground, "three")
    await cover(ground, one)
    for number in range(3):
        await cover(ground, three, starts_at=clock.now() + timedelta(days=2 * number))

    counted = []
    for world in (one, three):
        with statements(ground) as sent:
            answer = await ask(ground, world.shop.manager, LIST, open=True)
        counted.append((len(sent), len(answer["covers"]["edges"])))

    assert counted[0][0] == counted[1][0]
    assert [length for _, length in counted] == [1, 3]


async def test_what_is_over_or_cancelled_is_left_out_of_the_open_ones(ground: Ground) -> None:
    world = await build_world(ground)
    with clock.stopped_at(NOON):
        await cover(ground, world)

    everything = await ask(ground, world.shop.manager, LIST, open=False)
    still_open = await ask(ground, world.shop.manager, LIST, open=True)

    assert (len(everything["covers"]["edges"]), still_open["covers"]["edges"]) == (1, [])


async def test_the_delegates_workbench_has_what_is_covered_and_their_figures_only_what_is_theirs(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    absent, delegate = world.shop.guides
    covered = await build_customer(ground, absent, birthday=clock.now().date())
    task = await build_task(ground, absent, covered)
    order = await place(ground, world, covered)
    before = await _tiles(ground, delegate)

    await cover(ground, world)

    actor = await as_now(ground, delegate)
    async with ground.db.read() as session:
        pressing = [row.id for row in await tasks.most_pressing(session, actor, 9)]
        newest = [row.id for row in await orders.latest(session, actor, 9)]
        birthdays = [row.id for row in await workbench.birthdays(session, actor, 9)]
    during = await _tiles(ground, actor)
    assert (pressing, newest, birthdays) == ([task.id], [order.id], [covered.id])
    assert (before.open_tasks, during.open_tasks) == (0, 1)
    assert (during.customers_held, during.month, during.today) == (0, before.month, before.today)


@pytest.mark.parametrize("role", ["guide", "manager", "hq"])
async def test_who_asks_is_found_in_one_statement_also_while_they_cover(ground: Ground, role: str) -> None:
    world = await build_world(ground)
    await cover(ground, world)
    await cover(ground, world, delegate=world.shop.manager)
    who = {"guide": world.shop.other_guide, "manager": world.shop.manager, "hq": world.hq}[role]

    await as_now(ground, who)
    with statements(ground) as sent:
        actor = await as_now(ground, who)

    assert len([each for each in sent if each.startswith("SELECT")]) == 1
    assert len(actor.covered) == (role != "hq")
    assert len(set(actor.account_ids)) == len(actor.account_ids) == (role != "hq")


async def test_nothing_of_another_brand_is_covered(ground: Ground) -> None:
    ours, theirs = await build_world(ground, "ours"), await build_world(ground, "theirs")

    answer = await ask(ground, ours.hq, ARRANGE, **given(ours.shop.guide, theirs.shop.guide, days=3))

    assert answer["arrangeCover"]["code"] == "NOT_FOUND"
    async with ground.db.read() as session:
        assert (await session.scalars(select(Cover).where(col(Cover.brand_id) == ours.brand.id))).all() == []


async def _tiles(ground: Ground, actor: Actor) -> Tiles:
    async with ground.db.read() as session:
        return await tiles(session, actor)
