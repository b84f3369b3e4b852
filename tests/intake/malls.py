"""Orders as malls tell of them: invented, in the field structure of their public documentation."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

BEIJING = timezone(timedelta(hours=8))
PLACED = datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
Payload = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """What was bought: `price` is for one, in fen."""

    sku: str
    product: str
    name: str
    price: int
    quantity: int = 1
    variant: str | None = None


@dataclass(frozen=True)
class Returned:
    """Money given back, in fen."""

    number: str
    amount: int
    at: datetime


COAT = Piece("C-M", "C", "羊毛大衣", 129_900, 1, "M / 驼色")
SCARF = Piece("S-1", "S", "围巾", 19_950, 2)


@dataclass(frozen=True)
class Told:
    """An order as it is at its mall at `news_at`."""

    number: str = "5001"
    state: str = "paid"
    news_at: datetime = PLACED + timedelta(minutes=5)
    placed_at: datetime = PLACED
    paid_at: datetime | None = PLACED + timedelta(minutes=4)
    completed_at: datetime | None = None
    pieces: tuple[Piece, ...] = (COAT, SCARF)
    discount: int = 0
    postage: int = 0
    tax: int = 0
    refunds: tuple[Returned, ...] = ()
    member: str | None = "8801"
    store: str | None = "qinghe-1"
    guide: str | None = None
    share: str | None = None
    note: str | None = None
    city: str | None = "杭州市"
    extra: Payload = field(default_factory=dict)

    @property
    def goods(self) -> int:
        return sum(piece.price * piece.quantity for piece in self.pieces)

    @property
    def amount(self) -> int:
        return self.goods - self.discount + self.postage + self.tax


def yuan(fen: int) -> str:
    """As malls write amounts: decimal text."""
    return f"{fen // 100}.{fen % 100:02d}" if fen >= 0 else f"-{yuan(-fen)}"


def daogou(told: Told) -> Payload:
    """Our own shape."""
    services = [
        {"code": code, "name": code, "amount": amount}
        for code, amount in (("DISCOUNT", -told.discount), ("POSTAGE", told.postage), ("TAX", told.tax))
    ]
    return {
        "type": "order",
        "timestamp": told.news_at.isoformat(),
        "data": {
            "number": told.number,
            "state": told.state,
            "placed_at": told.placed_at.isoformat(),
            "paid_at": _iso(told.paid_at),
            "completed_at": _iso(told.completed_at),
            "updated_at": told.news_at.isoformat(),
            "currency": "CNY",
            "amount": told.amount,
            "store": told.store,
            "member": told.member,
            "guide": told.guide,
            "share": told.share,
            "note": told.note,
            "city": told.city,
            "lines": [
                {
                    "product": piece.product,
                    "sku": piece.sku,
                    "name": piece.name,
                    "variant": piece.variant,
                    "quantity": piece.quantity,
                    "amount": piece.price * piece.quantity,
                }
                for piece in told.pieces
            ],
            "services": services,
            "refunds": [
                {"number": refund.number, "amount": refund.amount, "refunded_at": refund.at.isoformat()}
                for refund in told.refunds
            ],
        }
        | told.extra,
    }


_FINANCIAL = {"pending": "pending", "cancelled": "paid"}


def shopify(told: Told) -> Payload:
    """The REST order resource, as `orders/*` sends it."""
    is_sent = told.state in ("shipped", "completed")
    is_refunded = "partially_refunded" if told.refunds else "paid"
    return {
        "id": int(told.number),
        "admin_graphql_api_id": f"gid://shopify/Order/{told.number}",
        "name": f"#{told.number[-4:]}",
        "created_at": told.placed_at.astimezone(BEIJING).isoformat(),
        "updated_at": told.news_at.astimezone(BEIJING).isoformat(),
        "processed_at": _iso(told.paid_at or told.placed_at),
        "closed_at": _iso(told.completed_at) if told.state == "completed" else None,
        "cancelled_at": told.news_at.isoformat() if told.state == "cancelled" else None,
        "currency": "CNY",
        "financial_status": _FINANCIAL.get(told.state, is_refunded),
        "fulfillment_status": "fulfilled" if is_sent else None,
        "test": False,
        "taxes_included": False,
        "total_price": yuan(told.amount),
        "subtotal_price": yuan(told.goods - told.discount),
        "total_line_items_price": yuan(told.goods),
        "total_discounts": yuan(told.discount),
        "total_tax": yuan(told.tax),
        "total_tip_received": "0.00",
        "landing_site": f"/products/coat?utm_source=wecom&share={told.share}" if told.share else "/",
        "note": told.note,
        "note_attributes": [
            {"name": name, "value": value}
            for name, value in (("store", told.store), ("guide", told.guide), ("gift", "yes"))
            if value
        ],
        "customer": {"id": int(told.member), "email": "somebody@example.com"} if told.member else None,
        "shipping_address": {"city": told.city, "country": "China", "country_code": "CN"},
        "line_items": [
            {
                "id": 900 + place,
                "product_id": piece.product,
                "variant_id": 700 + place,
                "sku": piece.sku,
                "title": piece.name,
                "variant_title": piece.variant,
                "quantity": piece.quantity,
                "current_quantity": piece.quantity,
                "price": yuan(piece.price),
                "total_discount": "0.00",
                "discount_allocations": [],
                "taxable": True,
            }
            for place, piece in enumerate(told.pieces)
        ],
        "shipping_lines": [{"code": "EMS", "title": "EMS", "price": yuan(told.postage), "is_removed": False}],
        "refunds": [shopify_refund(told.number, refund) for refund in told.refunds],
    } | told.extra


def shopify_refund(number: str, refund: Returned) -> Payload:
    """A refund in an order, or as `refunds/create` sends it."""
    return {
        "id": int(refund.number),
        "order_id": int(number),
        "created_at": refund.at.isoformat(),
        "processed_at": refund.at.isoformat(),
        "refund_line_items": [
            {
                "quantity": 1,
                "subtotal": yuan(refund.amount - 1),
                "total_tax": "0.00",
                "line_item": {"product_id": "C", "variant_id": 700, "sku": "C-M", "title": "羊毛大衣"},
            }
        ],
        "order_adjustments": [],
        "transactions": [
            {"kind": "refund", "status": "success", "amount": yuan(refund.amount), "currency": "CNY"},
            {"kind": "refund", "status": "failure", "amount": yuan(refund.amount), "currency": "CNY"},
        ],
    }


_STATUS = {"paid": "processing", "shipped": "processing"}


def woocommerce(told: Told) -> Payload:
    """The order resource of the REST API v3."""
    share_of = {piece.sku: piece.price * piece.quantity for piece in told.pieces}
    share_of[told.pieces[0].sku] -= told.discount
    meta = [
        {"id": 1, "key": key, "value": value} for key, value in (("store", told.store), ("guide", told.guide)) if value
    ]
    if told.share:
        entry = {"key": "_wc_order_attribution_session_entry", "value": f"https://mall.example/coat?share={told.share}"}
        meta.append({"id": 2, **entry})
    return {
        "id": int(told.number),
        "number": told.number,
        "order_key": "wc_order_Abc",
        "status": _STATUS.get(told.state, told.state),
        "currency": "CNY",
        "prices_include_tax": False,
        "date_created_gmt": _naive(told.placed_at),
        "date_modified_gmt": _naive(told.news_at),
        "date_paid_gmt": _naive(told.paid_at),
        "date_completed_gmt": _naive(told.completed_at),
        "total": yuan(told.amount),
        "total_tax": yuan(told.tax),
        "discount_total": yuan(told.discount),
        "customer_id": int(told.member or 0),
        "customer_note": told.note or "",
        "billing": {"city": told.city, "country": "CN", "phone": "13800000000"},
        "shipping": {"city": "", "country": ""},
        "meta_data": meta,
        "line_items": [
            {
                "id": 300 + place,
                "name": piece.name,
                "product_id": piece.product,
                "variation_id": 0,
                "quantity": piece.quantity,
                "subtotal": yuan(piece.price * piece.quantity),
                "subtotal_tax": "0.00",
                "total": yuan(share_of[piece.sku]),
                "total_tax": "0.00",
                "sku": piece.sku,
                "price": piece.price / 100,
                "meta_data": [{"key": "pa_size", "display_key": "Size", "display_value": piece.variant}]
                if piece.variant
                else [],
            }
            for place, piece in enumerate(told.pieces)
        ],
        "shipping_lines": [{"id": 1, "method_title": "EMS", "total": yuan(told.postage), "total_tax": "0.00"}],
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [{"id": int(r.number), "reason": "", "total": yuan(-r.amount)} for r in told.refunds],
    } | told.extra


_TRADE = {
    "pending": "WAIT_BUYER_PAY",
    "paid": "WAIT_SELLER_SEND_GOODS",
    "shipped": "WAIT_BUYER_CONFIRM_GOODS",
    "completed": "TRADE_SUCCESS",
    "cancelled": "TRADE_CLOSED",
}


def youzan(told: Told) -> Payload:
    """A trade message with the whole order; 有赞 has no taxes of its own, and tells of refunds by themselves."""
    paid_for = {piece.sku: piece.price * piece.quantity for piece in told.pieces}
    paid_for[told.pieces[0].sku] -= told.discount
    msg = {
        "full_order_info": {
            "order_info": {
                "tid": told.number,
                "status": _TRADE[told.state],
                "node_kdt_id": told.store,
                "created": _clock(told.placed_at),
                "update_time": _clock(told.news_at),
                "pay_time": _clock(told.paid_at),
                "success_time": _clock(told.completed_at),
            },
            "pay_info": {
                "total_fee": yuan(told.goods + told.postage),
                "post_fee": yuan(told.postage),
                "payment": yuan(told.amount),
            },
            "buyer_info": {"yz_open_id": "kqJ2", "outer_user_id": told.member or ""},
            "address_info": {"delivery_province": "浙江省", "delivery_city": told.city, "receiver_name": "$enc$"},
            "remark_info": {"buyer_message": told.note or ""},
            "orders": [
                {
                    "oid": str(100 + place),
                    "title": piece.name,
                    "item_id": 4400 + place,
                    "outer_item_id": piece.product,
                    "sku_id": 3600 + place,
                    "outer_sku_id": piece.sku,
                    "sku_properties_name": piece.variant or "",
                    "num": piece.quantity,
                    "price": yuan(piece.price),
                    "total_fee": yuan(piece.price * piece.quantity),
                    "payment": yuan(paid_for[piece.sku]),
                }
                for place, piece in enumerate(told.pieces)
            ],
        },
        "order_promotion": {},
        "delivery_order": [],
    }
    return youzan_message("trade_TradePaid", told.number, msg | told.extra, told.news_at)


def youzan_message(kind: str, number: str, msg: Payload, at: datetime) -> Payload:
    """A message as 有赞云 pushes it."""
    return {
        "client_id": "abc",
        "kdt_id": 56_232,
        "id": number,
        "type": kind,
        "msg": quote(json.dumps(msg, ensure_ascii=False)),
        "msg_id": "6dc1",
        "version": int(at.timestamp()),
        "test": False,
        "mode": 1,
    }


MALLS: dict[str, Callable[[Told], Payload]] = {
    "daogou": daogou,
    "shopify": shopify,
    "woocommerce": woocommerce,
    "youzan": youzan,
}


def sent(payload: Payload) -> bytes:
    """The body of a message."""
    return json.dumps(payload, ensure_ascii=False).encode()


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _naive(at: datetime | None) -> str | None:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() if at else None


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}" if at else ""
