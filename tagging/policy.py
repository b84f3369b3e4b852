"""Who sees which tags: the brand's are everybody's, a personal one is its owner's alone."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.policy import feeds_of_customers
from directory.models import Store
from directory.policy import regions_under, stores_under
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden
from tagging.events import CustomerTagsChanged, QuestionEvent, TagChanged, TaggingEvent, TagGroupChanged
from tagging.models import AuditItem, Tag, TagAudit, TagGroup

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


async def questions_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[QuestionEvent]) -> list[feed.Entry]:
    """A question is no news by itself: a task says that it is there, and it is read when it is opened."""
    return []


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
