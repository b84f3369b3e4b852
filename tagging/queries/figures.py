"""Coverage, staleness and confirmation of tags: exact counts of base rows, without sampling.

The unit is the relationship: a customer whom two stores serve counts in each. All is within the actor's sight.
Cost: the relationships of those asked for are read once, and the tags on their customers once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from customers.policy import relationships_visible_to
from customers.queries.settling_in import is_settled
from directory.models import Account, Store
from directory.policy import accounts_visible_to, stores_visible_to
from kernel import clock
from kernel.actor import Actor, Role
from kernel.pages import Key, Page, paged
from tagging.models import CustomerTag, Tag, TagGroup
from tagging.policy import groups_visible_to, visible_to

RECENT = timedelta(days=90)


class FiguresBy(StrEnum):
    """What each line of the figures is about."""

    STORE = "store"
    GUIDE = "guide"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class TagFigures:
    """`held` relationships, of which `covered` have a customer with at least one such tag.

    `tags` are the brand's tags in use on their customers; `stale` are past their date, `confirmed` were set or
    confirmed within 90 days.
    """

    id: UUID
    store_id: UUID | None
    staff_id: UUID | None
    group_id: UUID | None
    held: int = 0
    covered: int = 0
    tags: int = 0
    stale: int = 0
    confirmed: int = 0

    @property
    def coverage(self) -> float | None:
        return self.covered / self.held if self.held else None

    @property
    def stale_share(self) -> float | None:
        return self.stale / self.tags if self.tags else None

    @property
    def confirmed_share(self) -> float | None:
        return self.confirmed / self.tags if self.tags else None


async def page(
    session: AsyncSession,
    actor: Actor,
    page: Page,
    by: FiguresBy,
    *,
    store_id: UUID | None = None,
    group_id: UUID | None = None,
    adjusted: bool = False,
) -> list[TagFigures]:
    """The figures of the stores, accounts or groups in sight, by id; one more than asked for if there is a next page.

    A line by guide is an account of a store: the public one has no guide. `store_id` narrows to one store,
    `group_id` to the tags of one group. A guide's figures are without what they cover. By guide, `adjusted` leaves out
    what came to them by a handover in the last 30 days: how the leaver tagged isn't how they do.
    """
    actor = actor.alone()
    lines = (await session.execute(paged(_lines(actor, by, store_id, group_id), page, Key(_ids(by))))).all()
    keys = [row.id for row in lines]
    now = clock.now()
    if by is FiguresBy.GROUP:
        held = await _held_at_all(session, actor, store_id)
        tagged = await _tagged(session, actor, col(Tag.group_id), now, store_id, None, col(Tag.group_id).in_(keys))
        return [_figures(row, held, tagged.get(row.id)) for row in lines]
    key = col(Relationship.store_id) if by is FiguresBy.STORE else col(Relationship.holder_id)
    theirs: Any = key.in_(keys)
    if adjusted and by is FiguresBy.GUIDE:
        theirs = and_(theirs, is_settled(now))
    counted = await _held(session, actor, key, theirs)
    tagged = await _tagged(session, actor, key, now, store_id, group_id, theirs)
    return [_figures(row, counted.get(row.id, 0), tagged.get(row.id)) for row in lines]


async def of_stores(session: AsyncSession, actor: Actor, store_ids: Sequence[UUID]) -> dict[UUID, TagFigures]:
    """The figures of these stores, as far as they are in sight: two statements, however many."""
    return await _of_keys(session, actor, col(Relationship.store_id), {key: key for key in store_ids})


async def of_guides(session: AsyncSession, actor: Actor, staff_ids: Sequence[UUID]) -> dict[UUID, TagFigures]:
    """The figures of all accounts in sight that these people have: three statements, however many."""
    found = await session.execute(
        select(col(Account.id), col(Account.staff_id)).where(
            accounts_visible_to(actor), col(Account.staff_id).in_(staff_ids)
        )
    )
    return await _of_keys(
        session,
        actor,
        col(Relationship.holder_id),
        {account_id: staff_id for account_id, staff_id in found if staff_id},
    )


async def _of_keys(session: AsyncSession, actor: Actor, key: Any, owners: dict[UUID, UUID]) -> dict[UUID, TagFigures]:
    actor, theirs = actor.alone(), key.in_(sorted(owners))
    held = await _held(session, actor, key, theirs)
    tagged = await _tagged(session, actor, key, clock.now(), None, None, theirs)
    sums: dict[UUID, list[int]] = {}
    for each, owner in owners.items():
        counted = (held.get(each, 0), *(int(value) for value in (tagged[each][1:] if each in tagged else (0, 0, 0, 0))))
        sums[owner] = [sum(pair) for pair in zip(sums.get(owner, [0] * len(counted)), counted, strict=True)]
    return {
        owner: TagFigures(owner, None, None, None, held, covered, tags, stale, confirmed)
        for owner, (held, covered, tags, stale, confirmed) in sums.items()
    }


def _ids(by: FiguresBy) -> Any:
    return {FiguresBy.STORE: col(Store.id), FiguresBy.GUIDE: col(Account.id), FiguresBy.GROUP: col(TagGroup.id)}[by]


def _lines(actor: Actor, by: FiguresBy, store_id: UUID | None, group_id: UUID | None) -> Any:
    match by:
        case FiguresBy.STORE:
            stores: Any = select(col(Store.id), col(Store.id).label("store_id")).where(stores_visible_to(actor))
            return stores if store_id is None else stores.where(col(Store.id) == store_id)
        case FiguresBy.GUIDE:
            accounts = select(col(Account.id), col(Account.store_id), col(Account.staff_id)).where(
                accounts_visible_to(actor)
            )
            if actor.role is Role.GUIDE:
                accounts = accounts.where(col(Account.id).in_(actor.account_ids))
            return accounts if store_id is None else accounts.where(col(Account.store_id) == store_id)
    groups: Any = select(col(TagGroup.id), col(TagGroup.id).label("group_id")).where(
        groups_visible_to(actor), col(TagGroup.retired_at).is_(None)
    )
    return groups if group_id is None else groups.where(col(TagGroup.id) == group_id)


async def _held(session: AsyncSession, actor: Actor, key: Any, chosen: Any) -> dict[UUID, int]:
    found = await session.execute(
        select(key, func.count()).where(relationships_visible_to(actor), chosen).group_by(key)
    )
    return dict(found.all())


async def _held_at_all(session: AsyncSession, actor: Actor, store_id: UUID | None) -> int:
    held = select(func.count()).select_from(Relationship).where(relationships_visible_to(actor))
    if store_id is not None:
        held = held.where(col(Relationship.store_id) == store_id)
    return await session.scalar(held) or 0


async def _tagged(
    session: AsyncSession,
    actor: Actor,
    key: Any,
    now: datetime,
    store_id: UUID | None,
    group_id: UUID | None,
    chosen: Any,
) -> dict[UUID, Row[*tuple[Any, ...]]]:
    """How many relationships have such tags, and how many tags they are; first counted per relationship."""
    stale = func.sum(case((col(CustomerTag.valid_until) < now, 1), else_=0))
    confirmed = func.sum(case((col(CustomerTag.checked_at) >= now - RECENT, 1), else_=0))
    each = (
        select(
            key.label("key"),
            col(Relationship.id),
            func.count().label("tags"),
            stale.label("stale"),
            confirmed.label("confirmed"),
        )
        .select_from(Relationship)
        .join(
            CustomerTag,
            and_(
                col(CustomerTag.brand_id) == col(Relationship.brand_id),
                col(CustomerTag.customer_id) == col(Relationship.customer_id),
            ),
        )
        .join(Tag, and_(col(Tag.brand_id) == col(CustomerTag.brand_id), col(Tag.id) == col(CustomerTag.tag_id)))
        .where(
            relationships_visible_to(actor),
            visible_to(actor),
            col(Tag.owner_id).is_(None),
            col(Tag.retired_at).is_(None),
            chosen,
        )
        .group_by(key, col(Relationship.id))
    )
    if store_id is not None:
        each = each.where(col(Relationship.store_id) == store_id)
    if group_id is not None:
        each = each.where(col(Tag.group_id) == group_id)
    one = each.subquery()
    sums = (func.sum(one.c.tags), func.sum(one.c.stale), func.sum(one.c.confirmed))
    found = await session.execute(select(one.c.key, func.count(), *sums).group_by(one.c.key))
    return {row[0]: row for row in found}


def _figures(line: Row[*tuple[Any, ...]], held: int, tagged: Row[*tuple[Any, ...]] | None) -> TagFigures:
    about: dict[str, Any] = {name: line._mapping.get(name) for name in ("store_id", "staff_id", "group_id")}
    if tagged is None:
        return TagFigures(line.id, **about, held=held)
    _, covered, tags, stale, confirmed = tagged
    return TagFigures(
        line.id,
        **about,
        held=held,
        covered=int(covered),
        tags=int(tags),
        stale=int(stale),
        confirmed=int(confirmed),
    )
