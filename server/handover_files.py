"""Reports of handovers as files, and the public key that they are checked with."""

import asyncio
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handover.commands.reporting import note_export
from kernel.errors import NotFound
from kernel.work import carry_out
from server import files, handover_reports, sheets, signing
from server.edge import Edge
from server.files import Asked
from server.handover_reports import Signed

_JSON = "application/json"
_PEM = "application/x-pem-file"


async def as_json(asked: Asked) -> Response:
    """The signed report: for managers who have the handover in sight; `NOT_FOUND`, `HANDOVER_REPORT_TOO_LARGE`."""
    handover_id = _id(asked)
    made = await _made(asked, handover_id)
    return files.attachment(made.as_json(), _JSON, f"handover-{handover_id}.json")


async def as_xlsx(asked: Asked) -> Response:
    """The same as a workbook; `HANDOVER_REPORT_TOO_LARGE` beyond 50,000 relationships."""
    handover_id = _id(asked)
    made = await _made(asked, handover_id, in_a_book=True)
    return files.attachment(await asyncio.to_thread(made.as_book), sheets.XLSX, f"handover-{handover_id}.xlsx")


async def key(request: Request) -> Response:
    """The public key of this installation in PEM, for anybody: a report is checked without us."""
    edge: Edge = request.app.state.edge
    return files.attachment(signing.as_pem(edge.vault.signing_key.public_key()), _PEM, "handover-key.pem")


ROUTES = [
    Route("/files/handovers/key.pem", key, methods=["GET"]),
    Route("/files/handovers/{id}.json", files.endpoint(as_json), methods=["GET"]),
    Route("/files/handovers/{id}.xlsx", files.endpoint(as_xlsx), methods=["GET"]),
]


async def _made(asked: Asked, handover_id: UUID, *, in_a_book: bool = False) -> Signed:
    ground = asked.edge.ground
    made = await handover_reports.made(ground, asked.edge.vault, asked.actor, handover_id, in_a_book=in_a_book)
    await carry_out(ground, asked.actor, lambda work: note_export(work, handover_id))
    return made


def _id(asked: Asked) -> UUID:
    try:
        return UUID(asked.request.path_params["id"])
    except ValueError as error:
        raise NotFound from error
