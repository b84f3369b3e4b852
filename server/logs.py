"""Log as JSON in production and for reading in development, and never a phone, token or password."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from server.settings import Settings

HIDDEN = "[hidden]"

_NAMES = re.compile(r"phone|token|password|secret|authorization|cookie|digest|data_key|credential", re.IGNORECASE)
_TEXTS = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]+"  # a signed token
    r"|(?<![\w.-])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![\w-])"  # a mobile number
    r"|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)"  # user and password of an address
    r"|(?i:(?<=bearer )\S+)"
    r"|(?<=access_token=)[\w-]+|(?<=corpsecret=)[\w-]+"  # in addresses that WeCom is asked at
    r"|(?<=DETAIL:  )(?s:.*?)(?=\n(?:HINT:  |\[SQL: |\n(?:The above|During))|\Z)"  # PostgreSQL quotes the row
)

Entry = MutableMapping[str, Any]


def configure(settings: Settings) -> None:
    """Send every log line of the process, ours and the libraries', through one redacting formatter to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.is_production
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.daogou_log_level.upper())
    for noisy in ("arq", "aiosqlite", "websockets", "alembic", "asyncio", "uvicorn", "httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def redact(_logger: Any, _method: str, entry: Entry) -> Entry:
    """Hide values whose name says that they are secret, and what looks like a secret inside any text."""
    for name in list(entry):
        if not name.startswith("_"):
            entry[name] = _clean(name, entry[name])
    return entry


def _clean(name: str, value: Any) -> Any:
    if _NAMES.search(name) and value not in (None, True, False):
        return HIDDEN
    match value:
        case str():
            return _TEXTS.sub(HIDDEN, value)
        case dict():
            return {key: _clean(str(key), inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean("", inner) for inner in value]
        case None | bool() | int() | float():
            return value
        case _:
            return _TEXTS.sub(HIDDEN, str(value))
