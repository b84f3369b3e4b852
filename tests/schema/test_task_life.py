"""The life of tasks through GraphQL: opened, skipped, many at once, what happened to them, and what came of it."""

from datetime import timedelta

from kernel import clock
from kernel.work import Ground
from tasks.models import Outcome, TaskState
from tests.asking import ask
from tests.factories import build_customer, build_task, build_world
from tests.mall.trading import place
from tests.statements import statements

HISTORY = """query ($id: ID!, $first: Int! = 20) { task(id: $id) { seenAt skipReason outcomeRemark state
    closedBy { id } history(first: $first) { kind until by { id } fromAccount { id } toAccount { id } } } }"""
SKIP = """mutation ($id: ID!, $reason: SkipReason!, $remark: String, $version: Int) {
    skipTask(id: $id, reason: $reason, remark: $remark, expectedVersion: $version) {
    ... on TaskChanged { task { state skipReason version } } ... on Problem { code current { id version } } } }"""
MANY = """mutation ($ids: [ID!]!, $until: DateTime!, $key: String) {
    snoozeTasks(ids: $ids, until: $until, idempotencyKey: $key) {
    ... on TasksChanged { tasks { id version } places { seq } } ... on Problem { code message index } } }"""
SEEN = """mutation ($ids: [ID!]!) { markTasksSeen(ids: $ids) {
    ... on TasksChanged { tasks { id seenAt } } ... on Problem { code index } } }"""
REASSIGN = """mutation ($id: ID!, $to: ID!) { reassignTask(id: $id, toAccountId: $to) {
    ... on TaskChanged { task { keeper { id } } } ... on Problem { code } } }"""
TOTAL = """query ($from: DateTime!, $until: DateTime!, $filter: TaskFilter) {
    taskInfluence(closedFrom: $from, closedUntil: $until, filter: $filter) {
    ... on TaskInfluenceTotal { tasks orders amount currency } ... on Problem { code } } }"""


async def test_what_happened_to_a_task_is_told_the_latest_first(ground: Ground) -> None:
    world = await build_world(ground)
    guide, other = world.shop.guide, world.shop.other_guide
    task = await build_task(ground, guide)
    until = (clock.now() + timedelta(days=2)).isoformat()

    seen = await ask(ground, guide, SEEN, ids=[str(task.id)])
    await ask(ground, guide, MANY, ids=[str(task.id)], until=until)
    moved = await ask(ground, world.shop.manager, REASSIGN, id=str(task.id), to=str(other.account_ids[0]))
    gone = await ask(ground, guide, HISTORY, id=str(task.id))
    stale = await ask(ground, other, SKIP, id=str(task.id), reason="BAD_TIME", version=1)
    wordless = await ask(ground, other, SKIP, id=str(task.id), reason="OTHER")
    skipped = await ask(ground, other, SKIP, id=str(task.id), reason="OTHER", remark="搬走了", version=4)

    assert [each["id"] for each in seen["markTasksSeen"]["tasks"]] == [str(task.id)]
    assert moved["reassignTask"]["task"]["keeper"] == {"id": str(other.account_ids[0])}
    assert gone["task"] is None
    assert stale["skipTask"] == {"code": "STALE_VERSION", "current": {"id": str(task.id), "version": 4}}
    assert wordless["skipTask"]["code"] == "INVALID"
    assert skipped["skipTask"]["task"] == {"state": "SKIPPED", "skipReason": "OTHER", "version": 5}
    shown = (await ask(ground, world.shop.manager, HISTORY, id=str(task.id)))["task"]
    assert (shown["outcomeRemark"], shown["closedBy"]) == ("搬走了", {"id": str(other.id)})
    assert [(step["kind"], step["by"]["id"]) for step in shown["history"]] == [
        ("SKIPPED", str(other.id)),
        ("MOVED", str(world.shop.manager.id)),
        ("SNOOZED", str(guide.id)),
        ("SEEN", str(guide.id)),
    ]
    accounts = ({"id": str(guide.account_ids[0])}, {"id": str(other.account_ids[0])})
    assert (shown["history"][1]["fromAccount"], shown["history"][1]["toAccount"]) == accounts
    assert shown["history"][2]["until"] == until
    newest = (await ask(ground, world.shop.manager, HISTORY, id=str(task.id), first=1))["task"]["history"]
    assert [step["kind"] for step in newest] == ["SKIPPED"]


