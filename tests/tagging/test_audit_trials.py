"""Hundreds of audits of real rows with planted wrong tags, drawn and read as managers do: their intervals hold."""

import random
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text
from sqlmodel import col

from customers.models import Customer, Relationship
from kernel import ids
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.commands import audits as commanding
from tagging.models import AuditMethod, AuditScope, CustomerTag, SetBy, TagAudit, Verdict
from tagging.models import results as judging
from tagging.models.results import Result
from tagging.models.statistics import Accuracy, quantile
from tagging.queries import audits
from tests.factories import NOON, World, build_world
from tests.tagging.auditing import build_tags, plant

TRIALS = 300
SIZE = 60


async def test_audits_of_real_rows_cover_the_planted_truth(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six guides of three stores and their rules: strata of 30 to 150 tags, of which 1 to 35 % are wrong."""
    _number_ids(monkeypatch)
    world = await build_world(ground)
    strata = await _tag(ground, world)
    wrong = {key for _, bad in strata for key in bad}
    plant(monkeypatch, wrong)
    monkeypatch.setattr(commanding, "MOST_DAILY", TRIALS + 1)

    found = [each.overall for each in await _audit(ground, world)]

    population = sum(count for count, _ in strata)
    truth = 1 - len(wrong) / population
    covered = sum(each.interval is not None and each.interval.holds(truth) for each in found)
    assert {each.population for each in found} == {population}
    assert 0.93 <= covered / TRIALS <= 0.975
    assert _width(found) <= 1.1 * _theory(strata, population)


async def test_unknown_verdicts_that_count_as_right_are_noticed(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half can't be judged. As they are, intervals hold; the mutant that takes them for right misses the truth."""
    _number_ids(monkeypatch)
    world = await build_world(ground)
    strata = await _tag(ground, world)
    wrong = {key for _, bad in strata for key in bad}
    everybody = await _everybody(ground, world)
    plant(monkeypatch, wrong, unknown={key for key in everybody if random.Random(key.int).random() < 0.5})
    truth = 1 - len(wrong) / len(everybody)

    async def covered(trials: int) -> float:
        found = [each.overall for each in await _audit(ground, world, trials)]
        return sum(each.interval is not None and each.interval.holds(truth) for each in found) / trials

    as_is = await covered(60)
    count = judging._accuracy

    def take_for_right(parts: Any, tallies: Sequence[judging.Tally], **how: Any) -> Accuracy:
        return count(parts, [_right_if_unknown(tally) for tally in tallies], **how)

    monkeypatch.setattr(judging, "_accuracy", take_for_right)

    assert as_is >= 0.9
    assert await covered(60) < 0.8


def _right_if_unknown(tally: judging.Tally) -> judging.Tally:
    return replace(tally, verdict=Verdict.RIGHT) if tally.verdict is Verdict.UNKNOWN else tally


async def _tag(ground: Ground, world: World) -> Sequence[tuple[int, set[UUID]]]:
    """Tags of each guide and of rules in each store; returns how many each stratum has, and on whom they are wrong."""
    source, (tag,) = random.Random(4), await build_tags(ground, world, 1)
    strata = []
    for shop in world.shops:
        for setter in (*shop.guides, None):
            count = source.randrange(30, 150)
            keys = [ids.new() for _ in range(count)]
            brand = {"brand_id": world.brand.id}
            people = [brand | {"id": key, "member_number": key.hex, "name": "王芳", "joined_at": NOON} for key in keys]
            held = [
                brand
                | {"id": ids.new(), "customer_id": key, "store_id": shop.store.id, "is_primary": True}
                | {"holder_id": shop.guide.account_ids[0], "created_at": NOON}
                for key in keys
            ]
            how = {"set_by": SetBy.GUIDE if setter else SetBy.RULE, "by_staff_id": setter and setter.staff_id}
            carried = [
                brand | {"customer_id": key, "tag_id": tag.id, "set_at": NOON, "checked_at": NOON} | how for key in keys
            ]
            async with ground.db.write() as session:
                for table, rows in ((Customer, people), (Relationship, held), (CustomerTag, carried)):
                    await session.execute(insert(table), rows)
            strata.append((count, set(keys[: round(count * source.uniform(0.01, 0.35))])))
    async with ground.db.write() as session:
        # As on any database that has been there for a minute: without it PostgreSQL takes the tables for empty.
        await session.execute(text("ANALYZE"))
    return strata


async def _audit(ground: Ground, world: World, trials: int = TRIALS) -> list[Result]:
    """Draw with the seeds from 0 on, and read what came of it."""
    drawn: list[TagAudit] = []
    how: dict[str, Any] = {"name": "抽查", "method": AuditMethod.EVIDENCE, "scope": AuditScope(), "size": SIZE}
    for start in range(0, trials, 50):
        async with unit_of_work(ground, world.hq) as work:
            seeds = range(start, min(start + 50, trials))
            drawn += [await commands.draw_audit(work, seed=seed, **how) for seed in seeds]
    async with ground.db.read() as session:
        return list((await audits.results(session, world.hq, [audit.id for audit in drawn])).values())


async def _everybody(ground: Ground, world: World) -> list[UUID]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(col(Customer.id)).where(col(Customer.brand_id) == world.brand.id)))


def _number_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids in their order, the same in each run: with the seed they decide what is drawn."""
    source, at = random.Random(9), iter(range(1, 1 << 40))
    monkeypatch.setattr(ids, "new", lambda: UUID(int=(next(at) << 80) | (7 << 76) | (2 << 62) | source.getrandbits(60)))


def _width(found: Sequence[Accuracy]) -> float:
    return sum(each.interval.high - each.interval.low for each in found if each.interval) / len(found)


def _theory(strata: Sequence[tuple[int, set[UUID]]], population: int) -> float:
    """2·z·√(Σ W²·(1 − f)·p(1 − p)/n) with the planted p, at proportional n."""
    fraction, variance = SIZE / population, 0.0
    for count, wrong in strata:
        share = len(wrong) / count
        variance += (count / population) ** 2 * (1 - fraction) * share * (1 - share) / (count * fraction)
    return 2 * quantile() * sqrt(variance)
