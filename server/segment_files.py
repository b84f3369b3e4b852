"""A segment's members as a file: streamed, so that a million of them take no more memory than a thousand."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from kernel.errors import NotFound
from server.files import Asked
from tagging.queries import exporting

_HEADINGS = {
    "zh": ("会员号", "姓名", "等级", "城市", "门店", "手机"),
    "en": ("Member number", "Name", "Tier", "City", "Store", "Phone"),
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


async def members(asked: Asked) -> Response:
    """The members in sight as CSV in UTF-8, phones masked: `NOT_FOUND`, `FORBIDDEN`, `BAD_EXPRESSION`."""
    try:
        segment_id = UUID(asked.request.path_params["id"])
    except ValueError as error:
        raise NotFound from error
    pieces = await exporting.begin(asked.edge.ground.db.read, asked.actor, segment_id)
    return StreamingResponse(
        _lines(pieces, asked.language),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="segment-{segment_id}.csv"'},
    )


async def _lines(pieces: AsyncIterator[Sequence[Any]], language: str) -> AsyncIterator[bytes]:
    # The mark at the beginning tells spreadsheets that it is UTF-8.
    yield b"\xef\xbb\xbf" + _written([_HEADINGS["zh" if language == "zh" else "en"]])
    async for rows in pieces:
        yield _written(rows)


def _written(rows: Iterable[Iterable[str | None]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_guarded(cell or "") for cell in row] for row in rows)
    return text.getvalue().encode()


def _guarded(cell: str) -> str:
    """What a spreadsheet would take for a formula is shown as it is."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
