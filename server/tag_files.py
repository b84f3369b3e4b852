"""The tag library as a file: taken away, and taken over."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from kernel.actor import Actor
from kernel.work import Ground, carry_out
from server import files, sheets
from server.files import Asked
from tagging.commands import import_file, preview_file
from tagging.commands.library_file import Preview
from tagging.errors import LibraryFileWrong
from tagging.policy import require_librarian
from tagging.queries import library_file

NAME = "tag-library"


async def as_csv(asked: Asked) -> Response:
    """The library as CSV in UTF-8, in the language that the reader prefers. `FORBIDDEN`."""
    rows = await _table(asked.edge.ground, asked.actor, asked.language)
    return files.attachment(sheets.as_csv(rows), sheets.CSV, f"{NAME}.csv")


async def as_xlsx(asked: Asked) -> Response:
    """The same as a workbook."""
    rows = await _table(asked.edge.ground, asked.actor, asked.language)
    content = await asyncio.to_thread(sheets.as_xlsx, rows, NAME)
    return files.attachment(content, sheets.XLSX, f"{NAME}.xlsx")


async def take_over(asked: Asked) -> Response:
    """Take over a CSV or XLSX file of at most 2 MiB, all or nothing; with `?dryRun=true` only say what would change.

    `FORBIDDEN`, `REQUEST_TOO_LARGE`, `LIBRARY_FILE_WRONG` with `problems`, and what is refused of files.
    """
    require_librarian(asked.actor)
    body = await asked.body(library_file.LONGEST_FILE)
    is_dry = asked.request.query_params.get("dryRun", "").lower() in ("true", "1")
    with TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        await asyncio.to_thread(path.write_bytes, body)
        preview = await carry_in(asked.edge.ground, asked.actor, path, is_dry=is_dry)
    return files.as_json(said(preview, asked.language, is_dry=is_dry))


ROUTES = [
    Route(f"/files/{NAME}.csv", files.endpoint(as_csv), methods=["GET"]),
    Route(f"/files/{NAME}.xlsx", files.endpoint(as_xlsx), methods=["GET"]),
    Route(f"/files/{NAME}", files.endpoint(take_over), methods=["POST"]),
]


async def carry_in(ground: Ground, actor: Actor, path: Path, *, is_dry: bool) -> Preview:
    """Take over a file, or only say what that would change."""
    rows = await asyncio.to_thread(library_file.read, path)
    act = preview_file if is_dry else import_file
    return await carry_out(ground, actor, lambda work: act(work, rows))


def said(preview: Preview, language: str, *, is_dry: bool) -> dict[str, Any]:
    """What came, or would come, of it; the first 50 of what is wrong."""
    return {
        "dryRun": is_dry,
        "groupsAdded": preview.groups_added,
        "groupsChanged": preview.groups_changed,
        "tagsAdded": preview.tags_added,
        "tagsChanged": preview.tags_changed,
        "unchanged": preview.unchanged,
        "problemCount": len(preview.problems),
        "problems": [problem.said(language) for problem in preview.problems[: LibraryFileWrong.MOST]],
    }


async def _table(ground: Ground, actor: Actor, language: str) -> Sequence[Sequence[str]]:
    async with ground.db.read() as session:
        return await library_file.table(session, actor, language)
