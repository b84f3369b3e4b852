"""A thing out of sight gives exactly the answer of a thing that does not exist: for every id that the schema takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

import tasks.queries.tasks
from kernel import ids
from kernel.actor import Actor, Role, Scope
from kernel.db import Database
from kernel.work import Ground
from schema.root import schema
from server.tables import METADATA
from tasks.models import Task
from tests.asking import context
from tests.factories import build_world
from tests.scenarios.belongings import Belongings, furnish
from tests.scenarios.documents import Leaf, document, leaves, roots, variables

# What an argument names. An argument that is missing here fails the test: a new one can't be forgotten.
NAMED = {
    "customerId": "customer",
    "customerIds": "customer",
    "sourceId": "hook_source",
    "messageIds": "hook_message",
    "ids": "task",
    "relationshipId": "relationship",
    "relationshipIds": "relationship",
    "handoverId": "handover",
    "accountId": "account",
    "toAccountId": "account",
    "servingAccountId": "account",
    "storeId": "store",
    "regionId": "region",
    "parentId": "region",
    "staffId": "staff",
    "delegateId": "staff",
    "tagId": "tag",
    "tagIds": "tag",
    "fromId": "tag",
    "intoId": "tag",
    "storeIds": "store",
    "segmentId": "segment",
    "groupId": "tag_group",
    "groupIds": "tag_group",
    "orderId": "order",
    "productId": "product",
    "skuId": "sku",
    "inStockIn": "store",
    "shareId": "share",
    "creditedTo": "account",
    "servedBy": "account",
    "productIds": "product",
    "ruleId": "tag_rule",
    "ruleIds": "revisit_rule",
    "regionIds": "region",
    "toAccountIds": "account",
    "guideIds": "staff",
    "noticeIds": "kpi_notice",
}
# What `id` names, by the field that takes it.
ID_OF = {
    "region": "region",
    "renameRegion": "region",
    "moveRegion": "region",
    "store": "store",
    "editStore": "store",
    "closeStore": "store",
    "reopenStore": "store",
    "staffMember": "staff",
    "renameStaff": "staff",
    "moveStaff": "staff",
    "resetPassword": "staff",
    "closeAccess": "staff",
    "reopenAccess": "staff",
    "markLeaving": "staff",
    "settleAlert": "alert",
    "withdrawLeaving": "staff",
    "customer": "customer",
    "editCustomer": "customer",
    "changePhone": "customer",
    "revealPhone": "customer",
    "setDoNotContact": "customer",
    "setPrimaryRelationship": "relationship",
    "editNote": "note",
    "revisitRule": "revisit_rule",
    "editRevisitRule": "revisit_rule",
    "startRevisitRule": "revisit_rule",
    "pauseRevisitRule": "revisit_rule",
    "retireRevisitRule": "revisit_rule",
    "task": "task",
    "completeTask": "task",
    "snoozeTask": "task",
    "cancelTask": "task",
    "campaign": "campaign",
    "previewCampaign": "campaign",
    "editCampaign": "campaign",
    "sendCampaign": "campaign",
    "pauseCampaign": "campaign",
    "resumeCampaign": "campaign",
    "recallCampaign": "campaign",
    "skipTask": "task",
    "reassignTask": "task",
    "order": "order",
    "segment": "segment",
    "editSegment": "segment",
    "shareSegment": "segment",
    "retireSegment": "segment",
    "refund": "refund",
    "product": "product",
    "shipOrder": "order",
    "completeOrder": "order",
    "cancelOrder": "order",
    "answerOrder": "order",
    "importRun": "import_run",
    "reassignRelationship": "relationship",
    "cover": "cover",
    "editCover": "cover",
    "endCover": "cover",
    "editTag": "tag",
    "retireTag": "tag",
    "renameTagGroup": "tag_group",
    "editTagGroup": "tag_group",
    "retireTagGroup": "tag_group",
    "commissionPlan": "commission_plan",
    "previewCommissionPlan": "commission_plan",
    "editCommissionPlan": "commission_plan",
    "removeCommissionPlan": "commission_plan",
    "startCommissionPlan": "commission_plan",
    "endCommissionPlan": "commission_plan",
    "tagUse": "tag",
    "tagRule": "tag_rule",
    "editTagRule": "tag_rule",
    "startTagRule": "tag_rule",
    "retireTagRule": "tag_rule",
    "acceptTagSuggestion": "tag_suggestion",
    "declineTagSuggestion": "tag_suggestion",
    "tagAudit": "tag_audit",
    "repeatTagAudit": "tag_audit",
    "closeTagAudit": "tag_audit",
    "answerTagQuestion": "tag_question",
    "share": "share",
    "endShare": "share",
    "hookSource": "hook_source",
    "editHookSource": "hook_source",
    "pauseHookSource": "hook_source",
    "resumeHookSource": "hook_source",
    "endHookSecret": "hook_secret",
    "handover": "handover",
    "replanHandover": "handover",
    "editHandoverPlan": "handover",
    "approveHandover": "handover",
    "cancelHandover": "handover",
    "pauseHandover": "handover",
    "resumeHandover": "handover",
    "undoHandover": "handover",
    "hookMessage": "hook_message",
    "dropHookMessage": "hook_message",
    "revealHookMessage": "hook_message",
    "editKpiWatch": "kpi_watch",
    "endKpiWatch": "kpi_watch",
}
# Every role of a brand sees these.
OF_THE_WHOLE_BRAND = {"tag", "tag_group", "tag_rule", "revisit_rule", "live_rule", "segment", "product", "sku"}


@dataclass(frozen=True)
class Stranger:
    """Somebody, what is theirs, and what they must not see."""

    name: str
    actor: Actor
    own: Belongings
    unseen: Belongings


@pytest.fixture
async def strangers(ground: Ground) -> list[Stranger]:
    """Every role, each before things of another store, another region, or another brand."""
    ours, theirs = await build_world(ground, "ours"), await build_world(ground, "theirs")
    here, next_door, far = [await furnish(ground, ours, shop) for shop in ours.shops]
    foreign = await furnish(ground, theirs, theirs.shop)
    neighbour = {kind: thing for kind, thing in next_door.items() if kind not in OF_THE_WHOLE_BRAND | {"region"}}
    remote = {kind: thing for kind, thing in far.items() if kind not in OF_THE_WHOLE_BRAND}
    machine = Actor(brand_id=ours.brand.id, id=ids.new(), role=Role.SERVICE, scopes=frozenset(Scope))
    return [
        Stranger("guide, other store", ours.shop.guide, here, neighbour),
        Stranger("guide, other brand", ours.shop.guide, here, foreign),
        Stranger("colleague, same store", ours.shop.other_guide, here, _held(here)),
        Stranger("manager, other store", ours.shop.manager, here, neighbour),
        Stranger("manager, other brand", ours.shop.manager, here, foreign),
        Stranger("regional manager, other region", ours.east_manager, here, remote),
        Stranger("regional manager, other brand", ours.east_manager, here, foreign),
        Stranger("headquarters, other brand", ours.hq, here, foreign),
        Stranger("machine, other brand", machine, here, foreign),
    ]


async def test_every_id_out_of_sight_answers_as_an_id_of_nothing(ground: Ground, strangers: list[Stranger]) -> None:
    before = await _everything(ground.db)

    told = [line for kind, name, leaf in _all_leaves() for line in await _tells(ground, strangers, kind, name, leaf)]

    assert told == []
    assert await _everything(ground.db) == before


async def test_a_read_that_forgets_to_look_away_is_noticed(
    ground: Ground, strangers: list[Stranger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: tasks that are looked up by the brand alone."""
    monkeypatch.setattr(tasks.queries.tasks, "visible_to", lambda actor: col(Task.brand_id) == actor.brand_id)

    told = await _tells(ground, strangers, "query", "task", Leaf("task", ("id",)))

    assert {line.partition(":")[0] for line in told} == {
        "guide, other store",
        "colleague, same store",
        "manager, other store",
        "regional manager, other region",
    }


