"""What somebody sees first, and that nothing is missed between seeing it and following the changes."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from kernel import clock
from kernel.actor import Actor, Role, system
from kernel.errors import NotSignedIn
from kernel.work import Ground, unit_of_work
from mall.commands import profiles
from mall.models import OrderState
from tasks import commands
from tasks.commands import workbench
from tasks.models import Card, PlacedCard, TaskKind
from tests.asking import ask, refused
from tests.factories import World, build_customer, build_task, build_world
from tests.mall.trading import place
from tests.statements import statements

TASKS = "{ workbench { cursor tasks { id title version priority } } }"
CHANGES = """query ($after: Cursor) { changes(after: $after, first: 500) {
  upToDate changes { op id node { ... on Task { id title version priority state } } } } }"""


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def test_the_most_pressing_open_tasks_come_first_and_no_more_than_twenty(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    at = clock.now()
    made = [
        await build_task(ground, guide, priority=50 + number // 2, due_at=at + timedelta(hours=-number % 2))
        for number in range(22)
    ]
    await build_task(ground, guide, priority=100, snoozed_until=at + timedelta(hours=1))
    await build_task(ground, world.shop.other_guide, priority=100)
    pressing = sorted(made, key=lambda task: (-task.priority, task.due_at, task.id))[:20]

    shown = (await ask(ground, guide, TASKS))["workbench"]["tasks"]

    assert [task["id"] for task in shown] == [str(task.id) for task in pressing]


async def test_the_workbench_takes_the_same_statements_for_one_task_as_for_twenty(ground: Ground, world: World) -> None:
    taken = []
    for more in (1, 19):
        for _ in range(more):
            await build_task(ground, world.shop.guide)
        with statements(ground) as sent:
            await ask(ground, world.shop.guide, TASKS)
        taken.append(len(sent))

    assert taken[0] == taken[1]


async def test_whoever_catches_up_from_a_workbench_holds_what_a_fresh_one_shows(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    stop = asyncio.Event()

    async def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            async with unit_of_work(ground, guide) as work:
                added = await commands.add(work, title=f"第{number}件", due_at=clock.now(), priority=number % 100)
            if number % 3 == 0:
                async with unit_of_work(ground, guide) as work:
                    await commands.complete(work, added.id)
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    for _ in range(5):
        first = (await ask(ground, guide, TASKS))["workbench"]
        held: dict[str, Any] = {task["id"]: task for task in first["tasks"]}
        told = (await ask(ground, guide, CHANGES, after=first["cursor"]))["changes"]
        for change in told["changes"]:
            held.pop(change["id"], None)
            if change["op"] == "PUT" and change["node"]["state"] == "PENDING":
                held[change["id"]] = {name: value for name, value in change["node"].items() if name != "state"}
        fresh = {task["id"]: task for task in (await ask(ground, guide, TASKS))["workbench"]["tasks"]}
        later = (await ask(ground, guide, CHANGES, after=first["cursor"]))["changes"]["changes"]
        since = {change["id"] for change in later} - {change["id"] for change in told["changes"]}
        assert {key: task for key, task in fresh.items() if key not in since}.items() <= held.items()
    stop.set()
    await writing


async def test_a_machine_has_no_feed_and_keeps_no_task(ground: Ground, world: World) -> None:
    machine = Actor(brand_id=world.brand.id, id=uuid4(), role=Role.SERVICE)

    assert await ask(ground, machine, TASKS) == {"workbench": {"cursor": None, "tasks": []}}


async def test_nobody_signed_in_sees_no_workbench(ground: Ground) -> None:
    [error] = await refused(ground, None, TASKS)

    assert type(error) is NotSignedIn


ARRANGE = """mutation ($cards: [WorkbenchCardInput!]!) { arrangeWorkbench(cards: $cards) {
  ... on WorkbenchChanged { layout { version isOwn cards { card isHidden isLocked taskKinds orderStates churnRisks } }
    places { seq } }
  ... on Problem { code } } }"""
CARDS = """{ workbench { layout { isOwn cards { card } } tasks { id } orders { id state } customersAtRisk { id }
  birthdays { id } campaigns { id } tagChecks { id } } }"""


async def cards(ground: Ground, actor: Actor, *given: dict[str, Any]) -> dict[str, Any]:
    answered: dict[str, Any] = (await ask(ground, actor, ARRANGE, cards=list(given)))["arrangeWorkbench"]
    return answered


async def shown(ground: Ground, actor: Actor) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(ground, actor, CARDS))["workbench"]
    return found


def ids_of(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


async def test_cards_show_what_the_viewer_narrowed_them_down_to(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    made = {kind: await build_task(ground, guide, kind=kind) for kind in TaskKind}
    customer = await build_customer(ground, guide)
    paid = await place(ground, world, customer)
    await place(ground, world, customer, state=OrderState.COMPLETED)
    before = await shown(ground, guide)

    answered = await cards(
        ground,
        guide,
        {"card": "ORDERS", "orderStates": ["PAID"]},
        {"card": "TASKS", "taskKinds": ["REVISIT", "CAMPAIGN"]},
        {"card": "TILES", "isHidden": True, "taskKinds": []},
    )

    assert answered["layout"]["version"] == 1
    named = [each for each in answered["layout"]["cards"] if each["card"] in ("ORDERS", "TASKS", "TILES")]
    assert named == [
        {"card": "ORDERS", "isHidden": False, "isLocked": False}
        | {"taskKinds": None, "orderStates": ["PAID"], "churnRisks": None},
        {"card": "TASKS", "isHidden": False, "isLocked": False}
        | {"taskKinds": ["REVISIT", "CAMPAIGN"], "orderStates": None, "churnRisks": None},
        {"card": "TILES", "isHidden": True, "isLocked": False}
        | {"taskKinds": None, "orderStates": None, "churnRisks": None},
    ]
    assert len(answered["places"]) == 1
    after = await shown(ground, guide)
    assert (len(before["tasks"]), len(before["orders"])) == (len(TaskKind), 2)
    assert set(ids_of(after["tasks"])) == {str(made[kind].id) for kind in (TaskKind.REVISIT, TaskKind.CAMPAIGN)}
    assert ids_of(after["orders"]) == [str(paid.id)]
    assert ids_of(after["campaigns"]) == [str(made[TaskKind.CAMPAIGN].id)]
    assert ids_of(after["tagChecks"]) == [str(made[TaskKind.CHECK_TAG].id)]
    everything = "{ workbench { tasks(kinds: []) { id } orders(states: [COMPLETED]) { state } } }"
    asked = (await ask(ground, guide, everything))["workbench"]
    assert (len(asked["tasks"]), asked["orders"]) == (len(TaskKind), [{"state": "COMPLETED"}])


async def test_refusals_have_their_codes_and_a_machine_has_no_layout(ground: Ground, world: World) -> None:
    assert await cards(ground, world.shop.guide, {"card": "TILES", "taskKinds": ["TODO"]}) == {"code": "FILTER_UNFIT"}
    assert await cards(ground, world.shop.guide, {"card": "TILES"}, {"card": "TILES"}) == {"code": "INVALID"}
    machine = Actor(brand_id=world.brand.id, id=uuid4(), role=Role.SERVICE)
    assert await cards(ground, machine) == {"code": "FORBIDDEN"}
    assert (await shown(ground, machine))["layout"] is None


AT_RISK = "query ($risks: [ChurnRisk!]) { workbench { customersAtRisk(risks: $risks) { id } } }"


async def test_those_with_the_most_value_at_risk_come_first(ground: Ground, world: World) -> None:
    guide, today = world.shop.guide, clock.store_day(clock.now(), world.shop.store.time_zone)
    mine = [await build_customer(ground, guide) for _ in range(5)]
    alone = await build_customer(ground, guide, do_not_contact=True)
    theirs = await build_customer(ground, world.shop.other_guide)
    for number, customer in enumerate([*mine[:4], alone, theirs]):
        for back in range(2):
            placed_at = clock.now() - timedelta(days=30 * number + 10 * back + 1)
            await place(ground, world, customer, placed_at=placed_at, amount=10_000)
    assert (await ask(ground, guide, AT_RISK))["workbench"]["customersAtRisk"] == []
    after = None
    while True:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            after = await profiles.night_chunk(work, today, after)
        if after is None:
            break

    found = (await ask(ground, guide, AT_RISK))["workbench"]["customersAtRisk"]

    assert ids_of(found) == [str(customer.id) for customer in reversed(mine[:4])]
    risks = dict.fromkeys(("LOW", "MEDIUM", "HIGH"), 0)
    for risk in risks:
        risks[risk] = len((await ask(ground, guide, AT_RISK, risks=[risk]))["workbench"]["customersAtRisk"])
    assert sum(risks.values()) == 4
    assert max(risks.values()) < 4
    assert (await ask(ground, world.hq, AT_RISK))["workbench"]["customersAtRisk"] == []


async def test_birthdays_are_those_of_the_stores_month_the_next_ones_first(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    with clock.stopped_at(datetime(2026, 2, 28, 17, tzinfo=UTC)):  # the first of March in Shanghai
        days = (date(1990, 3, 1), date(1985, 3, 31), date(1992, 2, 28), date(1970, 3, 2), None)
        made = [await build_customer(ground, guide, birthday=day) for day in days]
        await build_customer(ground, guide, birthday=date(1990, 3, 5), do_not_contact=True)
        await build_customer(ground, world.shop.other_guide, birthday=date(1990, 3, 5))

        found = (await shown(ground, guide))["birthdays"]

    assert ids_of(found) == [str(made[number].id) for number in (0, 3, 1)]
    with clock.stopped_at(datetime(2026, 3, 2, 16, tzinfo=UTC)):  # the third
        assert ids_of((await shown(ground, guide))["birthdays"]) == [str(made[number].id) for number in (1, 0, 3)]
    assert (await shown(ground, world.hq))["birthdays"] == []


async def test_one_customer_and_three_take_the_same_statements(ground: Ground, world: World) -> None:
    guide, taken = world.shop.guide, []
    today = clock.store_day(clock.now(), world.shop.store.time_zone)
    for more in (1, 2):
        for _ in range(more):
            customer = await build_customer(ground, guide, birthday=today)
            for back in (3, 40):
                await place(ground, world, customer, placed_at=clock.now() - timedelta(days=back))
            for kind in (TaskKind.CAMPAIGN, TaskKind.CHECK_TAG):
                await build_task(ground, guide, kind=kind)
        after = None
        while True:
            async with unit_of_work(ground, system(world.brand.id)) as work:
                after = await profiles.night_chunk(work, today, after)
            if after is None:
                break
        with statements(ground) as sent:
            found = await shown(ground, guide)
        assert {len(found[name]) for name in ("customersAtRisk", "birthdays", "campaigns", "tagChecks")} == {
            1 if more == 1 else 3
        }
        taken.append(len(sent))

    assert taken[0] == taken[1]


async def test_the_other_phone_hears_of_an_arrangement_and_of_a_new_default(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    place_in_feeds = (await ask(ground, guide, TASKS))["workbench"]["cursor"]
    await cards(ground, guide, {"card": "BIRTHDAYS"}, {"card": "TASKS"})
    told = (await ask(ground, guide, CHANGES, after=place_in_feeds))["changes"]["changes"]
    assert [(change["op"], change["id"]) for change in told] == [("PUT", str(guide.id))]

    async with unit_of_work(ground, world.hq) as work:
        await workbench.set_default(work, Role.GUIDE, [PlacedCard(Card.TILES, is_locked=True)])

    told = (await ask(ground, guide, CHANGES, after=place_in_feeds))["changes"]["changes"]
    assert {change["id"] for change in told} == {str(guide.id), str(world.shop.store.id)}
    layout = (await shown(ground, guide))["layout"]
    assert [layout["cards"][0], layout["isOwn"]] == [{"card": "BIRTHDAYS"}, True]
