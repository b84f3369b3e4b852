"""Ask for a plan, and check what is asked for."""

from collections.abc import Sequence
from uuid import UUID

from directory.queries import accounts, stores
from handover.commands.planning import PLAN
from handover.models import Handover, HandoverKind, HandoverState, Strategy
from handover.models.planning.options import MOST_BALANCE, MOST_PAIRS, MOST_SEATS, MOST_STORES, Options
from handover.policy import require_manager
from handover.queries import approvals
from kernel.errors import Invalid, NotFound, require_version
from kernel.work import Work


async def replan(
    work: Work,
    handover_id: UUID,
    *,
    strategy: Strategy,
    options: Options | None = None,
    expected_version: int | None = None,
) -> Handover:
    """Have the plan of a draft made anew; what was edited in it is gone.

    For whoever answers for all stores that it touches. Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_HANDOVER`,
    `STALE_VERSION`, `HANDOVER_MOVED_ON`, `INVALID`.
    """
    require_manager(work.actor)
    handover = await approvals.lock_whole(work.session, work.actor, handover_id)
    require_version(handover, expected_version)
    handover.require(HandoverState.DRAFT)
    checked = await checked_options(work, handover.kind, strategy, options or Options(), closes=handover.store_id)
    handover.strategy, handover.options = strategy, checked.stored()
    handover.plan, handover.planned_at = {}, None
    handover.version += 1
    ask_for_plan(work, handover)
    return handover


def ask_for_plan(work: Work, handover: Handover) -> None:
    """Have a worker make the plan of this version of the handover."""
    work.later(PLAN, handover_id=str(handover.id), version=handover.version)


async def checked_options(
    work: Work, kind: HandoverKind, strategy: Strategy, options: Options, *, closes: UUID | None
) -> Options:
    """The options, if what they name is in sight and of use. Raises `NOT_FOUND`, `INVALID`, `STORE_CLOSED`."""
    _require_most("toAccountIds", options.to_account_ids, MOST_SEATS)
    _require_most("storeIds", options.store_ids, MOST_STORES)
    _require_most("pairs", list(options.pairs), MOST_PAIRS)
    if not 1 <= options.balance <= MOST_BALANCE:
        raise Invalid(field="balance", reason=f"from 1 to {MOST_BALANCE}.", reason_zh=f"请填 1 到 {MOST_BALANCE}。")
    if strategy is Strategy.TO_ONE and not options.to_account_ids:
        raise Invalid(field="toAccountIds", reason="say who takes over.", reason_zh="请指定接手人。")
    if kind is HandoverKind.CLOSING and (not options.store_ids or closes in options.store_ids):
        raise Invalid(field="storeIds", reason="say which other stores take over.", reason_zh="请指定其他接收门店。")
    named = sorted({*options.to_account_ids, *options.pairs.values()})
    if len(await accounts.by_ids(work.session, work.actor, named)) < len(named):
        raise NotFound
    for store_id in sorted(set(options.store_ids)):
        await stores.hold_open(work.session, work.actor, store_id)
    return options


def _require_most(field: str, given: Sequence[UUID], most: int) -> None:
    if len(given) > most or len(set(given)) < len(given):
        raise Invalid(field=field, reason=f"at most {most}, each once.", reason_zh=f"最多 {most} 个，且不能重复。")
