"""Audits of tags (抽查) in GraphQL."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from schema.context import Act, Info
from schema.customers import Customer, customer_of
from schema.directory import Region, Staff, Store, region_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, given_id, read_id, shown_as, sought_id
from schema.tagging.library import Tag, TagGroup, group_of, tag_of
from schema.tagging.questions import QuestionMutations, QuestionQueries
from schema.tagging.results import TagAuditResult, TagFigures
from schema.versioned import Versioned
from tagging import commands
from tagging.models import AuditMethod, AuditScope, AuditState, SetBy, Verdict
from tagging.queries import audits, figures
from tagging.queries.figures import FiguresBy

strawberry.enum(
    AuditMethod,
    description="With what tags are compared: what live rules say of the customer's behaviour, or what another guide "
    "says who isn't shown the tag.",
)
strawberry.enum(AuditState, description="`OPEN` while answers are awaited.")
strawberry.enum(Verdict, name="TagVerdict", description="What the comparison says of a tag.")


@strawberry.type(description="One tag on one customer that was drawn.")
class AuditedTag:
    id: strawberry.ID
    verdict: Verdict | None = strawberry.field(description="Null while an answer is awaited.")
    because: str | None = strawberry.field(description="What the evidence was, in words.")
    is_inherited: bool = strawberry.field(
        description="Whether the customer came to the present holder after the tag was set or last confirmed."
    )
    customer_id: strawberry.Private[UUID]
    tag_id: strawberry.Private[UUID]
    setter_id: strawberry.Private[UUID | None]

    @field(f"Whom it is on; {OUT_OF_SIGHT}.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.customer_id)

    @field("The tag.")
    async def tag(self, info: Info) -> Tag | None:
        return await tag_of(info, self.tag_id)

    @field(f"Who set it, if it was a person; {OUT_OF_SIGHT}.")
    async def setter(self, info: Info) -> Staff | None:
        return await staff_of(info, self.setter_id)


@strawberry.type(
    description="An audit of tags (抽查): a random sample, stratified by store, setter and tag, compared with evidence "
    "or with a blind second opinion. About one store, one region, or the brand."
)
class TagAudit(Versioned):
    name: str
    method: AuditMethod
    state: AuditState
    size: int = strawberry.field(description="How many were to be drawn, 10 to 2,000.")
    seed: int = strawberry.field(description="The same seed over the same tags draws the same sample; 0 to 2^31 − 1.")
    drawn_at: datetime = strawberry.field(description="In UTC.")
    closes_at: datetime = strawberry.field(description="When open questions become unknown, in UTC: after 14 days.")
    closed_at: datetime | None = strawberry.field(description="In UTC.")
    store_id: strawberry.Private[UUID | None]
    region_id: strawberry.Private[UUID | None]
    by_staff_id: strawberry.Private[UUID | None]
    scope: strawberry.Private[dict[str, Any]]

    @field("The store it is about.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("The region it is about, with all below it.")
    async def region(self, info: Info) -> Region | None:
        return await region_of(info, self.region_id)

    @field("Whose tags it is about, if one person's.")
    async def setter(self, info: Info) -> Staff | None:
        return await staff_of(info, AuditScope.from_json(self.scope).setter_id)

    @field("The group it is about, if one.")
    async def group(self, info: Info) -> TagGroup | None:
        return await group_of(info, AuditScope.from_json(self.scope).group_id)

    @field("The tag it is about, if one.")
    async def tag(self, info: Info) -> Tag | None:
        return await tag_of(info, AuditScope.from_json(self.scope).tag_id)

    @field("By whom or what the tags were set; empty if that doesn't matter.")
    async def set_by(self) -> list[SetBy]:
        return list(AuditScope.from_json(self.scope).set_by)

    @field(f"Who had it drawn; {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)

    @field("What came of it so far.")
    async def result(self, info: Info) -> TagAuditResult | None:
        return shown_as(TagAuditResult, await info.context.load(audits.results, self.id))

    @field("What was drawn; at most 100 a page.")
    async def items(
        self, info: Info, verdict: Verdict | None = None, first: int = 20, after: Cursor | None = None
    ) -> Connection[AuditedTag]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await audits.items(session, info.context.actor, UUID(str(self.id)), page, verdict)
        return connection(AuditedTag, rows, page, lambda row: [row.id])


@strawberry.type(description="The audit as it is after the change.")
class TagAuditChanged:
    audit: TagAudit | None = seen()
    places: list[Place] = told()


TagAuditResultOf = Annotated[TagAuditChanged | Problem, strawberry.union("TagAuditMutationResult")]


async def audit_of(info: Info, audit_id: UUID | None) -> TagAudit | None:
    """The audit, if there is one in sight."""
    return shown_as(TagAudit, await info.context.load(audits.by_ids, audit_id)) if audit_id else None


@strawberry.type
class AuditQueries(QuestionQueries):
    @field("Audits of what the viewer answers for as a whole, the latest first; at most 100 a page. None for guides.")
    async def tag_audits(
        self, info: Info, state: AuditState | None = None, first: int = 20, after: Cursor | None = None
    ) -> Connection[TagAudit]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await audits.page(session, info.context.actor, page, state)
        return connection(TagAudit, rows, page, lambda row: [row.drawn_at, row.id])

    @field("One audit; null if there is none in sight.")
    async def tag_audit(self, info: Info, id: strawberry.ID) -> TagAudit | None:
        return await audit_of(info, sought_id(id))

    @field(
        "How much is tagged and how fresh, by store, by guide or by group; at most 100 lines a page. `groupId` counts "
        "the tags of one group only. By guide, `adjusted` leaves out customers who came to them by a handover in the "
        "last 30 days (handover-adjusted): how the leaver tagged isn't how they do."
    )
    async def tag_figures(
        self,
        info: Info,
        by: FiguresBy,
        store_id: strawberry.ID | None = None,
        group_id: strawberry.ID | None = None,
        adjusted: bool = False,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[TagFigures]:
        page, chosen = page_of(first, after), {"store_id": sought_id(store_id), "group_id": sought_id(group_id)}
        async with info.context.read() as session:
            rows = await figures.page(session, info.context.actor, page, by, **chosen, adjusted=adjusted)
        return connection(TagFigures, rows, page, lambda row: [row.id])


@strawberry.type
class AuditMutations(QuestionMutations):
    @mutation(
        "Draw tags at random and compare them; for managers, each with what they answer for, which is what they get "
        "if they name neither store nor region. A blind audit asks guides, at most 10 questions each at a time, and "
        "closes after 14 days: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `NOTHING_TO_AUDIT`, `AUDIT_TOO_WIDE`, "
        "`TOO_MANY_AUDITS`."
    )
    async def draw_tag_audit(
        self,
        info: Info,
        name: str,
        method: AuditMethod,
        size: int,
        store_id: strawberry.ID | None = None,
        region_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
        group_id: strawberry.ID | None = None,
        tag_id: strawberry.ID | None = None,
        set_by: list[SetBy] | None = None,
        seed: int | None = None,
        idempotency_key: str | None = None,
    ) -> TagAuditResultOf:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.draw_audit(
                work,
                name=name,
                method=method,
                scope=AuditScope(
                    store_id=given_id(store_id),
                    region_id=given_id(region_id),
                    setter_id=given_id(staff_id),
                    group_id=given_id(group_id),
                    tag_id=given_id(tag_id),
                    set_by=tuple(sorted(set(set_by or ()))),
                ),
                size=size,
                seed=seed,
            ),
        )

    @mutation(
        "Draw an audit again as it was, seed included, to compare then and now; of tags that are the same it draws "
        "the same: `NOT_FOUND`, and as `drawTagAudit`."
    )
    async def repeat_tag_audit(
        self, info: Info, id: strawberry.ID, name: str, idempotency_key: str | None = None
    ) -> TagAuditResultOf:
        return await _changed(info, idempotency_key, lambda work: commands.repeat_audit(work, read_id(id), name=name))

    @mutation(
        "Wait for no more answers: open questions become unknown: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, "
        "`AUDIT_CLOSED`.",
        edited=(TagAudit, audit_of),
    )
    async def close_tag_audit(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> TagAuditResultOf:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.close_audit(work, read_id(id), expected_version=expected_version),
        )


async def _changed(info: Info, key: str | None, act: Act) -> TagAuditChanged:
    done = await info.context.mutate(info, key, act)
    return TagAuditChanged(audit=await audit_of(info, done.id), places=done.places)
