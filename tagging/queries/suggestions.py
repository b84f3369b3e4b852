"""Reads of what rules suggest for customers, and of what they have to go by."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from kernel.actor import Actor
from kernel.db import OneOf
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from tagging.models import (
    Choice,
    CustomerTag,
    SetBy,
    SuggestionState,
    Tag,
    TagChange,
    TagChangeKind,
    TagGroup,
    TagSuggestion,
)
from tagging.models.deciding import LEFT_ALONE, Worn
from tagging.policy import suggestions_visible_to

MOST_OF_CUSTOMER = 50

SuggestionRow = Row[*tuple[Any, ...]]


class Standing(NamedTuple):
    """What customers carry, what is suggested for them by tag, and what people don't want for them."""

    worn: dict[UUID, list[Worn]]
    offered: dict[UUID, dict[UUID, UUID]]
    turned_down: dict[UUID, set[UUID]]


async def page(session: AsyncSession, actor: Actor, page: Page) -> Sequence[SuggestionRow]:
    """Open suggestions for customers in sight, the newest first."""
    rows = _rows(actor).where(col(TagSuggestion.state) == SuggestionState.OPEN)
    return (await session.execute(paged(rows, page, Key(col(TagSuggestion.id), descending=True)))).all()


async def of_customers(
    session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]
) -> dict[UUID, list[SuggestionRow]]:
    """Open suggestions for those of the customers that are in sight, the oldest first."""
    found = await session.execute(
        _rows(actor)
        .where(col(TagSuggestion.customer_id).in_(customer_ids), col(TagSuggestion.state) == SuggestionState.OPEN)
        .order_by(col(TagSuggestion.id))
    )
    suggestions: dict[UUID, list[SuggestionRow]] = defaultdict(list)
    for row in found:
        if len(suggestions[row.customer_id]) < MOST_OF_CUSTOMER:
            suggestions[row.customer_id].append(row)
    return dict(suggestions)


async def by_ids(session: AsyncSession, actor: Actor, suggestion_ids: Sequence[UUID]) -> dict[UUID, SuggestionRow]:
    """Those of the suggestions that are in sight, decided ones too."""
    found = await session.execute(_rows(actor).where(col(TagSuggestion.id).in_(suggestion_ids)))
    return {row.id: row for row in found}


async def customer_of(session: AsyncSession, actor: Actor, suggestion_id: UUID) -> UUID:
    """Whom a suggestion is for. `NOT_FOUND` if it isn't in sight."""
    found: UUID | None = await session.scalar(
        select(col(TagSuggestion.customer_id)).where(
            suggestions_visible_to(actor), col(TagSuggestion.id) == suggestion_id
        )
    )
    if found is None:
        raise NotFound
    return found


async def lock(session: AsyncSession, actor: Actor, suggestion_id: UUID) -> TagSuggestion:
    """The suggestion, kept from other writers. `NOT_FOUND` if it isn't in sight."""
    found: TagSuggestion | None = await session.scalar(
        select(TagSuggestion)
        .where(suggestions_visible_to(actor), col(TagSuggestion.id) == suggestion_id)
        .with_for_update()
    )
    if found is None:
        raise NotFound
    return found


async def standing(
    session: AsyncSession, brand_id: UUID, customer_ids: Sequence[UUID], tag_ids: Sequence[UUID], at: datetime
) -> Standing:
    """What decisions about these tags on these customers hang on."""
    return Standing(
        await worn(session, brand_id, customer_ids),
        await _offered(session, brand_id, customer_ids),
        await _turned_down(session, brand_id, customer_ids, tag_ids, at),
    )


async def worn(session: AsyncSession, brand_id: UUID, customer_ids: Sequence[UUID]) -> dict[UUID, list[Worn]]:
    """The brand's tags on these customers; one that was merged counts as the one it was merged into."""
    named = aliased(Tag)
    found = await session.execute(
        select(
            col(CustomerTag.customer_id),
            col(Tag.id),
            col(Tag.group_id),
            col(TagGroup.choice),
            col(CustomerTag.set_by),
            col(CustomerTag.rule_id),
            col(CustomerTag.checked_at),
            col(CustomerTag.valid_until),
        )
        .select_from(CustomerTag)
        .join(named, and_(col(named.brand_id) == col(CustomerTag.brand_id), col(named.id) == col(CustomerTag.tag_id)))
        .join(
            Tag,
            and_(
                col(Tag.brand_id) == col(named.brand_id),
                col(Tag.id) == func.coalesce(col(named.merged_into_id), col(named.id)),
            ),
        )
        .join(TagGroup, and_(col(TagGroup.brand_id) == col(Tag.brand_id), col(TagGroup.id) == col(Tag.group_id)))
        .where(
            col(CustomerTag.brand_id) == brand_id,
            OneOf(col(CustomerTag.customer_id), "customer_ids"),
            col(Tag.retired_at).is_(None),
        ),
        {"customer_ids": customer_ids},
    )
    carried: dict[UUID, list[Worn]] = defaultdict(list)
    for customer_id, tag_id, group_id, choice, set_by, rule_id, checked_at, valid_until in found:
        single = group_id if choice is Choice.SINGLE else None
        carried[customer_id].append(Worn(tag_id, single, set_by, rule_id, checked_at, valid_until))
    return carried


async def _offered(session: AsyncSession, brand_id: UUID, customer_ids: Sequence[UUID]) -> dict[UUID, dict[UUID, UUID]]:
    found = await session.execute(
        select(col(TagSuggestion.customer_id), col(TagSuggestion.tag_id), col(TagSuggestion.id)).where(
            col(TagSuggestion.brand_id) == brand_id,
            OneOf(col(TagSuggestion.customer_id), "customer_ids"),
            col(TagSuggestion.state) == SuggestionState.OPEN,
        ),
        {"customer_ids": customer_ids},
    )
    offered: dict[UUID, dict[UUID, UUID]] = defaultdict(dict)
    for customer_id, tag_id, suggestion_id in found:
        offered[customer_id][tag_id] = suggestion_id
    return offered


async def _turned_down(
    session: AsyncSession, brand_id: UUID, customer_ids: Sequence[UUID], tag_ids: Sequence[UUID], at: datetime
) -> dict[UUID, set[UUID]]:
    """Suggestions that were declined, and tags that were taken off by hand, not long ago."""
    since = at - LEFT_ALONE
    declined = select(col(TagSuggestion.customer_id), col(TagSuggestion.tag_id)).where(
        col(TagSuggestion.brand_id) == brand_id,
        OneOf(col(TagSuggestion.customer_id), "customer_ids"),
        col(TagSuggestion.state) == SuggestionState.DECLINED,
        col(TagSuggestion.decided_at) > since,
    )
    removed = select(col(TagChange.customer_id), col(TagChange.tag_id)).where(
        col(TagChange.brand_id) == brand_id,
        OneOf(col(TagChange.customer_id), "customer_ids"),
        col(TagChange.tag_id).in_(tag_ids),
        col(TagChange.kind) == TagChangeKind.REMOVED,
        col(TagChange.set_by) != SetBy.RULE,
        col(TagChange.at) > since,
    )
    found = await session.execute(union(declined, removed), {"customer_ids": customer_ids})
    refused: dict[UUID, set[UUID]] = defaultdict(set)
    for customer_id, tag_id in found:
        refused[customer_id].add(tag_id)
    return refused


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*TagSuggestion.__table__.columns).where(suggestions_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
