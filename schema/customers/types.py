"""What customers and relationships look like."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from customers.models import HoldingReason
from customers.queries import customers, records, relationships
from kernel.pages import MOST
from mall.queries import orders, profiles, refunds
from schema.context import Info
from schema.directory import Account, Staff, Store, account_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field
from schema.paging import page_of
from schema.scalars import shown_as
from schema.versioned import Versioned
from tagging.queries import carried, history, suggestions
from tasks.queries import tasks

if TYPE_CHECKING:
    from schema.mall import Order, Refund
    from schema.mall.profiles import PurchaseProfile
    from schema.tagging import CarriedTag, TagChange, TagSuggestion
    from schema.tasks import Task

# Types of modules further up, which import this one.
_CARRIED_TAG = Annotated["CarriedTag", strawberry.lazy("schema.tagging")]
_TAG_SUGGESTION = Annotated["TagSuggestion", strawberry.lazy("schema.tagging")]
_ORDER = Annotated["Order", strawberry.lazy("schema.mall.types")]
_PROFILE = Annotated["PurchaseProfile", strawberry.lazy("schema.mall.profiles")]
_REFUND = Annotated["Refund", strawberry.lazy("schema.mall.types")]
_TAG_CHANGE = Annotated["TagChange", strawberry.lazy("schema.tagging")]
_TASK = Annotated["Task", strawberry.lazy("schema.tasks")]

strawberry.enum(HoldingReason, description="Why a relationship came to an account.")


@strawberry.type(description="Who held a relationship from when to when.")
class Holding:
    id: strawberry.ID
    reason: HoldingReason
    from_at: datetime = strawberry.field(description="In UTC.")
    until_at: datetime | None = strawberry.field(description="In UTC; null for whoever holds it now.")
    account_id: strawberry.Private[UUID]
    by_actor_id: strawberry.Private[UUID]

    @field("The account that held it.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)

    @field(f"Who gave it to the account, if it was a person; {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_actor_id)


@strawberry.type(description="What somebody who serves the customer wrote down; it stays with the relationship.")
class Note(Versioned):
    body: str = strawberry.field(description="1 to 2,000 characters.")
    at: datetime = strawberry.field(description="When it was written, in UTC.")
    by_staff_id: strawberry.Private[UUID | None]
    relationship_id: strawberry.Private[UUID]

    @field(f"Who wrote it, if it was a person; {OUT_OF_SIGHT}.")
    async def author(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)

    @field("The relationship that it stays with.")
    async def relationship(self, info: Info) -> "Relationship | None":
        return await relationship_of(info, self.relationship_id)


@strawberry.type(description="The customer came, or was visited or called, and somebody noted it.")
class Visit(Versioned):
    at: datetime = strawberry.field(description="When it was, in UTC.")
    remark: str | None
    account_id: strawberry.Private[UUID | None]
    by_staff_id: strawberry.Private[UUID | None]
    relationship_id: strawberry.Private[UUID]

    @field("The account that held the relationship then.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)

    @field(f"Who noted it, if it was a person; {OUT_OF_SIGHT}.")
    async def author(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)

    @field("The relationship that it belongs to.")
    async def relationship(self, info: Info) -> "Relationship | None":
        return await relationship_of(info, self.relationship_id)


@strawberry.type(
    description="Customer × store (客户关系). The store owns it; exactly one account of the store holds it."
)
class Relationship(Versioned):
    is_primary: bool = strawberry.field(description="Whether it decides the customer's credit and planning.")
    remark: str | None = strawberry.field(description="What to know of the customer, in at most 200 characters.")
    last_contact_at: datetime | None = strawberry.field(description="The last visit or call that was noted, in UTC.")
    created_at: datetime = strawberry.field(description="In UTC.")
    customer_id: strawberry.Private[UUID]
    store_id: strawberry.Private[UUID]
    holder_id: strawberry.Private[UUID]

    @field("The person.")
    async def customer(self, info: Info) -> "Customer | None":
        return await customer_of(info, self.customer_id)

    @field("The store that owns it.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("The account that holds it.")
    async def holder(self, info: Info) -> Account | None:
        return await account_of(info, self.holder_id)

    @field("Who held it, the latest first; 1 to 100.")
    async def holdings(self, info: Info, first: int = 20) -> list[Holding]:
        return shown_as(list[Holding], await _latest(info, relationships.holdings, self.id, first))

    @field("What was written down, the latest first; 1 to 100. `notes` at the root goes on from there.")
    async def notes(self, info: Info, first: int = 5) -> list[Note]:
        return shown_as(list[Note], await _latest(info, records.latest_notes, self.id, first))

    @field("What whoever takes over should know, on one card. Put together when it is asked for.")
    async def briefing(self) -> "Briefing":
        return Briefing(relationship_id=UUID(str(self.id)), customer_id=self.customer_id)

    @field("The contacts that were noted, the latest first; 1 to 100. `visits` at the root goes on from there.")
    async def visits(self, info: Info, first: int = 5) -> list[Visit]:
        return shown_as(list[Visit], await _latest(info, records.latest_visits, self.id, first))


@strawberry.type(description="What to know of a customer whom one has taken over, on one card (交接卡).")
class Briefing:
    relationship_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID]

    @field("Who they are.")
    async def customer(self, info: Info) -> "Customer | None":
        return await customer_of(info, self.customer_id)

    @field("What they like: the tags in use that they carry.", graphql_type=list[_CARRIED_TAG])
    async def tags(self, info: Info) -> Any:
        return await info.context.load(carried.of_customers, self.customer_id) or []

    @field("What they bought last: the newest 3 orders in sight that were not cancelled.", graphql_type=list[_ORDER])
    async def last_orders(self, info: Info) -> Any:
        return await _newest(info, orders.of_customers, self.customer_id, 3)

    @field("What is open: the pending tasks in sight, the soonest due first; at most 100.", graphql_type=list[_TASK])
    async def open_tasks(self, info: Info) -> Any:
        return (await info.context.load(tasks.open_of_customers, self.customer_id) or [])[:MOST]

    @field("What was written down last: the newest 3 notes.")
    async def last_notes(self, info: Info) -> list[Note]:
        return shown_as(list[Note], await _latest(info, records.latest_notes, self.relationship_id, 3))

    @field("Who served them before and until when, the latest first; at most 5.")
    async def served_before(self, info: Info) -> list[Holding]:
        found = await _latest(info, relationships.holdings, self.relationship_id, 6)
        return shown_as(list[Holding], [row for row in found if row.until_at is not None][:5])


@strawberry.type(description="A person known to the brand (顾客).")
class Customer(Versioned):
    member_number: str = strawberry.field(description="Unique in the brand.")
    name: str
    tier: str | None = strawberry.field(description="The brand's own word for the member's level.")
    tier_until: date | None = strawberry.field(description="The last day of the tier, unless it is earned anew.")
    birthday: date | None
    city: str | None
    phone_masked: str | None = strawberry.field(description="As in `138****5678`; `revealPhone` shows all of it.")
    do_not_contact: bool = strawberry.field(description="Whether they want to be left alone.")
    do_not_contact_at: datetime | None = strawberry.field(description="Since when, in UTC.")
    joined_at: datetime = strawberry.field(description="In UTC.")

    @field("The last visit or call that was noted in any relationship in sight, in UTC; null if there was none.")
    async def last_contact_at(self) -> datetime | None:
        contacted_at: datetime = self.contacted_at  # type: ignore[attr-defined]  # a column of the row
        return None if contacted_at == customers.NEVER else contacted_at

    @field("The relationships in sight, the primary one first.")
    async def relationships(self, info: Info) -> list[Relationship]:
        return shown_as(list[Relationship], await info.context.load(relationships.of_customers, self.id) or [])

    @field("The tags in use that they carry, in the library's order, one's own last.", graphql_type=list[_CARRIED_TAG])
    async def tags(self, info: Info) -> Any:
        return await info.context.load(carried.of_customers, self.id) or []

    @field(
        "What became of their tags, the newest first; 1 to 100. `tagHistory` at the root goes on from there.",
        graphql_type=list[_TAG_CHANGE],
    )
    async def tag_history(self, info: Info, first: int = 5) -> Any:
        return await _newest(info, history.of_customers, self.id, first)

    @field(
        "What rules suggest for them and nobody has decided, the oldest first; at most 50.",
        graphql_type=list[_TAG_SUGGESTION],
    )
    async def tag_suggestions(self, info: Info) -> Any:
        return await info.context.load(suggestions.of_customers, self.id) or []

    @field("The newest order in sight that was not cancelled.", graphql_type=_ORDER | None)
    async def last_order(self, info: Info) -> Any:
        return await info.context.load(orders.last_of_customers, self.id)

    @field(
        "The newest orders in sight that were not cancelled; 1 to 100. `orders` at the root goes on from there.",
        graphql_type=list[_ORDER],
    )
    async def orders(self, info: Info, first: int = 5) -> Any:
        return await _newest(info, orders.of_customers, self.id, first)

    @field("The newest refunds in sight, on an order or not; 1 to 100.", graphql_type=list[_REFUND])
    async def refunds(self, info: Info, first: int = 5) -> Any:
        return await _newest(info, refunds.of_customers, self.id, first)

    @field(
        "What their purchases amount to, in all stores of the brand; null for who never bought nor got money back, and "
        "for those who may not read orders.",
        graphql_type=_PROFILE | None,
    )
    async def purchases(self, info: Info) -> Any:
        return await info.context.load(profiles.by_customers, self.id)

    @field("The pending tasks about them in sight, the soonest due first; at most 100.", graphql_type=list[_TASK])
    async def open_tasks(self, info: Info) -> Any:
        return (await info.context.load(tasks.open_of_customers, self.id) or [])[:MOST]


async def customer_of(info: Info, customer_id: UUID | None) -> Customer | None:
    """The customer, if there is one in sight."""
    return shown_as(Customer, await info.context.load(customers.by_ids, customer_id)) if customer_id else None


async def relationship_of(info: Info, relationship_id: UUID | None) -> Relationship | None:
    """The relationship, if there is one in sight."""
    if relationship_id is None:
        return None
    return shown_as(Relationship, await info.context.load(relationships.by_ids, relationship_id))


async def note_of(info: Info, note_id: UUID) -> Note | None:
    """The note, if there is one in sight."""
    return shown_as(Note, await info.context.load(records.notes_by_ids, note_id))


async def visit_of(info: Info, visit_id: UUID) -> Visit | None:
    """The visit, if there is one in sight."""
    return shown_as(Visit, await info.context.load(records.visits_by_ids, visit_id))


async def _newest(info: Info, batch: Any, customer_id: Any, first: int) -> Any:
    return await info.context.load(batch, customer_id, first=page_of(first, None).first) or []


async def _latest(info: Info, batch: Any, relationship_id: Any, first: int) -> Any:
    return await info.context.load(batch, relationship_id, most=page_of(first, None).first) or []
