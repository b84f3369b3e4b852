"""A period of commission as files for finance: what it is tied to, the statements, and every entry."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from kernel.errors import NotFound
from kernel.work import carry_out
from mall.commands.commission.exporting import note_export
from mall.queries.commission import exporting
from mall.queries.commission.exporting import Export, Row
from server import files, sheets
from server.files import Asked

_TIES = {
    "zh": (
        *("门店编码", "门店", "订单数", "商品金额", "优惠", "运费及服务", "订单金额", "退款", "净额"),
        *("导购计佣基数", "店长计佣基数", "导购佣金", "店长佣金", "佣金合计", "对账单合计", "门店承担"),
    ),
    "en": (
        *("Store", "Name", "Orders", "Goods", "Discounts", "Services", "Paid", "Refunds", "Net"),
        *("Guides' basis", "Managers' basis", "Guides", "Managers", "Commission", "Statements", "Borne by stores"),
    ),
}
_STATEMENTS = {
    "zh": ("门店编码", "门店", "工号", "姓名", "角色", "品类", "计佣基数", "佣金", "条数"),
    "en": ("Store", "Name", "Staff number", "Staff", "Role", "Category", "Basis", "Commission", "Entries"),
}
_ENTRIES = {
    "zh": (
        *("门店编码", "门店", "工号", "姓名", "来源", "订单号", "日期", "类型", "角色", "品类"),
        *("承担方", "费率", "计佣基数", "佣金"),
    ),
    "en": (
        *("Store", "Name", "Staff number", "Staff", "Source", "Order", "Day", "Reason", "Role", "Category"),
        *("Borne by", "Rate", "Basis", "Commission"),
    ),
}
_TITLES = {"zh": ("对账", "对账单", "明细"), "en": ("Reconciliation", "Statements", "Entries")}


async def as_csv(asked: Asked) -> Response:
    """Three tables, one below the other, as CSV in UTF-8, streamed: `FORBIDDEN`, `NOT_FOUND`."""
    export = await _begun(asked)
    return StreamingResponse(
        _lines(export, _language(asked)),
        media_type=sheets.CSV,
        headers={"Content-Disposition": f'attachment; filename="{_name(export)}.csv"'},
    )


async def as_xlsx(asked: Asked) -> Response:
    """The same as a workbook with three sheets; `COMMISSION_EXPORT_TOO_LARGE` beyond 50,000 entries."""
    export = await _begun(asked, in_a_book=True)
    language = _language(asked)
    statements = [row async for row in export.statements()]
    entries = [row async for piece in export.entries() for row in piece]
    tables = zip(
        _TITLES[language],
        (_TIES[language], _STATEMENTS[language], _ENTRIES[language]),
        (export.ties, statements, entries),
        strict=True,
    )
    book: dict[str, list[Sequence[sheets.Cell]]] = {title: [head, *rows] for title, head, rows in tables}
    content = await asyncio.to_thread(sheets.as_book, book)
    return files.attachment(content, sheets.XLSX, f"{_name(export)}.xlsx")


ROUTES = [
    Route("/files/commission/{period}.csv", files.endpoint(as_csv), methods=["GET"]),
    Route("/files/commission/{period}.xlsx", files.endpoint(as_xlsx), methods=["GET"]),
]


async def _begun(asked: Asked, *, in_a_book: bool = False) -> Export:
    ground = asked.edge.ground
    export = await exporting.begin(ground.db.read, asked.actor, _day(asked), in_a_book=in_a_book)
    await carry_out(ground, asked.actor, lambda work: note_export(work, export))
    return export


def _day(asked: Asked) -> date:
    """A day of the period: `2026-04-01`, or `2026-04` for the first of that month."""
    said = asked.request.path_params["period"]
    try:
        return date.fromisoformat(said if len(said) > len("2026-04") else f"{said}-01")
    except ValueError as error:
        raise NotFound from error


def _language(asked: Asked) -> str:
    return "zh" if asked.language == "zh" else "en"


def _name(export: Export) -> str:
    return f"commission-{export.period.first_day}"


async def _lines(export: Export, language: str) -> AsyncIterator[bytes]:
    def table(title: str, head: Sequence[str], rows: Sequence[Row]) -> bytes:
        return sheets.lines([[title], head, *rows])

    ties, statements, entries = _TITLES[language]
    yield sheets.BOM + table(ties, _TIES[language], export.ties)
    yield sheets.lines([[]]) + table(statements, _STATEMENTS[language], [row async for row in export.statements()])
    yield sheets.lines([[]]) + table(entries, _ENTRIES[language], [])
    async for piece in export.entries():
        yield sheets.lines(piece)
