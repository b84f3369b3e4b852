"""`daogou token`: hand out, list and revoke tokens for people and machines."""

import asyncio
import re
from collections.abc import Coroutine
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from server import settings as configuration
from server.errors import CannotStart
from server.options import Brand

token_app = typer.Typer(invoke_without_command=True, help="Hand out, list and revoke access tokens.")

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=366)


@token_app.callback(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "daogou token --brand qinghe --staff 1001 --ttl 8h\n\n"
        "daogou token --brand qinghe --service till --scopes orders:write,customers:read --ttl 30d\n\n"
        "daogou token list --brand qinghe\n\n"
        "daogou token revoke 0197c8f0-… --brand qinghe"
    )
)
def issue(
    context: typer.Context,
    staff: Annotated[str | None, typer.Option(help="The number of the staff member who gets it.")] = None,
    service: Annotated[
        str | None, typer.Option(help="The name of the service account, which is made when it is new.")
    ] = None,
    scopes: Annotated[str, typer.Option(help="What a new service account may do, separated by commas.")] = "",
    ttl: Annotated[str, typer.Option(help="How long it lasts: 30m, 8h, 30d; 366 days at most.")] = "8h",
    brand: Brand = None,
) -> None:
    """Hand out, list and revoke access tokens. A token is printed once and can't be shown again."""
    if context.invoked_subcommand is not None:
        return
    if (staff is None) == (service is None):
        raise CannotStart("Name either --staff NUMBER or --service NAME; see `daogou token --help`.")
    from server import operating

    lasting = _lasting(ttl)
    settings = configuration.load()
    if staff is not None:
        issued = _run(operating.issue_to_staff(settings, brand, staff, lasting))
    else:
        issued = _run(operating.issue_to_service(settings, brand, service or "", scopes.split(","), lasting))
    typer.echo(issued.token)
    typer.echo(f"Sign-in {issued.sign_in_id}, good until {issued.expires_at:%Y-%m-%d %H:%M} UTC.", err=True)


@token_app.command("list")
def list_(brand: Brand = None) -> None:
    """List the sign-ins that still count, newest first."""
    from rich.console import Console
    from rich.table import Table

    from server import operating

    table = Table("Sign-in", "Whose", "Since (UTC)", "Until (UTC)")
    for sign_in_id, number, name, since, until in _run(operating.open_sign_ins(configuration.load(), brand)):
        whose = f"staff {number}" if number is not None else f"service {name}"
        table.add_row(str(sign_in_id), whose, f"{since:%Y-%m-%d %H:%M}", f"{until:%Y-%m-%d %H:%M}")
    Console(width=None).print(table)


@token_app.command()
def revoke(
    sign_in_id: Annotated[UUID, typer.Argument(help="As `daogou token` and `daogou token list` say it.")],
    brand: Brand = None,
) -> None:
    """End a sign-in at once: its tokens are refused from now on."""
    from server import operating

    _run(operating.revoke(configuration.load(), brand, sign_in_id))
    typer.echo("Revoked.")


def _lasting(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,5})([mhd])", text.strip())
    lasting = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < lasting <= _LONGEST:
        raise CannotStart(f"--ttl must be like 30m, 8h or 30d and at most 366d, not {text!r}.")
    return lasting


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)
