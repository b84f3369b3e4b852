"""Statements that find what feeds say wrongly of relationships."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, true
from sqlmodel import col

from customers.models import Relationship
from customers.policy import RELATIONSHIP, is_live
from directory.models import Account, Staff
from handover.models import HandoverItem
from kernel.actor import Role
from kernel.feed import Feed, FeedEvent, Op


@dataclass(frozen=True, slots=True)
class Scope:
    """All of a brand, or what one handover concerns."""

    brand_id: UUID
    handover_id: UUID | None

    def items(self) -> tuple[ColumnElement[bool], ...]:
        """Its lines."""
        one = true() if self.handover_id is None else col(HandoverItem.handover_id) == self.handover_id
        return col(HandoverItem.brand_id) == self.brand_id, one

    def relationships(self, key: Any) -> Any:
        """Those that it moves."""
        if self.handover_id is None:
            return true()
        return key.in_(select(col(HandoverItem.relationship_id)).where(*self.items()))

    def feeds(self, key: Any) -> Any:
        """Those of the people between whom it moves them."""
        if self.handover_id is None:
            return true()
        ends = [select(each).where(*self.items()) for each in _ENDS]
        accounts = or_(*(col(Account.id).in_(each) for each in ends))
        owners = select(col(Account.staff_id)).where(col(Account.brand_id) == self.brand_id, accounts)
        return key.in_(owners.where(col(Account.staff_id).is_not(None)))


_ENDS: tuple[Any, ...] = (col(HandoverItem.from_account_id), col(HandoverItem.to_account_id))


def gaps(scope: Scope) -> Any:
    """Feeds that don't have exactly one entry at each place from where they were compacted to their head."""
    base = case((col(Feed.floor) > col(Feed.compacted), col(Feed.floor)), else_=col(Feed.compacted))
    above = and_(
        col(FeedEvent.brand_id) == scope.brand_id,
        col(FeedEvent.feed_id) == col(Feed.feed_id),
        col(FeedEvent.seq) > base,
    )
    return (
        select(col(Feed.feed_id))
        .outerjoin(FeedEvent, above)
        .where(col(Feed.brand_id) == scope.brand_id, scope.feeds(col(Feed.feed_id)))
        .group_by(col(Feed.feed_id), col(Feed.head), base)
        .having(
            or_(
                func.count(col(FeedEvent.seq)) != col(Feed.head) - base,
                func.max(col(FeedEvent.seq)) > col(Feed.head),
            )
        )
        .order_by(col(Feed.feed_id))
    )


def told_otherwise(scope: Scope) -> Any:
    """Relationships of which a guide's feed last said that they are theirs, and they aren't; or the reverse."""
    newest = (
        select(col(FeedEvent.feed_id), col(FeedEvent.entity_id), func.max(col(FeedEvent.seq)).label("seq"))
        .join(Staff, and_(col(Staff.brand_id) == scope.brand_id, col(Staff.id) == col(FeedEvent.feed_id)))
        .join(Feed, and_(col(Feed.brand_id) == scope.brand_id, col(Feed.feed_id) == col(FeedEvent.feed_id)))
        .where(
            col(FeedEvent.brand_id) == scope.brand_id,
            col(FeedEvent.entity_type) == RELATIONSHIP,
            col(FeedEvent.seq) > col(Feed.floor),
            col(Staff.role) == Role.GUIDE,
            scope.relationships(col(FeedEvent.entity_id)),
        )
        .group_by(col(FeedEvent.feed_id), col(FeedEvent.entity_id))
        .subquery()
    )
    is_theirs = exists(
        select(col(Relationship.id))
        .join(Account, and_(col(Account.brand_id) == scope.brand_id, col(Account.id) == col(Relationship.holder_id)))
        .where(
            col(Relationship.brand_id) == scope.brand_id,
            col(Relationship.id) == newest.c.entity_id,
            is_live(),
            col(Account.staff_id) == newest.c.feed_id,
        )
        .correlate(newest)
    )
    last = and_(
        col(FeedEvent.brand_id) == scope.brand_id,
        col(FeedEvent.feed_id) == newest.c.feed_id,
        col(FeedEvent.seq) == newest.c.seq,
    )
    is_del = col(FeedEvent.op) == Op.DEL.value
    return (
        select(newest.c.entity_id)
        .join(FeedEvent, last)
        .where(or_(and_(is_del, is_theirs), and_(~is_del, ~is_theirs)))
        .order_by(newest.c.entity_id)
    )
