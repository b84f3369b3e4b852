"""Ranking and describing relationships, and writing down what happens in them."""

from datetime import datetime
from typing import Annotated

import strawberry

from customers import commands
from schema.context import Act, Info
from schema.customers.types import Note, Relationship, Visit, note_of, relationship_of, visit_of
from schema.fields import mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import read_id


@strawberry.type(description="The relationship as it is after the change.")
class RelationshipChanged:
    relationship: Relationship | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The note as it is after the change.")
class NoteChanged:
    note: Note | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The visit as it was noted.")
class VisitChanged:
    visit: Visit | None = seen()
    places: list[Place] = told()


RelationshipResult = Annotated[RelationshipChanged | Problem, strawberry.union("RelationshipResult")]
NoteResult = Annotated[NoteChanged | Problem, strawberry.union("NoteResult")]
VisitResult = Annotated[VisitChanged | Problem, strawberry.union("VisitResult")]


@strawberry.type
class ServiceMutations:
    @mutation(
        "Let a relationship decide from now on which store a customer's credit and planning belong to; for regional "
        "managers and HQ: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`.",
        edited=(Relationship, relationship_of),
    )
    async def set_primary_relationship(
        self,
        info: Info,
        id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> RelationshipResult:
        return await _relationship(
            info,
            idempotency_key,
            lambda work: commands.set_primary(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Say in one line what to know of a customer, or nothing. `expectedVersion` is the relationship's: "
        "`NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.",
        edited=(Relationship, relationship_of),
    )
    async def edit_remark(
        self,
        info: Info,
        customer_id: strawberry.ID,
        remark: str | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> RelationshipResult:
        return await _relationship(
            info,
            idempotency_key,
            lambda work: commands.edit_remark(
                work, read_id(customer_id), remark=remark, expected_version=expected_version
            ),
        )

    @mutation("Write something down about a customer, in 1 to 2,000 characters: `NOT_FOUND`, `FORBIDDEN`, `INVALID`.")
    async def add_note(
        self, info: Info, customer_id: strawberry.ID, body: str, idempotency_key: str | None = None
    ) -> NoteResult:
        return await _note(info, idempotency_key, lambda work: commands.add_note(work, read_id(customer_id), body=body))

    @mutation("Correct one's own note: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.", edited=(Note, note_of))
    async def edit_note(
        self,
        info: Info,
        id: strawberry.ID,
        body: str,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> NoteResult:
        return await _note(
            info,
            idempotency_key,
            lambda work: commands.edit_note(work, read_id(id), body=body, expected_version=expected_version),
        )

    @mutation(
        "Note that a customer came, or was visited or called, now or at an earlier time: `NOT_FOUND`, `FORBIDDEN`, "
        "`INVALID`, `VISIT_IN_THE_FUTURE`."
    )
    async def note_visit(
        self,
        info: Info,
        customer_id: strawberry.ID,
        at: datetime | None = None,
        remark: str | None = None,
        idempotency_key: str | None = None,
    ) -> VisitResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.note_visit(work, read_id(customer_id), at=at, remark=remark),
        )
        return VisitChanged(visit=await visit_of(info, done.id), places=done.places)


async def _relationship(info: Info, key: str | None, act: Act) -> RelationshipChanged:
    done = await info.context.mutate(info, key, act)
    return RelationshipChanged(relationship=await relationship_of(info, done.id), places=done.places)


async def _note(info: Info, key: str | None, act: Act) -> NoteChanged:
    done = await info.context.mutate(info, key, act)
    return NoteChanged(note=await note_of(info, done.id), places=done.places)
