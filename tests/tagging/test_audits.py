"""Audits draw at random from the tags in their scope, the same again for the same seed, and say what they found."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Holding, HoldingReason, Relationship
from kernel import clock, ids
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, StaleVersion
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.commands import audits as commanding
from tagging.errors import AuditClosed, AuditTooWide, NothingToAudit, TooManyAudits
from tagging.models import AuditMethod, AuditScope, AuditState, SetBy, TagAudit, Verdict, sampling
from tagging.models.statistics import Standing
from tagging.queries import audits, population
from tests.factories import World, build_world, reload
from tests.refusals import snapshot
from tests.statements import statements
from tests.tagging.auditing import build_tagged, build_tags, draw, drawn, items, plant
from tests.tagging.labels import build_tag


async def result(ground: Ground, actor: Any, audit: TagAudit) -> Any:
    async with ground.db.read() as session:
        return (await audits.results(session, actor, [audit.id]))[audit.id]


async def test_an_audit_draws_from_its_scope_and_judges_at_once_by_evidence(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    one, other = await build_tags(ground, world)
    ours = await build_tagged(ground, world.shop, one, 30)
    await build_tagged(ground, world.shop, other, 30, setter=world.shop.other_guide)
    await build_tagged(ground, world.shops[1], one, 30)
    plant(monkeypatch, wrong=ours)

    audit = await draw(ground, world.shop.manager, size=20)

    assert (audit.state, audit.store_id, audit.seed) == (AuditState.CLOSED, world.shop.store.id, 7)
    assert [stratum["size"] for stratum in audit.strata] == [30, 30]
    assert [stratum["drawn"] for stratum in audit.strata] == [10, 10]
    rows = await items(ground, audit)
    assert {row.verdict for row in rows if row.tag_id == one.id} == {Verdict.WRONG}
    assert {row.setter_id for row in rows if row.tag_id == other.id} == {world.shop.other_guide.id}
    found = await result(ground, world.shop.manager, audit)
    assert (found.overall.population, found.overall.drawn, found.overall.estimate) == (60, 20, 0.5)
    assert {line.id: line.accuracy.estimate for line in found.by_guide} == {
        world.shop.guide.id: 0.0,
        world.shop.other_guide.id: 1.0,
    }
    assert {line.id: line.standing for line in found.by_tag} == {one.id: Standing.BELOW, other.id: Standing.ABOVE}
    assert [line.rank for line in found.by_tag if line.id == one.id] == [2]
    assert found.overall.is_small


async def test_the_same_seed_draws_the_same_of_the_same_and_another_seed_does_not(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    for tag in await build_tags(ground, world, 3):
        for shop in world.shops:
            await build_tagged(ground, shop, tag, 15)
    plant(monkeypatch, wrong=[])
    first = await draw(ground, world.hq, size=40)

    async with unit_of_work(ground, world.hq) as work:
        again = await commands.repeat_audit(work, first.id, name="再抽一次")
    another = await draw(ground, world.hq, size=40, seed=8)

    assert (again.name, again.seed, again.scope) == ("再抽一次", first.seed, first.scope)
    assert await drawn(ground, again) == await drawn(ground, first)
    assert await drawn(ground, another) != await drawn(ground, first)


async def test_what_is_added_to_one_stratum_leaves_the_others_drawn_as_before(ground: Ground) -> None:
    world = await build_world(ground)
    one, other = await build_tags(ground, world)
    await build_tagged(ground, world.shop, one, 40)
    await build_tagged(ground, world.shops[1], other, 40)
    first = await draw(ground, world.hq, size=40)
    await build_tagged(ground, world.shops[1], other, 1)

    second = await draw(ground, world.hq, size=40)

    def of_one(pairs: set[Any]) -> set[Any]:
        return {pair for pair in pairs if pair[1] == one.id}

    assert of_one(await drawn(ground, second)) == of_one(await drawn(ground, first))


async def test_a_drawing_that_ignores_its_seed_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant of the test above the last."""
    world = await build_world(ground)
    await build_tagged(ground, world.shop, (await build_tags(ground, world))[0], 60)
    seeded = sampling.draw
    monkeypatch.setattr(commanding, "draw", lambda cells, size, _seed: seeded(cells, size, ids.new().int))

    first, again = await draw(ground, world.hq), await draw(ground, world.hq)

    assert await drawn(ground, again) != await drawn(ground, first)


