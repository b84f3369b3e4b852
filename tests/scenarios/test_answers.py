"""What each mutation answers: once per key, with the places that tell of it, or with what is newer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import literal, select

import schema.context
from customers.models import Customer, Note, Relationship
from directory.models import Account, Cover, Region, Staff, Store
from handover.models import Alert, Handover, HandoverSetting, TakeoverCapacity
from intake.models import HookMessage, HookSecret, HookSource
from kernel import feed, ids
from kernel.actor import Actor, Role
from kernel.errors import Refusal
from kernel.work import Ground
from kpi.models import KpiHook, KpiWatch
from mall.models import CommissionPlan, CommissionSetting, CreditSetting, MallSetting, Order, Product, Share
from schema.fields import Refusals
from schema.tasks import Task as ShownTask
from schema.versioned import node
from tagging.models import Segment, Tag, TagAudit, TagGroup, TagRule, TagSuggestion
from tasks.models import Campaign, PlanSetting, RevisitRule, Task, WorkbenchDefault, WorkbenchLayout
from tests.factories import World, build_world
from tests.refusals import Snapshot, snapshot
from tests.scenarios.documents import roots
from tests.scenarios.writes import WRITES
from tests.scenarios.writing import Given, Write, answer

NOT_QUEUED = {"signIn", "refreshSession", "signOut"}
EDITS = sorted(name for name, field in roots("mutation").items() if "expectedVersion" in field.args)
_REUSED = {"code": "IDEMPOTENCY_KEY_REUSED"}
OF_ONES_OWN = {
    "putProduct": "a product's code is looked for in one's own brand",
    "changeMallSetting": "a brand runs its own mall",
    "changeCreditRules": "a brand has its own",
    "setCommissionRhythm": "a brand has its own",
    "setHandoverSettings": "a brand has its own",
    "arrangeWorkbench": "everybody has a workbench of their own",
    "resetWorkbench": "the same",
    "setKpiHook": "a brand has its own",
    "endKpiHook": "the same",
    "setWorkbenchDefault": "a role is looked for in one's own brand",
}
TABLES: dict[str, Any] = {
    table.__name__: table
    for table in (
        Account,
        Alert,
        Customer,
        HookMessage,
        HookSecret,
        HookSource,
        Note,
        Relationship,
        Region,
        Cover,
        Staff,
        Store,
        CommissionPlan,
        CommissionSetting,
        Handover,
        HandoverSetting,
        KpiHook,
        KpiWatch,
        TakeoverCapacity,
        MallSetting,
        Order,
        PlanSetting,
        Product,
        RevisitRule,
        Tag,
        TagAudit,
        TagGroup,
        TagRule,
        TagSuggestion,
        Segment,
        Share,
        Task,
        Campaign,
        WorkbenchDefault,
        WorkbenchLayout,
    )
} | {"CreditRules": CreditSetting}


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


def test_no_mutation_is_left_out() -> None:
    assert set(WRITES) | NOT_QUEUED == set(roots("mutation"))


async def test_an_answer_names_the_places_of_the_viewers_feeds_that_tell_of_the_change(
    ground: Ground, world: World
) -> None:
    assert [line async for line in _misplaced(ground, world, sorted(WRITES))] == []


async def test_an_answer_that_names_the_feeds_of_others_is_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema.context, "followed_by", lambda _actor: [world.shop.guide.id, world.shop.manager.id])

    assert [line async for line in _misplaced(ground, world, ["reassignRelationship"])]


async def test_a_key_that_comes_again_has_had_its_effect_and_gets_its_answer(ground: Ground, world: World) -> None:
    assert [line async for line in _done_again(ground, world, sorted(WRITES))] == []


async def test_a_key_that_nobody_looks_at_is_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act_always(*given: Any) -> Any:
        return await given[-1]()

    monkeypatch.setattr(schema.context, "once", act_always)

    told = [line async for line in _done_again(ground, world, ["addNote", "completeTask", "editCustomer"])]
    assert {line.partition(":")[0] for line in told} == {"addNote", "completeTask", "editCustomer"}


async def test_an_edit_of_an_older_version_is_shown_the_newer_one_and_changes_nothing(
    ground: Ground, world: World
) -> None:
    assert [line async for line in _unshown(ground, world, EDITS)] == []


async def test_an_edit_that_shows_nothing_newer_is_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_self: Refusals, _info: Any, _refusal: Refusal) -> None:
        return None

    monkeypatch.setattr(Refusals, "_current", nothing)

    assert len([line async for line in _unshown(ground, world, ["completeTask", "editRemark"])]) == 2


async def test_who_may_not_edit_a_row_is_never_shown_it(ground: Ground, world: World) -> None:
    inside = {world.shop.other_guide, world.shop.guide, world.shop.manager, world.east_manager, world.hq}
    outside = {world.shops[2].guide, world.shops[2].manager, *await _people_of_another_brand(ground)}
    by_id = [name for name in EDITS if name not in OF_ONES_OWN]

    told = [each async for each in _refusals(ground, world, by_id, inside | outside | {_powerless(world)})]

    assert [each for each in told if each.shows_a_row != (each.code == "STALE_VERSION")] == []
    assert {each.code for each in told if each.actor in outside} == {"NOT_FOUND", "FORBIDDEN"}
    assert {each.code for each in told if each.actor in inside} >= {"NOT_FOUND", "FORBIDDEN", "STALE_VERSION"}


async def test_a_row_that_is_shown_with_any_refusal_is_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def something(_self: Refusals, _info: Any, _refusal: Refusal) -> Any:
        async with ground.db.read() as session:
            row = (await session.execute(select(literal("x").label("id"), literal(1).label("version")))).one()
        return node(ShownTask, row)

    monkeypatch.setattr(Refusals, "_current", something)

    [told] = [each async for each in _refusals(ground, world, ["completeTask"], {world.hq})]

    assert (told.code, told.shows_a_row) == ("FORBIDDEN", True)


@dataclass(frozen=True)
class Told:
    """Who was refused what, and whether they were shown a row."""

    name: str
    actor: Actor
    code: str
    shows_a_row: bool


async def _refusals(ground: Ground, world: World, names: list[str], actors: set[Actor]) -> AsyncIterator[Told]:
    """What everybody is told who edits a version that there never was; nothing comes of it."""
    for name in names:
        write = await WRITES[name](ground, world)
        before = await snapshot(ground)
        for actor in actors:
            refused = await answer(ground, name, Write(actor, write.given), expectedVersion=77)
            yield Told(name, actor, refused["code"], refused["current"] is not None)
        assert await snapshot(ground) == before, name


async def _people_of_another_brand(ground: Ground) -> list[Actor]:
    elsewhere = await build_world(ground, "elsewhere")
    return [elsewhere.hq, elsewhere.shop.manager]


async def _misplaced(ground: Ground, world: World, names: list[str]) -> AsyncIterator[str]:
    """Where an answer names other places than those where the viewer's feeds came to by it."""
    for name in names:
        write = await WRITES[name](ground, world)
        before = await _ends(ground, write.actor)
        answered = await answer(ground, name, write, idempotencyKey=name)
        after = await _ends(ground, write.actor)
        moved = {(str(place.epoch), place.seq) for feed_id, place in after.items() if place != before[feed_id]}
        told = answered.get("places", [answered])
        if {(place.get("feed"), place.get("seq")) for place in told} != moved or len(told) != len(moved):
            yield f"{name}: {told}, not {moved}"


