"""Load many rows at once, for imports and demo data; says nothing to phones."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from kernel import bulk
from kernel.work import Work
from mall.events import PurchasesLoaded
from mall.models import (
    Credit,
    Order,
    OrderLine,
    Product,
    Refund,
    RefundCharge,
    RefundLine,
    Share,
    ShareOpen,
    Sku,
    Stock,
)

Rows = Sequence[Mapping[str, Any]]


async def load(
    work: Work,
    *,
    products: Rows = (),
    skus: Rows = (),
    stocks: Rows = (),
    shares: Rows = (),
    share_opens: Rows = (),
    orders: Rows = (),
    order_lines: Rows = (),
    refunds: Rows = (),
    refund_lines: Rows = (),
    refund_charges: Rows = (),
    order_credits: Rows = (),
) -> None:
    """Insert rows as they are, parents first. The caller answers for their being right and new.

    Nobody's phone is told row by row: whoever loads gives the brand's feeds a new epoch in the end. The
    customers' profiles are due in the same commit.
    """
    await bulk.insert_rows(work.session, Product, products)
    await bulk.insert_rows(work.session, Sku, skus)
    await bulk.insert_rows(work.session, Stock, stocks)
    await bulk.insert_rows(work.session, Share, shares)
    await bulk.insert_rows(work.session, ShareOpen, share_opens)
    await bulk.insert_rows(work.session, Order, orders)
    await bulk.insert_rows(work.session, OrderLine, order_lines)
    await bulk.insert_rows(work.session, Refund, refunds)
    await bulk.insert_rows(work.session, RefundLine, refund_lines)
    await bulk.insert_rows(work.session, RefundCharge, refund_charges)
    await bulk.insert_rows(work.session, Credit, order_credits)
    rows = (*orders, *refunds)
    say_loaded(work, (row["customer_id"] for row in rows), ((row["store_id"], row["day"]) for row in rows))


def say_loaded(work: Work, customer_ids: Iterable[UUID | None], store_days: Iterable[tuple[UUID, date]] = ()) -> None:
    """Say whose orders and refunds are not as they were, and on which days of stores they counted, or count now.

    Guests have nobody to be worked out again.
    """
    known = frozenset(customer_id for customer_id in customer_ids if customer_id is not None)
    days = frozenset(store_days)
    if known or days:
        work.record(PurchasesLoaded(known, days))
