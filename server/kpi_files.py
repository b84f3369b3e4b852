"""Figures as files: every row of a range, and rankings; streamed, so that a year takes no more memory than a day."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from kernel.work import carry_out
from kpi.commands.exporting import note_export
from kpi.models import Days, Grain
from kpi.models.definitions import Definition, Figure, Unit
from kpi.queries import exporting, naming
from kpi.queries.exporting import Line
from kpi.queries.ranking import RankedBy
from kpi.queries.scoping import By
from server import files, kpi_asking, sheets, workbooks
from server.files import Asked

_SECONDS = {"zh": "秒", "en": "s"}
_SERIES = {
    "zh": ("日期", "门店编码", "门店", "工号", "导购", "渠道", "来源"),
    "en": ("Day", "Store", "Store name", "Staff number", "Guide", "Channel", "Source"),
}
_RANKING = {
    "zh": {
        RankedBy.STORE: ("名次", "门店编码", "门店", "上期名次", "占比"),
        RankedBy.GUIDE: ("名次", "工号", "导购", "门店编码", "门店", "上期名次", "占比"),
    },
    "en": {
        RankedBy.STORE: ("Position", "Store", "Store name", "Position before", "Share of the total"),
        RankedBy.GUIDE: (
            "Position",
            "Staff number",
            "Guide",
            "Store",
            "Store name",
            "Position before",
            "Share of the total",
        ),
    },
}
_TITLES = {"zh": {"series": "指标明细", "ranking": "排名"}, "en": {"series": "Figures", "ranking": "Ranking"}}
_AT_ONCE = 500

Pieces = AsyncIterator[Sequence[Line]]


async def series(asked: Asked) -> Response:
    """Lines by day, store and guide, or with `by=store` by day and store: as CSV in UTF-8, or as a workbook.

    `INVALID`, `NOT_FOUND`, `FORBIDDEN`.
    """
    parameters = asked.request.query_params
    kpi_asking.require_known(parameters, "by")
    by = kpi_asking.choice(parameters, "by", By, By.GUIDE, (By.STORE, By.GUIDE))
    days, scope = kpi_asking.days_of(parameters), kpi_asking.asked_of(parameters)
    grain = Grain.STORE if by is By.STORE else Grain.ACCOUNT
    export = await exporting.begin(asked.edge.ground.db.read, asked.actor, scope, days, grain)
    head = [*_SERIES[_language(asked)], *_heads(export.figures, export.currency, _language(asked))]
    return await _sent(asked, "series", days, head, export.lines())


async def ranking(asked: Asked) -> Response:
    """Guides, or with `by=store` stores, by a figure, the most first: as CSV in UTF-8, or as a workbook.

    `INVALID`, `NOT_FOUND`, `FORBIDDEN`.
    """
    parameters = asked.request.query_params
    kpi_asking.require_known(parameters, "by", "figure")
    by = kpi_asking.choice(parameters, "by", RankedBy, RankedBy.GUIDE, (RankedBy.STORE, RankedBy.GUIDE))
    figure = kpi_asking.choice(parameters, "figure", Figure, Figure.NET)
    days, scope = kpi_asking.days_of(parameters), kpi_asking.asked_of(parameters)
    read = asked.edge.ground.db.read
    async with read() as session:
        currency = await naming.currency_of(session, asked.actor.brand_id)
    figures, lines = await exporting.ranking(read, asked.actor, scope, days, by, figure)
    head = [*_RANKING[_language(asked)][by], *_heads(figures, currency, _language(asked))]
    return await _sent(asked, "ranking", days, head, _pieces(lines))


ROUTES = [
    Route(f"/files/kpi/{name}.{kind}", files.endpoint(answer), methods=["GET"])
    for name, answer in (("series", series), ("ranking", ranking))
    for kind in ("csv", "xlsx")
]


async def _sent(asked: Asked, name: str, days: Days, head: Sequence[str], pieces: Pieces) -> Response:
    await carry_out(asked.edge.ground, asked.actor, lambda work: note_export(work, name, days))
    kind = asked.request.url.path.rpartition(".")[2]
    title = _TITLES[_language(asked)][name]
    content = _lines(head, pieces) if kind == "csv" else workbooks.streamed(title, head, pieces)
    saved_as = f"kpi-{name}-{days.first}-{days.last}.{kind}"
    return StreamingResponse(
        content,
        media_type=sheets.CSV if kind == "csv" else sheets.XLSX,
        headers={"Content-Disposition": f'attachment; filename="{saved_as}"'},
    )


async def _lines(head: Sequence[str], pieces: Pieces) -> AsyncIterator[bytes]:
    yield sheets.as_csv([head])
    async for rows in pieces:
        yield await asyncio.to_thread(sheets.lines, rows)


async def _pieces(lines: Sequence[Line]) -> Pieces:
    for start in range(0, len(lines), _AT_ONCE):
        yield lines[start : start + _AT_ONCE]


def _heads(figures: Sequence[Definition], currency: str, language: str) -> list[str]:
    """What the figures are called, with the unit where it isn't plain."""
    units = {Unit.MONEY: f" ({currency})", Unit.SECONDS: f" ({_SECONDS[language]})"}
    return [(each.name_zh if language == "zh" else each.name) + units.get(each.unit, "") for each in figures]


def _language(asked: Asked) -> str:
    return "zh" if asked.language == "zh" else "en"
