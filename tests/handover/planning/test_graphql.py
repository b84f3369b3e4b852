"""A manager sees the plan before anything moves: in total, for each account, and why for each customer."""

from functools import partial
from typing import Any

from handover import commands
from handover.models import Strategy
from kernel.actor import Actor
from kernel.work import Ground
from server.planning_handovers import plan_handover
from tests.asking import ask
from tests.factories import World, build_customer, relationship_of
from tests.handover.planning.rows import do, planned
from tests.statements import statements

PREVIEW = """query ($id: ID!) { handover(id: $id) { state version plannedAt strategy
  plan { relationships overflow merged unplaced edited objective bound gap isExact
    accounts { account { id } held given after openTasks capacity } }
  items { edges { node { reason score relationship { id } toAccount { id }
    because { orders load isKnown hasArrived nextScore nextAccount { id } } } } } } }"""
START = """mutation ($staff: ID!, $options: HandoverOptionsInput) {
  startHandover(kind: RESIGNATION, staffId: $staff, strategy: TO_ONE, options: $options) {
    ... on HandoverChanged { handover { id version plannedAt plan { relationships } } } ... on Problem { code } } }"""
EDIT = """mutation ($id: ID!, $pairs: [HandoverPairInput!]!) { editHandoverPlan(id: $id, pairs: $pairs) {
    ... on HandoverChanged { handover { version plan { edited } } } ... on Problem { code } } }"""
CAPACITIES = """query ($after: Cursor) { takeoverCapacities(first: 2, after: $after) {
  edges { node { capacity version staff { id } } } pageInfo { hasNextPage endCursor } } }"""
SETTINGS = "{ handoverSettings { capacity undoHours telling welcomesADay version } }"


async def test_a_plan_is_shown_in_total_and_row_by_row(ground: Ground, world: World) -> None:
    leaver, taker = world.shop.guide, str(world.shop.other_guide.account_ids[0])
    relationship = await relationship_of(ground, await build_customer(ground, leaver))
    handover = await planned(ground, world.shop.manager, leaver, Strategy.AFFINITY)

    shown = (await ask(ground, world.shop.manager, PREVIEW, id=str(handover.id)))["handover"]

    # One at the average load, which is what nobody's holding anybody but this one makes of it.
    whole = {"relationships": 1, "overflow": 0, "merged": 0, "unplaced": 0, "edited": 0}
    assert shown["plan"] == whole | {
        "objective": 1.3,
        "bound": 1.3,
        "gap": 0.0,
        "isExact": True,
        "accounts": [
            {"account": {"id": taker}, "held": 0, "given": 1, "after": 1, "openTasks": 0, "capacity": 2_000},
            {
                "account": {"id": str(world.shop.public.id)},
                "held": 0,
                "given": 0,
                "after": 0,
                "openTasks": 0,
                "capacity": None,
            },
        ],
    }
    because = {"orders": 0, "load": 0, "isKnown": False, "hasArrived": False, "nextScore": None, "nextAccount": None}
    [row] = [edge["node"] for edge in shown["items"]["edges"]]
    assert row == {
        "reason": "AFFINITY",
        "score": 0,
        "relationship": {"id": str(relationship.id)},
        "toAccount": {"id": taker},
        "because": because,
    }


async def test_a_handover_is_started_shown_while_it_is_planned_and_edited(ground: Ground, world: World) -> None:
    leaver, manager, taker = world.shop.guide, world.shop.manager, str(world.shop.other_guide.account_ids[0])
    relationship = await relationship_of(ground, await build_customer(ground, leaver))

    answer = await ask(ground, manager, START, staff=str(leaver.id), options={"toAccountIds": [taker]})
    begun = answer["startHandover"]["handover"]
    assert (begun["version"], begun["plannedAt"], begun["plan"]) == (1, None, None)
    again = await ask(ground, manager, START, staff=str(leaver.id), options={"toAccountIds": [taker]})
    assert again["startHandover"] == {"code": "HANDOVER_IN_FLIGHT"}
    pair = {"relationshipId": str(relationship.id), "toAccountId": str(world.shop.public.id)}
    early = await ask(ground, manager, EDIT, id=begun["id"], pairs=[pair])
    assert early["editHandoverPlan"] == {"code": "PLAN_MISSING"}

    await plan_handover(ground, world.brand.id, begun["id"], begun["version"])

    twice = await ask(ground, manager, EDIT, id=begun["id"], pairs=[pair, pair])
    assert twice["editHandoverPlan"] == {"code": "INVALID"}
    edited = await ask(ground, manager, EDIT, id=begun["id"], pairs=[pair])
    assert edited["editHandoverPlan"]["handover"] == {"version": 3, "plan": {"edited": 1}}


async def capacities(ground: Ground, actor: Actor, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(ground, actor, CAPACITIES, **given))["takeoverCapacities"]
    return found


async def test_who_takes_on_another_number_than_everybody_is_listed_within_sight(ground: Ground, world: World) -> None:
    counts = []
    guides = [*world.shop.guides, world.shops[1].guide]
    for number, guide in enumerate(guides, 1):
        await do(
            ground,
            world.hq,
            partial(commands.set_takeover_capacity, staff_id=guide.id, capacity=number),
        )
        with statements(ground) as sent:
            await capacities(ground, world.hq)
        counts.append(len(sent))
    assert counts[0] == counts[-1]

    first = await capacities(ground, world.hq)
    rest = await capacities(ground, world.hq, after=first["pageInfo"]["endCursor"])
    mine = await capacities(ground, world.shop.manager)
    listed = [edge["node"] for edge in (*first["edges"], *rest["edges"])]
    assert [(each["staff"]["id"], each["capacity"]) for each in listed] == [
        (str(guide.id), number) for number, guide in enumerate(guides, 1)
    ]
    assert [edge["node"]["capacity"] for edge in mine["edges"]] == [1, 2]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)


async def test_how_a_brand_hands_over_is_shown_before_anybody_has_said_anything(ground: Ground, world: World) -> None:
    usual = {"capacity": 2_000, "undoHours": 72, "telling": "NOT_AT_ALL", "welcomesADay": 20, "version": 0}

    assert (await ask(ground, world.shop.guide, SETTINGS))["handoverSettings"] == usual
    await do(ground, world.hq, lambda work: commands.set_handover_settings(work, welcomes_a_day=5))
    assert (await ask(ground, world.shop.guide, SETTINGS))["handoverSettings"] == usual | {
        "welcomesADay": 5,
        "version": 1,
    }
