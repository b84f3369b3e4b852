"""Narrow a list of orders down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, func, not_
from sqlmodel import col

from mall.models import OPEN_STATES, Channel, Credit, Order, OrderState


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of orders is narrowed down to; days are store-local, both ends included.

    `number` is as a source writes it, from its beginning. `credited_to` has a part of the credit, `served_by` looks
    after the order. Unanswered is an order of the mini-mall that is open, and that nobody has turned to.
    """

    states: Sequence[OrderState] | None = None
    channel: Channel | None = None
    store_id: UUID | None = None
    customer_id: UUID | None = None
    from_day: date | None = None
    until_day: date | None = None
    paid_from_day: date | None = None
    paid_until_day: date | None = None
    number: str | None = None
    city: str | None = None
    share_id: UUID | None = None
    credited_to: UUID | None = None
    served_by: UUID | None = None
    is_unanswered: bool | None = None


def conditions(narrowed: Filter) -> list[ColumnElement[bool]]:
    """What a row has to be so that it is in the list."""
    found: list[ColumnElement[bool]] = []
    if narrowed.states is not None:
        found.append(col(Order.state).in_(narrowed.states))
    if narrowed.channel is not None:
        found.append(col(Order.channel) == narrowed.channel)
    if narrowed.store_id is not None:
        found.append(col(Order.store_id) == narrowed.store_id)
    if narrowed.customer_id is not None:
        found.append(col(Order.customer_id) == narrowed.customer_id)
    if narrowed.from_day is not None:
        found.append(col(Order.day) >= narrowed.from_day)
    if narrowed.until_day is not None:
        found.append(col(Order.day) <= narrowed.until_day)
    return found + _further(narrowed)


def _further(narrowed: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if narrowed.paid_from_day is not None:
        found += [col(Order.paid_at).is_not(None), col(Order.day) >= narrowed.paid_from_day]
    if narrowed.paid_until_day is not None:
        found += [col(Order.paid_at).is_not(None), col(Order.day) <= narrowed.paid_until_day]
    if narrowed.number is not None:
        found += _begins_with(narrowed.number)
    if narrowed.city is not None:
        found.append(false() if "\x00" in narrowed.city else col(Order.city) == narrowed.city)
    if narrowed.share_id is not None:
        found.append(col(Order.share_id) == narrowed.share_id)
    if narrowed.served_by is not None:
        found.append(col(Order.serving_account_id) == narrowed.served_by)
    if narrowed.credited_to is not None:
        theirs = (col(Credit.brand_id) == col(Order.brand_id)) & (col(Credit.order_id) == col(Order.id))
        found.append(exists().where(theirs, col(Credit.account_id) == narrowed.credited_to))
    if narrowed.is_unanswered is not None:
        waits = and_(
            col(Order.channel) == Channel.MINI_MALL,
            col(Order.state).in_(OPEN_STATES),
            col(Order.answered_at).is_(None),
        )
        found.append(waits if narrowed.is_unanswered else not_(waits))
    return found


def _begins_with(number: str) -> list[ColumnElement[bool]]:
    if "\x00" in number:
        return [false()]  # PostgreSQL can't even be asked for it
    # What LIKE finds by the index, letter by letter: it takes capitals for small ones on SQLite.
    return [
        col(Order.number).startswith(number, autoescape=True),
        func.substr(col(Order.number), 1, len(number)) == number,
    ]
