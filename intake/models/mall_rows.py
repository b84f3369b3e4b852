"""Turn an invoice into rows of the mall: an order with lines and credit, or a refund with lines."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from intake.models.invoice import REFUND, SALE, Invoice, Line, shared_out
from intake.models.mapping import OrderMapping
from intake.models.runs import ImportRun
from kernel import clock, ids
from mall.models import EXACT_DIGITS, WHOLE, Channel, CreditReason, LineKind, OrderState, minor_digits

_KINDS = {kind.value: kind for kind in LineKind}


@dataclass(frozen=True, slots=True)
class Owner:
    """Where an invoice counts. Without a customer it is the store's alone."""

    store_id: UUID
    time_zone: str
    customer_id: UUID | None = None
    relationship_id: UUID | None = None
    holder_id: UUID | None = None
    is_guide: bool = False


@dataclass(slots=True)
class Batch:
    """Rows for the mall, and which of them are there already."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    order_lines: list[dict[str, Any]] = field(default_factory=list)
    refund_lines: list[dict[str, Any]] = field(default_factory=list)
    refund_charges: list[dict[str, Any]] = field(default_factory=list)
    order_credits: list[dict[str, Any]] = field(default_factory=list)
    known_orders: dict[str, UUID] = field(default_factory=dict)
    known_refunds: dict[str, UUID] = field(default_factory=dict)


def add(
    batch: Batch,
    run: ImportRun,
    mapping: OrderMapping,
    number: str,
    invoice: Invoice,
    owner: Owner,
    products: dict[str, UUID],
) -> None:
    """Add the invoice's rows to the batch, under the ids they have if they are known."""
    digits = minor_digits(mapping.brand.currency)
    if sales := invoice.of(SALE):
        order_id = batch.known_orders.get(number) or ids.new()
        header = _header(run, mapping, order_id, number, sales, owner)
        amounts = shared_out([Decimal(line.amount) for line in sales], digits)
        header["amount"] = sum(amounts)
        header["serving_account_id"] = owner.holder_id
        header["state"], header["channel"] = OrderState.COMPLETED, Channel.FILE
        header["country"] = invoice.country or None
        header["paid_at"] = header["placed_at"]
        batch.orders.append(header)
        batch.order_credits.append(_credit(header, owner))
        batch.order_lines.extend(
            _line(run.brand_id, place, line, amount, digits)
            | {
                "order_id": order_id,
                "product_id": products.get(line.code) if line.kind == LineKind.GOODS else None,
                "variant": line.variant or None,
            }
            for place, (line, amount) in enumerate(zip(sales, amounts, strict=True), 1)
        )
    if given_back := invoice.of(REFUND):
        refund_id = batch.known_refunds.get(number) or ids.new()
        header = _header(run, mapping, refund_id, number, given_back, owner)
        amounts = shared_out([Decimal(line.amount) for line in given_back], digits)
        header["amount"] = sum(amounts)
        header["order_id"] = None
        header["is_void"] = False
        batch.refunds.append(header)
        batch.refund_charges.append(_charge(header, owner))
        batch.refund_lines.extend(
            _line(run.brand_id, place, line, amount, digits) | {"refund_id": refund_id}
            for place, (line, amount) in enumerate(zip(given_back, amounts, strict=True), 1)
        )


def _header(
    run: ImportRun, mapping: OrderMapping, row_id: UUID, number: str, lines: Sequence[Line], owner: Owner
) -> dict[str, Any]:
    placed_at = datetime.fromtimestamp(min(line.at for line in lines), UTC)
    return {
        "brand_id": run.brand_id,
        "id": row_id,
        "source": run.source,
        "number": number,
        "store_id": owner.store_id,
        "customer_id": owner.customer_id,
        "relationship_id": owner.relationship_id,
        "currency": mapping.brand.currency,
        "placed_at": placed_at,
        "day": clock.store_day(placed_at, owner.time_zone),
        "version": 1,
    }


def _line(brand_id: UUID, place: int, line: Line, amount: int, digits: int) -> dict[str, Any]:
    residue = int(Decimal(line.amount).scaleb(EXACT_DIGITS)) - amount * 10 ** (EXACT_DIGITS - digits)
    return {
        "brand_id": brand_id,
        "line": place,
        "product_code": line.code,
        "name": line.name,
        "kind": _KINDS[line.kind],
        "quantity": line.quantity,
        "amount": amount,
        "residue": residue or None,
    }


def _credit(order: dict[str, Any], owner: Owner) -> dict[str, Any]:
    return {
        "brand_id": order["brand_id"],
        "id": ids.new(),
        "order_id": order["id"],
        "part": 1,
        "store_id": owner.store_id,
        "account_id": owner.holder_id if owner.is_guide else None,
        "reason": CreditReason.HOLDER if owner.is_guide else CreditReason.STORE,
        "points": WHOLE,
        "amount": order["amount"],
        "is_elsewhere": False,
        "decided_at": order["placed_at"],
        "version": 1,
    }


def _charge(refund: dict[str, Any], owner: Owner) -> dict[str, Any]:
    return {
        "brand_id": refund["brand_id"],
        "refund_id": refund["id"],
        "part": 1,
        "account_id": owner.holder_id if owner.is_guide else None,
        "amount": refund["amount"],
        "placed_at": refund["placed_at"],
    }
