"""Of a handover that touches stores of several managers each sees their own part, and plans none of the whole."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from directory.models import Account, AccountKind
from handover import commands
from handover.models import Handover, HandoverState, HeldHere, Strategy
from handover.queries import handovers, settlements, verifying
from handover.queries.report import report
from handover.queries.sight import seen_violations
from handover.queries.verifying import Violation
from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden
from kernel.pages import Page
from kernel.work import Ground
from mall.commands import Line
from tests.asking import ask
from tests.factories import NOON, World, build_customer, build_world, relationship_of, reload, save
from tests.handover.handing import build_handover, leave, run
from tests.handover.planning.rows import do, planned
from tests.mall.trading import place
from tests.refusals import refused

FEN = 10_000
ROLES = ("store_manager", "other_store_manager", "regional_manager", "hq")


@dataclass
class Scene:
    """The leaver holds two customers in a store in the east, and one in the north where they once worked."""

    world: World
    handover: Handover
    here: set[UUID]
    there: set[UUID]

    def by(self, role: str) -> Actor:
        world = self.world
        return {
            "store_manager": world.shop.manager,
            "other_store_manager": world.shops[2].manager,
            "regional_manager": world.east_manager,
            "hq": world.hq,
        }[role]

    def part(self, role: str) -> set[UUID]:
        return {"other_store_manager": self.there, "hq": self.here | self.there}.get(role, self.here)

    def accounts(self, role: str) -> set[str]:
        shops = {"other_store_manager": [2], "hq": [0, 2]}.get(role, [0])
        return {f"qinghe-{number + 1}" for number in shops}


async def two_stores(ground: Ground) -> tuple[World, Actor]:
    """The leaver with both accounts."""
    world = await build_world(ground)
    leaver, north = world.shop.guide, world.shops[2]
    old = Account(
        brand_id=world.brand.id, id=ids.new(), store_id=north.store.id, kind=AccountKind.GUIDE, staff_id=leaver.id
    )
    await save(ground, old)
    for _ in range(2):
        world.customers.append(await build_customer(ground, leaver))
    world.customers.append(await build_customer(ground, north.guide))
    async with ground.db.write() as session:
        row = await relationship_of(ground, world.customers[2])
        kept = await session.get(type(row), (world.brand.id, row.id))
        assert kept
        kept.holder_id = old.id
    return world, leaver


@pytest.fixture
async def scene(ground: Ground) -> Scene:
    with clock.stopped_at(NOON):
        world, leaver = await two_stores(ground)
        here_or_there = [(await relationship_of(ground, each)).id for each in world.customers]
        await leave(ground, leaver)
        north = await relationship_of(ground, world.customers[2])
        taker = world.shops[2].guide.account_ids[0]
        both = Actor(**vars_of(leaver) | {"account_ids": (*leaver.account_ids, north.holder_id)})
        handover = await build_handover(ground, world, {north.id: taker}, leaver=both)
        await run(ground, handover)
    with clock.stopped_at(NOON + timedelta(hours=5)):
        for each, shop in zip(world.customers, (world.shop, world.shop, world.shops[2]), strict=True):
            await place(ground, world, each, amount=FEN, lines=[Line("P1", "衬衫", 1, FEN)], store_id=shop.store.id)
    return Scene(world, await reload(ground, handover), set(here_or_there[:2]), {here_or_there[2]})


def vars_of(actor: Actor) -> dict[str, Any]:
    return {name: getattr(actor, name) for name in actor.__dataclass_fields__}


@pytest.mark.parametrize("role", ROLES)
async def test_items_and_figures_are_those_of_ones_own_stores(ground: Ground, scene: Scene, role: str) -> None:
    actor, part, handover_id = scene.by(role), scene.part(role), scene.handover.id

    async with ground.db.read() as session:
        items = await handovers.items(session, actor, handover_id, Page(20))
        progress = await handovers.progress(session, actor, [handover_id])
        stands = await settlements.settlements(session, actor, [handover_id])

    assert {item.relationship_id for item in items} == part
    assert progress == {handover_id: {HeldHere.MOVED: len(part)}}
    assert sum(stands[handover_id].counts.values()) == len(part)


@pytest.mark.parametrize("role", ROLES)
async def test_its_report_is_of_ones_own_stores(ground: Ground, scene: Scene, role: str) -> None:
    async with ground.db.read() as session:
        said = orjson.loads(await report(session, scene.by(role), scene.handover.id))

    part, stores = scene.part(role), scene.accounts(role)
    assert {UUID(item["relationship_id"]) for item in said["items"]} == part
    assert all(item["member_number"] for item in said["items"])
    assert said["counts"]["here"] == {"moved": len(part)}
    assert {each["store"] for each in said["accounts"]} == stores
    money = said["money"]
    assert money["orders"] == [{"when": "after", "orders": len(part), "amount": len(part) * FEN}]
    assert sum(each["amount"] for each in money["credit"]) == len(part) * FEN
    [whole] = [line for line in said["ledger"] if line["line"] == "relationships"]
    assert whole["at_start"] == 3


@pytest.mark.parametrize("role", ROLES)
async def test_only_who_answers_for_all_of_it_learns_of_what_something_is_wrong(
    ground: Ground, scene: Scene, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [Violation("LEFT_BEHIND", "somebody is", sorted(scene.there))]

    async def violations(*_: object) -> list[Violation]:
        return wrong

    monkeypatch.setattr(verifying, "violations", violations)
    async with ground.db.read() as session:
        found = await seen_violations(session, scene.by(role), scene.handover.id)

    assert [(each.code, list(each.ids)) for each in found] == [
        ("LEFT_BEHIND", sorted(scene.there) if role == "hq" else [])
    ]


async def test_graphql_names_nothing_of_another_store(ground: Ground, scene: Scene) -> None:
    asked = """query ($id: ID!) { handover(id: $id) {
        progress { total moved } items { edges { node { relationship { id } toAccount { id } } } } } }"""

    answer = await ask(ground, scene.world.shops[2].manager, asked, id=str(scene.handover.id))

    [relationship_id] = scene.there
    assert answer["handover"]["progress"] == {"total": 1, "moved": 1}
    assert answer["handover"]["items"]["edges"] == [
        {
            "node": {
                "relationship": {"id": str(relationship_id)},
                "toAccount": {"id": str(scene.world.shops[2].guide.account_ids[0])},
            }
        }
    ]


async def test_a_plan_is_made_anew_by_who_answers_for_all_of_it(ground: Ground) -> None:
    world, leaver = await two_stores(ground)
    draft = await planned(ground, world.hq, leaver)

    for actor in (world.shop.manager, world.shops[2].manager, world.east_manager):
        async with refused(ground, Forbidden):
            await do(ground, actor, lambda work: commands.replan(work, draft.id, strategy=Strategy.TO_STORE))
    again = await do(ground, world.hq, lambda work: commands.replan(work, draft.id, strategy=Strategy.TO_STORE))

    assert (again.state, again.strategy, again.planned_at) == (HandoverState.DRAFT, Strategy.TO_STORE, None)