async def test_a_tag_counts_once_and_personal_and_retired_ones_do_not(ground: Ground) -> None:
    world = await build_world(ground)
    tag, retired = await build_tags(ground, world)
    own = await build_tag(ground, world, None, "我的", owner_id=world.shop.guide.id)
    await build_tagged(ground, world.shop, tag, 12)
    await build_tagged(ground, world.shop, retired, 12)
    await build_tagged(ground, world.shop, own, 12)
    async with unit_of_work(ground, world.hq) as work:
        await commands.retire_tag(work, retired.id)

    audit = await draw(ground, world.hq, size=100)

    rows = await items(ground, audit)
    assert [row.tag_id for row in rows] == [tag.id] * 12
    assert len({row.customer_id for row in rows}) == 12


async def test_an_audit_is_narrowed_down_to_a_guide_a_group_a_tag_and_what_set_it(ground: Ground) -> None:
    world = await build_world(ground)
    one, two = await build_tags(ground, world)
    [elsewhere] = await build_tags(ground, world, 1)
    mine = await build_tagged(ground, world.shop, one, 10)
    theirs = await build_tagged(ground, world.shop, two, 10, setter=world.shop.other_guide)
    ruled = await build_tagged(ground, world.shop, elsewhere, 10, set_by=SetBy.RULE, by_staff_id=None)
    scopes = [
        (AuditScope(setter_id=world.shop.guide.id), mine),
        (AuditScope(group_id=one.group_id), [*mine, *theirs]),
        (AuditScope(tag_id=two.id), theirs),
        (AuditScope(set_by=(SetBy.RULE, SetBy.IMPORT)), ruled),
        (AuditScope(region_id=world.regions["cn"].id), [*mine, *theirs, *ruled]),
    ]

    for scope, wanted in scopes:
        audit = await draw(ground, world.hq, scope=scope, size=50)
        assert {customer_id for customer_id, _ in await drawn(ground, audit)} == set(wanted)
        assert AuditScope.from_json((await reload(ground, audit)).scope) == scope
    with pytest.raises(NothingToAudit):
        await draw(ground, world.hq, scope=AuditScope(region_id=world.regions["north"].id))


