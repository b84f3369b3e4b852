"""What malls send becomes orders and refunds, exactly."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from intake.errors import (
    LineWithoutSku,
    PayloadCurrency,
    PayloadIncomplete,
    PayloadUnreadable,
    PayloadWrong,
    PriceNegative,
    SumsDiffer,
)
from intake.models.adapting import adapt
from intake.models.notices import Notice, Unknown
from intake.queries import hook_mappings
from mall.models import Channel, LineKind, OrderNews, OrderState
from tests.intake.malls import (
    COAT,
    MALLS,
    PLACED,
    SCARF,
    Payload,
    Piece,
    Returned,
    Told,
    daogou,
    sent,
    shopify,
    shopify_refund,
    youzan_message,
)

EVERY_MALL = pytest.mark.parametrize("mall", sorted(MALLS))
HOUR = timedelta(hours=1)


def read(mall: str, payload: Payload, **given: Any) -> Notice | None:
    return adapt(hook_mappings.load(mall), sent(payload), "mall", **given)


def order_of(mall: str, told: Told) -> OrderNews:
    notice = read(mall, MALLS[mall](told))
    assert notice is not None
    assert notice.order is not None
    assert (notice.number, notice.news_at) == (told.number, told.news_at)
    return notice.order


@EVERY_MALL
def test_an_order_that_was_paid_is_read_with_its_lines(mall: str) -> None:
    told = Told(note="  请小林打包 ")

    order = order_of(mall, told)

    assert (order.source, order.number, order.currency, order.channel) == ("mall", "5001", "CNY", Channel.MINI_MALL)
    assert (order.state, order.placed_at, order.paid_at) == (OrderState.PAID, PLACED, told.paid_at)
    assert (order.store_code, order.member_number, order.city) == ("qinghe-1", "8801", "杭州市")
    assert (order.amount, order.news_at, order.note) == (169_800, told.news_at, "请小林打包")
    assert [(line.product_code, line.sku_code, line.quantity, line.amount, line.kind) for line in order.lines] == [
        ("C", "C-M", 1, 129_900, LineKind.GOODS),
        ("S", "S-1", 2, 39_900, LineKind.GOODS),
    ]
    assert [line.variant for line in order.lines] == ["M / 驼色", None]


@EVERY_MALL
def test_an_order_that_waits_for_its_payment_has_none(mall: str) -> None:
    order = order_of(mall, Told(state="pending", paid_at=None))

    assert (order.state, order.paid_at) == (OrderState.PENDING, None)


@pytest.mark.parametrize("mall", ["daogou", "shopify", "youzan"])
def test_an_order_on_its_way_is_shipped(mall: str) -> None:
    assert order_of(mall, Told(state="shipped")).state is OrderState.SHIPPED


@EVERY_MALL
def test_an_order_that_arrived_says_when(mall: str) -> None:
    order = order_of(mall, Told(state="completed", completed_at=PLACED + HOUR, news_at=PLACED + 2 * HOUR))

    assert (order.state, order.completed_at) == (OrderState.COMPLETED, PLACED + HOUR)


@EVERY_MALL
def test_an_order_that_was_taken_back_is_cancelled(mall: str) -> None:
    assert order_of(mall, Told(state="cancelled")).state is OrderState.CANCELLED


@EVERY_MALL
def test_a_guests_order_names_nobody(mall: str) -> None:
    order = order_of(mall, Told(member=None))

    assert order.member_number == ("kqJ2" if mall == "youzan" else None)


@EVERY_MALL
def test_discount_postage_and_tax_are_services_and_everything_adds_up(mall: str) -> None:
    tax = 0 if mall == "youzan" else 1_234
    order = order_of(mall, Told(discount=5_005, postage=1_200, tax=tax))

    services = {line.product_code: line.amount for line in order.lines if line.kind is LineKind.SERVICE}
    assert services == {"DISCOUNT": -5_005, "POSTAGE": 1_200} | ({"TAX": tax} if tax else {})
    assert sum(line.amount for line in order.lines) == order.amount == 169_800 - 5_005 + 1_200 + tax


@EVERY_MALL
def test_an_exchange_has_the_new_lines_and_the_new_amount(mall: str) -> None:
    bag = Piece("B-1", "B", "手袋", 88_801)

    order = order_of(mall, Told(pieces=(SCARF, bag)))

    assert [line.sku_code for line in order.lines] == ["S-1", "B-1"]
    assert order.amount == 39_900 + 88_801


@pytest.mark.parametrize("mall", ["daogou", "shopify", "woocommerce"])
def test_refunds_within_an_order_are_read_with_their_time_if_the_mall_says(mall: str) -> None:
    told = Told(refunds=(Returned("71", 5_000, PLACED + HOUR), Returned("72", 1, PLACED + 2 * HOUR)))

    notice = read(mall, MALLS[mall](told))

    assert notice is not None
    is_dated = mall != "woocommerce"
    assert [(r.number, r.amount, r.order_number, r.placed_at, r.is_dated) for r in notice.refunds] == [
        ("71", 5_000, "5001", PLACED + HOUR if is_dated else told.news_at, is_dated),
        ("72", 1, "5001", PLACED + 2 * HOUR if is_dated else told.news_at, is_dated),
    ]
    assert all(sum(line.amount for line in r.lines) == r.amount for r in notice.refunds if r.lines)


def test_a_refund_may_be_a_message_of_its_own() -> None:
    at = PLACED + HOUR
    ours = {"number": "71", "order_number": "5001", "amount": 500, "currency": "CNY", "refunded_at": at.isoformat()}
    said = {
        "daogou": {"type": "refund", "timestamp": at.isoformat(), "data": ours},
        "shopify": shopify_refund("5001", Returned("71", 500, at)),
        "youzan": youzan_message(
            "trade_refund_RefundSuccess",
            "5001",
            {"tid": "5001", "refund_id": "71", "refunded_fee": "5.00", "update_time": "2026-03-05 15:00:00"},
            at,
        ),
    }

    for mall, payload in said.items():
        notice = read(mall, payload)
        assert notice is not None
        assert notice.order is None
        [refund] = notice.refunds
        assert (refund.number, refund.order_number, refund.amount, refund.placed_at) == ("71", "5001", 500, at), mall


def test_a_message_may_say_no_more_than_the_state() -> None:
    at = PLACED + HOUR
    states = {
        "trade_TradeSellerShip": OrderState.SHIPPED,
        "trade_TradeSuccess": OrderState.COMPLETED,
        "trade_TradeClose": OrderState.CANCELLED,
    }
    for kind, state in states.items():
        notice = read("youzan", youzan_message(kind, "5001", {"tid": "5001", "update_time": "2026-03-05 15:00:00"}, at))
        assert notice is not None
        assert (notice.order, notice.state, notice.number, notice.news_at) == (None, state, "5001", at)
        assert notice.source == "mall"


@pytest.mark.parametrize("mall", ["daogou", "shopify", "woocommerce"])
def test_guide_and_share_are_found_where_the_mall_keeps_them(mall: str) -> None:
    order = order_of(mall, Told(guide="G-7", share="aB3x"))

    assert (order.guide_code, order.share_code) == ("G-7", "aB3x")


def test_the_store_is_the_sources_own_where_the_order_names_none() -> None:
    notice = read("daogou", daogou(Told(store=None)), store_code="web")

    assert notice is not None
    assert notice.order is not None
    assert notice.order.store_code == "web"


def test_what_is_none_of_our_business_is_left_alone() -> None:
    assert read("daogou", {"type": "stock", "data": {}}) is None
    assert read("daogou", daogou(Told(extra={"is_test": True}))) is None
    assert read("shopify", {"id": 1, "title": "a product"}) is None
    assert read("shopify", shopify(Told(extra={"test": True}))) is None
    assert read("woocommerce", {"id": 1, "email": "x@example.com"}) is None
    assert read("woocommerce", MALLS["woocommerce"](Told(extra={"status": "checkout-draft"}))) is None
    assert read("youzan", {"type": "POINTS", "msg": "%7B%7D"}) is None
    assert read("youzan", {"client_id": "abc"}) is None


def test_who_is_unknown_is_parked_by_our_own_shape_and_a_guest_elsewhere() -> None:
    taken = {mall: hook_mappings.load(mall).unknown_customer for mall in MALLS}

    assert taken == {
        "daogou": Unknown.PARK,
        "shopify": Unknown.TAKE,
        "woocommerce": Unknown.TAKE,
        "youzan": Unknown.TAKE,
    }


def refused(mall: str, payload: Payload, **given: Any) -> tuple[type[PayloadWrong], object]:
    with pytest.raises(PayloadWrong) as refusal:
        read(mall, payload, **given)
    assert refusal.value.say("zh").startswith(str(refusal.value.facts["place"]))
    return type(refusal.value), refusal.value.facts["place"]


def changed_line(**values: Any) -> Payload:
    payload = shopify(Told())
    payload["line_items"][1] |= values
    return payload


def test_what_is_wrong_is_named_with_its_place() -> None:
    assert refused("shopify", changed_line(price="-1.00")) == (PriceNegative, "line_items[1].price")
    assert refused("shopify", changed_line(price="1.0055")) == (PayloadWrong, "line_items[1].price")
    assert refused("shopify", changed_line(price="abc")) == (PayloadWrong, "line_items[1].price")
    assert refused("shopify", changed_line(price=None)) == (PayloadIncomplete, "line_items[1].price")
    assert refused("shopify", changed_line(quantity=1.5)) == (PayloadWrong, "line_items[1].quantity")
    assert refused("shopify", changed_line(sku="", variant_id=None))[0] is LineWithoutSku
    assert refused("shopify", changed_line(price="199.51")) == (SumsDiffer, "total_price")
    assert refused("daogou", daogou(Told(extra={"number": " "}))) == (PayloadIncomplete, "data.number")
    assert refused("daogou", daogou(Told(extra={"number": "9" * 65}))) == (PayloadWrong, "data.number")
    assert refused("daogou", daogou(Told(extra={"placed_at": None}))) == (PayloadIncomplete, "data.placed_at")
    assert refused("daogou", daogou(Told(extra={"placed_at": "soon"}))) == (PayloadWrong, "data.placed_at")
    assert refused("daogou", daogou(Told(extra={"placed_at": 10**30}))) == (PayloadWrong, "data.placed_at")
    assert refused("daogou", daogou(Told(extra={"amount": -1}))) == (PriceNegative, "data.amount")
    assert refused("daogou", daogou(Told(extra={"lines": {"a": 1}}))) == (PayloadWrong, "data.lines")
    assert refused("daogou", daogou(Told(extra={"lines": [], "amount": 0}))) == (PayloadIncomplete, "data.amount")
    assert refused("daogou", daogou(Told(extra={"state": "lost"}))) == (PayloadWrong, "data.state")
    assert refused("daogou", daogou(Told(extra={"currency": "元"}))) == (PayloadWrong, "data.currency")
    assert refused("daogou", daogou(Told(extra={"guide": ["a"]}))) == (PayloadWrong, "data.guide")
    assert refused("daogou", daogou(Told(extra={"note": "a\x00b"}))) == (PayloadWrong, "data.note")


def test_another_currency_than_the_brands_is_refused() -> None:
    assert refused("shopify", shopify(Told(extra={"currency": "EUR"})), currency="CNY") == (PayloadCurrency, "currency")
    assert read("shopify", shopify(Told()), currency="CNY") is not None


def test_more_than_a_thousand_lines_or_two_hundred_refunds_are_refused() -> None:
    piece = Piece("C-M", "C", "羊毛大衣", 1)
    refund = Returned("7", 1, PLACED)

    assert read("daogou", daogou(Told(pieces=(piece,) * 1_000))) is not None
    assert refused("daogou", daogou(Told(pieces=(piece,) * 1_001))) == (PayloadWrong, "data.lines")
    assert refused("daogou", daogou(Told(refunds=(refund,) * 201))) == (PayloadWrong, "data.refunds")


@pytest.mark.parametrize(
    "body",
    [b"", b"nothing", b"[1]", b"null", b"\xff", b'{"a": NaN}', b"[" * 200_000, b'{"a":' * 50_000, b"9" * 5_000],
    ids=["empty", "text", "array", "null", "bytes", "nan", "deep array", "deep object", "digits"],
)
def test_what_is_no_json_object_is_unreadable(body: bytes) -> None:
    for mall in MALLS:
        with pytest.raises(PayloadUnreadable):
            adapt(hook_mappings.load(mall), body, "mall")
    with pytest.raises(PayloadUnreadable):
        adapt(hook_mappings.load("youzan"), sent({"type": "trade_TradePaid", "msg": "%7B"}), "mall")


def test_money_is_read_exactly_whatever_it_looks_like() -> None:
    body = sent(daogou(Told())).replace(b'"amount": 169800', b'"amount": 169800.0')
    assert adapt(hook_mappings.load("daogou"), body, "mall") is not None

    for amount in ("0.1e400", "1e99999999", "1e-99999999", '"1_0"', '"Infinity"', "true", "1.0000000001"):
        text = json.dumps(daogou(Told())).replace('"amount": 169800', f'"amount": {amount}')
        with pytest.raises(PayloadWrong):
            adapt(hook_mappings.load("daogou"), text.encode(), "mall")


def test_names_are_cut_and_codes_are_not() -> None:
    long = replace(COAT, name="长" * 300, variant="v" * 200)

    [line] = order_of("daogou", Told(pieces=(long,))).lines

    assert (len(line.name), len(line.variant or "")) == (200, 100)
    assert refused("daogou", daogou(Told(pieces=(replace(COAT, sku="s" * 65),)))) == (PayloadWrong, "data.lines[0].sku")


def test_what_costs_nothing_is_a_line_like_any_other_and_no_pieces_are_none() -> None:
    gift, none = replace(SCARF, price=0, quantity=1), replace(COAT, sku="C-L", quantity=0)

    given = order_of("daogou", Told(pieces=(COAT, gift, none)))
    free = order_of("daogou", Told(pieces=(gift,)))

    assert [(line.sku_code, line.quantity, line.amount) for line in given.lines] == [
        ("C-M", 1, 129_900),
        ("S-1", 1, 0),
    ]
    assert (free.amount, [line.amount for line in free.lines]) == (0, [0])
    for zero in ("0", "0.00", "-0.0", '"0"'):
        body = json.dumps(daogou(Told(pieces=(gift,)))).replace('"amount": 0', f'"amount": {zero}')
        assert adapt(hook_mappings.load("daogou"), body.encode(), "mall") is not None, zero


@EVERY_MALL
def test_half_a_character_is_refused_wherever_it_is(mall: str) -> None:
    """JSON can say one half of a surrogate pair; no database can keep it."""
    for half in ("\\ud83d", "\\udc00x"):
        told = json.dumps(MALLS[mall](Told(number="5001")))
        for name in (json.dumps(COAT.name)[1:-1], quote(COAT.name)):
            told = told.replace(name, quote(half) if mall == "youzan" else half)
        with pytest.raises(PayloadWrong):
            adapt(hook_mappings.load(mall), told.encode(), "mall")


def test_half_a_character_in_place_of_the_packed_message_is_no_message() -> None:
    for half in ("\\ud800", "{\\ud800", "%7B\\udc00"):
        body = f'{{"type": "trade_TradePaid", "msg": "{half}"}}'
        with pytest.raises(PayloadUnreadable):
            adapt(hook_mappings.load("youzan"), body.encode(), "mall")


def test_shopify_gives_postage_back_without_goods_and_takes_goods_back_without_money() -> None:
    """`refunds/create` of an amount alone has no lines; of what was only put back on the shelf, no transactions."""
    alone = shopify_refund("5001", Returned("71", 1_000, PLACED))
    postage, restocked = alone | {"refund_line_items": []}, alone | {"transactions": []}

    notice = read("shopify", postage, currency="CNY")

    assert notice is not None
    [refund] = notice.refunds
    assert (refund.number, refund.order_number, refund.amount, refund.lines) == ("71", "5001", 1_000, ())
    assert read("shopify", restocked, currency="CNY") is None


@pytest.mark.parametrize(
    ("currency", "said", "minor"), [("CNY", "12.50", 1_250), ("XOF", "1250", 1_250), ("IQD", "1.250", 1_250)]
)
def test_amounts_are_in_the_minor_unit_of_their_own_currency(currency: str, said: str, minor: int) -> None:
    """Francs have no centimes any more, and a dinar has a thousand fils (ISO 4217)."""
    payload = shopify(Told(pieces=(Piece("C-M", "C", "羊毛大衣", 0),)))
    payload |= {"currency": currency, "total_price": said}
    payload["line_items"][0]["price"] = said

    notice = read("shopify", payload)

    assert notice is not None
    assert notice.order is not None
    assert notice.order.amount == minor


def test_woocommerce_rounds_taxes_line_by_line_and_what_is_left_over_is_said() -> None:
    """Prices with 19 % in them: net 8.403361 each is told as 8.40, and the total is still 30.00."""
    net = tuple(Piece(f"C-{size}", "C", "羊毛大衣", 840) for size in "SML")
    payload = MALLS["woocommerce"](Told(pieces=net, tax=479))

    notice = read("woocommerce", payload | {"total": "30.00"})

    assert notice is not None
    assert notice.order is not None
    assert [(line.product_code, line.kind, line.amount) for line in notice.order.lines[3:]] == [
        ("TAX", LineKind.SERVICE, 479),
        ("ROUNDING", LineKind.SERVICE, 1),
    ]
    assert refused("woocommerce", payload | {"total": "30.04"}) == (SumsDiffer, "total")
    assert refused("woocommerce", payload | {"total": "29.94"}) == (SumsDiffer, "total")
    assert refused("shopify", shopify(Told(extra={"total_price": "1698.01"}))) == (SumsDiffer, "total_price")
