"""Rules from keywords, on the file of real transactions: exactly the customers that the keywords' own figures name."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from intake.queries import ledger
from kernel import clock, ids
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from tagging.commands import evaluating, rules
from tagging.models import CustomerTag, Night, RuleMode, SetBy, Tag, TagGroup
from tagging.models.judging import Finding
from tagging.queries import evidence, wording
from tests.factories import save

LAST_DAY = date(2011, 12, 9)
Keywords = dict[str, dict[str, Any]]


def keywords(real_data: Path) -> Keywords:
    """The tags by name, with their keywords and figures."""
    groups = json.loads((real_data.parent / "category_keywords.json").read_text(encoding="utf-8"))["groups"]
    return {name: tag for group in groups.values() for name, tag in group["tags"].items()}


def bought_on(days: int, tag: dict[str, Any]) -> str:
    """Goods whose name has one of the keywords as a whole word, bought on so many days."""
    words = rf"\b(?:{'|'.join(tag['keywords'])})\b"
    return f'purchase_days(days: 400, code: "^[0-9][0-9][0-9][0-9][0-9]", name: "{words}") >= {days}'


async def follow_keywords(ground: Ground, real_data: Path) -> None:
    """Hold rules from keywords against the keywords' own figures, on the file that has been imported."""
    async with ground.db.read() as session:
        brand = await ledger.brand_of(session, "online-retail")
    assert brand
    tags = keywords(real_data)
    machine = system(brand.id)

    any_day = await found(ground, machine, tags, 1)
    three_days = await found(ground, machine, tags, 3)

    assert any_day == {name: tag["customers_any"] for name, tag in tags.items()}
    assert three_days == {name: tag["customers_3plus_days"] for name, tag in tags.items()}

    made = await make_rules(ground, machine, tags)
    first, second = await one_night(ground, machine), await one_night(ground, machine)

    assert await carried(ground, brand.id, made) == three_days
    assert (first["set"], second["set"], second["unset"]) == (sum(three_days.values()), 0, 0)


async def found(ground: Ground, machine: Actor, tags: Keywords, days: int) -> dict[str, int]:
    """How many customers the rule of each tag speaks for."""
    keys = {name: ids.new() for name in tags}
    speaks: Counter[UUID] = Counter()
    async with ground.db.read() as session:
        rules = {
            keys[name]: await wording.understood(session, machine, bought_on(days, tag), None)
            for name, tag in tags.items()
        }
        for chunk in await chunks(session, machine.brand_id):
            judged = await evidence.judge(session, machine.brand_id, rules, chunk, LAST_DAY)
            for customer in judged.customers.values():
                speaks.update(key for key, finding in customer.findings.items() if finding is Finding.FOR)
    return {name: speaks[key] for name, key in keys.items()}


async def chunks(session: AsyncSession, brand_id: UUID) -> list[Sequence[UUID]]:
    everybody = (
        await session.scalars(
            select(col(Customer.id)).where(col(Customer.brand_id) == brand_id).order_by(col(Customer.id))
        )
    ).all()
    return [everybody[start : start + 2_000] for start in range(0, len(everybody), 2_000)]


async def make_rules(ground: Ground, machine: Actor, tags: Keywords) -> dict[str, UUID]:
    """A tag and a live rule for each set of keywords; the tags' ids."""
    group = TagGroup(brand_id=machine.brand_id, id=ids.new(), name="关键词")
    made = {name: Tag(brand_id=machine.brand_id, id=ids.new(), group_id=group.id, name=name) for name in tags}
    await save(ground, group, *made.values())
    async with unit_of_work(ground, machine) as work:
        for name, tag in tags.items():
            condition = bought_on(3, tag)
            rule = await rules.save_rule(work, name=name, tag_id=made[name].id, mode=RuleMode.SET, condition=condition)
            await work.session.flush()
            await rules.go_live(work, rule.id)
    return {name: tag.id for name, tag in made.items()}


async def one_night(ground: Ground, machine: Actor) -> dict[str, int]:
    """All customers as of the last day."""
    night = Night(brand_id=machine.brand_id, day=LAST_DAY, step="rules", counts={}, begun_at=clock.now())
    while True:
        async with unit_of_work(ground, machine) as work:
            night.after_id = await evaluating.night_step(work, night)
        if night.after_id is None:
            return night.counts


async def carried(ground: Ground, brand_id: UUID, tags: dict[str, UUID]) -> dict[str, int]:
    """How many customers carry each tag by a rule."""
    async with ground.db.read() as session:
        counted = await session.execute(
            select(col(CustomerTag.tag_id), func.count())
            .where(col(CustomerTag.brand_id) == brand_id, col(CustomerTag.set_by) == SetBy.RULE)
            .group_by(col(CustomerTag.tag_id))
        )
        by_tag = dict(counted.all())
    return {name: by_tag.get(tag_id, 0) for name, tag_id in tags.items()}
