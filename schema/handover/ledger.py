"""A handover's ledger in GraphQL, and what is wrong with it."""

from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from handover.models import LedgerLine
from handover.queries import handovers, ledger
from handover.queries.ledger import LineNow, Whereabouts
from handover.queries.sight import seen_violations
from kernel.actor import Actor
from schema.scalars import Fen

MOST_LEDGERS = 10
"""Of how many handovers one request reads the ledger."""

strawberry.enum(LedgerLine, description="What a handover counts, each on a line of its own.")


@strawberry.type(description="A line of a handover's ledger: every one of these things is in exactly one place.")
class HandoverLedgerLine:
    line: LedgerLine
    at_start: int = strawberry.field(description="How many there were when the handover started.")
    arrived: int = strawberry.field(description="How many came since, while it moved.")
    with_leaver: int
    with_takeover: int = strawberry.field(description="With takeover guides.")
    with_store: int = strawberry.field(description="With a store's public account.")
    closed: int = strawberry.field(description="Come to their end, or no longer scheduled.")
    expired: int
    paid: int = strawberry.field(description="Commission in a period that is closed.")
    missing: int = strawberry.field(description="Whose row is gone: 0, unless somebody was at the tables by hand.")
    adds_up: bool = strawberry.field(description="At the start and arrived is the sum of all places; none is missing.")
    amount: Fen = strawberry.field(description="What was unpaid at the start, in minor units; 0 but for commission.")
    left_out: list[str] = strawberry.field(
        description="The leaver's own tags that some takeover guide has no room for, by name; at most 100."
    )


@strawberry.type(description="Something that must not be.")
class HandoverViolation:
    code: str = strawberry.field(description="A stable word in capitals, such as `TASK_ELSEWHERE`.")
    words: str = strawberry.field(description="What it says, in English.")
    ids: list[strawberry.ID] = strawberry.field(
        description="Of what; at most 100. None for whoever answers for some of its stores only."
    )


async def lines_of(session: AsyncSession, actor: Actor, handover_ids: list[UUID]) -> dict[UUID, Any]:
    """The ledgers of the first ten of these handovers, as the loader asks for them."""
    rows = await handovers.by_ids(session, actor, handover_ids[:MOST_LEDGERS])
    found: dict[UUID, list[HandoverLedgerLine]] = {}
    for key, row in rows.items():
        names = list(await ledger.left_out(session, row))
        found[key] = [_line(each, names) for each in await ledger.lines(session, row)]
    return found


async def violations_of(session: AsyncSession, actor: Actor, handover_ids: list[UUID]) -> dict[UUID, Any]:
    """What is wrong with the first ten of these handovers."""
    rows = await handovers.by_ids(session, actor, handover_ids[:MOST_LEDGERS])
    return {
        key: [
            HandoverViolation(code=each.code, words=each.words, ids=[strawberry.ID(str(one)) for one in each.ids])
            for each in await seen_violations(session, actor, key)
        ]
        for key in rows
    }


def _line(now: LineNow, left_out: list[str]) -> HandoverLedgerLine:
    return HandoverLedgerLine(
        line=now.line,
        at_start=now.at_start,
        arrived=now.arrived,
        adds_up=now.adds_up,
        amount=Fen(now.amount),
        left_out=left_out if now.line is LedgerLine.PERSONAL_TAGS else [],
        **{place.value: now.places.get(place, 0) for place in Whereabouts},
    )
