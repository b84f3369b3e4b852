"""Write staged invoices into the mall: orders with lines and credit, refunds, and what is known of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

import mall.commands
import mall.commands.replace
from customers.models import Customer, Relationship
from customers.policy import is_live
from directory.models import Account, AccountKind, Store
from intake.commands import places
from intake.models import ImportedInvoice, ImportRun, Outcome, StagedInvoice
from intake.models.invoice import SALE, Invoice, Line, minor, unpacked
from intake.models.mall_rows import Batch, Owner, add
from intake.models.mapping import OrderMapping
from kernel import bulk, ids
from kernel.work import Work
from mall.models import LineKind, Order, Product, Refund, minor_digits

AT_ONCE = 50
_FACTS = (
    "number",
    "customer_key",
    "ordered_at",
    "store_code",
    "guide_number",
    "follows_home",
    "ignored_lines",
    "ignored",
    "digest",
    "content",
)
Staged = Row[Any]


async def apply_next(work: Work, run: ImportRun, mapping: OrderMapping) -> tuple[str, int]:
    """Apply the next staged invoices; returns the last number and how many they were."""
    staged = await _next(work, run)
    if not staged:
        return run.position, 0
    read = [(row.number, row.outcome, unpacked(row.content)) for row in staged]
    owners = await _owners(work, [invoice for _, _, invoice in read])
    batch = Batch()
    changed = [number for number, outcome, _ in read if outcome is Outcome.CHANGED]
    batch.known_orders = await _known(work, run, Order, changed)
    batch.known_refunds = await _known(work, run, Refund, changed)
    products = await _products(work, mapping, [invoice for _, _, invoice in read])
    for (number, _, invoice), owner in zip(read, owners, strict=True):
        add(batch, run, mapping, number, invoice, owner, products)
    await _write(work, batch)
    await _remember(work, run, staged, changed)
    return staged[-1].number, len(staged)


async def _next(work: Work, run: ImportRun) -> Sequence[Staged]:
    found = await work.session.execute(
        select(StagedInvoice.__table__)  # type: ignore[attr-defined]  # a table
        .where(
            col(StagedInvoice.brand_id) == run.brand_id,
            col(StagedInvoice.run_id) == run.id,
            col(StagedInvoice.number) > run.position,
        )
        .order_by(col(StagedInvoice.number))
        .limit(AT_ONCE)
    )
    return found.all()


async def _known(work: Work, run: ImportRun, table: type[Order] | type[Refund], numbers: list[str]) -> dict[str, UUID]:
    if not numbers:
        return {}
    found = await work.session.execute(
        select(col(table.number), col(table.id)).where(
            col(table.brand_id) == run.brand_id, col(table.source) == run.source, col(table.number).in_(numbers)
        )
    )
    return dict(found.all())


async def _owners(work: Work, invoices: Sequence[Invoice]) -> list[Owner]:
    keys = {invoice.customer for invoice in invoices if invoice.customer}
    known = await _relationships(work, keys)
    own = {invoice.store for invoice in invoices if _relationship(known, invoice) is None}
    opened = await places.stores(work, own)
    return [_relationship(known, invoice) or Owner(*opened[invoice.store][:2]) for invoice in invoices]


Known = dict[str, list[tuple[str, bool, Owner]]]


def _relationship(known: Known, invoice: Invoice) -> Owner | None:
    """The relationship that the invoice counts in: the primary one, or that of the invoice's own store."""
    for store, is_primary, owner in known.get(invoice.customer, ()):
        if is_primary if invoice.follows_home else store == invoice.store:
            return owner
    return None


