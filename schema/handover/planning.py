"""Starting, planning, editing, approving and cancelling handovers in GraphQL."""

from typing import Annotated
from uuid import UUID

import strawberry

from handover import commands
from handover.models import HandoverKind, Strategy
from handover.models.planning.options import USUAL_BALANCE, Options
from kernel.errors import Invalid
from schema.context import Act, Info
from schema.fields import mutation
from schema.handover.types import Handover, handover_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import given_id, read_id


@strawberry.input(description="Which account is to take over a relationship.")
class HandoverPairInput:
    relationship_id: strawberry.ID
    to_account_id: strawberry.ID


@strawberry.input(description="What a plan is asked for beyond its strategy.")
class HandoverOptionsInput:
    to_account_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Only these take over, at most 200. For TO_ONE the first of each store takes all."
    )
    store_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="The stores that take over where one closes, 1 to 20. None has room: the first's."
    )
    pairs: list[HandoverPairInput] | None = strawberry.field(
        default=None, description="The list of BY_HAND, at most 500; more by `editHandoverPlan`."
    )
    balance: int = strawberry.field(
        default=USUAL_BALANCE,
        description="How much affinity, in thousandths, one more at an average load outweighs: 1 to 2,000.",
    )


@strawberry.type(description="The handover after the change.")
class HandoverChanged:
    handover: Handover | None = seen()
    places: list[Place] = told()


HandoverResult = Annotated[HandoverChanged | Problem, strawberry.union("HandoverResult")]


@strawberry.type
class PlanningMutations:
    @mutation(
        "Begin a handover of all that somebody holds, or of a store that closes; its plan is made by a worker. Whoever "
        "resigns is leaving from now on. For managers above them; a store's for HQ and regional managers: `NOT_FOUND`, "
        "`FORBIDDEN`, `INVALID`, `OWN_HANDOVER`, `HANDOVER_IN_FLIGHT`, `STORE_CLOSED`."
    )
    async def start_handover(
        self,
        info: Info,
        kind: HandoverKind,
        staff_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        strategy: Strategy = Strategy.AFFINITY,
        options: HandoverOptionsInput | None = None,
        idempotency_key: str | None = None,
    ) -> HandoverResult:
        return await changed(
            info,
            idempotency_key,
            lambda work: commands.start(
                work,
                kind=kind,
                staff_id=given_id(staff_id),
                store_id=given_id(store_id),
                strategy=strategy,
                options=_options(options),
            ),
        )

    @mutation(
        "Have the plan of a draft made anew, which forgets what was edited; for whoever answers for all stores that it "
        "touches: `NOT_FOUND`, `FORBIDDEN`, `OWN_HANDOVER`, `STALE_VERSION`, `HANDOVER_MOVED_ON`, `INVALID`.",
        edited=(Handover, handover_of),
    )
    async def replan_handover(
        self,
        info: Info,
        id: strawberry.ID,
        strategy: Strategy,
        options: HandoverOptionsInput | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> HandoverResult:
        return await changed(
            info,
            idempotency_key,
            lambda work: commands.replan(
                work, read_id(id), strategy=strategy, options=_options(options), expected_version=expected_version
            ),
        )

    @mutation(
        "Give 1 to 500 relationships of a draft to other accounts than planned: `NOT_FOUND`, `FORBIDDEN`, "
        "`OWN_HANDOVER`, `STALE_VERSION`, `HANDOVER_MOVED_ON`, `PLAN_MISSING`, `INVALID`, `TAKEOVER_UNFIT`, "
        "`TAKEOVER_FULL`.",
        edited=(Handover, handover_of),
    )
    async def edit_handover_plan(
        self,
        info: Info,
        id: strawberry.ID,
        pairs: list[HandoverPairInput],
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> HandoverResult:
        return await changed(
            info,
            idempotency_key,
            lambda work: commands.edit(work, read_id(id), pairs=_pairs(pairs), expected_version=expected_version),
        )

    @mutation(
        "Let everything move as planned; for whoever answers for all stores that it touches, and isn't handed over "
        "themselves: `NOT_FOUND`, `FORBIDDEN`, `OWN_HANDOVER`, `STALE_VERSION`, `HANDOVER_MOVED_ON`, `PLAN_MISSING`, "
        "`TAKEOVER_UNFIT`, `TAKEOVER_FULL`.",
        edited=(Handover, handover_of),
    )
    async def approve_handover(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> HandoverResult:
        return await changed(
            info,
            idempotency_key,
            lambda work: commands.approve(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Give a handover up before anything has moved; who was leaving goes on leaving: `NOT_FOUND`, `FORBIDDEN`, "
        "`OWN_HANDOVER`, `STALE_VERSION`, `HANDOVER_MOVED_ON`.",
        edited=(Handover, handover_of),
    )
    async def cancel_handover(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> HandoverResult:
        return await changed(
            info,
            idempotency_key,
            lambda work: commands.cancel(work, read_id(id), expected_version=expected_version),
        )


async def changed(info: Info, key: str | None, act: Act) -> HandoverChanged:
    """What a command answers that changes, or makes, one handover."""
    done = await info.context.mutate(info, key, act)
    return HandoverChanged(handover=await handover_of(info, done.id), places=done.places)


def _options(given: HandoverOptionsInput | None) -> Options:
    if given is None:
        return Options()
    return Options(
        to_account_ids=tuple(read_id(each) for each in given.to_account_ids or ()),
        store_ids=tuple(read_id(each) for each in given.store_ids or ()),
        pairs=_pairs(given.pairs or []),
        balance=given.balance,
    )


def _pairs(given: list[HandoverPairInput]) -> dict[UUID, UUID]:
    """By relationship. One that is named twice is refused with `INVALID`: nobody can say which was meant."""
    pairs = {read_id(each.relationship_id): read_id(each.to_account_id) for each in given}
    if len(pairs) < len(given):
        raise Invalid(field="pairs", reason="each relationship once.", reason_zh="每位顾客只能出现一次。")
    return pairs