async def test_tags_from_before_the_present_holder_are_told_apart(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    [tag] = await build_tags(ground, world, 1)
    stayed = await build_tagged(ground, world.shop, tag, 40)
    moved = await build_tagged(ground, world.shop, tag, 40)
    confirmed = await build_tagged(ground, world.shop, tag, 5, checked_at=clock.now().replace(year=2099))
    await _hand_over(ground, world, [*moved, *confirmed])
    plant(monkeypatch, wrong=moved[:20])

    audit = await draw(ground, world.shop.manager, size=85)

    inherited = {row.customer_id for row in await items(ground, audit) if row.is_inherited}
    found = await result(ground, world.shop.manager, audit)
    assert inherited == set(moved)
    assert (found.own.estimate, found.inherited.estimate) == (1.0, 0.5)
    assert found.drift is not None
    assert found.drift.value == -0.5
    assert found.drift.is_beyond_noise
    assert len(stayed) + len(confirmed) == found.own.drawn


async def test_what_is_unknown_counts_as_neither_right_nor_wrong(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    people = await build_tagged(ground, world.shop, (await build_tags(ground, world, 1))[0], 40)
    plant(monkeypatch, wrong=people[:5], unknown=people[5:20])

    audit = await draw(ground, world.hq, size=40)

    found = (await result(ground, world.hq, audit)).overall
    assert (found.known, found.unknown, found.right) == (25, 15, 20)
    assert (found.estimate, found.lowest, found.highest) == (0.8, 0.5, 0.875)


async def test_managers_audit_and_see_what_they_answer_for(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    [tag] = await build_tags(ground, world, 1)
    for shop in world.shops:
        await build_tagged(ground, shop, tag, 10)
    north = AuditScope(store_id=world.shops[2].store.id)
    east = AuditScope(region_id=world.regions["east"].id)

    of_store = await draw(ground, world.shop.manager)
    of_region = await draw(ground, world.east_manager)
    of_part = await draw(ground, world.east_manager, scope=AuditScope(store_id=world.shops[1].store.id))
    of_brand = await draw(ground, world.hq)
    before = await snapshot(ground)
    for actor, scope, refusal in [
        (world.shop.guide, AuditScope(), Forbidden),
        (world.shop.manager, AuditScope(store_id=world.shops[1].store.id), NotFound),
        (world.shop.manager, east, NotFound),
        (world.east_manager, north, NotFound),
        (world.east_manager, AuditScope(region_id=world.regions["cn"].id), NotFound),
        (world.hq, AuditScope(store_id=other.shop.store.id), NotFound),
        (world.hq, AuditScope(setter_id=other.shop.guide.id), NotFound),
        (world.hq, AuditScope(tag_id=ids.new()), NotFound),
        (world.hq, AuditScope(group_id=ids.new()), NotFound),
    ]:
        with pytest.raises(refusal):
            await draw(ground, actor, scope=scope)
    for actor in (world.shop.manager, world.shops[1].manager, other.hq):
        with pytest.raises(NotFound):
            async with unit_of_work(ground, actor) as work:
                await commands.repeat_audit(work, of_region.id, name="再抽")
    assert await snapshot(ground) == before

    assert of_region.region_id == world.regions["east"].id
    assert {row.store_id for row in await items(ground, of_region)} == {shop.store.id for shop in world.shops[:2]}
    every = {of_store.id, of_region.id, of_part.id, of_brand.id}
    for actor, seen in [
        (world.shop.guide, set()),
        (world.shop.manager, {of_store.id}),
        (world.shops[1].manager, {of_part.id}),
        (world.east_manager, {of_store.id, of_region.id, of_part.id}),
        (world.hq, every),
        (other.hq, set()),
    ]:
        async with ground.db.read() as session:
            assert set(await audits.by_ids(session, actor, list(every))) == seen
            assert set(await audits.results(session, actor, list(every))) == seen
            assert {row.id for row in await audits.page(session, actor, Page(10))} == seen
            assert bool(await audits.items(session, actor, of_brand.id, Page(5))) is (of_brand.id in seen)


@pytest.mark.parametrize(
    "given",
    [{"size": 9}, {"size": 2_001}, {"seed": -1}, {"seed": 2**31}, {"name": " "}, {"name": "长" * 61}],
    ids=str,
)
async def test_a_sample_that_is_no_sample_is_refused(ground: Ground, given: dict[str, Any]) -> None:
    world = await build_world(ground)
    await build_tagged(ground, world.shop, (await build_tags(ground, world, 1))[0], 10)
    before = await snapshot(ground)

    usual: dict[str, Any] = {"name": "抽查", "method": AuditMethod.BLIND, "scope": AuditScope(), "size": 20}
    with pytest.raises(Invalid):
        async with unit_of_work(ground, world.hq) as work:
            await commands.draw_audit(work, **usual | given)
    with pytest.raises(Invalid):
        both = AuditScope(store_id=world.shop.store.id, region_id=world.regions["cn"].id)
        await draw(ground, world.hq, scope=both)

    assert await snapshot(ground) == before


async def test_a_brand_has_so_many_audits_open_and_so_many_a_day(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    await build_tagged(ground, world.shop, (await build_tags(ground, world, 1))[0], 10)
    monkeypatch.setattr(commanding, "MOST_OPEN", 1)
    first = await draw(ground, world.hq, method=AuditMethod.BLIND)

    with pytest.raises(TooManyAudits):
        await draw(ground, world.hq, method=AuditMethod.BLIND)
    async with unit_of_work(ground, world.hq) as work:
        await commands.close_audit(work, first.id)
    await draw(ground, world.hq)
    monkeypatch.setattr(commanding, "MOST_DAILY", 2)
    with pytest.raises(TooManyAudits):
        await draw(ground, world.hq)
    monkeypatch.setattr(commanding, "MOST_DAILY", 9)
    monkeypatch.setattr(commanding, "MOST_TAGS", 9)
    with pytest.raises(AuditTooWide):
        await draw(ground, world.hq)


async def test_of_two_who_draw_at_once_where_one_is_allowed_one_is_refused(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    await build_tagged(ground, world.shop, (await build_tags(ground, world, 1))[0], 10)
    monkeypatch.setattr(commanding, "MOST_OPEN", 1)

    both = await asyncio.gather(
        *(draw(ground, world.hq, method=AuditMethod.BLIND) for _ in range(2)), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in both) == ["TagAudit", "TooManyAudits"]


async def test_a_population_that_changes_while_it_is_drawn_from_is_a_conflict(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    one, other = await build_tags(ground, world)
    await build_tagged(ground, world.shop, one, 20)
    counted = population.cells

    async def as_it_was(*given: Any) -> Any:
        return {cell._replace(tag_id=other.id): count for cell, count in (await counted(*given)).items()}

    monkeypatch.setattr(population, "cells", as_it_was)
    before = await snapshot(ground)
    with pytest.raises(Conflict):
        await draw(ground, world.hq, size=10)

    assert await snapshot(ground) == before


async def test_an_audit_is_closed_once(ground: Ground) -> None:
    world = await build_world(ground)
    await build_tagged(ground, world.shop, (await build_tags(ground, world, 1))[0], 10)
    audit = await draw(ground, world.shop.manager, method=AuditMethod.BLIND)

    for actor, version, refusal in [
        (world.shop.guide, 1, Forbidden),
        (world.shops[1].manager, 1, NotFound),
        (world.shop.manager, 2, StaleVersion),
    ]:
        before = await snapshot(ground)
        with pytest.raises(refusal):
            async with unit_of_work(ground, actor) as work:
                await commands.close_audit(work, audit.id, expected_version=version)
        assert await snapshot(ground) == before
    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.close_audit(work, audit.id, expected_version=1)
    before = await snapshot(ground)
    with pytest.raises(AuditClosed):
        async with unit_of_work(ground, world.shop.manager) as work:
            await commands.close_audit(work, audit.id)

    assert await snapshot(ground) == before
    assert {row.verdict for row in await items(ground, audit)} == {Verdict.UNKNOWN}


async def test_results_take_three_statements_for_one_audit_or_three(ground: Ground) -> None:
    world = await build_world(ground)
    await build_tagged(ground, world.shop, (await build_tags(ground, world, 1))[0], 10)
    drawings = [await draw(ground, world.hq, seed=number) for number in range(3)]

    for some in (drawings[:1], drawings):
        async with ground.db.read() as session:
            with statements(ground) as sent:
                found = await audits.results(session, world.hq, [audit.id for audit in some])
        assert len(found) == len(some)
        assert len(sent) == 3


async def _hand_over(ground: Ground, world: World, customer_ids: list[Any]) -> None:
    """Write down that these customers came to their holder by a handover, just now."""
    async with ground.db.write() as session:
        found = await session.scalars(
            select(Relationship).where(
                col(Relationship.brand_id) == world.brand.id, col(Relationship.customer_id).in_(customer_ids)
            )
        )
        for relationship in found.all():
            session.add(
                Holding(
                    brand_id=world.brand.id,
                    id=ids.new(),
                    relationship_id=relationship.id,
                    account_id=relationship.holder_id,
                    reason=HoldingReason.HANDOVER,
                    by_actor_id=world.hq.id,
                    from_at=clock.now(),
                )
            )
