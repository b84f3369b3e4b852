"""The few pages there are: what is here, and in development GraphiQL."""

from pathlib import Path

from starlette.responses import FileResponse, Response

FOLDER = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(name: str) -> Response:
    """One of our own pages, which loads nothing from elsewhere."""
    return FileResponse(
        FOLDER / name,
        media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"},
    )