async def test_an_id_in_sight_answers_differently(ground: Ground, strangers: list[Stranger]) -> None:
    """Gives the test above its teeth: where it compares answers, a visible thing's would not be the same."""
    [headquarters] = [stranger for stranger in strangers if stranger.name.startswith("headquarters")]
    alike = []

    for kind, name, leaf in _all_leaves():
        if kind == "query" and leaf.name == "id":
            seen = await _answer(ground, headquarters, kind, name, leaf, headquarters.own[_named(leaf)])
            nothing = await _answer(ground, headquarters, kind, name, leaf, ids.new())
            if seen == nothing:
                alike.append(name)

    assert alike == []


async def test_no_list_and_no_field_leads_to_a_thing_out_of_sight(ground: Ground, strangers: list[Stranger]) -> None:
    for stranger in strangers:
        found: set[str] = set()
        for name, field in roots("query").items():
            if not any(str(argument.type) == "ID!" for argument in field.args.values()):
                given = variables(field, lambda _name: str(ids.new()))
                found |= set(_ids(await _ask(ground, stranger.actor, document("query", name, field, given), given)))

        assert not found & {str(thing) for thing in stranger.unseen.values()}, stranger.name
        if stranger.name.startswith("guide"):
            assert {str(stranger.own["customer"]), str(stranger.own["task"])} <= found