async def _done_again(ground: Ground, world: World, names: list[str]) -> AsyncIterator[str]:
    """Where a key that comes twice at once, and once more, does more than once alone, or gets another answer."""
    for name in names:
        alone = await WRITES[name](ground, world)
        start = await snapshot(ground)
        await answer(ground, name, alone, idempotencyKey=f"{name} alone")
        once = _changed(start, await snapshot(ground))
        twice = await WRITES[name](ground, world)
        before = await snapshot(ground)
        both = await asyncio.gather(*(answer(ground, name, twice, idempotencyKey=name) for _ in range(2)))
        after = await snapshot(ground)
        late = await answer(ground, name, twice, idempotencyKey=name)
        # What takes nothing has no other body.
        other = await answer(ground, name, _altered(name, twice), idempotencyKey=name) if twice.given else _REUSED
        if "Problem" in {each["__typename"] for each in (*both, late)} or not both[0] == both[1] == late:
            yield f"{name}: answered {both[0]}, {both[1]}, and later {late}"
        if _changed(before, after) != once:
            yield f"{name}: changed {_changed(before, after)}, where once alone changes {once}"
        if other.get("code") != _REUSED["code"] or await snapshot(ground) != after:
            yield f"{name}: answered another body with {other}, or changed something afterwards"


async def _unshown(ground: Ground, world: World, names: list[str]) -> AsyncIterator[str]:
    """Where an edit of an older version is not refused with the row as it is, or leaves a trace."""
    for name in names:
        write = await WRITES[name](ground, world)
        assert write.edited, f"{name} edits a row: let its test say which"
        before = await snapshot(ground)
        refused = await answer(ground, name, write, expectedVersion=77, idempotencyKey=name)
        if refused.get("code") != "STALE_VERSION" or not await _is_present(ground, write, refused["current"]):
            yield f"{name}: {refused}"
        elif await snapshot(ground) != before:
            yield f"{name}: changed something"


async def _is_present(ground: Ground, write: Write, shown: Given | None) -> bool:
    if shown is None:
        return False
    table = TABLES[shown["__typename"]]
    async with ground.db.read() as session:
        key = Role.GUIDE if table is WorkbenchDefault else write.edited
        # A brand's own settings have no key besides.
        row = await session.get(table, (write.actor.brand_id, key)[: len(table.__table__.primary_key)])
    return row is not None and (shown["id"], shown["version"]) == (str(write.edited), row.version)


async def _ends(ground: Ground, actor: Actor) -> dict[UUID, feed.Place]:
    async with ground.db.read() as session:
        feeds = await feed.heads(session, actor.brand_id, feed.followed_by(actor))
    return {feed_id: feed.Place(each.epoch, each.head) for feed_id, each in feeds.items()}


def _changed(before: Snapshot, after: Snapshot) -> dict[str, tuple[int, int]]:
    """How many rows each table lost and gained; one that changed is both."""
    counted = {name: ((before[name] - after[name]).total(), (after[name] - before[name]).total()) for name in before}
    return {name: count for name, count in counted.items() if count != (0, 0)}


def _altered(name: str, write: Write) -> Write:
    """The same request, but for one value."""
    if name in EDITS:
        return Write(write.actor, write.given | {"expectedVersion": 77})
    return Write(write.actor, _other(write.given))


def _other(given: Given) -> Given:
    key, value = next(iter(given.items()))
    if isinstance(value, dict):
        return given | {key: _other(value)}
    if isinstance(value, list) and isinstance(value[0], dict):
        return given | {key: [_other(value[0]), *value[1:]]}
    return given | {key: [str(ids.new())] if isinstance(value, list) else _another(str(value))}


def _another(value: str) -> str:
    try:
        return (date.fromisoformat(value) + timedelta(days=40)).isoformat()
    except ValueError:
        return f"{value}0"


def _powerless(world: World) -> Actor:
    return Actor(brand_id=world.brand.id, id=ids.new(), role=Role.SERVICE)
