"""Segments of customers (自动分组) in GraphQL."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from schema.context import Act, Info
from schema.customers import Customer, customer_of
from schema.directory import Staff, staff_of
from schema.fields import OUT_OF_SIGHT, field, mutation, question
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, read_id, shown_as, sought_id
from schema.versioned import Versioned
from tagging import commands
from tagging.models import Sharing
from tagging.models.expressions import Word
from tagging.models.facts import FACTS
from tagging.queries import membership, reading, segments

strawberry.enum(Sharing, description="Whether a segment is its owner's alone, or the brand's to use.")


@strawberry.type(description="How many customers in the viewer's sight an expression describes.")
class SegmentCount:
    count: int
    is_exact: bool = strawberry.field(
        description="False while more has changed than is looked at one by one, or an import is at it."
    )
    pending: int = strawberry.field(
        description="How many customers changed since the index was last written; 5,001 are that or more."
    )


@strawberry.type(description="Who came into a segment and left it since last night, in the viewer's sight of now.")
class SegmentChanges:
    night: date = strawberry.field(description="The night compared with, by the day that it ended.")
    was_edited: bool = strawberry.field(description="Whether the segment said something else that night.")
    entered_count: int
    left_count: int
    entered_ids: strawberry.Private[Sequence[UUID]]
    left_ids: strawberry.Private[Sequence[UUID]]

    @field("Who came in; the first 100.")
    async def entered(self, info: Info) -> list[Customer]:
        return await _customers(info, self.entered_ids)

    @field("Who left; the first 100.")
    async def left(self, info: Info) -> list[Customer]:
        return await _customers(info, self.left_ids)


@strawberry.type(description="What a segment was at one of its versions.")
class SegmentVersion:
    version: int
    name: str
    at: datetime = strawberry.field(description="Since when, in UTC.")
    segment_id: strawberry.Private[UUID]
    by_staff_id: strawberry.Private[UUID | None]

    @field("What it said, with the names that things have today; `?` is out of sight.")
    async def text(self, info: Info) -> str:
        return await _text(info, self.segment_id, self.version)

    @field(f"Who made it so; {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)


@strawberry.type(description="A group of customers that an expression describes (自动分组).")
class Segment(Versioned):
    name: str = strawberry.field(description="1 to 60 characters.")
    sharing: Sharing
    created_at: datetime = strawberry.field(description="In UTC.")
    edited_at: datetime = strawberry.field(description="In UTC.")
    retired_at: datetime | None = strawberry.field(description="Since when it isn't used any more, in UTC.")
    owner_id: strawberry.Private[UUID | None]

    @field("What it says, with the names that things have today; `?` is out of sight.")
    async def text(self, info: Info) -> str:
        return await _text(info, UUID(str(self.id)), self.version)

    @field(f"Whose it is; {OUT_OF_SIGHT}.")
    async def owner(self, info: Info) -> Staff | None:
        return await staff_of(info, self.owner_id)

    @field("How many customers in the viewer's sight are in it now; null if segments it names have grown too large.")
    async def count(self, info: Info) -> SegmentCount | None:
        return shown_as(SegmentCount, await info.context.load(membership.counts, UUID(str(self.id))))

    @field("The customers in the viewer's sight that are in it now; at most 100 a page, the latest known last.")
    async def members(self, info: Info, first: int = 20, after: Cursor | None = None) -> Connection[Customer]:
        page = page_of(first, after)
        async with info.context.read() as session:
            found = await membership.members(session, info.context.actor, UUID(str(self.id)), page)
        return connection(Customer, found.rows, page, found.place)

    @field("Who came and went since last night; null before the first night.")
    async def changes_since_night(self, info: Info) -> SegmentChanges | None:
        async with info.context.read() as session:
            found = await membership.since_night(session, info.context.actor, UUID(str(self.id)))
        if found is None:
            return None
        return SegmentChanges(
            night=found.night,
            was_edited=found.was_edited,
            entered_count=found.entered_count,
            left_count=found.left_count,
            entered_ids=found.entered,
            left_ids=found.left,
        )

    @field("What it was, newest first; at most 100 a page.")
    async def versions(self, info: Info, first: int = 20, after: Cursor | None = None) -> Connection[SegmentVersion]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await segments.versions(session, info.context.actor, UUID(str(self.id)), page)
        return connection(SegmentVersion, rows, page, lambda row: (row.version,))


@strawberry.type(description="A word that segments' expressions can use: a fact about a customer.")
class SegmentWord:
    name: str
    kind: str = strawberry.field(description="What it is compared with: `count`, `days`, `money`, `tag`, `text` …")
    description: str = strawberry.field(description="What it is, in the reader's language.")
    operators: list[str] = strawberry.field(description="As in `=`, `<=`, `not in`.")
    choices: list[str] = strawberry.field(description="The values that there are, where they are few; else empty.")


@strawberry.type(description="The segment as it is after the change.")
class SegmentChanged:
    segment: Segment | None = seen()
    places: list[Place] = told()


SegmentCountResult = Annotated[SegmentCount | Problem, strawberry.union("SegmentCountResult")]
SegmentResult = Annotated[SegmentChanged | Problem, strawberry.union("SegmentResult")]


@strawberry.type
class SegmentQueries:
    @question(
        "How many customers in the viewer's sight an expression describes that is being written: `BAD_EXPRESSION` with "
        "the place, `FORBIDDEN`."
    )
    async def segment_count(self, info: Info, text: str) -> SegmentCountResult:
        async with info.context.read() as session:
            found = await membership.count_text(session, info.context.actor, text)
        return SegmentCount(count=found.count, is_exact=found.is_exact, pending=found.pending)

    @field("The segments in use that the viewer made or the brand shares, by name; at most 100 a page.")
    async def segments(self, info: Info, first: int = 20, after: Cursor | None = None) -> Connection[Segment]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await segments.page(session, info.context.actor, page)
        return connection(Segment, rows, page, lambda row: (row.name, row.id))

    @field("One segment, retired ones too; null if there is none in sight.")
    async def segment(self, info: Info, id: strawberry.ID) -> Segment | None:
        return await segment_of(info, sought_id(id))

    @field("The words that segments' expressions can use.")
    async def segment_words(self, info: Info) -> list[SegmentWord]:
        return [_word(word, info.context.language) for word in FACTS.values()]


async def segment_of(info: Info, segment_id: UUID | None) -> Segment | None:
    """The segment, if there is one in sight."""
    return shown_as(Segment, await info.context.load(segments.by_ids, segment_id)) if segment_id else None


@strawberry.type
class SegmentMutations:
    @mutation(
        "Keep an expression under a name, at most 50 for oneself; HQ may share it with the brand, at most 200: "
        "`FORBIDDEN`, `INVALID`, `BAD_EXPRESSION`, `SEGMENT_NAMES_PRIVATE`, `SEGMENT_NAME_TAKEN`, `TOO_MANY_SEGMENTS`."
    )
    async def save_segment(
        self,
        info: Info,
        name: str,
        text: str,
        sharing: Sharing = Sharing.PRIVATE,
        idempotency_key: str | None = None,
    ) -> SegmentResult:
        return await _segment(
            info, idempotency_key, lambda work: commands.save_segment(work, name=name, text=text, sharing=sharing)
        )

    @mutation(
        "Call a segment differently, or let it say something else; what the brand shares is HQ's to edit: `NOT_FOUND`, "
        "`FORBIDDEN`, `INVALID`, `BAD_EXPRESSION`, `SEGMENT_RETIRED`, `SEGMENT_NAMES_PRIVATE`, `SEGMENT_NAME_TAKEN`, "
        "`STALE_VERSION`.",
        edited=(Segment, segment_of),
    )
    async def edit_segment(
        self,
        info: Info,
        id: strawberry.ID,
        name: str | None = None,
        text: str | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> SegmentResult:
        return await _segment(
            info,
            idempotency_key,
            lambda work: commands.edit_segment(
                work, read_id(id), name=name, text=text, expected_version=expected_version
            ),
        )

    @mutation(
        "Share a segment of one's own with the brand, or keep for oneself what the brand shared; for HQ: `NOT_FOUND`, "
        "`FORBIDDEN`, `SEGMENT_RETIRED`, `SEGMENT_NAMES_PRIVATE`, `SEGMENT_NAME_TAKEN`, `SEGMENT_IN_USE`, "
        "`TOO_MANY_SEGMENTS`, `STALE_VERSION`.",
        edited=(Segment, segment_of),
    )
    async def share_segment(
        self,
        info: Info,
        id: strawberry.ID,
        sharing: Sharing,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> SegmentResult:
        return await _segment(
            info,
            idempotency_key,
            lambda work: commands.share_segment(work, read_id(id), sharing=sharing, expected_version=expected_version),
        )

    @mutation(
        "Use a segment no more; its name is free: `NOT_FOUND`, `FORBIDDEN`, `SEGMENT_RETIRED`, `SEGMENT_IN_USE`, "
        "`STALE_VERSION`.",
        edited=(Segment, segment_of),
    )
    async def retire_segment(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> SegmentResult:
        return await _segment(
            info,
            idempotency_key,
            lambda work: commands.retire_segment(work, read_id(id), expected_version=expected_version),
        )


async def _segment(info: Info, key: str | None, act: Act) -> SegmentChanged:
    done = await info.context.mutate(info, key, act)
    return SegmentChanged(segment=await segment_of(info, done.id), places=done.places)


async def _customers(info: Info, customer_ids: Sequence[UUID]) -> list[Customer]:
    found = await asyncio.gather(*(customer_of(info, customer_id) for customer_id in customer_ids))
    return [customer for customer in found if customer is not None]


async def _text(info: Info, segment_id: UUID, version: int) -> str:
    text: str = await info.context.load(reading.texts, (segment_id, version))
    return text


def _word(word: Word, language: str) -> SegmentWord:
    return SegmentWord(
        name=word.name,
        kind=word.kind.value,
        description=word.zh if language == "zh" else word.en,
        operators=[op.value for op in word.ops],
        choices=list(word.choices),
    )
