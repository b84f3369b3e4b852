"""Tasks through GraphQL."""

from kernel.errors import NotSignedIn
from kernel.work import Ground
from tests.asking import ask, refused
from tests.factories import build_task, build_world, reload

COMPLETE = """
mutation ($id: ID!, $key: String, $remark: String) {
  completeTask(id: $id, outcome: REACHED, remark: $remark, idempotencyKey: $key) {
    ... on TaskChanged { task { id state outcome version } }
    ... on Problem { code message }
  }
}
"""


async def test_a_page_of_tasks_ends_where_the_next_begins(ground: Ground) -> None:
    world = await build_world(ground)
    made = {str((await build_task(ground, world.shop.guide)).id) for _ in range(3)}
    document = """query ($after: Cursor) { tasks(first: 2, after: $after) {
        edges { node { id } } pageInfo { hasNextPage endCursor } } }"""

    first = (await ask(ground, world.shop.guide, document))["tasks"]
    rest = (await ask(ground, world.shop.guide, document, after=first["pageInfo"]["endCursor"]))["tasks"]

    assert first["pageInfo"]["hasNextPage"]
    assert not rest["pageInfo"]["hasNextPage"]
    assert {edge["node"]["id"] for edge in first["edges"] + rest["edges"]} == made


async def test_the_same_key_and_body_give_the_same_answer_and_one_effect(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    once = await ask(ground, world.shop.guide, COMPLETE, id=str(task.id), key="k1")
    again = await ask(ground, world.shop.guide, COMPLETE, id=str(task.id), key="k1")

    assert once == again
    assert once["completeTask"]["task"]["state"] == "DONE"
    assert (await reload(ground, task)).version == 2


async def test_the_same_key_with_another_body_is_a_problem(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)
    await ask(ground, world.shop.guide, COMPLETE, id=str(task.id), key="k1")

    other = await ask(ground, world.shop.guide, COMPLETE, id=str(task.id), key="k1", remark="另一句")

    assert other["completeTask"]["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_an_unseen_task_and_a_malformed_id_are_the_same_problem(ground: Ground) -> None:
    world = await build_world(ground)
    foreign = await build_task(ground, world.shops[1].guide)

    answers = [
        await ask(ground, world.shop.guide, COMPLETE, id=unseen)
        for unseen in (str(foreign.id), "00000000-0000-7000-8000-000000000000", "nonsense")
    ]

    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["completeTask"]["code"] == "NOT_FOUND"


async def test_nobody_signed_in_is_an_error_and_not_a_problem(ground: Ground) -> None:
    [error] = await refused(ground, None, "{ tasks { edges { cursor } } }")

    assert isinstance(error, NotSignedIn)
