"""Asking the partner again in GraphQL."""

import strawberry

from handover.commands.asking_again import ask_again
from schema.context import Info
from schema.fields import mutation
from schema.handover.planning import HandoverChanged, HandoverResult
from schema.handover.types import handover_of
from schema.scalars import read_id


@strawberry.type
class SettlingMutations:
    @mutation(
        "Ask the partner once more for a customer who declined, or whose contact came to nothing otherwise; no machine "
        "does. Whoever holds the relationship by now is asked for. For managers: `NOT_FOUND`, `FORBIDDEN`, "
        "`HANDOVER_MOVED_ON` before everything has moved here, `NOTHING_TO_ASK_AGAIN`."
    )
    async def ask_partner_again(
        self,
        info: Info,
        handover_id: strawberry.ID,
        relationship_id: strawberry.ID,
        idempotency_key: str | None = None,
    ) -> HandoverResult:
        done = await info.context.mutate(
            info, idempotency_key, lambda work: ask_again(work, read_id(handover_id), read_id(relationship_id))
        )
        return HandoverChanged(handover=await handover_of(info, done.id), places=done.places)
