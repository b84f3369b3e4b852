"""Access closes at once: whoever is shut out has no socket two seconds later and no token that is any good."""

import asyncio
from datetime import timedelta

import pytest

from directory.models import Staff, StaffState
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground
from server import chores
from tests.factories import World, build_customer, build_world
from tests.handover.leaving import mark
from tests.serving import Served, serving

CHANGES = "subscription { changes { cursor changes { op id } } }"
CLOSE = "mutation ($id: ID!) { closeAccess(id: $id) { ... on StaffChanged { staff { state } } } }"


async def shut_out(served: Served, world: World, guide: Actor) -> None:
    await served.ask(CLOSE, world.shop.manager, id=str(guide.id))


async def last_day_is_over(served: Served, world: World, guide: Actor) -> None:
    await mark(served.ground, world.shop.manager, guide, clock.store_day(clock.now(), "Asia/Shanghai"))
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        await chores.end_last_days(served.ground)


@pytest.mark.parametrize("way", [shut_out, last_day_is_over])
async def test_sockets_are_shut_within_two_seconds_whatever_is_held(ground: Ground, way: object) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    for _ in range(3):
        await build_customer(ground, guide)
    async with serving(ground) as served:
        token = await served.token(guide)
        async with (
            served.line(guide) as line,
            served.line(guide) as second,
            served.line(world.shop.other_guide) as other,
        ):
            for each in (line, second, other):
                await each.subscribe("live", CHANGES)
                await each.hear()
            await way(served, world, guide)  # type: ignore[operator]  # one of the two above
            began = asyncio.get_running_loop().time()
            codes = await asyncio.gather(*(each.connection.wait_closed() for each in (line, second)))
            took = asyncio.get_running_loop().time() - began
            assert len(codes) == 2
            assert other.connection.close_code is None
        answer = await served.http.post(
            "/graphql", json={"query": "{ viewer { id } }"}, headers={"Authorization": f"Bearer {token}"}
        )

    assert took < 2
    assert (line.connection.close_code, second.connection.close_code) == (4403, 4403)
    assert answer.json()["errors"][0]["extensions"]["code"] == "SIGN_IN_ENDED"
    async with ground.db.read() as session:
        found = await session.get(Staff, (guide.brand_id, guide.id))
    assert found
    assert found.state is StaffState.LEAVING
