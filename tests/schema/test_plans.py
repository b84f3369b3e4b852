"""Plans through GraphQL: what was planned, why, what would be, and how jobs are doing."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from kernel import clock, ids
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.jobs import Job, JobState
from kernel.work import Ground
from tasks.models import PlanRun, RevisitRule, RevisitRuleState, Trigger
from tests.asking import ask, refused
from tests.factories import NOON, World, build_customer, build_task, build_world, save
from tests.statements import statements
from tests.tasks.planning import build_customers, candidates, everybody, plan_all, planned, set_up
from tests.tasks.revisiting import TODAY, build_rule

RUNS = """query ($store: ID, $day: Date, $first: Int, $after: Cursor) {
  planRuns(storeId: $store, day: $day, first: $first, after: $after) {
    edges { node { day begunAt doneAt isLate store { id } customers { verdict customers } } }
    pageInfo { hasNextPage endCursor } } }"""
WHY = """query ($id: ID!, $day: Date) { planOf(customerId: $id, day: $day) {
    day verdict says place quota isKept customer { id } store { id } keeper { id } task { id reason }
    rules { isMatch says rule { id name } } } }"""
PREVIEW = """query ($store: ID!, $day: Date, $rules: [ID!]) { previewPlan(storeId: $store, day: $day, ruleIds: $rules) {
    day quota customers { verdict customers }
    guides { chosen keeper { id } customers { place reason customer { id } rule { id } } } } }"""
JOBS = "{ jobFigures { name waiting failed dueSince lastError } }"


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def why(ground: Ground, actor: Actor, customer_id: object, day: date | None = None) -> dict[str, Any]:
    with clock.stopped_at(NOON):
        found = await ask(ground, actor, WHY, id=str(customer_id), day=day and day.isoformat())
    explained: dict[str, Any] = found["planOf"]
    return explained


async def seen(ground: Ground, actor: Actor, **narrowed: Any) -> list[dict[str, Any]]:
    found = await ask(ground, actor, RUNS, **narrowed)
    return [edge["node"] for edge in found["planRuns"]["edges"]]


async def test_plans_are_seen_by_those_who_answer_for_the_stores(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world, quota=2)
    await build_customers(ground, world.shop.guide, 3)
    await plan_all(ground)
    other = await build_world(ground, "other")
    places = [str(shop.store.id) for shop in world.shops]

    def of(found: list[dict[str, Any]]) -> set[str]:
        return {run["store"]["id"] for run in found}

    assert of(await seen(ground, world.hq)) == set(places)
    assert of(await seen(ground, world.east_manager)) == set(places[:2])
    assert of(await seen(ground, world.shop.manager)) == {places[0]}
    assert await seen(ground, world.shop.guide) == []
    assert await seen(ground, other.hq) == []
    [mine] = await seen(ground, world.hq, store=places[0], day=TODAY.isoformat())
    assert mine["customers"] == [{"verdict": "CHOSEN", "customers": 2}, {"verdict": "OVER_QUOTA", "customers": 1}]
    assert (mine["day"], mine["isLate"], mine["doneAt"]) == (TODAY.isoformat(), False, NOON.isoformat())
    assert await seen(ground, world.hq, day="2026-03-03") == []


async def test_the_latest_day_comes_first_a_page_at_a_time_in_as_many_statements(ground: Ground, world: World) -> None:
    store_id = world.shop.store.id
    for days in range(5):
        day = TODAY - timedelta(days=days)
        await save(ground, PlanRun(brand_id=world.brand.id, store_id=store_id, day=day, begun_at=NOON))
    with statements(ground) as few:
        [first] = await seen(ground, world.hq, first=1)
    with statements(ground) as many:
        found = await ask(ground, world.hq, RUNS, first=3)
    rest = await seen(ground, world.hq, first=3, after=found["planRuns"]["pageInfo"]["endCursor"])

    listed = [
        first["day"],
        *(edge["node"]["day"] for edge in found["planRuns"]["edges"][1:]),
        *(r["day"] for r in rest),
    ]
    assert listed == [(TODAY - timedelta(days=number)).isoformat() for number in range(5)]
    assert len(few) == len(many)
    assert first["isLate"]


async def test_who_was_chosen_and_who_is_in_line_is_explained(ground: Ground, world: World) -> None:
    rule = await everybody(ground, world, name="问候")
    await set_up(ground, world, quota=1)
    await build_customers(ground, world.shop.guide, 3)
    await plan_all(ground)
    [task] = await planned(ground, world)
    kept = {each.place: each for each in await candidates(ground, world)}

    chosen = await why(ground, world.shop.guide, task.customer_id)
    in_line = await why(ground, world.shop.manager, kept[3].customer_id)

    assert (chosen["verdict"], chosen["isKept"], chosen["place"]) == ("CHOSEN", True, 1)
    assert chosen["task"] == {"id": str(task.id), "reason": task.reason}
    assert chosen["rules"] == [
        {"isMatch": True, "says": task.reason, "rule": {"id": str(rule.id), "name": "问候"}},
    ]
    assert (in_line["verdict"], in_line["place"], in_line["quota"]) == ("OVER_QUOTA", 3, 1)
    assert in_line["says"] == "In line at place 3; a guide is given 1 a day."
    assert in_line["task"] is None
    assert in_line["keeper"] == {"id": str(world.shop.guide.account_ids[0])}


async def test_who_was_left_out_is_judged_anew_and_each_rule_has_its_say(ground: Ground, world: World) -> None:
    quiet = await build_rule(ground, world, Trigger.NO_CONTACT, days=30, name="久未联系")
    born = await build_rule(ground, world, Trigger.BIRTHDAY_MONTH, name="生日")
    await build_rule(ground, world, Trigger.NO_CONTACT, days=0, name="草稿", state=RevisitRuleState.DRAFT)
    await set_up(ground, world)
    alone = await build_customer(ground, world.shop.guide, do_not_contact=True, birthday=date(1990, 3, 5))
    busy = await build_customer(ground, world.shop.guide)
    await build_task(ground, world.shop.guide, busy)
    nothing = await build_customer(ground, world.shop.guide)
    await plan_all(ground)

    left, open_one, none = [await why(ground, world.shop.guide, each.id) for each in (alone, busy, nothing)]

    assert [(each["verdict"], each["isKept"], each["place"]) for each in (left, open_one, none)] == [
        ("DO_NOT_CONTACT", False, None),
        ("TASK_OPEN", False, None),
        ("NO_RULE", False, None),
    ]
    assert left["says"] == "They asked to be left alone."
    said = {each["rule"]["id"]: each["isMatch"] for each in left["rules"]}
    assert said == {str(quiet.id): False, str(born.id): True}
    assert all(each["says"] for each in left["rules"])


async def test_before_the_day_is_planned_there_is_no_verdict_for_whom_rules_speak(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    customer = await build_customer(ground, world.shop.guide)

    found = await why(ground, world.shop.guide, customer.id)

    assert (found["verdict"], found["says"]) == (None, "The day isn't planned yet; rules speak for turning to them.")
    assert [each["isMatch"] for each in found["rules"]] == [True]


async def test_whom_one_doesnt_see_one_isnt_told_of(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    customer = await build_customer(ground, world.shop.guide)
    other = await build_world(ground, "other")
    machine = Actor(world.brand.id, ids.new(), Role.SERVICE, scopes=frozenset({Scope.CUSTOMERS_READ}))

    for actor in (world.shop.other_guide, world.shops[1].manager, other.hq, machine):
        [error] = await refused(ground, actor, WHY, id=str(customer.id))
        assert isinstance(error, NotFound)
    [error] = await refused(ground, world.hq, WHY, id=str(customer.id), day="2999-01-01")
    assert isinstance(error, Invalid)


async def test_a_plan_is_tried_out_with_drafts_too_and_nothing_changes(ground: Ground, world: World) -> None:
    live = await everybody(ground, world)
    draft = await build_rule(
        ground, world, Trigger.BIRTHDAY_MONTH, state=RevisitRuleState.DRAFT, name="草稿", priority=90
    )
    await set_up(ground, world, quota=2)
    born = await build_customer(ground, world.shop.guide, birthday=date(1990, 3, 5))
    await build_customers(ground, world.shop.guide, 3)
    store = str(world.shop.store.id)

    with clock.stopped_at(NOON):
        by_live = (await ask(ground, world.shop.manager, PREVIEW, store=store))["previewPlan"]
        by_draft = (await ask(ground, world.hq, PREVIEW, store=store, rules=[str(draft.id)]))["previewPlan"]

    assert by_live["customers"] == [{"verdict": "CHOSEN", "customers": 2}, {"verdict": "OVER_QUOTA", "customers": 2}]
    [mine] = by_live["guides"]
    assert (mine["chosen"], mine["keeper"]) == (2, {"id": str(world.shop.guide.account_ids[0])})
    assert [each["place"] for each in mine["customers"]] == [1, 2]
    assert {each["rule"]["id"] for each in mine["customers"]} == {str(live.id)}
    assert [each["customer"]["id"] for each in by_draft["guides"][0]["customers"]] == [str(born.id)]
    assert by_draft["customers"] == [{"verdict": "CHOSEN", "customers": 1}, {"verdict": "NO_RULE", "customers": 3}]
    assert await planned(ground, world) == []
    assert await seen(ground, world.hq) == []


async def test_a_plan_that_was_made_is_tried_out_for_its_day_as_if_it_had_not_been(
    ground: Ground, world: World
) -> None:
    """Of a past day: tasks that were made since are left out, so that the same customers are chosen."""
    await everybody(ground, world)
    await set_up(ground, world, quota=2)
    await build_customers(ground, world.shop.guide, 6)
    await plan_all(ground, NOON + timedelta(days=1))
    made = {str(task.customer_id) for task in await planned(ground, world, TODAY + timedelta(days=1))}

    with clock.stopped_at(NOON + timedelta(days=1)):
        found = await ask(ground, world.hq, PREVIEW, store=str(world.shop.store.id), day=TODAY.isoformat())

    assert {each["customer"]["id"] for each in found["previewPlan"]["guides"][0]["customers"]} == made


async def test_what_cant_be_tried_out_is_refused(ground: Ground, world: World) -> None:
    rule = await everybody(ground, world)
    other = await build_world(ground, "other")
    foreign = await everybody(ground, other)
    store = str(world.shop.store.id)
    cases: list[tuple[Actor, dict[str, Any], type[Exception]]] = [
        (world.shop.guide, {}, Forbidden),
        (world.shops[1].manager, {}, NotFound),
        (other.hq, {}, NotFound),
        (world.hq, {"store": "nothing"}, NotFound),
        (world.hq, {"rules": [str(foreign.id)]}, NotFound),
        (world.hq, {"rules": []}, Invalid),
        (world.hq, {"rules": [str(rule.id)] * 51}, Invalid),
        (world.hq, {"day": "2999-01-01"}, Invalid),
    ]
    for actor, given, kind in cases:
        [error] = await refused(ground, actor, PREVIEW, **{"store": store, **given})
        assert isinstance(error, kind), given


def job(world: World, name: str, state: JobState, run_at: datetime, error: str | None = None) -> Job:
    return Job(brand_id=world.brand.id, id=ids.new(), name=name, args={}, run_at=run_at, state=state, last_error=error)


async def test_headquarters_sees_how_jobs_are_doing(ground: Ground, world: World) -> None:
    other = await build_world(ground, "other")
    hour = timedelta(hours=1)
    await save(
        ground,
        job(world, "tasks.plan_store", JobState.FAILED, NOON - 3 * hour, "TimeoutError"),
        job(world, "tasks.plan_store", JobState.WAITING, NOON - 2 * hour, "ConnectionError"),
        job(world, "tasks.plan_store", JobState.WAITING, NOON - hour),
        job(world, "tasks.plan_store", JobState.DONE, NOON),
        job(world, "later", JobState.WAITING, NOON + hour),
        job(other, "theirs", JobState.FAILED, NOON),
    )

    with clock.stopped_at(NOON):
        found = (await ask(ground, world.hq, JOBS))["jobFigures"]
    refusals = [await refused(ground, actor, JOBS) for actor in (world.east_manager, world.shop.guide)]

    assert found == [
        {"name": "later", "waiting": 1, "failed": 0, "dueSince": None, "lastError": None},
        {
            "name": "tasks.plan_store",
            "waiting": 2,
            "failed": 1,
            "dueSince": (NOON - 2 * hour).isoformat(),
            "lastError": "ConnectionError",
        },
    ]
    assert all(isinstance(error, Forbidden) for [error] in refusals)


async def test_a_rule_that_was_retired_since_is_still_named_by_what_it_chose(ground: Ground, world: World) -> None:
    rule = await everybody(ground, world)
    await set_up(ground, world)
    customer = await build_customer(ground, world.shop.guide)
    await plan_all(ground)
    async with ground.db.write() as session:
        found = await session.get(RevisitRule, (rule.brand_id, rule.id))
        assert found
        found.state = RevisitRuleState.RETIRED

    explained = await why(ground, world.shop.guide, customer.id)

    assert (explained["verdict"], explained["isKept"], explained["rules"]) == ("CHOSEN", True, [])
    assert explained["task"]["reason"]
