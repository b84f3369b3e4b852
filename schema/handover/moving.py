"""Stopping, going on with, and undoing handovers in GraphQL."""

import strawberry

from handover.commands import pausing, undoing
from schema.context import Info
from schema.fields import mutation
from schema.handover.planning import HandoverResult, changed
from schema.handover.types import Handover, handover_of
from schema.scalars import read_id


@strawberry.type
class MovingMutations:
    @mutation(
        "Move nothing more until it is resumed; what has moved stays where it is: `NOT_FOUND`, `FORBIDDEN`, "
        "`OWN_HANDOVER`, `STALE_VERSION`, `HANDOVER_MOVED_ON`.",
        edited=(Handover, handover_of),
    )
    async def pause_handover(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> HandoverResult:
        return await changed(
            info, idempotency_key, lambda work: pausing.pause(work, read_id(id), expected_version=expected_version)
        )

    @mutation(
        "Go on from where it was paused: `NOT_FOUND`, `FORBIDDEN`, `OWN_HANDOVER`, `STALE_VERSION`, "
        "`HANDOVER_MOVED_ON`.",
        edited=(Handover, handover_of),
    )
    async def resume_handover(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> HandoverResult:
        return await changed(
            info, idempotency_key, lambda work: pausing.resume(work, read_id(id), expected_version=expected_version)
        )

    @mutation(
        "Give back what has moved, within the time that `undoUntil` says; answers the handover that does so, which "
        "lists as KEPT where somebody has acted since: `NOT_FOUND`, `FORBIDDEN`, `OWN_HANDOVER`, `STALE_VERSION`, "
        "`HANDOVER_MOVED_ON`, `UNDO_WINDOW_OVER`, `HANDOVER_IN_FLIGHT`.",
        edited=(Handover, handover_of),
    )
    async def undo_handover(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> HandoverResult:
        return await changed(
            info, idempotency_key, lambda work: undoing.undo(work, read_id(id), expected_version=expected_version)
        )