async def _tells(ground: Ground, strangers: list[Stranger], kind: str, name: str, leaf: Leaf) -> list[str]:
    """Where the answer to an id out of sight differs from the answer to an id of nothing."""
    told = []
    named = _named(leaf)
    for stranger in strangers:
        if named in stranger.unseen:
            unseen = await _answer(ground, stranger, kind, name, leaf, stranger.unseen[named])
            nothing = await _answer(ground, stranger, kind, name, leaf, ids.new())
            if unseen != nothing:
                told.append(f"{stranger.name}: {name}({'.'.join(map(str, leaf.path))}): {unseen} / {nothing}")
    return told


def _all_leaves() -> Iterator[tuple[str, str, Leaf]]:
    for kind in ("query", "mutation"):
        for name, field in roots(kind).items():
            for leaf in leaves(name, field):
                yield kind, name, leaf


def _named(leaf: Leaf) -> str:
    named = ID_OF.get(leaf.field) if leaf.name == "id" else NAMED.get(leaf.name)
    assert named, f"{leaf.field} takes {leaf.path}: say in this test what it names"
    return named


async def _answer(ground: Ground, stranger: Stranger, kind: str, name: str, leaf: Leaf, thing: UUID) -> Any:
    field = roots(kind)[name]

    def give(argument: str) -> str:
        if argument == leaf.name:
            return str(thing)
        return str(stranger.own[NAMED.get(argument) or ID_OF[name]])

    given = variables(field, give, leaf)
    return await _ask(ground, stranger.actor, document(kind, name, field, given, depth=2), given)


async def _ask(ground: Ground, actor: Actor, text: str, given: dict[str, Any]) -> Any:
    answer = await schema.execute(text, given, context(ground, actor))
    return {"data": answer.data, "errors": [(error.message, error.path) for error in answer.errors or ()]}


def _ids(answer: Any) -> Iterator[str]:
    if isinstance(answer, dict):
        for name, value in answer.items():
            if name == "id":
                yield str(value)
            yield from _ids(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from _ids(value)


def _held(belongings: Belongings) -> Belongings:
    """What one guide holds, and a colleague of the same store must not see."""
    kinds = ("customer", "relationship", "note", "task", "order", "refund", "tag_suggestion", "share")
    return {kind: belongings[kind] for kind in kinds}


async def _everything(db: Database) -> dict[str, set[str]]:
    """All rows of all tables, except of those that note that somebody asked."""
    async with db.read() as session:
        return {
            table.name: {str(row) for row in (await session.execute(select(table))).all()}
            for table in METADATA.sorted_tables
            if table.name != "audit_entry"
        }
