"""Connecting malls, and mending what they sent."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import strawberry

from intake.commands import hooks as commands
from intake.commands import inbox
from intake.queries import hook_messages
from intake.queries import hooks as queries
from kernel.work import Work
from schema.context import Act, Info
from schema.fields import mutation
from schema.hooks.types import HookMessage, HookSecret, HookSource, message_of, secret_of, source_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import read_id


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