async def test_many_are_changed_once_per_key_and_a_refusal_says_which_one_it_is_about(ground: Ground) -> None:
    world = await build_world(ground)
    tasks = [await build_task(ground, world.shop.guide) for _ in range(3)]
    done = await build_task(ground, world.shop.guide, state=TaskState.DONE)
    until = (clock.now() + timedelta(days=2)).isoformat()
    named = [str(task.id) for task in tasks]

    closed = await ask(ground, world.shop.guide, MANY, ids=[*named, str(done.id)], until=until)
    unknown = await ask(ground, world.shop.guide, MANY, ids=["nonsense", *named], until=until)
    nothing = await ask(ground, world.shop.guide, MANY, ids=[], until=until)
    once = await ask(ground, world.shop.guide, MANY, ids=named, until=until, key="k")
    again = await ask(ground, world.shop.guide, MANY, ids=named, until=until, key="k")

    assert closed["snoozeTasks"] == {
        "code": "TASK_CLOSED",
        "message": "This task is already closed: it was done.",
        "index": 3,
    }
    assert (unknown["snoozeTasks"]["code"], nothing["snoozeTasks"]["code"]) == ("NOT_FOUND", "INVALID")
    assert once == again
    assert once["snoozeTasks"]["tasks"] == [{"id": each, "version": 2} for each in named]
    assert len(once["snoozeTasks"]["places"]) == 1


async def test_what_came_of_tasks_is_shown_with_each_and_altogether(ground: Ground) -> None:
    world = await build_world(ground)
    at = clock.now() - timedelta(days=3)
    customer = await build_customer(ground, world.shop.guide)
    task = await build_task(
        ground, world.shop.guide, customer, state=TaskState.DONE, outcome=Outcome.REACHED, closed_at=at
    )
    await place(ground, world, customer, placed_at=at + timedelta(days=1), amount=5_000)
    document = """{ tasks { edges { node { influence { orders amount currency withinDays } } } } }"""
    period = {"from": (at - timedelta(days=1)).isoformat(), "until": (at + timedelta(days=1)).isoformat()}

    [edge] = (await ask(ground, world.shop.guide, document))["tasks"]["edges"]
    total = await ask(ground, world.shop.manager, TOTAL, **period, filter={"kinds": ["REVISIT"]})
    none = await ask(ground, world.shop.manager, TOTAL, **period, filter={"kinds": ["TODO", "CAMPAIGN"]})
    wide = await ask(ground, world.shop.manager, TOTAL, **{**period, "from": "2020-01-01T00:00:00Z"})

    assert edge["node"]["influence"] == {"orders": 1, "amount": 5_000, "currency": "CNY", "withinDays": 14}
    assert total["taskInfluence"] == {"tasks": 1, "orders": 1, "amount": 5_000, "currency": "CNY"}
    assert none["taskInfluence"] == {"tasks": 0, "orders": 0, "amount": 0, "currency": "CNY"}
    assert wide["taskInfluence"] == {"code": "INVALID"}
    assert task.id


async def test_histories_and_influence_of_one_and_of_three_take_as_many_statements(ground: Ground) -> None:
    world = await build_world(ground)
    document = """{ tasks { edges { node { history { kind by { id } } influence { orders } closedBy { id }
        closedByOrder { id } } } } }"""
    counts = []
    for more in (1, 2):
        for _ in range(more):
            customer = await build_customer(ground, world.shop.guide)
            values = {"state": TaskState.DONE, "outcome": Outcome.REACHED, "closed_at": clock.now()}
            task = await build_task(
                ground,
                world.shop.guide,
                customer,
                closed_by_id=world.shop.guide.id,
                **values,
            )
            assert task.closed_at
        with statements(ground) as sent:
            shown = await ask(ground, world.shop.guide, document)
        counts.append(len(sent))

    assert len(shown["tasks"]["edges"]) == 3
    assert counts[0] == counts[1]


async def test_tasks_are_found_by_kind_and_by_what_is_late(ground: Ground) -> None:
    world = await build_world(ground)
    now = clock.now()
    customer = await build_customer(ground, world.shop.guide)
    late = await build_task(ground, world.shop.guide, customer, due_at=now - timedelta(hours=1))
    escalated = await build_task(ground, world.shop.guide, due_at=now - timedelta(days=2), escalated_at=now)
    over = await build_task(ground, world.shop.guide, due_at=now - timedelta(days=9), state=TaskState.EXPIRED)
    coming = await build_task(ground, world.shop.guide)
    document = """query ($filter: TaskFilter!) { tasks(filter: $filter) { edges { node { id } } }
        taskCounts(filter: $filter) { pending done skipped expired cancelled } workbench { escalated { id } } }"""

    async def found(**narrowed: object) -> set[str]:
        shown = await ask(ground, world.shop.manager, document, filter=narrowed)
        assert shown["workbench"]["escalated"] == [{"id": str(escalated.id)}]
        edges = shown["tasks"]["edges"]
        assert sum(shown["taskCounts"].values()) == len(edges)
        return {edge["node"]["id"] for edge in edges}

    def those(*tasks: object) -> set[str]:
        return {str(task.id) for task in tasks}  # type: ignore[attr-defined]

    assert await found(isOverdue=True) == those(late, escalated)
    assert await found(isOverdue=False) == those(over, coming)
    assert await found(isEscalated=True) == those(escalated)
    assert await found(isEscalated=False) == those(late, over, coming)
    assert await found(kinds=["REVISIT", "CAMPAIGN"]) == those(late)
    assert await found(kinds=["REVISIT"], kind="TODO") == set()
    assert await found(kinds=[]) == set()
    assert await found(kinds=["TODO"], isOverdue=True) == those(escalated)
