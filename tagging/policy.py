"""Who sees which tags: the brand's are everybody's, a personal one is its owner's alone."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from customers.policy import feeds_of_customers
from customers.policy import visible_to as customers_visible_to
from directory.models import Store
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden
from tagging.events import CustomerTagsChanged, TagChanged, TaggingEvent, TagGroupChanged
from tagging.models import Tag, TagGroup, TagRule, TagSuggestion

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


def require_librarian(actor: Actor) -> None:
    """The brand's library is kept by HQ."""
    if actor.role not in (Role.HQ, Role.SYSTEM):
        raise Forbidden


def require_author(actor: Actor, owner_id: UUID | None) -> None:
    """A brand tag is changed by HQ, a personal one by its owner."""
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
