"""A cover that begins or ends reaches the delegate's open socket within a second or so, and nobody else's."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from directory.commands import covers
from kernel import clock
from kernel.work import Ground, unit_of_work
from server.standing import CHECK_SECONDS
from tests.directory.covering import cover
from tests.factories import build_customer, build_world
from tests.serving import Line, Served, serving

CHANGES = "subscription ($after: Cursor) { changes(after: $after) { cursor mustRefetch } }"
SOON = 2 * CHECK_SECONDS


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


async def listened(line: Line, after: str | None = None) -> dict[str, object]:
    """What the stream says first."""
    await line.subscribe("live", CHANGES, **({"after": after} if after else {}))
    first: dict[str, object] = (await line.hear())["payload"]["data"]["changes"]
    return first


async def test_a_socket_is_closed_at_the_start_and_at_the_end_and_the_phone_starts_over(served: Served) -> None:
    world = await build_world(served.ground)
    absent, delegate = world.shop.guides
    customer = await build_customer(served.ground, absent)
    asked = f'{{ customer(id: "{customer.id}") {{ id }} viewer {{ covers {{ isInForce staff {{ id }} }} }} }}'
    async with served.line(delegate) as line:
        before = (await listened(line))["cursor"]
        arranged = await cover(served.ground, world)
        assert await line.close_code(SOON) == 4403
    async with served.line(delegate) as line, served.line(absent) as theirs:
        during = await listened(line, str(before))
        seen = await served.ask(asked, delegate)
        await listened(theirs)
        async with unit_of_work(served.ground, world.shop.manager) as work:
            await covers.end(work, arranged.id)
        assert await line.close_code(SOON) == 4403
        await theirs.subscribe("still", "{ __typename }")
        still = [await theirs.hear() for _ in range(2)]
    after = await served.ask(asked, delegate)

    assert during["mustRefetch"] is True
    assert seen["customer"] == {"id": str(customer.id)}
    assert seen["viewer"] == {"covers": [{"isInForce": True, "staff": {"id": str(absent.id)}}]}
    assert after == {"customer": None, "viewer": {"covers": []}}
    assert {message["id"] for message in still} <= {"still", "live"}


async def test_the_clock_ends_it_while_no_worker_runs(served: Served) -> None:
    world = await build_world(served.ground)
    async with served.line(world.shop.other_guide) as line:
        await cover(served.ground, world, starts_at=clock.now() + timedelta(seconds=1), hours=1 / 3600)
        assert await line.close_code(1 + SOON) == 4403
    async with served.line(world.shop.other_guide) as line:
        assert await line.close_code(1 + SOON) == 4403
