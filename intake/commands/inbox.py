"""Take in what malls send, once each, and apply it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from intake.commands import applying
from intake.commands.hooks import GO_ON
from intake.errors import HookGivenUp, HookMessageDiffers
from intake.models import HookMessage, HookMessageState, HookRefusal
from intake.models.adapting import adapt
from intake.models.notices import Notice
from intake.models.schemes import Signed
from intake.policy import require_hook_keeper
from intake.queries import hook_mappings, hook_messages, hooks
from kernel import audit, bulk, clock, ids, jobs
from kernel.crypto import Vault
from kernel.errors import Invalid, Refusal, require_text, require_version
from kernel.work import Work
from mall.commands.amounts import checked_lines, require_amount

APPLY = "apply_hook_message"
LOOK_AGAIN = "look_again_at_hook_message"

MOST_AT_ONCE = 100  # messages of one replay
_MOST_REPLAYED = 50  # parked messages that one order sets free
_AT_A_TIME = 500  # messages of a source that goes on
# A refund whose order comes at the same time may find neither the order nor anybody who will call it back.
_LOOK_AGAIN_AFTER = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10))
_LONGEST_FACT = 100


def read(sender: hooks.Sender, body: bytes) -> Notice | None:
    """What a message says, if it can be news of an order of the sender's brand. Touches nothing.

    Raises what `adapt` does, with the place, and `INVALID`, `AMOUNTS_DIFFER`.
    """
    mapping = hook_mappings.load(sender.mapping)
    notice = adapt(mapping, body, sender.code, currency=sender.currency, store_code=sender.store_code)
    if notice is None:
        return None
    if notice.order is not None:
        require_amount("amount", notice.order.amount, least=0)
        checked_lines(notice.order.lines, notice.order.amount)
    for refund in notice.refunds:
        require_amount("amount", refund.amount, least=1)
    return notice


async def take_in(work: Work, vault: Vault, sender: hooks.Sender, signed: Signed, notice: Notice | None) -> bool:
    """Keep a message, and ask for it to be applied; false if it was kept before.

    What is none of our business is kept without its body. Raises `HOOK_MESSAGE_DIFFERS`.
    """
    at, brand_id = clock.now(), sender.brand_id
    digest = signed.digest
    message = HookMessage(
        brand_id=brand_id,
        id=ids.new(),
        source_id=sender.id,
        message_id=signed.message_id,
        digest=digest,
        body=vault.seal(brand_id, signed.body.decode()) if notice is not None else None,
        state=HookMessageState.RECEIVED if notice is not None else HookMessageState.IGNORED,
        state_at=at,
        received_at=at,
        order_number=notice.number[:64] if notice is not None else None,
    )
    if not await bulk.insert_missing(work.session, HookMessage, [message.model_dump()]):
        if await hook_messages.digest_of(work.session, brand_id, sender.id, signed.message_id) != digest:
            raise HookMessageDiffers
        return False
    if notice is not None:
        work.later(APPLY, message_id=str(message.id))
    return True


async def apply(work: Work, vault: Vault, message_id: UUID) -> HookMessage | None:
    """Let a message have its effect, once; what a person has to mend first is parked.

    None if there is nothing to be done: it is settled, or its source is paused.
    """
    [message] = await hook_messages.lock_messages(work.session, work.actor, [message_id])
    sender = await hooks.sender_of(work.session, message.brand_id, message.source_id)
    if message.state is not HookMessageState.RECEIVED or message.body is None or sender is None:
        return None
    at = clock.now()
    try:
        notice = read(sender, vault.open(message.brand_id, message.body).encode())
        applied = await applying.apply(work, notice) if notice is not None else None
    except Refusal as refusal:  # the mapping says something else by now
        notice, applied = None, applying.Applied(None, refusal)
    message.attempts += 1
    if applied is None:
        message.ignore(at)
    elif applied.parked is not None:
        message.park(at, applied.parked.code, _plain(applied.parked))
        if applied.waits_for_order:
            _look_again_later(work, message)
    else:
        message.apply(at, applied.order_id)
        if notice is not None and notice.order is not None:
            await _call_back(work, message, at)
    return message


async def look_again(work: Work, vault: Vault, message_id: UUID) -> None:
    """Apply a message that is parked, without anybody's asking."""
    [message] = await hook_messages.lock_messages(work.session, work.actor, [message_id])
    if message.state is HookMessageState.PARKED and message.body is not None:
        message.ask_again(clock.now())
        await apply(work, vault, message_id)


