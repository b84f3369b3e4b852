"""Decide who earned an order, once it is paid, and keep the parts adding up to what it comes to."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from kernel import clock, ids
from kernel.work import Work
from mall.events import CreditChanged, CreditDecided, CreditKey
from mall.models import Credit, CreditDecision, CreditReason, Order
from mall.models.crediting import Part, judged, parts_written, steps_written
from mall.models.parts import shared_out
from mall.queries import crediting as queries


async def decide(work: Work, order: Order) -> None:
    """Give the credit of an order that has been paid, by the brand's rules, and write down why."""
    rules, facts, holder_id = await queries.rules_and_facts(work.session, order)
    verdict = judged(rules, facts, order.amount)
    given = give(work, order, verdict.reason, verdict.parts, holder_id)
    note_decision(work, order, 1, verdict.reason, verdict.parts, steps=steps_written(verdict.steps))
    work.record(CreditDecided(order_id=order.id, store_id=order.store_id, elsewhere=elsewhere(given)))


def give(work: Work, order: Order, reason: CreditReason, parts: Sequence[Part], holder_id: UUID | None) -> list[Credit]:
    """Write down the parts; `holder_id` holds the relationship now, and so hears of the order itself."""
    given = [
        Credit(
            brand_id=order.brand_id,
            id=ids.new(),
            order_id=order.id,
            part=place,
            store_id=order.store_id,
            account_id=part.account_id,
            reason=reason,
            points=part.points,
            amount=part.amount,
            is_elsewhere=part.account_id is not None and part.account_id != holder_id,
            decided_at=_decided_at(order),
        )
        for place, part in enumerate(parts, 1)
    ]
    work.session.add_all(given)
    return given


def note_decision(
    work: Work,
    order: Order,
    turn: int,
    reason: CreditReason,
    parts: Sequence[Part],
    *,
    steps: Sequence[Any] = (),
    words: str | None = None,
) -> None:
    """Write down why the credit is as it is."""
    work.session.add(
        CreditDecision(
            brand_id=order.brand_id,
            order_id=order.id,
            turn=turn,
            steps=list(steps),
            parts=parts_written(reason, parts),
            staff_id=work.actor.staff_id,
            words=words,
            decided_at=_decided_at(order),
        )
    )


def elsewhere(credits: Iterable[Credit]) -> tuple[CreditKey, ...]:
    """Those whose guide doesn't hear of the order itself."""
    return tuple(
        CreditKey(each.id, each.account_id, each.version)
        for each in credits
        if each.is_elsewhere and each.account_id is not None
    )


async def credits_of(work: Work, order: Order) -> Sequence[Credit]:
    """The parts of an order that is locked."""
    found = await work.session.scalars(
        select(Credit)
        .where(col(Credit.brand_id) == order.brand_id, col(Credit.order_id) == order.id)
        .order_by(col(Credit.part))
    )
    return found.all()


def share_again(order: Order, credits: Sequence[Credit]) -> None:
    """Let the parts add up to what the order comes to now; who has them stays."""
    for part, amount in zip(credits, shared_out(order.amount, [each.points for each in credits]), strict=True):
        part.amount = amount


def tell_elsewhere(work: Work, order: Order, credits: Iterable[Credit]) -> None:
    """Say that the order is not as it was to those who hear of it by what they earned."""
    concerned = [each for each in credits if each.is_elsewhere]
    for each in concerned:
        each.version += 1
    if concerned:
        work.record(CreditChanged(order_id=order.id, store_id=order.store_id, elsewhere=elsewhere(concerned)))


def _decided_at(order: Order) -> datetime:
    return max(clock.now(), order.placed_at)
