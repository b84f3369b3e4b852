"""`daogou wecom`: tie a brand to its WeCom, try that out, and say who is who there."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from server import settings as configuration
from server import wecom_contacts
from server.errors import CannotStart
from server.options import Brand

wecom_app = typer.Typer(no_args_is_help=True, help="The brand's WeCom (企业微信).")
wecom_app.command("contacts", epilog=wecom_contacts.CONTACTS)(wecom_contacts.load)
wecom_app.command("compare", epilog=wecom_contacts.COMPARE)(wecom_contacts.compare)

_EXAMPLES = "[bold]Examples[/bold]\n\n"
_COLUMNS = ("number", "user_id")
_MOST_LINES = 50_000


@wecom_app.command(
    "tie",
    epilog=_EXAMPLES + "daogou wecom tie --corp-id ww1234567890abcdef < secret.txt\n\ndaogou wecom tie --corp-id …",
)
def tie(
    corp_id: Annotated[str, typer.Option(help="企业ID, on the console's page 我的企业.")],
    callback_token: Annotated[
        str | None, typer.Option(help="The Token of the address; kept or made without it.")
    ] = None,
    callback_key: Annotated[str | None, typer.Option(help="Its EncodingAESKey; kept or made without it.")] = None,
    brand: Brand = None,
) -> None:
    """Tie the brand, or change its secret. The app's secret is read from standard input, or asked for.

    What the console wants to know of our address is printed; the key can't be shown again.
    """
    address, token, key = asyncio.run(_tie(brand, corp_id, _secret(), callback_token, callback_key))
    typer.echo(f"URL             {address}\nToken           {token}\nEncodingAESKey  {key}")


@wecom_app.command("untie", epilog=_EXAMPLES + "daogou wecom untie --brand qinghe")
def untie(brand: Brand = None) -> None:
    """Forget the brand's WeCom and its secrets. Handovers that wait for it go on waiting."""
    asyncio.run(_in_brand(brand, "untie"))
    typer.echo("Untied. In the console, end the app's secret too if nobody else uses it.")


@wecom_app.command("pause", epilog=_EXAMPLES + "daogou wecom pause --brand qinghe")
def pause(brand: Brand = None) -> None:
    """Ask WeCom nothing for now; what it tells is still kept."""
    asyncio.run(_in_brand(brand, "pause"))
    typer.echo("Paused. What waits for WeCom goes on with: daogou wecom resume")


@wecom_app.command("resume", epilog=_EXAMPLES + "daogou wecom resume --brand qinghe")
def resume(brand: Brand = None) -> None:
    """Ask WeCom again."""
    asyncio.run(_in_brand(brand, "resume"))
    typer.echo("Resumed.")


@wecom_app.command("check", epilog=_EXAMPLES + "daogou wecom check --brand qinghe")
def check(brand: Brand = None) -> None:
    """Ask WeCom for a token and for a page of what leavers left; says what is missing, and then exits with 1."""
    problem, without_id = asyncio.run(_check(brand))
    typer.echo(problem or "WeCom answers, and lets this server ask for contacts.", err=problem is not None)
    if without_id:
        typer.echo(f"{without_id} accounts of guides have no user id yet: daogou wecom members FILE", err=True)
    if problem is not None:
        raise typer.Exit(1)


@wecom_app.command("members", epilog=_EXAMPLES + "daogou wecom members members.csv --brand qinghe")
def members(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8: number,user_id.", exists=True, dir_okay=False)],
    brand: Brand = None,
) -> None:
    """Say by which user ids WeCom knows the guides, by their staff numbers; an empty one takes it back."""
    pairs = _pairs(file)
    unknown = asyncio.run(_members(brand, pairs))
    typer.echo(f"{len(pairs) - len(unknown)} of {len(pairs)} guides are known by their user id.")
    if unknown:
        shown = ", ".join(unknown[:10]) + (" …" if len(unknown) > 10 else "")
        typer.echo(f"Nobody with an account has the number {shown}", err=True)
        raise typer.Exit(1)


