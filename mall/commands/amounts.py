"""Money, times and lines as they may come in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kernel import clock
from kernel.errors import Invalid, optional_text, require_text
from mall.errors import AmountsDiffer
from mall.models import Line, LineKind

LARGEST = 2**53 - 1  # what a JSON number carries exactly
MOST_LINES = 1_000
MOST_PIECES = 1_000_000
CLOCKS_DIFFER_BY = timedelta(hours=1)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)  # an instant of the year 1 has no day west of Greenwich


def require_amount(field: str, amount: int, *, least: int) -> None:
    """Refuse an amount below `least`, or above what JSON carries exactly."""
    if not least <= amount <= LARGEST:
        raise Invalid(field=field, reason=f"from {least} to {LARGEST}.", reason_zh=f"应在 {least} 到 {LARGEST} 之间。")


def require_past(field: str, moment: datetime) -> None:
    """Refuse a time that has not come, as far as two clocks may differ, and one of which no till knows."""
    if moment < EARLIEST:
        raise Invalid(field=field, reason="lies before 1900.", reason_zh="时间早于 1900 年。")
    if moment > clock.now() + CLOCKS_DIFFER_BY:
        raise Invalid(field=field, reason="lies in the future.", reason_zh="时间在将来。")


def checked_lines(lines: Sequence[Line], amount: int) -> tuple[Line, ...]:
    """The lines, tidied; refused if they are none, or do not add up to the amount. Only a service may be below zero."""
    if not 1 <= len(lines) <= MOST_LINES:
        raise Invalid(field="lines", reason=f"1 to {MOST_LINES} lines.", reason_zh=f"应有 1 到 {MOST_LINES} 行明细。")
    tidy = tuple(_checked_line(line) for line in lines)
    total = sum(line.amount for line in tidy)
    if total != amount:
        raise AmountsDiffer(lines=total, amount=amount)
    return tidy


def _checked_line(line: Line) -> Line:
    if not 1 <= line.quantity <= MOST_PIECES:
        raise Invalid(
            field="quantity", reason=f"from 1 to {MOST_PIECES}.", reason_zh=f"数量应在 1 到 {MOST_PIECES} 之间。"
        )
    require_amount("amount", line.amount, least=0 if line.kind is LineKind.GOODS else -LARGEST)
    return replace(
        line,
        product_code=require_text("productCode", line.product_code, longest=64),
        name=require_text("name", line.name, longest=200),
        variant=optional_text("variant", line.variant, longest=100),
        sku_code=optional_text("skuCode", line.sku_code, longest=64),
    )
