"""`daogou hooks try`: say what would come of a mall's message, without storing anything."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from server.errors import CannotStart

EXAMPLES = (
    "[bold]Examples[/bold]\n\ndaogou hooks try shopify order.json\n\n"
    "daogou hooks try my-mall.toml message.json --currency CNY --store web"
)
_LARGEST = 256 * 1024


def attempt(
    mapping: Annotated[str, typer.Argument(help="The name of a mapping that comes with daogou, or a TOML file.")],
    file: Annotated[Path, typer.Argument(help="The body of a message, as the mall sends it: at most 256 KiB.")],
    currency: Annotated[str | None, typer.Option(help="Refuse another currency than this one, the brand's.")] = None,
    store: Annotated[str | None, typer.Option(help="The code of the store of what names none.")] = None,
) -> None:
    """Print what a message would bring, amounts in the smallest unit, times in UTC; nothing is stored."""
    from intake.models.adapting import adapt
    from intake.queries import hook_mappings

    notice = adapt(hook_mappings.load(mapping), _body(file), "try", currency=currency, store_code=store)
    if notice is None:
        typer.echo("None of our business: the mapping leaves this message alone.")
        return
    typer.echo(json.dumps(_told(asdict(notice)), ensure_ascii=False, indent=2))


def _body(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            body = opened.read(_LARGEST + 1)
    except OSError as error:
        raise CannotStart(f"{file} can't be read: {error.strerror}.") from error
    if len(body) > _LARGEST:
        raise CannotStart(f"{file} has more than 256 KiB: no message is as large.")
    return body


def _told(value: Any) -> Any:
    """As JSON, without what was not said."""
    if isinstance(value, dict):
        return {key: _told(each) for key, each in value.items() if each is not None and each != ()}
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.value if isinstance(value, StrEnum) else value
