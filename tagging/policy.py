"""Who sees which tags: the brand's are everybody's, a personal one is its owner's alone."""

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from customers.policy import feeds_of_customers
from customers.policy import visible_to as customers_visible_to
from directory.models import Store
from directory.policy import regions_under, stores_under
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden
from tagging.events import CustomerTagsChanged, TagChanged, TaggingEvent, TagGroupChanged
from tagging.models import AuditItem, Segment, Sharing, Tag, TagAudit, TagGroup, TagRule, TagSuggestion

CUSTOMER = "customer"
TAG = "tag"
TAG_GROUP = "tag_group"


def visible_to(actor: Actor) -> ColumnElement[bool]:
    if not _sees_tags(actor):
        return and_(col(Tag.brand_id) == actor.brand_id, false())
    return and_(
        col(Tag.brand_id) == actor.brand_id,
        or_(col(Tag.owner_id).is_(None), col(Tag.owner_id) == actor.id),
    )


def groups_visible_to(actor: Actor) -> ColumnElement[bool]:
    ours = col(TagGroup.brand_id) == actor.brand_id
    return ours if _sees_tags(actor) else and_(ours, false())


def rules_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Rules are what guides' tags are judged by: managers and HQ see them, and machines that see tags."""
    ours = col(TagRule.brand_id) == actor.brand_id
    return and_(ours, false()) if actor.role is Role.GUIDE or not _sees_tags(actor) else ours


def suggestions_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Whoever sees the customer sees what is suggested for them."""
    ours = col(TagSuggestion.brand_id) == actor.brand_id
    if not _sees_tags(actor):
        return and_(ours, false())
    seen = select(col(Customer.id)).where(customers_visible_to(actor))
    return and_(ours, col(TagSuggestion.customer_id).in_(seen))


def require_adviser(actor: Actor) -> None:
    """What a rule suggests is for guides and managers of stores to decide, each on the customers they see."""
    if actor.role not in (Role.GUIDE, Role.STORE_MANAGER):
        raise Forbidden


def segments_visible_to(actor: Actor) -> ColumnElement[bool]:
    """One's own, and those that the brand shares."""
    ours = col(Segment.brand_id) == actor.brand_id
    if not may_count(actor):
        return and_(ours, false())
    return and_(ours, or_(col(Segment.sharing) == Sharing.BRAND, col(Segment.owner_id) == actor.id))


def may_count(actor: Actor) -> bool:
    """People do, each within their sight, and machines that may read all that segments speak of."""
    return all(actor.may(scope) for scope in (Scope.TAGS_READ, Scope.CUSTOMERS_READ, Scope.ORDERS_READ))


def require_may_count(actor: Actor) -> None:
    if not may_count(actor):
        raise Forbidden


def require_segmenter(actor: Actor, sharing: Sharing) -> UUID:
    """Segments are kept by people; what the brand shares is HQ's to say."""
    if sharing is Sharing.BRAND:
        require_librarian(actor)
    return require_person(actor)


def audits_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Managers see the audits of what they answer for as a whole, HQ all; a guide is told by the manager."""
    ours = col(TagAudit.brand_id) == actor.brand_id
    match actor.role:
        case Role.HQ | Role.SYSTEM:
            return ours
        case Role.SERVICE if _sees_tags(actor):
            return ours
        case Role.REGIONAL_MANAGER:
            whole = col(TagAudit.region_id).in_(regions_under(actor))
            return and_(ours, or_(whole, col(TagAudit.store_id).in_(stores_under(actor))))
        case Role.STORE_MANAGER if actor.store_id:
            return and_(ours, col(TagAudit.store_id) == actor.store_id)
    return and_(ours, false())


def questions_visible_to(actor: Actor) -> ColumnElement[bool]:
    """A question is open to the guide who is asked, in the store where they are asked, until it has its verdict."""
    ours = col(AuditItem.brand_id) == actor.brand_id
    if actor.role is not Role.GUIDE or actor.store_id is None:
        return and_(ours, false())
    return and_(
        ours,
        col(AuditItem.asked_id) == actor.staff_id,
        col(AuditItem.store_id) == actor.store_id,
        col(AuditItem.verdict).is_(None),
    )


def require_auditor(actor: Actor) -> None:
    """Managers audit, each what they answer for."""
    if actor.role not in (Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ, Role.SYSTEM):
        raise Forbidden


def require_librarian(actor: Actor) -> None:
    """The brand's library is kept by HQ."""
    if not keeps_library(actor):
        raise Forbidden


def require_author(actor: Actor, owner_id: UUID | None) -> None:
    """What is the brand's is changed by HQ, what is somebody's own by its owner."""
    if owner_id is None:
        require_librarian(actor)
    elif owner_id != actor.staff_id:
        raise Forbidden


def require_person(actor: Actor) -> UUID:
    """Personal tags belong to people."""
    if actor.staff_id is None:
        raise Forbidden
    return actor.staff_id


def require_tagger(actor: Actor) -> None:
    """Tags are put on by people, by the product's own rules and imports, and by machines that may."""
    if not actor.may(Scope.TAGS_WRITE):
        raise Forbidden


def keeps_library(actor: Actor) -> bool:
    return actor.role in (Role.HQ, Role.SYSTEM)


class ForWhom(Protocol):
    """What a group says of who may put its tags on customers: roles and stores, none is all."""

    @property
    def roles(self) -> Sequence[str]: ...
    @property
    def store_ids(self) -> Sequence[str]: ...


def is_for(actor: Actor, group: ForWhom) -> bool:
    """Whether the actor may put the group's tags on customers. Who works in no store is bound by the role alone."""
    if actor.role is Role.SYSTEM:
        return True
    if group.roles and actor.role.value not in group.roles:
        return False
    return not group.store_ids or actor.store_id is None or str(actor.store_id) in group.store_ids


async def seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[TaggingEvent]) -> list[feed.Entry]:
    """A customer's tags: whoever holds one of the relationships, and those stores' managers.

    The brand's library: every store. A personal tag: its owner.
    """
    entries = await _of_customers(
        session, brand_id, [event for event in events if isinstance(event, CustomerTagsChanged)]
    )
    library = [event for event in events if isinstance(event, TagChanged) and event.owner_id is None]
    groups = [event for event in events if isinstance(event, TagGroupChanged)]
    if library or groups:
        for store_id in await _stores(session, brand_id):
            common = feed.of_store(store_id)
            entries += [feed.Entry(common, TAG_GROUP, event.group_id, event.version) for event in groups]
            entries += [feed.Entry(common, TAG, event.tag_id, event.version) for event in library]
    for event in events:
        if isinstance(event, TagChanged) and event.owner_id is not None:
            entries.append(feed.Entry(feed.of_staff(event.owner_id), TAG, event.tag_id, event.version))
    return entries


def _sees_tags(actor: Actor) -> bool:
    return actor.may(Scope.TAGS_READ, Scope.TAGS_WRITE)


async def _of_customers(
    session: AsyncSession, brand_id: UUID, events: Sequence[CustomerTagsChanged]
) -> list[feed.Entry]:
    if not events:
        return []
    feeds = await feeds_of_customers(session, brand_id, {event.customer_id for event in events})
    return [
        feed.Entry(feed_id, CUSTOMER, event.customer_id, event.version)
        for event in events
        for feed_id in sorted(feeds[event.customer_id])
    ]


async def _stores(session: AsyncSession, brand_id: UUID) -> Iterable[UUID]:
    found = await session.scalars(select(col(Store.id)).where(col(Store.brand_id) == brand_id))
    return found.all()
