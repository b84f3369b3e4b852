"""Histories of purchases, and what they amount to, worked out in plain Python: no code shared with the product."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

import pytest

from customers.models import Customer
from kernel import ids
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import Channel, LineKind, OrderState
from tests.factories import World
from tests.mall.trading import till

MILLIONTHS = 10_000  # in a fen


@dataclass
class History:
    """What one customer bought and gave back: day, fen, millionths left over; and whether an order stands."""

    orders: list[tuple[date, int, int, bool]] = field(default_factory=list)
    refunds: list[tuple[date, int, int]] = field(default_factory=list)


def made_up(dice: random.Random, today: date) -> History:
    """Mostly a few orders over two years, on few days, some cancelled; some refunds, some of them of nothing bought."""
    history = History()
    days = [today - timedelta(days=dice.choice((0, 1, 29, 364, 365, 366, 367, dice.randrange(800)))) for _ in range(8)]
    for _ in range(dice.choice((0, 1, 1, 2, 3, 8, 15))):
        order = (dice.choice(days), dice.randrange(0, 90_000), _left(dice), dice.random() > 0.15)
        history.orders.append(order)
    for _ in range(dice.choice((0, 0, 0, 1, 2))):
        history.refunds.append((dice.choice(days), dice.randrange(1, 60_000), _left(dice)))
    return history


def _left(dice: random.Random) -> int:
    return dice.choice((0, 0, 0, 5_000, -5_000, 3_333, -1, -4_999))


def truth(history: History, today: date) -> dict[str, Any]:
    """What the profile has to say on that day."""
    stands = [order for order in history.orders if order[3]]
    days = sorted({order[0] for order in stands})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    gap = float(median(gaps)) if gaps else None
    year_ago = date(today.year - 1, today.month, 28 if (today.month, today.day) == (2, 29) else today.day)
    gross = [(day, Decimal(fen) + Decimal(left) / MILLIONTHS) for day, fen, left, _ in stands]
    back = [(day, Decimal(fen) + Decimal(left) / MILLIONTHS) for day, fen, left in history.refunds]
    recent = [day for day, _ in gross + back if day > year_ago]
    at_risk, lapsed = (60, 180) if gap is None else (clamp(2 * gap, 30, 365), clamp(4 * gap, 90, 730))
    return {
        "orders": len(stands),
        "purchase_days": len(days),
        "gross": fen(value for _, value in gross),
        "refunds": fen(value for _, value in back),
        "net": fen([*(value for _, value in gross), *(-value for _, value in back)]),
        "net_12_months": fen(
            [*(value for day, value in gross if day > year_ago), *(-value for day, value in back if day > year_ago)]
        ),
        "rhythm": pytest.approx(sum(math.exp((day - date(2000, 1, 1)).days / 365) for day in days[1:]), rel=1e-12),
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "median_gap_days": gap,
        "at_risk_from": days[-1] + timedelta(days=at_risk) if days else None,
        "lapsed_from": days[-1] + timedelta(days=lapsed) if days else None,
        "counted_from": min(recent, default=None),
    }


def clamp(days: float, least: int, most: int) -> int:
    return int(min(max(days, least), most))


def fen(values: Any) -> int:
    return int(sum(values, Decimal(0)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


async def load(ground: Ground, world: World, histories: dict[UUID, History]) -> None:
    """Put the histories into the tables, as an import does."""
    brand, shop = world.brand.id, world.shop
    orders: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    refunds: list[dict[str, Any]] = []
    refund_lines: list[dict[str, Any]] = []
    for customer_id, history in histories.items():
        for day, amount, left, stands in history.orders:
            key = ids.new()
            state = OrderState.COMPLETED if stands else OrderState.CANCELLED
            orders.append(
                _row(brand, shop.store.id, key, customer_id, day, amount)
                | {"state": state, "channel": Channel.FILE, "serving_account_id": None, "country": None}
            )
            lines.append(_line(brand, amount, left) | {"order_id": key, "product_id": None})
        for day, amount, left in history.refunds:
            key = ids.new()
            refunds.append(
                _row(brand, shop.store.id, key, customer_id, day, amount) | {"order_id": None, "is_void": False}
            )
            refund_lines.append(_line(brand, amount, left) | {"refund_id": key})
    async with unit_of_work(ground, till(world)) as work:
        await commands.load(work, orders=orders, order_lines=lines, refunds=refunds, refund_lines=refund_lines)


def _row(brand: UUID, store: UUID, key: UUID, customer: UUID, day: date, amount: int) -> dict[str, Any]:
    return {
        "brand_id": brand,
        "id": key,
        "source": "file",
        "number": key.hex,
        "store_id": store,
        "customer_id": customer,
        "relationship_id": None,
        "amount": amount,
        "currency": "CNY",
        "placed_at": datetime(day.year, day.month, day.day, 4, tzinfo=UTC),
        "day": day,
        "version": 1,
    }


def _line(brand: UUID, amount: int, left: int) -> dict[str, Any]:
    return {
        "brand_id": brand,
        "line": 1,
        "product_code": "P1",
        "name": "羊绒衫",
        "kind": LineKind.GOODS,
        "quantity": 1,
        "amount": amount,
        "residue": left or None,
    }


async def people(ground: Ground, world: World, count: int) -> list[UUID]:
    """So many customers, who have nothing but a number."""
    keys = [ids.new() for _ in range(count)]
    async with ground.db.write() as session:
        session.add_all(
            Customer(
                brand_id=world.brand.id,
                id=key,
                member_number=key.hex,
                name="王芳",
                joined_at=datetime(2020, 1, 1, tzinfo=UTC),
            )
            for key in keys
        )
    return keys


def scores(values: Sequence[Any]) -> list[int]:
    """1 + floor(5 w / n): w have a lower value, of n."""
    return [1 + 5 * sum(other < value for other in values) // len(values) for value in values]
