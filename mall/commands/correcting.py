"""Say otherwise who earned an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlmodel import col

from directory.policy import accounts_visible_to
from kernel import clock, ids
from kernel.errors import Invalid, NotFound, require_text, require_version
from kernel.work import Work
from mall.commands import charging, crediting
from mall.commands.orders import changed
from mall.errors import CreditUndecided
from mall.events import CreditCorrected, CreditKey, RefundCharged
from mall.models import WHOLE, Credit, CreditDecision, CreditReason, Order, OrderStep, OrderStepKind, Refund
from mall.models.crediting import split
from mall.policy import require_credit_corrector
from mall.queries import crediting as queries
from mall.queries import orders, parties

MOST_PARTS = 8
LEAST_REASON, LONGEST_REASON = 2, 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part that somebody is to have: an account, or the store itself."""

    account_id: UUID | None
    points: int


async def correct_credit(
    work: Work, order_id: UUID, parts: Sequence[Wanted], *, reason: str, expected_version: int | None = None
) -> Order:
    """Give an order's credit to others, for good, and say why.

    For managers who have the order in sight, and HQ. One to eight parts add up to 10,000; each is that of a guide's
    account in the corrector's sight, whether they still work there or not, or the store's. Refunds of the order are
    borne by those who have the credit now. Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`,
    `CREDIT_UNDECIDED`.
    """
    order = await orders.lock(work.session, work.actor, order_id)
    require_credit_corrector(work.actor)
    require_version(order, expected_version)
    words = _checked_reason(reason)
    await _require_parts(work, parts)
    before = await crediting.credits_of(work, order)
    if not before:
        raise CreditUndecided
    turn = await _next_turn(work, order)
    lost = await _take_away(work, order, before)
    made = split(order.amount, [(part.account_id, part.points) for part in parts])
    holder = await parties.holder_now(work.session, order.brand_id, order.relationship_id)
    given = crediting.give(work, order, CreditReason.CORRECTED, made, holder)
    crediting.note_decision(work, order, turn, CreditReason.CORRECTED, made, words=words)
    order.version += 1
    work.session.add(_step(work, order))
    await _charge_again(work, order)
    work.record(
        CreditCorrected(
            order_id=order.id,
            store_id=order.store_id,
            turn=turn,
            elsewhere=crediting.elsewhere(given),
            lost=lost,
        )
    )
    work.record(changed(order))
    return order


def _checked_reason(reason: str) -> str:
    words = require_text("reason", reason, longest=LONGEST_REASON)
    if len(words) < LEAST_REASON:
        raise Invalid(
            field="reason", reason=f"at least {LEAST_REASON} characters.", reason_zh=f"至少 {LEAST_REASON} 个字。"
        )
    return words


async def _require_parts(work: Work, parts: Sequence[Wanted]) -> None:
    if not 1 <= len(parts) <= MOST_PARTS:
        raise Invalid(field="parts", reason=f"1 to {MOST_PARTS} parts.", reason_zh=f"应有 1 到 {MOST_PARTS} 份。")
    for place, part in enumerate(parts):
        if not 1 <= part.points <= WHOLE:
            raise _wrong(place, "points", f"from 1 to {WHOLE}.", f"请填 1 到 {WHOLE}。")
        if part.account_id in [earlier.account_id for earlier in parts[:place]]:
            raise _wrong(place, "accountId", "named twice.", "重复。")
    total = sum(part.points for part in parts)
    if total != WHOLE:
        raise Invalid(
            field="parts",
            reason=f"add up to {total} instead of {WHOLE}.",
            reason_zh=f"合计为 {total}，应为 {WHOLE}（万分比）。",
        )
    named = {part.account_id for part in parts if part.account_id is not None}
    known = await queries.guide_accounts(work.session, accounts_visible_to(work.actor), named)
    if named - known:
        raise NotFound


def _wrong(place: int, field: str, en: str, zh: str) -> Invalid:
    refusal = Invalid(field=f"parts[{place}].{field}", reason=en, reason_zh=zh)
    refusal.index = place
    return refusal


async def _next_turn(work: Work, order: Order) -> int:
    last = await work.session.scalar(
        select(func.max(col(CreditDecision.turn))).where(
            col(CreditDecision.brand_id) == order.brand_id, col(CreditDecision.order_id) == order.id
        )
    )
    return (last or 0) + 1


async def _take_away(work: Work, order: Order, before: Sequence[Credit]) -> tuple[CreditKey, ...]:
    """Delete the parts as they were; what is corrected is written anew."""
    lost = tuple(CreditKey(each.credit_id, each.account_id, each.version + 1) for each in crediting.elsewhere(before))
    for each in before:
        work.session.expunge(each)
    await work.session.execute(
        delete(Credit)
        .where(col(Credit.brand_id) == order.brand_id, col(Credit.order_id) == order.id)
        .execution_options(synchronize_session=False)
    )
    return lost


async def _charge_again(work: Work, order: Order) -> None:
    await work.session.flush()
    found = await work.session.scalars(
        select(Refund)
        .where(col(Refund.brand_id) == order.brand_id, col(Refund.order_id) == order.id)
        .order_by(col(Refund.id))
    )
    for refund in found.all():
        await charging.charge(work, refund)
        refund.version += 1
        work.record(
            RefundCharged(
                refund_id=refund.id,
                store_id=refund.store_id,
                relationship_id=refund.relationship_id,
                version=refund.version,
            )
        )


def _step(work: Work, order: Order) -> OrderStep:
    now = clock.now()
    return OrderStep(
        brand_id=order.brand_id,
        id=ids.new(),
        order_id=order.id,
        kind=OrderStepKind.CREDITED,
        at=now,
        noted_at=now,
        staff_id=work.actor.staff_id,
    )
