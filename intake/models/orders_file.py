"""Read a file of invoice lines: classify each line, and gather lines into pieces of invoices."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from intake.errors import InvoiceDisagrees, NumberWrong
from intake.models.cells import Refused, number_reader, time_reader, whole
from intake.models.invoice import IGNORED, REFUND, Line
from intake.models.mapping import OrderMapping
from intake.models.rules import Fields, Placer, all_of, any_of, named

_LINE_FIELDS = frozenset({"at", "code", "name", "quantity", "price", "amount", "variant"})
_NUMBER, _CODE, _NAME, _VARIANT, _COUNTRY, _MEMBER = 64, 64, 200, 100, 60, 64
_REMEMBERED = 65_536
_GREATEST = Decimal(10) ** 9
LINES_AT_ONCE = 6_000
MOST_LINES = 20_000


@dataclass(slots=True)
class Piece:
    """Lines of one invoice that stand near each other. `header` is of its first line that counts."""

    number: str
    first_row: int
    header_row: int
    header: dict[str, str]
    lines: list[Line] = field(default_factory=list)
    is_settled: bool = False


Classify = Callable[[dict[str, str]], Line]


def classifier(mapping: OrderMapping) -> Classify:
    """What a row of this mapping is, with its amount exact; its code is put in capitals. Raises `Refused`."""
    number, instant = number_reader(mapping.numbers), time_reader(mapping.time)
    rules = [(all_of(rule.when, number), rule.becomes, rule.reason or "") for rule in mapping.lines]
    is_service = any_of(mapping.services, number)
    sign = -1 if mapping.refund_amounts == "negative" else 1
    counted, titled = "quantity" in mapping.columns, "name" in mapping.columns
    money = "price" if "price" in mapping.columns else "amount"

    def classify(fields: dict[str, str]) -> Line:
        fields["code"] = code = _cell(fields, "code", _CODE).upper()
        role, reason = "", ""
        for fits, role, reason in rules:  # noqa: B007 - what it stops at is what is wanted
            if fits(fields):
                break
        quantity = named("quantity", pieces_of, fields["quantity"]) if counted else 1
        amount = named(money, number, fields[money])
        if money == "price":
            amount *= quantity
        if not -_GREATEST < amount < _GREATEST:
            raise Refused("the amount is out of range.", "金额超出范围。", NumberWrong, money)
        if role == REFUND:
            quantity, amount = sign * quantity, sign * amount
        kind = "service" if is_service(fields) else "goods"
        name = fields["name"][:_NAME] if titled else ""
        return Line(
            role,
            reason,
            kind,
            code,
            name or code,
            quantity,
            f"{amount.normalize():f}",
            named("at", instant, fields["at"]),
            fields.get("variant", "")[:_VARIANT],
        )

    @lru_cache(_REMEMBERED)
    def pieces_of(cell: str) -> int:
        return whole(number(cell))

    return classify


def _cell(fields: Fields, name: str, longest: int) -> str:
    cell = fields[name]
    if len(cell) > longest:
        raise Refused(f"longer than {longest} characters.", f"超过 {longest} 个字符。", field=name)
    return cell


def placer(mapping: OrderMapping) -> Placer:
    return Placer(mapping.values, mapping.stores, mapping.guides, number_reader(mapping.numbers))


def pieces(mapping: OrderMapping, rows: Iterable[tuple[int, dict[str, str]]]) -> Iterator[list[Piece]]:
    """Batches of pieces, some 6,000 lines each; an invoice that stands together stays together.

    Raises `Refused` for the row that was taken last.
    """
    classify = classifier(mapping)
    header_names = [name for name in mapping.columns if name not in _LINE_FIELDS]
    open_pieces: dict[str, Piece] = {}
    waiting = 0
    for row, fields in rows:
        number = _number(fields)
        line = classify(fields)
        piece = open_pieces.get(number)
        if piece is None:
            _check_header(fields)
            piece = open_pieces[number] = Piece(number, row, row, {name: fields[name] for name in header_names})
        _add(piece, row, line, fields, header_names)
        waiting += 1
        if waiting >= LINES_AT_ONCE:
            last = open_pieces.pop(number)
            if open_pieces:
                yield list(open_pieces.values())
            open_pieces, waiting = {number: last}, 0
    if open_pieces:
        yield list(open_pieces.values())


def _number(fields: Fields) -> str:
    number = _cell(fields, "number", _NUMBER)
    if not number:
        raise Refused("the invoice has no number.", "缺少单号。", field="number")
    return number


def _check_header(fields: Fields) -> None:
    if "customer" in fields:
        _cell(fields, "customer", _MEMBER)
    if "country" in fields:
        _cell(fields, "country", _COUNTRY)


def _add(piece: Piece, row: int, line: Line, fields: Fields, header_names: list[str]) -> None:
    require_same_customer(piece.header.get("customer"), fields.get("customer"))
    require_few_lines(len(piece.lines))
    piece.lines.append(line)
    if not piece.is_settled and line.role != IGNORED:
        piece.is_settled = True
        piece.header_row = row
        piece.header = {name: fields[name] for name in header_names}


def require_same_customer(one: str | None, other: str | None) -> None:
    """An invoice is one customer's. Raises `Refused`."""
    if one != other:
        raise Refused(
            "the invoice names another customer further up.",
            "同一单号在前面属于另一位顾客。",
            InvoiceDisagrees,
            "customer",
        )


def require_few_lines(count: int) -> None:
    """An invoice is held in memory whole. Raises `Refused`."""
    if count >= MOST_LINES:
        raise Refused(f"the invoice has more than {MOST_LINES} lines.", f"该单号超过 {MOST_LINES} 行。", field="number")


def whole_piece(parts: list[Piece]) -> Piece:
    """The pieces of one invoice, in the order of the file, as one. Raises `Refused`, for the last part's first row."""
    first, *rest = parts
    for part in rest:
        require_same_customer(first.header.get("customer"), part.header.get("customer"))
        require_few_lines(len(first.lines) + len(part.lines) - 1)
        first.lines.extend(part.lines)
        if part.is_settled and not first.is_settled:
            first.header, first.header_row, first.is_settled = part.header, part.header_row, True
    return first
