"""Reads of notes and visits."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Note, Relationship, Visit
from customers.policy import notes_visible_to, visits_visible_to
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, along, paged

RecordRow = Row[*tuple[Any, ...]]


async def lock_note(session: AsyncSession, actor: Actor, note_id: UUID) -> Note:
    """The note, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    note = await session.scalar(
        select(Note).where(col(Note.id) == note_id, notes_visible_to(actor)).with_for_update(key_share=True)
    )
    if note is None:
        raise NotFound
    return note


async def relationship_of_note(session: AsyncSession, actor: Actor, note_id: UUID) -> UUID:
    """The id of the relationship that a note hangs on, for good. `NOT_FOUND` if it isn't in sight."""
    relationship_id: UUID | None = await session.scalar(
        select(col(Note.relationship_id)).where(col(Note.id) == note_id, notes_visible_to(actor))
    )
    if relationship_id is None:
        raise NotFound
    return relationship_id


async def notes_by_ids(session: AsyncSession, actor: Actor, note_ids: Sequence[UUID]) -> dict[UUID, RecordRow]:
    """Those of the notes that are in sight."""
    return await _by_ids(session, Note, notes_visible_to(actor), note_ids)


async def visits_by_ids(session: AsyncSession, actor: Actor, visit_ids: Sequence[UUID]) -> dict[UUID, RecordRow]:
    """Those of the visits that are in sight."""
    return await _by_ids(session, Visit, visits_visible_to(actor), visit_ids)


async def walk_notes(
    session: AsyncSession, actor: Actor, after: UUID | None, most: int, of: Sequence[UUID] | None = None
) -> Sequence[RecordRow]:
    """Notes in sight by id: all of them, or those of these relationships."""
    return await _walk(session, Note, notes_visible_to(actor), after, most, of)


async def walk_visits(
    session: AsyncSession, actor: Actor, after: UUID | None, most: int, of: Sequence[UUID] | None = None
) -> Sequence[RecordRow]:
    """Visits in sight by id: all of them, or those of these relationships."""
    return await _walk(session, Visit, visits_visible_to(actor), after, most, of)


async def latest_notes(
    session: AsyncSession, actor: Actor, relationship_ids: Sequence[UUID], most: int
) -> dict[UUID, list[RecordRow]]:
    """What was written about each relationship, the latest first, at most `most` of each."""
    return await _latest(session, Note, notes_visible_to(actor), relationship_ids, most)


async def latest_visits(
    session: AsyncSession, actor: Actor, relationship_ids: Sequence[UUID], most: int
) -> dict[UUID, list[RecordRow]]:
    """The contacts of each relationship, the latest first, at most `most` of each."""
    return await _latest(session, Visit, visits_visible_to(actor), relationship_ids, most)


async def page_of_notes(
    session: AsyncSession, actor: Actor, customer_id: UUID | None, page: Page
) -> Sequence[RecordRow]:
    """What was written about a customer, in all relationships in sight, the latest first."""
    return await _page(session, Note, notes_visible_to(actor), customer_id, page)


async def page_of_visits(
    session: AsyncSession, actor: Actor, customer_id: UUID | None, page: Page
) -> Sequence[RecordRow]:
    """The contacts with a customer, in all relationships in sight, the latest first."""
    return await _page(session, Visit, visits_visible_to(actor), customer_id, page)


async def _page(
    session: AsyncSession,
    model: type[Note | Visit],
    seen: ColumnElement[bool],
    customer_id: UUID | None,
    page: Page,
) -> Sequence[RecordRow]:
    columns = model.__table__.columns  # type: ignore[union-attr]  # set by SQLModel
    theirs = and_(col(Relationship.brand_id) == col(model.brand_id), col(Relationship.id) == col(model.relationship_id))
    rows = select(*columns).join(Relationship, theirs).where(seen, col(Relationship.customer_id) == customer_id)
    keys = Key(col(model.at), descending=True), Key(col(model.id), descending=True)
    return (await session.execute(paged(rows, page, *keys))).all()


async def _by_ids(
    session: AsyncSession, model: type[Note | Visit], seen: ColumnElement[bool], ids: Sequence[UUID]
) -> dict[UUID, RecordRow]:
    columns = model.__table__.columns  # type: ignore[union-attr]  # set by SQLModel
    found = await session.execute(select(*columns).where(seen, col(model.id).in_(ids)))
    return {row.id: row for row in found}


async def _walk(
    session: AsyncSession,
    model: type[Note | Visit],
    seen: ColumnElement[bool],
    after: UUID | None,
    most: int,
    of: Sequence[UUID] | None,
) -> Sequence[RecordRow]:
    rows = select(*model.__table__.columns).where(seen)  # type: ignore[union-attr]  # set by SQLModel
    if of is not None:
        rows = rows.where(col(model.relationship_id).in_(of))
    return (await session.execute(along(rows, col(model.id), after, most))).all()


async def _latest(
    session: AsyncSession,
    model: type[Note | Visit],
    seen: ColumnElement[bool],
    relationship_ids: Sequence[UUID],
    most: int,
) -> dict[UUID, list[RecordRow]]:
    columns = model.__table__.columns  # type: ignore[union-attr]  # set by SQLModel
    place = func.row_number().over(
        partition_by=col(model.relationship_id), order_by=(col(model.at).desc(), col(model.id).desc())
    )
    numbered = (
        select(*columns, place.label("place")).where(seen, col(model.relationship_id).in_(relationship_ids)).subquery()
    )
    found = await session.execute(select(numbered).where(numbered.c.place <= most).order_by(numbered.c.place))
    by_relationship: dict[UUID, list[RecordRow]] = {relationship_id: [] for relationship_id in relationship_ids}
    for row in found:
        by_relationship[row.relationship_id].append(row)
    return by_relationship
