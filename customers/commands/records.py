"""Write down what was heard and seen: notes and visits."""

from datetime import datetime, timedelta
from uuid import UUID

from customers.commands.profile import optional_text
from customers.errors import VisitInTheFuture
from customers.events import NoteAdded, NoteEdited, VisitNoted
from customers.models import Note, Visit
from customers.policy import require_serves
from customers.queries import records, relationships
from kernel import clock, ids
from kernel.errors import Forbidden, require_text, require_version
from kernel.work import Work

LONGEST_NOTE = 2000
LONGEST_REMARK = 500
# Phones' clocks are a little off.
_AHEAD = timedelta(minutes=5)


async def add_note(work: Work, customer_id: UUID, *, body: str) -> Note:
    """Write something down about a customer; it stays with the relationship.

    Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`.
    """
    relationship = await relationships.lock_of_customer(work.session, work.actor, customer_id)
    require_serves(work.actor, relationship)
    at = clock.now()
    note = Note(
        brand_id=relationship.brand_id,
        id=ids.new(),
        relationship_id=relationship.id,
        store_id=relationship.store_id,
        by_staff_id=work.actor.staff_id,
        body=require_text("body", body, longest=LONGEST_NOTE),
        at=at,
    )
    relationship.touched_at = at
    work.session.add(note)
    work.record(NoteAdded(note_id=note.id, account_id=relationship.holder_id, version=note.version))
    return note


async def edit_note(work: Work, note_id: UUID, *, body: str, expected_version: int | None = None) -> Note:
    """Correct a note; only whoever wrote it does.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    # The relationship first: whoever takes it over while the note is written reads what it says afterwards.
    relationship = await relationships.lock(
        work.session, work.actor, await records.relationship_of_note(work.session, work.actor, note_id)
    )
    note = await records.lock_note(work.session, work.actor, note_id)
    if note.by_staff_id is None or note.by_staff_id != work.actor.staff_id:
        raise Forbidden
    require_version(note, expected_version)
    note.body = require_text("body", body, longest=LONGEST_NOTE)
    note.version += 1
    work.record(NoteEdited(note_id=note.id, account_id=relationship.holder_id, version=note.version))
    return note


async def note_visit(work: Work, customer_id: UUID, *, at: datetime | None = None, remark: str | None = None) -> Visit:
    """Note that the customer came, or was visited or called, now or earlier.

    Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `VISIT_IN_THE_FUTURE`.
    """
    relationship = await relationships.lock_of_customer(work.session, work.actor, customer_id)
    require_serves(work.actor, relationship)
    now = clock.now()
    if at is not None and at > now + _AHEAD:
        raise VisitInTheFuture
    visit = Visit(
        brand_id=relationship.brand_id,
        id=ids.new(),
        relationship_id=relationship.id,
        store_id=relationship.store_id,
        account_id=relationship.holder_id,
        by_staff_id=work.actor.staff_id,
        remark=optional_text("remark", remark, LONGEST_REMARK),
        at=at or now,
    )
    relationship.contact(visit.at, now)
    work.session.add(visit)
    work.record(
        VisitNoted(
            visit_id=visit.id,
            visit_version=visit.version,
            relationship_id=relationship.id,
            account_id=relationship.holder_id,
            version=relationship.version,
        )
    )
    return visit
