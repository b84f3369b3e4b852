"""Turn what a mall sends into a notice, as a mapping says."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NoReturn
from urllib.parse import parse_qs, urlsplit

from intake.errors import LineWithoutSku, PayloadCurrency, PayloadIncomplete, PayloadWrong, PriceNegative, SumsDiffer
from intake.models import payload
from intake.models.hook_mapping import HookMapping, LineRule, OrderWords, Path, RefundWords, StateRule
from intake.models.notices import Notice
from intake.models.payload import Spot
from mall.models import Line, LineKind, OrderNews, OrderState, RefundNews, minor_digits

MOST_LINES, MOST_REFUNDS = 1_000, 200
_MOST_PIECES = 1_000_000
_CURRENCY = re.compile("[A-Z]{3}")
_SHORT, _NAME, _VARIANT, _PLACE, _NOTE, _ADDRESS = 64, 200, 100, 60, 500, 2_000
_IGNORED = "ignored"


def adapt(
    mapping: HookMapping, body: bytes, source: str, *, currency: str | None = None, store_code: str | None = None
) -> Notice | None:
    """What a message says; none if it is none of our business, as one of another topic or of a test.

    `currency` is the brand's, `store_code` the store of what names none. Raises `PayloadWrong`, which names the place.
    """
    spot = payload.read(body, mapping.unpack, mapping.time)
    if mapping.about is not None and not spot.has(mapping.about):
        return None
    if mapping.ignore is not None and spot.has(mapping.ignore):
        return None
    return _Reading(mapping, spot, source, currency, store_code).notice()


class _Reading:
    """One message, with what has to be known of it to read its parts."""

    def __init__(
        self, mapping: HookMapping, spot: Spot, source: str, brands: str | None, store_code: str | None
    ) -> None:
        self.mapping = mapping
        self.spot = spot
        self.source = source
        self.store_code = store_code
        self.currency = self._currency(brands)
        self.scale = Decimal(1).scaleb(minor_digits(self.currency)) if mapping.money.unit == "major" else Decimal(1)
        self.news_at = spot.moment(mapping.news_at) or spot.missing(mapping.news_at)

    def notice(self) -> Notice | None:
        words = self.mapping.order
        if words.about is None or self.spot.has(words.about):
            state = self._state(words.states)
            if state is None:
                return None
            number = self.spot.needed(words.number, _SHORT)
            return self._notice(number, self._order(words, number, state))
        moved = self.mapping.moved
        if moved is not None and self.spot.has(moved.about):
            state = self._state(moved.states)
            return self._notice(self.spot.needed(moved.number, _SHORT), state=state) if state is not None else None
        of = self.mapping.refunds_of
        return self._notice(self.spot.needed(of, _SHORT)) if of is not None else None

    def _notice(self, number: str, order: OrderNews | None = None, state: OrderState | None = None) -> Notice | None:
        kinds = [words for words in self.mapping.refunds if words.about is None or self.spot.has(words.about)]
        refunds = tuple(refund for words in kinds for refund in self._refunds(words, number))
        if order is None and state is None and not refunds:
            return None
        return Notice(
            order=order,
            refunds=refunds,
            number=number,
            news_at=self.news_at,
            unknown_customer=self.mapping.unknown_customer,
            unknown_sku=self.mapping.unknown_sku,
            state=state,
            source=self.source,
        )

    def _currency(self, brands: str | None) -> str:
        path = self.mapping.currency
        found = self.spot.needed(path, 3).upper()
        if not _CURRENCY.fullmatch(found):
            raise PayloadWrong(place=self.spot.where(path), reason="is not a currency.", reason_zh="不是币种。")
        if brands is not None and found != brands:
            raise PayloadCurrency(
                place=self.spot.where(path),
                reason=f"is not {brands}, the brand's currency.",
                reason_zh=f"不是品牌的币种 {brands}。",
            )
        return found

    def _state(self, rules: Sequence[StateRule]) -> OrderState | None:
        """The state, or none for a message that is to be ignored."""
        for rule in rules:
            if rule.when is not None and not self.spot.has(rule.when):
                continue
            word = self.spot.text(rule.value, _SHORT) if rule.value is not None else None
            state = rule.state if rule.value is None else rule.words.get(word or "")
            if state is not None:
                return None if state == _IGNORED else OrderState(state)
        told = next((rule.value for rule in rules if rule.value is not None), None)
        raise PayloadWrong(
            place=self.spot.where(told) if told is not None else "@",
            reason="no state is known for this.",
            reason_zh="没有对应的订单状态。",
        )

    def _order(self, words: OrderWords, number: str, state: OrderState) -> OrderNews:
        spot = self.spot
        placed_at = spot.moment(words.placed_at) or spot.missing(words.placed_at)
        amount = self._amount(spot, words.amount)
        lines = _rounded(words, self._lines(spot, words.lines), amount)
        self._require_sum(spot, words.amount, lines, amount)
        return OrderNews(
            source=self.source,
            number=number,
            placed_at=placed_at,
            amount=amount,
            currency=self.currency,
            lines=lines,
            channel=self.mapping.channel,
            state=state,
            store_code=spot.text(words.store, _SHORT) or self.store_code,
            member_number=spot.text(words.customer, _SHORT),
            country=spot.words(words.country, _PLACE),
            city=spot.words(words.city, _PLACE),
            paid_at=self._paid_at(words, state, placed_at),
            completed_at=spot.moment(words.completed_at) if state is OrderState.COMPLETED else None,
            news_at=self.news_at,
            guide_code=spot.text(words.guide, _SHORT),
            note=spot.words(words.note, _NOTE),
            share_code=self._share(words),
        )

    def _paid_at(self, words: OrderWords, state: OrderState, placed_at: datetime) -> datetime | None:
        told = self.spot.moment(words.paid_at) if state is not OrderState.PENDING else None
        # Two of the source's clocks may differ by a little, or an order was written down after it was paid.
        return max(told, placed_at) if told is not None else None

    def _share(self, words: OrderWords) -> str | None:
        if words.share_parameter is None:
            return self.spot.text(words.share, _SHORT)
        address = self.spot.words(words.share, _ADDRESS)
        try:
            found = parse_qs(urlsplit(address or "").query).get(words.share_parameter, [])
        except ValueError:
            return None
        return found[0].strip()[:_SHORT] or None if found else None

    def _refunds(self, words: RefundWords, order_number: str) -> Iterator[RefundNews]:
        for spot in self.spot.each(words.each, MOST_REFUNDS):
            refund = self._refund(words, spot, order_number)
            if refund is not None:
                yield refund

    def _refund(self, words: RefundWords, spot: Spot, order_number: str) -> RefundNews | None:
        exact = spot.number(words.amount)
        if not exact:
            return None
        amount = self._minor(spot, words.amount, abs(exact))
        at = spot.moment(words.at)
        return RefundNews(
            source=self.source,
            number=spot.needed(words.number, _SHORT),
            placed_at=at or self.news_at,
            amount=amount,
            currency=self.currency,
            lines=self._refund_lines(words, spot, amount),
            order_number=order_number,
            is_dated=at is not None,
        )

    def _refund_lines(self, words: RefundWords, spot: Spot, amount: int) -> tuple[Line, ...]:
        lines = self._lines(spot, words.lines)
        rest = amount - sum(line.amount for line in lines)
        if words.rest is not None and lines and rest:
            return (*lines, Line("REST", words.rest, 1, rest, LineKind.SERVICE))
        if lines:
            self._require_sum(spot, words.amount, lines, amount)
        return lines

    def _lines(self, spot: Spot, rules: Sequence[LineRule]) -> tuple[Line, ...]:
        found: list[Line] = []
        for rule in rules:
            for one in spot.each(rule.each, MOST_LINES):
                line = self._line(rule, one)
                if line is not None:
                    found.append(line)
        return tuple(found)

    def _line(self, rule: LineRule, spot: Spot) -> Line | None:
        quantity = self._quantity(rule, spot)
        amount = self._line_amount(rule, spot, quantity)
        if quantity == 0 or (rule.kind is LineKind.SERVICE and amount == 0):
            return None
        sku = spot.text(rule.sku, _SHORT)
        code = spot.text(rule.code, _SHORT) or sku
        if code is None or (rule.sku is not None and sku is None):
            raise LineWithoutSku(
                place=spot.where(rule.sku or rule.code),
                reason="the line doesn't say which SKU it is of.",
                reason_zh="明细没有 SKU。",
            )
        name = spot.words(rule.name, _NAME) or code
        return Line(code, name, quantity, amount, rule.kind, spot.words(rule.variant, _VARIANT), sku)

    def _quantity(self, rule: LineRule, spot: Spot) -> int:
        if rule.quantity is None:
            return 1
        exact = spot.number(rule.quantity)
        if exact is None:
            spot.missing(rule.quantity)
        if exact != exact.to_integral_value() or not 0 <= exact <= _MOST_PIECES:
            raise PayloadWrong(
                place=spot.where(rule.quantity), reason="is not a number of pieces.", reason_zh="不是有效的件数。"
            )
        return int(exact)

    def _line_amount(self, rule: LineRule, spot: Spot, quantity: int) -> int:
        exact = spot.number(rule.amount)
        if exact is None and rule.kind is LineKind.GOODS:
            spot.missing(rule.amount)
        total = (exact or Decimal()) * (quantity if rule.per_piece else 1)
        if rule.minus is not None:
            total -= spot.number(rule.minus) or Decimal()
        if rule.is_negative:
            total = -abs(total)
        amount = self._minor(spot, rule.amount, total)
        if rule.kind is LineKind.GOODS and amount < 0:
            self._negative(spot, rule.amount)
        return amount

    def _amount(self, spot: Spot, path: Path) -> int:
        exact = spot.number(path)
        if exact is None:
            spot.missing(path)
        if exact < 0:
            self._negative(spot, path)
        return self._minor(spot, path, exact)

    def _minor(self, spot: Spot, path: Path, exact: Decimal) -> int:
        minor = exact * self.scale
        if minor != minor.to_integral_value():
            raise PayloadWrong(
                place=spot.where(path),
                reason=f"has more decimals than {self.currency}.",
                reason_zh=f"小数位数超过 {self.currency} 的最小单位。",
            )
        return int(minor)

    def _negative(self, spot: Spot, path: Path) -> NoReturn:
        raise PriceNegative(place=spot.where(path), reason="is below zero.", reason_zh="小于零。")

    def _require_sum(self, spot: Spot, path: Path, lines: Sequence[Line], amount: int) -> None:
        if not lines:
            raise PayloadIncomplete(place=spot.where(path), reason="has no lines.", reason_zh="没有明细。")
        total = sum(line.amount for line in lines)
        if total != amount:
            raise SumsDiffer(
                place=spot.where(path),
                reason=f"the lines add up to {total}, this is {amount}, in the smallest unit of {self.currency}.",
                reason_zh=f"明细合计 {total}，此处为 {amount}（{self.currency} 最小单位），两者不一致。",
            )


def _rounded(words: OrderWords, lines: tuple[Line, ...], amount: int) -> tuple[Line, ...]:
    """The lines, with what rounding each of them left over."""
    rest = amount - sum(line.amount for line in lines)
    if words.rounding is None or not 0 < abs(rest) <= len(lines):
        return lines
    return (*lines, Line("ROUNDING", words.rounding, 1, rest, LineKind.SERVICE))
