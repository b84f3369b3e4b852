"""Whatever stands in a cell, it is read exactly or refused with a code; nothing else ever happens."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.errors import BadFile
from intake.models import Kind
from intake.models.cells import Refused, number_reader, time_reader, whole
from intake.models.invoice import Invoice, Line, minor, packed, settled, shared_out, unpacked
from intake.models.mapping import OrderMapping
from intake.models.orders_file import pieces, placer
from intake.models.words import FileRule, NumberRule, TimeRule
from intake.queries import files, mappings

MAPPING = mappings.load("online-retail", Kind.ORDERS)
assert isinstance(MAPPING, OrderMapping)
ORDERS: OrderMapping = MAPPING
CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "C1", "A2", "536365", "2.55", "-3", "0", "17850", "United Kingdom", "2011-02-03T10:00:00"]),
)


@given(st.fixed_dictionaries(dict.fromkeys(ORDERS.columns, CELLS)))
def test_a_row_becomes_a_line_or_is_refused(cells: dict[str, str]) -> None:
    fields = {field: cell.strip() for field, cell in cells.items()}
    try:
        [[piece]] = list(pieces(ORDERS, [(2, fields)]))
        placer(ORDERS).place({"number": piece.number, **piece.header})
    except Refused as refused:
        assert refused.reason
        assert refused.reason_zh
        assert refused.at("f.csv", 2, ORDERS.columns).code.isupper()
    else:
        assert len(piece.lines) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.booleans())
def test_bytes_become_rows_or_are_refused(tmp_path: Path, content: bytes, with_header: bool) -> None:
    header = ",".join(ORDERS.columns.values()).encode() + b"\n"
    path = tmp_path / "any.csv"
    path.write_bytes(header + content if with_header else content)
    try:
        with files.opened(path, FileRule(), ORDERS.columns, "%Y-%m-%d") as sheet:
            for line, cells in sheet.rows:
                files.fields_of(sheet, "any.csv", line, cells)
    except BadFile as refused:
        assert "any.csv" in refused.say("en")


@given(st.decimals(-(10**9), 10**9, places=4))
def test_numbers_are_read_exactly_however_they_are_written(number: Decimal) -> None:
    assert number_reader(NumberRule())(f"{number:f}") == number
    chinese = number_reader(NumberRule(grouping=","))
    assert chinese(f"{number:,f}") == number
    german = number_reader(NumberRule(decimal=",", grouping="."))
    assert german(f"{number:,f}".replace(",", "_").replace(".", ",").replace("_", ".")) == number


@pytest.mark.parametrize(
    "text", ["1,2", "12,34,567", "1,,000", ",100", "1.000,5", "0x10", "1_000", "١٢", "--1", "", "."]
)
def test_what_only_looks_like_a_number_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        number_reader(NumberRule(grouping=","))(text)


def test_pieces_are_whole() -> None:
    assert whole(Decimal("6.00")) == 6
    with pytest.raises(Refused):
        whole(Decimal("6.5"))


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("2011-01-31T12:00:00", datetime(2011, 1, 31, 12, tzinfo=UTC)),
        ("2011-06-30T12:00:00", datetime(2011, 6, 30, 11, tzinfo=UTC)),
        ("2011-10-30T01:30:00", datetime(2011, 10, 30, 0, 30, tzinfo=UTC)),  # the first of two
    ],
)
def test_a_time_on_the_wall_is_an_instant(wall: str, utc: datetime) -> None:
    read = time_reader(TimeRule(formats=["%Y-%m-%dT%H:%M:%S"], zone="Europe/London"))

    assert datetime.fromtimestamp(read(wall), UTC) == utc


@given(st.lists(st.decimals(-1000, 1000, places=6), max_size=30), st.integers(0, 3))
def test_shares_add_up_to_the_rounded_sum(amounts: list[Decimal], digits: int) -> None:
    shares = shared_out(amounts, digits)

    assert sum(shares) == minor(sum(amounts, Decimal(0)), digits)
    assert all(abs(share - amount.scaleb(digits)) <= 1 for share, amount in zip(shares, amounts, strict=True))


@pytest.mark.parametrize(("amount", "pence"), [("0.005", 1), ("-0.005", -1), ("0.0049", 0), ("2.675", 268)])
def test_a_half_is_rounded_away_from_zero(amount: str, pence: int) -> None:
    assert minor(Decimal(amount), 2) == pence


LINES = st.builds(
    Line,
    st.sampled_from(["sale", "refund", "ignored"]),
    st.just(""),
    st.just("goods"),
    st.sampled_from("AB"),
    st.just("x"),
    st.integers(1, 2),
    st.just("1.00"),
    st.integers(0, 1),
    st.sampled_from(["", "红 S", "蓝 M"]),
)
INVOICES = st.builds(
    Invoice,
    st.just("1"),
    st.just("UK"),
    st.just("UK-01"),
    st.just("G"),
    st.just(True),
    st.lists(LINES, min_size=1, max_size=5).map(tuple),
    st.booleans(),
    st.booleans(),
)


@given(INVOICES)
def test_an_invoice_survives_being_packed(invoice: Invoice) -> None:
    assert unpacked(packed(invoice)) == invoice


@given(INVOICES, INVOICES)
def test_what_was_settled_stays_settled(known: Invoice, given_: Invoice) -> None:
    after = settled(known, given_)

    assert settled(after, given_).lines == after.lines
    if known.contains(given_) or given_.contains(known):
        assert settled(given_, known).lines == after.lines


@given(st.lists(LINES, min_size=2, max_size=6), st.integers(1, 5))
def test_the_halves_of_a_cut_invoice_come_together_in_either_order(lines: list[Line], cut: int) -> None:
    cut = min(cut, len(lines) - 1)

    def piece(part: list[Line], opens: bool, ends: bool) -> Invoice:
        return Invoice("1", "UK", "UK-01", "G", True, tuple(part), opens, ends)

    head, tail = piece(lines[:cut], False, True), piece(lines[cut:], True, False)
    if head.contains(tail) or tail.contains(head):
        return  # then they can't be told from one that was cut twice
    assert sorted(settled(head, tail).lines) == sorted(settled(tail, head).lines)
    assert set(settled(head, tail).lines) == set(lines)
