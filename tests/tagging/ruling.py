"""Rules to test with, and what becomes of customers by them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall.commands import Line
from tagging.commands import evaluating, rules
from tagging.commands.evaluating import Outcome
from tagging.models import CustomerTag, RuleMode, SetBy, SuggestionState, Tag, TagRule, TagSuggestion
from tagging.models.judging import Finding
from tagging.queries import evidence, wording
from tests.factories import NOON, World

TODAY = date(2026, 3, 2)  # of NOON, in Shanghai


async def write(ground: Ground, world: World, tag: Tag, condition: str, **values: Any) -> TagRule:
    """A draft."""
    usual: dict[str, Any] = {"name": f"规则{condition[:20]}", "tag_id": tag.id, "mode": RuleMode.SET}
    async with unit_of_work(ground, world.hq) as work:
        return await rules.save_rule(work, condition=condition, **usual | values)


async def live(ground: Ground, world: World, tag: Tag, condition: str, **values: Any) -> TagRule:
    """A rule that acts from now on; nobody has looked at any customer yet."""
    rule = await write(ground, world, tag, condition, **values)
    async with unit_of_work(ground, world.hq) as work:
        return await rules.go_live(work, rule.id)


async def evaluate(ground: Ground, *customers: Customer, day: date = TODAY) -> Outcome:
    """Let the live rules look at these customers."""
    async with unit_of_work(ground, system(customers[0].brand_id)) as work:
        return await evaluating.evaluate(work, sorted(each.id for each in customers), day)


async def follow(ground: Ground, world: World) -> int:
    """Let the live rules look at whoever is marked."""
    async with unit_of_work(ground, system(world.brand.id)) as work:
        return await evaluating.follow_marks(work)


async def finding(
    ground: Ground, world: World, customer: Customer, condition: str, enough: str | None = None, day: date = TODAY
) -> Finding:
    """What a rule would find on the customer."""
    key = UUID(int=1)
    async with ground.db.read() as session:
        rule = await wording.understood(session, world.hq, condition, enough)
        found = await evidence.judge(session, world.brand.id, {key: rule}, [customer.id], day)
    return found.customers[customer.id].findings[key]


async def worn(ground: Ground, customer: Customer) -> dict[UUID, SetBy]:
    """The tags of the customer, and who or what set each."""
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(CustomerTag.tag_id), col(CustomerTag.set_by)).where(
                col(CustomerTag.brand_id) == customer.brand_id, col(CustomerTag.customer_id) == customer.id
            )
        )
        return dict(found.all())


async def suggested(ground: Ground, customer: Customer) -> list[tuple[UUID, SuggestionState]]:
    """All that was ever suggested for the customer, the oldest first."""
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(TagSuggestion.tag_id), col(TagSuggestion.state))
            .where(col(TagSuggestion.brand_id) == customer.brand_id, col(TagSuggestion.customer_id) == customer.id)
            .order_by(col(TagSuggestion.id))
        )
        return [(tag_id, state) for tag_id, state in found]


def bought(*lines: tuple[str, int], at: datetime = NOON) -> dict[str, Any]:
    """An order of such goods, name and amount, placed at that time."""
    said = [Line(f"P{place}", name, 1, amount) for place, (name, amount) in enumerate(lines, 1)]
    return {"lines": said, "amount": sum(line.amount for line in said), "placed_at": at}
