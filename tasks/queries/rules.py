"""Reads of revisit rules."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from tasks.models import RevisitRule, RevisitRuleState
from tasks.policy import rules_visible_to

MOST_RULES = 50

RuleRow = Row[*tuple[Any, ...]]


async def live(session: AsyncSession, brand_id: UUID) -> Sequence[RevisitRule]:
    """The brand's live rules, oldest first: 50 at most."""
    found = await session.scalars(
        select(RevisitRule)
        .where(col(RevisitRule.brand_id) == brand_id, col(RevisitRule.state) == RevisitRuleState.LIVE)
        .order_by(col(RevisitRule.id))
        .limit(MOST_RULES)
    )
    return found.all()


async def page(
    session: AsyncSession, actor: Actor, page: Page, state: RevisitRuleState | None = None
) -> Sequence[RuleRow]:
    """The brand's rules in sight, the newest first."""
    rows = _rows(actor)
    if state is not None:
        rows = rows.where(col(RevisitRule.state) == state)
    return (await session.execute(paged(rows, page, Key(col(RevisitRule.id), descending=True)))).all()


async def by_ids(session: AsyncSession, actor: Actor, rule_ids: Sequence[UUID]) -> dict[UUID, RuleRow]:
    """Those of the rules that are in sight."""
    found = await session.execute(_rows(actor).where(col(RevisitRule.id).in_(rule_ids)))
    return {row.id: row for row in found}


async def lock(session: AsyncSession, actor: Actor, rule_id: UUID) -> RevisitRule:
    """The rule, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    rule = await session.scalar(
        select(RevisitRule).where(rules_visible_to(actor), col(RevisitRule.id) == rule_id).with_for_update()
    )
    if rule is None:
        raise NotFound
    return rule


async def count_in_use(session: AsyncSession, brand_id: UUID) -> int:
    """How many rules the brand has that aren't retired."""
    found = await session.scalar(
        select(func.count())
        .select_from(RevisitRule)
        .where(col(RevisitRule.brand_id) == brand_id, col(RevisitRule.state) != RevisitRuleState.RETIRED)
    )
    return found or 0


async def has_any(session: AsyncSession, brand_id: UUID) -> bool:
    """Whether the brand has or ever had a rule."""
    found = await session.scalar(select(col(RevisitRule.id)).where(col(RevisitRule.brand_id) == brand_id).limit(1))
    return found is not None


async def is_named(session: AsyncSession, brand_id: UUID, name: str, but: UUID | None) -> bool:
    """Whether another rule in use has that name."""
    found = await session.scalar(
        select(col(RevisitRule.id)).where(
            col(RevisitRule.brand_id) == brand_id,
            col(RevisitRule.name) == name,
            col(RevisitRule.state) != RevisitRuleState.RETIRED,
            col(RevisitRule.id) != but if but else true(),
        )
    )
    return found is not None


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*RevisitRule.__table__.columns).where(rules_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
