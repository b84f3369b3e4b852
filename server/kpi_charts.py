"""Charts of figures over time, as SVG and PNG."""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from kpi.models import Days, Span
from kpi.models.definitions import Definition, Figure, Unit
from kpi.models.periods import before
from kpi.queries import charting
from kpi.queries.charting import Chart
from kpi.queries.exporting import cell
from server import files, kpi_asking
from server.drawings import tag_of
from server.files import Asked

WIDTH, HEIGHT = (200, 800, 2_000), (150, 400, 1_500)
"""In points of the screen: the least, the usual and the most."""
_SECONDS = {"zh": "秒", "en": "s"}
_NOTHING = {"zh": "这段时间没有数据", "en": "Nothing in this time"}
_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Authorization"}


class Compare(StrEnum):
    """What the range is compared with."""

    PREVIOUS = "previous"
    NONE = "none"


async def chart(asked: Asked) -> Response:
    """A figure of a scope by `step` day, week or month, with `compare=previous` beside the period before.

    `INVALID`, `NOT_FOUND`, `FORBIDDEN`, `TOO_MANY_DRAWINGS`, `NOT_DRAWN`. A chart that the reader has by its tag isn't
    drawn again: 304.
    """
    parameters = asked.request.query_params
    kpi_asking.require_known(parameters, "figure", "step", "compare", "width", "height")
    figure = kpi_asking.choice(parameters, "figure", Figure)
    step = kpi_asking.choice(parameters, "step", Span, Span.DAY)
    compares = kpi_asking.choice(parameters, "compare", Compare, Compare.NONE) is Compare.PREVIOUS
    days, scope = kpi_asking.days_of(parameters), kpi_asking.asked_of(parameters)
    size = {
        name: kpi_asking.number(parameters, name, usual, least, most)
        for name, (least, usual, most) in (("width", WIDTH), ("height", HEIGHT))
    }
    async with asked.edge.ground.db.read() as session:
        found = await charting.chart(session, asked.actor, scope, days, figure, step, compares=compares)
    kind = asked.request.url.path.rpartition(".")[2]
    drawing = {"format": kind, **size, **_said(found, days, asked.language)}
    headers = {**_HEADERS, "ETag": f'"{tag_of(drawing)}"'}
    if _has(asked.request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(await asked.edge.drawings.drawn(drawing), headers=headers, media_type=_TYPES[kind])


ROUTES = [Route(f"/charts/kpi.{kind}", files.endpoint(chart), methods=["GET"]) for kind in _TYPES]


def _said(found: Chart, days: Days, language: str) -> dict[str, Any]:
    """What is drawn; by its code where there is no glyph for the name."""
    definition, unit = found.definition, found.definition.unit
    figure = definition.name_zh if language == "zh" else definition.name
    money = f" ({found.currency})" if unit is Unit.MONEY else ""
    seconds = f" ({_SECONDS[language]})" if unit is Unit.SECONDS else ""
    series = [_series(definition, found.values, found.currency, days)]
    if found.earlier is not None:
        series.append(_series(definition, found.earlier, found.currency, before(days)))
    return {
        "titles": [" · ".join(filter(None, (figure + money + seconds, of))) for of in (found.name, found.code)],
        "unit": "count" if unit is Unit.COUNT and definition.over is None else unit.value,
        "labels": [begin.isoformat() for begin in found.begins],
        "series": series,
        "nothing": _NOTHING[language],
    }


def _series(definition: Definition, values: Sequence[Fraction | None], currency: str, days: Days) -> dict[str, Any]:
    return {
        "name": f"{days.first} – {days.last}",
        "values": [None if value is None else float(cell(definition, value, currency)) for value in values],
    }


def _has(tags: str, tag: str) -> bool:
    """Whether a reader says that they have it; a proxy may have made the tag a weak one."""
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in tags.split(","))