async def give_up(work: Work, message_id: UUID, error: str) -> None:
    """Say of a message that it failed every time; somebody may ask for it again once the reason is gone."""
    [message] = await hook_messages.lock_messages(work.session, work.actor, [message_id])
    if message.state is HookMessageState.RECEIVED:
        message.park(clock.now(), HookGivenUp.code, {"error": error[:64]}, HookMessageState.GIVEN_UP)


async def go_on(work: Work, source_id: UUID, after: UUID | None = None) -> None:
    """Ask for all that a source has sent and nobody has applied, some hundreds at a time."""
    found = await hook_messages.received(work.session, work.actor.brand_id, source_id, after, _AT_A_TIME)
    for message_id in found:
        work.later(APPLY, message_id=str(message_id))
    if len(found) == _AT_A_TIME:
        work.later(GO_ON, source_id=str(source_id), after=str(found[-1]))


async def replay(work: Work, message_ids: Sequence[UUID]) -> list[HookMessage]:
    """Have messages looked at once more, 1 to 100 of them: parked ones, or such as were given up.

    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `HOOK_MESSAGE_BUSY`, `HOOK_MESSAGE_SETTLED`.
    """
    require_hook_keeper(work.actor)
    if not 1 <= len(message_ids) <= MOST_AT_ONCE:
        raise Invalid(field="ids", reason=f"1 to {MOST_AT_ONCE}.", reason_zh=f"请选 1 到 {MOST_AT_ONCE} 条。")
    messages = await hook_messages.lock_messages(work.session, work.actor, message_ids)
    at = clock.now()
    for message in messages:
        message.ask_again(at)
        work.later(APPLY, message_id=str(message.id))
    return list(messages)


async def drop(work: Work, message_id: UUID, reason: str, *, expected_version: int | None = None) -> HookMessage:
    """Leave a message unapplied for good, and say why in 1 to 200 characters.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `INVALID`, `HOOK_MESSAGE_BUSY`, `HOOK_MESSAGE_SETTLED`.
    """
    require_hook_keeper(work.actor)
    said = require_text("reason", reason, longest=200)
    [message] = await hook_messages.lock_messages(work.session, work.actor, [message_id])
    require_version(message, expected_version)
    message.drop(clock.now(), said)
    return message


async def reveal(work: Work, message_id: UUID) -> HookMessage:
    """Write down that somebody looks at what a message says.

    Raises `FORBIDDEN`, `NOT_FOUND`.
    """
    require_hook_keeper(work.actor)
    [message] = await hook_messages.lock_messages(work.session, work.actor, [message_id])
    await audit.write(work.session, work.actor, "hook_message_revealed", "hook_message", message.id)
    return message


async def note_refusal(work: Work, source_id: UUID, refusal: Refusal, status: int, *, is_signed: bool) -> None:
    """Write down that something was refused in a source's name: why, and at which place of it, but not what it said."""
    place = refusal.facts.get("place") or refusal.facts.get("field")
    work.session.add(
        HookRefusal(
            brand_id=work.actor.brand_id,
            id=ids.new(),
            source_id=source_id,
            at=clock.now(),
            status=status,
            code=refusal.code,
            place=str(place)[:200] if place is not None else None,
            is_signed=is_signed,
        )
    )


def _look_again_later(work: Work, message: HookMessage) -> None:
    if message.attempts <= len(_LOOK_AGAIN_AFTER):
        delay = _LOOK_AGAIN_AFTER[message.attempts - 1]
        work.requests.append(jobs.Request(LOOK_AGAIN, {"message_id": str(message.id)}, delay))


async def _call_back(work: Work, message: HookMessage, at: datetime) -> None:
    """The order is there: ask for what was parked for want of it."""
    if message.order_number is None:
        return
    parked = await hook_messages.parked_of(
        work.session, message.brand_id, message.source_id, message.order_number, _MOST_REPLAYED
    )
    for each in parked:
        each.ask_again(at)
        work.later(APPLY, message_id=str(each.id))


def _plain(refusal: Refusal) -> dict[str, Any]:
    """The refusal's arguments, so that it can be said in either language later."""
    return {
        name: value if isinstance(value, int) else str(value)[:_LONGEST_FACT] for name, value in refusal.facts.items()
    }