def _secret() -> str:
    """Not from the command line, which other users of the machine see and the shell remembers."""
    text = sys.stdin.read(4_096) if not sys.stdin.isatty() else str(typer.prompt("Secret", hide_input=True))
    if not text.strip():
        raise CannotStart("Give the app's secret on standard input: daogou wecom tie --corp-id … < secret.txt")
    return text.strip()


def _pairs(file: Path) -> dict[str, str]:
    import csv

    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            if not set(_COLUMNS) <= set(reader.fieldnames or ()):
                raise CannotStart(f"{file.name} must have the columns {' and '.join(_COLUMNS)}.")
            rows = [((row["number"] or "").strip(), (row["user_id"] or "").strip()) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CannotStart(f"{file.name} is no CSV file in UTF-8.") from error
    numbers = {number for number, _ in rows}
    if len(numbers) != len(rows) or "" in numbers or len(rows) > _MOST_LINES:
        raise CannotStart(f"{file.name} must name each staff number once, in at most {_MOST_LINES} lines.")
    return dict(rows)


async def _tie(
    brand: str | None, corp_id: str, secret: str, token: str | None, key: str | None
) -> tuple[str, str, str]:
    from handover.commands import tying
    from handover.queries import partner
    from kernel.actor import system
    from kernel.crypto import Vault
    from kernel.work import unit_of_work
    from server import operating

    settings = configuration.load()
    vault = Vault(settings.data_key_bytes)
    async with operating.ready(settings) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with unit_of_work(ground, system(chosen.id)) as work:
            known = await partner.lock_tie(work.session, chosen.id)
            if known is not None:
                token = token or vault.open(chosen.id, known.callback_token_sealed)
                key = key or vault.open(chosen.id, known.callback_key_sealed)
            token, key = token or tying.new_token(), key or tying.new_key()
            await tying.tie(work, vault, corp_id=corp_id, secret=secret, callback_token=token, callback_key=key)
    return f"{settings.public_address}/hooks/wecom/{chosen.code}", token, key


async def _in_brand(brand: str | None, what: str) -> None:
    from handover.commands import tying
    from kernel.actor import system
    from kernel.work import unit_of_work
    from server import operating

    acts = {"untie": tying.untie, "pause": tying.pause, "resume": tying.resume}
    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with unit_of_work(ground, system(chosen.id)) as work:
            await acts[what](work)


async def _check(brand: str | None) -> tuple[str | None, int]:
    from directory.queries import accounts
    from handover.errors import PartnerNotTied
    from handover.partner import PartnerAway, PartnerRefused
    from handover.queries import partner
    from kernel.crypto import Vault
    from server import operating
    from server.wecom.connecting import partner_of

    settings = configuration.load()
    async with operating.ready(settings) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with ground.db.read() as session:
            tie = await partner.tie_of(session, chosen.id)
            without_id = await accounts.without_partner_id(session, chosen.id)
        if tie is None:
            raise PartnerNotTied
        wecom = await partner_of(ground, Vault(settings.data_key_bytes), settings, chosen.id)
        if wecom is None:
            return "The tie is paused: daogou wecom resume", without_id
        try:
            await wecom.try_out()
        except PartnerRefused as refusal:
            return f"WeCom says no ({refusal.code}): {refusal.what}", without_id
        except PartnerAway as away:
            return f"WeCom can't be reached now: {away.what}", without_id
    return None, without_id


async def _members(brand: str | None, pairs: dict[str, str]) -> list[str]:
    from directory.commands import partner_ids
    from kernel.actor import system
    from kernel.work import unit_of_work
    from server import operating

    unknown: list[str] = []
    numbers = list(pairs)
    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        for begin in range(0, len(numbers), partner_ids.MOST_AT_ONCE):
            some = {number: pairs[number] for number in numbers[begin : begin + partner_ids.MOST_AT_ONCE]}
            async with unit_of_work(ground, system(chosen.id)) as work:
                unknown += await partner_ids.set_partner_user_ids(work, some)
    return unknown