async def _relationships(work: Work, keys: set[str]) -> Known:
    if not keys:
        return {}
    brand, serving = col(Relationship.brand_id), aliased(Relationship)
    # One that has ended with its store goes on in another; what was bought there is still that store's.
    goes_on = func.coalesce(col(Relationship.succeeded_by_id), col(Relationship.id))
    found = await work.session.execute(
        select(
            col(Customer.member_number),
            col(Store.code),
            col(Relationship.is_primary),
            col(Store.id),
            col(Store.time_zone),
            col(Customer.id),
            col(serving.id),
            col(Account.id),
            col(Account.kind),
        )
        .join(Customer, (col(Customer.brand_id) == brand) & (col(Customer.id) == col(Relationship.customer_id)))
        .join(Store, (col(Store.brand_id) == brand) & (col(Store.id) == col(Relationship.store_id)))
        .join(serving, (col(serving.brand_id) == brand) & (col(serving.id) == goes_on))
        .join(Account, (col(Account.brand_id) == brand) & (col(Account.id) == col(serving.holder_id)))
        .where(brand == work.actor.brand_id, col(Customer.member_number).in_(keys))
        .order_by(is_live().desc(), col(Relationship.id))
    )
    known: Known = {}
    for key, store, is_primary, store_id, zone, customer_id, relationship_id, holder_id, kind in found:
        owner = Owner(store_id, zone, customer_id, relationship_id, holder_id, kind is AccountKind.GUIDE)
        known.setdefault(key, []).append((store, is_primary, owner))
    return known


async def _products(work: Work, mapping: OrderMapping, invoices: Sequence[Invoice]) -> dict[str, UUID]:
    """The catalogue's ids of the goods sold; what it lacks is added as last sold here."""
    sold: dict[str, Line] = {}
    for invoice in invoices:
        for line in invoice.lines:
            if line.role == SALE and line.kind == LineKind.GOODS:
                sold[line.code] = line
    found = await work.session.execute(
        select(col(Product.code), col(Product.id)).where(
            col(Product.brand_id) == work.actor.brand_id, col(Product.code).in_(list(sold))
        )
    )
    known = dict(found.all())
    digits = minor_digits(mapping.brand.currency)
    made = {code: ids.new() for code in sold if code not in known}
    rows: list[dict[str, Any]] = [
        {
            "brand_id": work.actor.brand_id,
            "id": product_id,
            "code": code,
            "name": sold[code].name,
            "category": None,
            "images": [],
            "is_withdrawn": False,
            "is_kept": False,
            "price": minor(Decimal(sold[code].amount) / (sold[code].quantity or 1), digits),
            "version": 1,
        }
        for code, product_id in made.items()
    ]
    await mall.commands.load(work, products=rows)
    return known | made


async def _write(work: Work, batch: Batch) -> None:
    known_orders, known_refunds = set(batch.known_orders.values()), set(batch.known_refunds.values())
    if known_orders or known_refunds:
        rewritten_orders = [row for row in batch.orders if row["id"] in known_orders]
        rewritten_refunds = [row for row in batch.refunds if row["id"] in known_refunds]
        gone_orders = known_orders - {row["id"] for row in rewritten_orders}
        gone_refunds = known_refunds - {row["id"] for row in rewritten_refunds}
        replace = mall.commands.replace
        await replace.empty(work, orders=sorted(known_orders), refunds=sorted(known_refunds))
        await replace.remove(work, orders=sorted(gone_orders), refunds=sorted(gone_refunds))
        await replace.rewrite(work, orders=rewritten_orders, refunds=rewritten_refunds)
    await mall.commands.load(
        work,
        orders=[row for row in batch.orders if row["id"] not in known_orders],
        order_lines=batch.order_lines,
        refunds=[row for row in batch.refunds if row["id"] not in known_refunds],
        refund_lines=batch.refund_lines,
        refund_charges=batch.refund_charges,
        order_credits=batch.order_credits,
    )


async def _remember(work: Work, run: ImportRun, staged: Sequence[Staged], changed: Sequence[str]) -> None:
    if changed:
        await work.session.execute(
            delete(ImportedInvoice).where(
                col(ImportedInvoice.brand_id) == run.brand_id,
                col(ImportedInvoice.source) == run.source,
                col(ImportedInvoice.number).in_(changed),
            )
        )
    rows: list[dict[str, Any]] = [
        {"brand_id": run.brand_id, "source": run.source, **{name: getattr(row, name) for name in _FACTS}}
        for row in staged
    ]
    await bulk.insert_rows(work.session, ImportedInvoice, rows)
