"""Tasks through GraphQL."""

from datetime import timedelta

from kernel import clock
from kernel.errors import NotSignedIn
from kernel.work import Ground
from tasks.models import Task
from tests.asking import ask, refused
from tests.factories import build_customer, build_task, build_world, reload

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


async def test_a_task_is_made_put_off_and_cancelled(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    create = """mutation ($input: NewTask!, $key: String) { createTask(input: $input, idempotencyKey: $key) {
        ... on TaskChanged { task { id version kind title priority customer { id } keeper { id } store { id }
        createdBy { id } relationship { isPrimary } } } ... on Problem { code } } }"""
    snooze = """mutation ($id: ID!, $until: DateTime!, $version: Int) {
        snoozeTask(id: $id, until: $until, expectedVersion: $version) {
        ... on TaskChanged { task { version snoozedUntil } } ... on Problem { code } } }"""
    cancel = """mutation ($id: ID!) { cancelTask(id: $id, remark: "不需要了") {
        ... on TaskChanged { task { state outcomeRemark } } ... on Problem { code } } }"""
    until = (clock.now() + timedelta(days=2)).isoformat()
    given = {"title": "回访", "kind": "REVISIT", "dueAt": until, "customerId": str(customer.id), "priority": 80}

    made = await ask(ground, world.shop.manager, create, input=given, key="k")
    again = await ask(ground, world.shop.manager, create, input=given, key="k")
    wrong = await ask(ground, world.shop.manager, create, input=given | {"customerId": None})
    task = made["createTask"]["task"]
    stale = await ask(ground, world.shop.guide, snooze, id=task["id"], until=until, version=9)
    past = await ask(ground, world.shop.guide, snooze, id=task["id"], until="2026-01-01T00:00:00Z")
    put_off = await ask(ground, world.shop.guide, snooze, id=task["id"], until=until, version=1)
    cancelled = await ask(ground, world.shop.guide, cancel, id=task["id"])

    assert made == again
    assert task["customer"] == {"id": str(customer.id)}
    assert task["keeper"] == {"id": str(world.shop.guide.account_ids[0])}
    assert (task["createdBy"], task["relationship"]) == ({"id": str(world.shop.manager.id)}, {"isPrimary": True})
    assert (wrong["createTask"]["code"], stale["snoozeTask"]["code"]) == ("INVALID", "STALE_VERSION")
    assert past["snoozeTask"]["code"] == "SNOOZE_IN_THE_PAST"
    assert put_off["snoozeTask"]["task"]["version"] == 2
    assert cancelled["cancelTask"]["task"] == {"state": "CANCELLED", "outcomeRemark": "不需要了"}


async def test_tasks_are_narrowed_down_ordered_paged_and_counted(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    urgent = await build_task(ground, world.shop.guide, customer, priority=90)
    later = await build_task(ground, world.shop.guide, priority=10)
    await build_task(ground, world.shop.other_guide)
    document = """query ($filter: TaskFilter, $order: TaskOrder!, $after: Cursor) {
        tasks(filter: $filter, orderBy: $order, first: 1, after: $after) {
        edges { node { id } } pageInfo { hasNextPage endCursor } } taskCounts(filter: $filter) { pending done } }"""
    mine = {"accountId": str(world.shop.guide.account_ids[0])}

    for order, wanted in {"PRIORITY": [urgent, later], "NEWEST": sorted([urgent, later], key=_newest)}.items():
        first = await ask(ground, world.shop.manager, document, filter=mine, order=order)
        after = first["tasks"]["pageInfo"]["endCursor"]
        rest = await ask(ground, world.shop.manager, document, filter=mine, order=order, after=after)
        found = [page["tasks"]["edges"][0]["node"]["id"] for page in (first, rest)]
        assert found == [str(task.id) for task in wanted]
        assert not rest["tasks"]["pageInfo"]["hasNextPage"]
        assert first["taskCounts"] == {"pending": 2, "done": 0}
    nothing = await ask(ground, world.shop.manager, document, filter={"accountId": "nonsense"}, order="DUE")
    assert nothing["tasks"]["edges"] == []


def _newest(task: Task) -> tuple[float, int]:
    return -task.created_at.timestamp(), -task.id.int
