"""Malls that call us, in GraphQL: connecting them, and mending what they sent. For headquarters."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from intake.commands import hooks as commands
from intake.commands import inbox
from intake.models import HookMessageState
from intake.queries import hook_mappings, hook_messages
from intake.queries import hooks as queries
from kernel import clock
from kernel.errors import Refusal
from kernel.work import Work
from mall.queries import orders
from schema.context import Act, Info
from schema.fields import field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, read_id, shown_as, sought_id
from schema.versioned import Versioned

if TYPE_CHECKING:
    from schema.mall import Order

# A type of a module beside this one.
_ORDER = Annotated["Order", strawberry.lazy("schema.mall")] | None
_MOST_MAPPINGS = 100

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


@strawberry.type(description="The source as it is after the change.")
class HookSourceChanged:
    source: HookSource | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The secret as it is after the change.")
class HookSecretChanged:
    secret: HookSecret | None = seen()
    text: str | None = strawberry.field(
        description="What it is, where this very request made it: keep it, for nobody else is told. Null otherwise."
    )
    places: list[Place] = told()


@strawberry.type(description="The message as it is after the change.")
class HookMessageChanged:
    hook_message: HookMessage | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The messages as they are after the change, by id.")
class HookMessagesChanged:
    hook_messages: list[HookMessage]
    places: list[Place] = told()


@strawberry.type(description="What a message says.")
class HookMessageRevealed:
    hook_message: HookMessage | None = seen()
    body: str | None = strawberry.field(description="JSON, as the mall sent it; null once it is forgotten.")
    places: list[Place] = told()


HookSourceResult = Annotated[HookSourceChanged | Problem, strawberry.union("HookSourceResult")]
HookSecretResult = Annotated[HookSecretChanged | Problem, strawberry.union("HookSecretResult")]
HookMessageResult = Annotated[HookMessageChanged | Problem, strawberry.union("HookMessageResult")]
HookMessagesResult = Annotated[HookMessagesChanged | Problem, strawberry.union("HookMessagesResult")]
RevealResult = Annotated[HookMessageRevealed | Problem, strawberry.union("HookMessageRevealResult")]


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


@strawberry.type
class HookQueries:
    @field("The mappings that malls can be connected with, by name.")
    def hook_mappings(self) -> list[HookMapping]:
        found = [hook_mappings.load(name) for name in sorted(hook_mappings.shipped())[:_MOST_MAPPINGS]]
        return [HookMapping(name=each.name, title=each.title, scheme=each.scheme) for each in found]

    @field("The malls that are connected, the newest first; at most 100 a page. Empty for all but headquarters.")
    async def hook_sources(self, info: Info, first: int = 20, after: Cursor | None = None) -> Connection[HookSource]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page_of_sources(session, info.context.actor, page)
        return connection(HookSource, rows, page, lambda row: (row.id,))

    @field("One of them; null if there is none in sight.")
    async def hook_source(self, info: Info, id: strawberry.ID) -> HookSource | None:
        return await source_of(info, sought_id(id))

    @field("What malls sent, the newest first; at most 100 a page. Empty for all but headquarters.")
    async def hook_messages(
        self,
        info: Info,
        source_id: strawberry.ID | None = None,
        state: HookMessageState | None = None,
        order_number: str | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[HookMessage]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await hook_messages.page_of_messages(
                session,
                info.context.actor,
                page,
                source_id=sought_id(source_id),
                state=state,
                order_number=order_number,
            )
        return connection(HookMessage, rows, page, lambda row: (row.id,))

    @field("One of them; null if there is none in sight.")
    async def hook_message(self, info: Info, id: strawberry.ID) -> HookMessage | None:
        return await message_of(info, sought_id(id))

    @field(
        "What was refused in a source's name within the last 30 days, the newest first; at most 100 a page, and of "
        "what was not signed at most 10 a minute are written down. Empty for all but headquarters."
    )
    async def hook_refusals(
        self, info: Info, source_id: strawberry.ID, first: int = 20, after: Cursor | None = None
    ) -> Connection[HookRefusal]:
        page = page_of(first, after)
        source = sought_id(source_id) or UUID(int=0)
        async with info.context.read() as session:
            rows = await hook_messages.refusals(session, info.context.actor, source, page)
        return connection(HookRefusal, rows, page, lambda row: (row.id,))


@strawberry.type
class HookMutations:
    @mutation(
        "Connect a mall; it may call once it has a secret. `code` has 1 to 32 of a-z, 0-9 and -, and stays; `title` 1 "
        "to 60 characters; `storeCode` is the store of orders that name none. At most 50 of a brand. For HQ: "
        "`FORBIDDEN`, `INVALID`, `MAPPING_UNKNOWN`, `HOOK_SOURCE_TAKEN`, `TOO_MANY_HOOK_SOURCES`."
    )
    async def add_hook_source(
        self,
        info: Info,
        code: str,
        title: str,
        mapping: str,
        store_code: str | None = None,
        idempotency_key: str | None = None,
    ) -> HookSourceResult:
        return await _source(
            info, idempotency_key, lambda work: commands.add_source(work, code, title, mapping, store_code)
        )

    @mutation(
        "Say a source differently, all of it; its address stays. For HQ: `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, "
        "`INVALID`, `MAPPING_UNKNOWN`, `HOOK_SOURCE_TAKEN`.",
        edited=(HookSource, source_of),
    )
    async def edit_hook_source(
        self,
        info: Info,
        id: strawberry.ID,
        title: str,
        mapping: str,
        store_code: str | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> HookSourceResult:
        return await _source(
            info,
            idempotency_key,
            lambda work: commands.edit_source(
                work, read_id(id), title, mapping, store_code, expected_version=expected_version
            ),
        )

    @mutation(
        "Keep what a source sends, and apply nothing of it for now. For HQ: `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`.",
        edited=(HookSource, source_of),
    )
    async def pause_hook_source(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> HookSourceResult:
        return await _source(
            info,
            idempotency_key,
            lambda work: commands.pause_source(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Apply what a source sends, and what came meanwhile. For HQ: `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`.",
        edited=(HookSource, source_of),
    )
    async def resume_hook_source(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> HookSourceResult:
        return await _source(
            info,
            idempotency_key,
            lambda work: commands.resume_source(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Let another secret count beside the one there is: the partner's own, or without `secret` one that is made "
        "here. At most two count; end the old one once the mall signs with the new. For HQ: `FORBIDDEN`, `NOT_FOUND`, "
        "`INVALID`, `TOO_MANY_HOOK_SECRETS`."
    )
    async def add_hook_secret(
        self, info: Info, source_id: strawberry.ID, secret: str | None = None, idempotency_key: str | None = None
    ) -> HookSecretResult:
        context = info.context

        async def add(work: Work) -> Any:
            return await commands.add_secret(work, context.vault, read_id(source_id), secret)

        done = await context.mutate(info, idempotency_key, add)
        async with context.read() as session:
            sealed = await queries.sealed_secret(session, context.actor, done.id)
        text = context.vault.open(context.actor.brand_id, sealed) if sealed is not None else None
        return HookSecretChanged(secret=await secret_of(info, done.id), text=text, places=done.places)

    @mutation(
        "Let a secret count no more, at once or in up to 168 hours. For HQ: `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, "
        "`INVALID`, `HOOK_SECRET_ENDED`.",
        edited=(HookSecret, secret_of),
    )
    async def end_hook_secret(
        self,
        info: Info,
        id: strawberry.ID,
        in_hours: int = 0,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> HookSecretResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.end_secret(work, read_id(id), in_hours, expected_version=expected_version),
        )
        return HookSecretChanged(secret=await secret_of(info, done.id), text=None, places=done.places)

    @mutation(
        "Have messages looked at once more, 1 to 100, all or none: parked ones, once what they lack is there, and such "
        "as were given up. For HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `HOOK_MESSAGE_BUSY`, `HOOK_MESSAGE_SETTLED`."
    )
    async def replay_hook_messages(
        self, info: Info, message_ids: list[strawberry.ID], idempotency_key: str | None = None
    ) -> HookMessagesResult:
        async def replay(work: Work) -> list[UUID]:
            return [message.id for message in await inbox.replay(work, [read_id(each) for each in message_ids])]

        done = await info.context.mutate_many(info, idempotency_key, replay)
        found = await asyncio.gather(*(message_of(info, message_id) for message_id in done.ids))
        return HookMessagesChanged(hook_messages=[each for each in found if each is not None], places=done.places)

    @mutation(
        "Leave a message unapplied for good, and say why in 1 to 200 characters. For HQ: `FORBIDDEN`, `NOT_FOUND`, "
        "`STALE_VERSION`, `INVALID`, `HOOK_MESSAGE_BUSY`, `HOOK_MESSAGE_SETTLED`.",
        edited=(HookMessage, message_of),
    )
    async def drop_hook_message(
        self,
        info: Info,
        id: strawberry.ID,
        reason: str,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> HookMessageResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: inbox.drop(work, read_id(id), reason, expected_version=expected_version),
        )
        return HookMessageChanged(hook_message=await message_of(info, done.id), places=done.places)

    @mutation(
        "Show what a message says, a buyer's name and address included; that somebody looked is written down. For HQ: "
        "`FORBIDDEN`, `NOT_FOUND`."
    )
    async def reveal_hook_message(
        self, info: Info, id: strawberry.ID, idempotency_key: str | None = None
    ) -> RevealResult:
        context = info.context
        done = await context.mutate(info, idempotency_key, lambda work: inbox.reveal(work, read_id(id)))
        async with context.read() as session:
            sealed = await hook_messages.sealed_body(session, context.actor, done.id)
        body = context.vault.open(context.actor.brand_id, sealed) if sealed is not None else None
        return HookMessageRevealed(hook_message=await message_of(info, done.id), body=body, places=done.places)


async def _source(info: Info, key: str | None, act: Act) -> HookSourceChanged:
    done = await info.context.mutate(info, key, act)
    return HookSourceChanged(source=await source_of(info, done.id), places=done.places)


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
