"""Departures and reassigning through GraphQL."""

from directory.models import Staff, StaffState
from kernel.work import Ground
from tests.asking import ask
from tests.factories import World, build_customer, build_task, build_world, relationship_of, reload, save

REASSIGN = """
mutation ($id: ID!, $to: ID!, $version: Int, $key: String) {
  reassignRelationship(id: $id, toAccountId: $to, expectedVersion: $version, idempotencyKey: $key) {
    ... on RelationshipChanged { relationship { id version holder { id } holdings { account { id } } } }
    ... on Problem { code }
  }
}
"""
DEPARTURES = """{ departures { edges { node {
    staff { number } relationships openTasks openOrders } } pageInfo { hasNextPage } } }"""


async def test_a_manager_gives_a_relationship_and_its_open_task_to_a_colleague(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    task = await build_task(ground, world.shop.guide, customer)
    relationship = await relationship_of(ground, customer)
    to = world.shop.other_guide.account_ids[0]

    first = await ask(ground, world.shop.manager, REASSIGN, id=str(relationship.id), to=str(to), key="k")
    again = await ask(ground, world.shop.manager, REASSIGN, id=str(relationship.id), to=str(to), key="k")

    moved = first["reassignRelationship"]["relationship"]
    assert moved["holder"]["id"] == str(to)
    assert [line["account"]["id"] for line in moved["holdings"]] == [str(to), str(world.shop.guide.account_ids[0])]
    assert (await reload(ground, task)).account_id == to
    assert again == first


async def test_a_guide_reassigns_nothing_and_an_older_version_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    relationship = await relationship_of(ground, await build_customer(ground, world.shop.guide))
    to = str(world.shop.other_guide.account_ids[0])

    by_guide = await ask(ground, world.shop.guide, REASSIGN, id=str(relationship.id), to=to)
    too_old = await ask(ground, world.shop.manager, REASSIGN, id=str(relationship.id), to=to, version=7)

    assert by_guide["reassignRelationship"]["code"] == "FORBIDDEN"
    assert too_old["reassignRelationship"]["code"] == "STALE_VERSION"
    assert (await reload(ground, relationship)).version == 1


async def test_managers_see_what_leavers_hold_and_guides_see_no_leavers(ground: Ground) -> None:
    world = await build_world(ground)
    await _leave(world)
    customer = await build_customer(ground, world.shop.guide)
    await build_task(ground, world.shop.guide, customer)

    for manager in (world.shop.manager, world.east_manager, world.hq):
        [edge] = (await ask(ground, manager, DEPARTURES))["departures"]["edges"]
        assert (edge["node"]["relationships"], edge["node"]["openTasks"], edge["node"]["openOrders"]) == (1, 1, 0)
    for other in (world.shop.other_guide, world.shops[1].manager):
        assert (await ask(ground, other, DEPARTURES))["departures"]["edges"] == []


async def _leave(world: World) -> None:
    async with world.ground.db.read() as session:
        guide = await session.get(Staff, (world.brand.id, world.shop.guide.id))
    assert guide
    guide.state = StaffState.LEAVING
    await save(world.ground, guide)
