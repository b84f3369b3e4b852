"""Reads of evidence rules, and of what they bear on."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from directory.models import Store
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from tagging.models import Choice, RuleState, Tag, TagGroup, TagRule
from tagging.models.deciding import Ruling, preference
from tagging.models.expressions import Kind, from_json
from tagging.models.measuring import Rule
from tagging.policy import rules_visible_to

MOST_RULES = 200

RuleRow = Row[*tuple[Any, ...]]
_Named = aliased(Tag)


async def page(
    session: AsyncSession, actor: Actor, page: Page, state: RuleState | None = None, tag_id: UUID | None = None
) -> Sequence[RuleRow]:
    """The brand's rules in sight, the newest first."""
    rows = _rows(actor)
    if state is not None:
        rows = rows.where(col(TagRule.state) == state)
    if tag_id is not None:
        rows = rows.where(col(TagRule.tag_id) == tag_id)
    return (await session.execute(paged(rows, page, Key(col(TagRule.id), descending=True)))).all()


async def by_ids(session: AsyncSession, actor: Actor, rule_ids: Sequence[UUID]) -> dict[UUID, RuleRow]:
    """Those of the rules that are in sight."""
    found = await session.execute(_rows(actor).where(col(TagRule.id).in_(rule_ids)))
    return {row.id: row for row in found}


async def lock(session: AsyncSession, actor: Actor, rule_id: UUID) -> TagRule:
    """The rule, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    rule: TagRule | None = await session.scalar(
        select(TagRule).where(rules_visible_to(actor), col(TagRule.id) == rule_id).with_for_update()
    )
    if rule is None:
        raise NotFound
    return rule


async def count_in_use(session: AsyncSession, brand_id: UUID) -> int:
    """How many rules the brand has that aren't retired."""
    found = await session.scalar(
        select(func.count())
        .select_from(TagRule)
        .where(col(TagRule.brand_id) == brand_id, col(TagRule.state) != RuleState.RETIRED)
    )
    return found or 0


async def is_named(session: AsyncSession, brand_id: UUID, name: str, but: UUID | None) -> bool:
    """Whether another rule in use has that name."""
    found = await session.scalar(
        select(col(TagRule.id)).where(
            col(TagRule.brand_id) == brand_id,
            col(TagRule.name) == name,
            col(TagRule.state) != RuleState.RETIRED,
            col(TagRule.id) != but if but else true(),
        )
    )
    return found is not None


async def live(session: AsyncSession, brand_id: UUID) -> dict[UUID, tuple[Ruling, Rule]]:
    """The live rules whose tags are in use, in the order of preference. A merged tag is what it became part of."""
    found = await session.execute(
        select(TagRule, Tag, col(TagGroup.choice))
        .select_from(TagRule)
        .join(Tag, and_(col(Tag.brand_id) == col(TagRule.brand_id), _is_tag_or_heir()))
        .join(TagGroup, and_(col(TagGroup.brand_id) == col(Tag.brand_id), col(TagGroup.id) == col(Tag.group_id)))
        .where(col(TagRule.brand_id) == brand_id, col(TagRule.state) == RuleState.LIVE, col(Tag.retired_at).is_(None))
    )
    rules = {}
    for rule, tag, choice in found:
        ruling = ruling_of(rule, tag, choice)
        rules[rule.id] = (ruling, tree_of(rule))
    return dict(sorted(rules.items(), key=lambda item: preference(item[1][0])))


def ruling_of(rule: TagRule, tag: Any, choice: Choice) -> Ruling:
    """How the rule bears on its tag."""
    single = tag.group_id if choice is Choice.SINGLE else None
    return Ruling(rule.id, rule.name, tag.id, single, rule.mode, rule.confidence)


def tree_of(rule: Any) -> Rule:
    """The rule's expressions."""
    return Rule(from_json(rule.condition), from_json(rule.enough) if rule.enough else None)


async def store_ids(session: AsyncSession, brand_id: UUID, codes: Sequence[str]) -> Mapping[tuple[Kind, str], UUID]:
    """Ids by store code, for what a rule names."""
    found = await session.execute(
        select(col(Store.code), col(Store.id)).where(col(Store.brand_id) == brand_id, col(Store.code).in_(codes))
    )
    return {(Kind.STORE, code): store_id for code, store_id in found}


async def store_codes(session: AsyncSession, brand_id: UUID, ids: Sequence[UUID]) -> Mapping[tuple[Kind, str], str]:
    """Store codes by id, to write a rule down again."""
    found = await session.execute(
        select(col(Store.id), col(Store.code)).where(col(Store.brand_id) == brand_id, col(Store.id).in_(ids))
    )
    return {(Kind.STORE, str(store_id)): code for store_id, code in found}


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*TagRule.__table__.columns).where(rules_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel


def _is_tag_or_heir() -> Any:
    """A tag that is merged hands its rules on: to the one it was merged into."""
    heir = (
        select(func.coalesce(col(_Named.merged_into_id), col(_Named.id)))
        .where(col(_Named.brand_id) == col(TagRule.brand_id), col(_Named.id) == col(TagRule.tag_id))
        .scalar_subquery()
    )
    return col(Tag.id) == heir
