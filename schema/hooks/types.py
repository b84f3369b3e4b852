"""Malls that call us, and what they sent, as they are shown."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from intake.models import HookMessageState
from intake.queries import hook_messages
from intake.queries import hooks as queries
from kernel import clock
from kernel.errors import Refusal
from mall.queries import orders
from schema.context import Info
from schema.fields import field
from schema.scalars import shown_as
from schema.versioned import Versioned

if TYPE_CHECKING:
    from schema.mall import Order

# A type of a module beside this one.
_ORDER = Annotated["Order", strawberry.lazy("schema.mall")] | None

strawberry.enum(
    HookMessageState,
    description="`RECEIVED` waits to be applied; `IGNORED` is none of our business; `PARKED` waits for a person; "
    "`GIVEN_UP` failed again and again, for a reason that is ours; `DROPPED` was left at that by somebody.",
)


@strawberry.type(description="How the messages of a mall are read and signed, as it came with the product.")
class HookMapping:
    name: str
    title: str
    scheme: str = strawberry.field(description="How its messages are signed.")


@strawberry.type(description="A secret that a source signs with. What it is, is told once: when it is made.")
class HookSecret(Versioned):
    made_at: datetime = strawberry.field(description="In UTC.")
    ends_at: datetime | None = strawberry.field(description="Until when it counts, in UTC; null is for good.")


@strawberry.type(
    description="How a source is doing. What was received or applied in the last hour and day; all else as it is now."
)
class HookFigures:
    received_in_hour: int
    received_in_day: int
    applied_in_hour: int
    applied_in_day: int
    waiting: int = strawberry.field(description="Messages that are to be applied.")
    parked: int
    given_up: int
    waiting_since: datetime | None = strawberry.field(description="When the oldest of these was received, in UTC.")
    parked_since: datetime | None = strawberry.field(description="Since when the first is parked, in UTC.")


@strawberry.type(description="A mall that reports its orders to us (商城回调).")
class HookSource(Versioned):
    slug: str = strawberry.field(description="It calls `POST /hooks/mall/{slug}`.")
    title: str
    mapping: str = strawberry.field(description="The name of the mapping that reads its messages.")
    store_code: str | None = strawberry.field(description="The store of orders that name none.")
    is_paused: bool = strawberry.field(description="What comes meanwhile is kept, and applied once it goes on.")
    created_at: datetime = strawberry.field(description="In UTC.")

    @field("Its secrets, the newest first: at most two that count, and those that ended within the last 30 days.")
    async def secrets(self, info: Info) -> list[HookSecret]:
        rows = await info.context.load(queries.secrets_of, _id_of(self)) or ()
        return [shown_as(HookSecret, row) for row in rows]

    @field("How it is doing.")
    async def figures(self, info: Info) -> HookFigures:
        at = clock.now().replace(second=0, microsecond=0)
        return shown_as(HookFigures, await info.context.load(hook_messages.figures, _id_of(self), at=at))


@strawberry.type(description="One message of a mall, without what it says: that is sealed, see `revealHookMessage`.")
class HookMessage(Versioned):
    message_id: str = strawberry.field(description="As the mall says it, or a digest of what it says.")
    state: HookMessageState
    state_at: datetime = strawberry.field(description="Since when, in UTC.")
    received_at: datetime = strawberry.field(description="In UTC.")
    order_number: str | None
    code: str | None = strawberry.field(description="Why it waits for somebody.")
    reason: str | None = strawberry.field(description="Why somebody dropped it.")
    attempts: int = strawberry.field(description="How often it was looked at.")
    applied_at: datetime | None = strawberry.field(description="In UTC.")
    has_body: bool = strawberry.field(description="False once what it says is forgotten: 30 days after it is settled.")
    source_id: strawberry.Private[UUID]
    order_id: strawberry.Private[UUID | None]
    facts: strawberry.Private[dict[str, Any]]

    @field("The mall that sent it.")
    async def source(self, info: Info) -> HookSource | None:
        return shown_as(HookSource, await info.context.load(queries.sources_by_ids, self.source_id))

    @field("The order that it was about, once it is applied.", graphql_type=_ORDER)
    async def order(self, info: Info) -> Any:
        return await info.context.load(orders.by_ids, self.order_id) if self.order_id else None

    @field("Why it waits for somebody, in the viewer's language.")
    def explanation(self, info: Info) -> str | None:
        return _explained(self.code, self.facts, info.context.language) if self.code else None


@strawberry.type(description="That something was refused which came in a source's name; nothing of what it said.")
class HookRefusal:
    id: strawberry.ID
    at: datetime = strawberry.field(description="In UTC.")
    status: int = strawberry.field(description="The HTTP status that was answered.")
    code: str
    place: str | None = strawberry.field(description="Which part of the message was wrong.")
    is_signed: bool = strawberry.field(description="Whether the signature was right.")


async def source_of(info: Info, source_id: UUID | None) -> HookSource | None:
    """The source, if there is one in sight."""
    return shown_as(HookSource, await info.context.load(queries.sources_by_ids, source_id)) if source_id else None


async def secret_of(info: Info, secret_id: UUID) -> HookSecret | None:
    """The secret, if there is one in sight."""
    return shown_as(HookSecret, await info.context.load(queries.secrets_by_ids, secret_id))


async def message_of(info: Info, message_id: UUID | None) -> HookMessage | None:
    """The message, if there is one in sight."""
    found = await info.context.load(hook_messages.messages_by_ids, message_id) if message_id else None
    return shown_as(HookMessage, found)


def _id_of(row: Any) -> UUID:
    found: UUID = row.id
    return found


def _refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        yield each
        yield from _refusals(each)


def _explained(code: str, facts: dict[str, Any], language: str) -> str:
    """What the refusal of that code says. What an older program kept may lack a word: then the code has to do."""
    for kind in _refusals():
        if kind.__dict__.get("code") == code:
            try:
                return (kind.zh if language == "zh" else kind.en).format(**facts)
            except (KeyError, IndexError):
                return code
    return code
