"""`daogou hooks`: connect a mall, change its secret, and try it out."""

import asyncio
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from server import hook_trying
from server import settings as configuration
from server.errors import CannotStart
from server.options import Brand

hooks_app = typer.Typer(no_args_is_help=True, help="Malls that report their orders by webhook.")

_EXAMPLES = "[bold]Examples[/bold]\n\n"
_OVERLAP_HOURS = 24

hooks_app.command("try", epilog=hook_trying.EXAMPLES)(hook_trying.attempt)


@hooks_app.command("add", epilog=_EXAMPLES + "daogou hooks add mall --title 小程序商城 --mapping daogou --store SH-01")
def add(
    code: Annotated[str, typer.Argument(help="1 to 32 of a-z, 0-9 and -; orders carry it as their source.")],
    title: Annotated[str, typer.Option(help="What people call it, in 1 to 60 characters.")],
    mapping: Annotated[str, typer.Option(help="How its messages read and are signed.")] = "daogou",
    store: Annotated[str | None, typer.Option(help="The code of the store of orders that name none.")] = None,
    secret: Annotated[str | None, typer.Option(help="The partner's own secret; one is made without it.")] = None,
    brand: Brand = None,
) -> None:
    """Connect a mall. Its address and its secret are printed; the secret can't be shown again."""
    slug, text = asyncio.run(_add(code, title, mapping, store, secret, brand))
    typer.echo(f"/hooks/mall/{slug}")
    typer.echo(text)


@hooks_app.command("rotate", epilog=_EXAMPLES + "daogou hooks rotate mall --brand qinghe")
def rotate(
    code: Annotated[str, typer.Argument(help="The source's code.")],
    secret: Annotated[str | None, typer.Option(help="The partner's own secret; one is made without it.")] = None,
    brand: Brand = None,
) -> None:
    """Make a new secret, which is printed; the one there is counts for another 24 hours."""
    typer.echo(asyncio.run(_rotate(code, secret, brand)))


@hooks_app.command("list", epilog=_EXAMPLES + "daogou hooks list --brand qinghe")
def list_(brand: Brand = None) -> None:
    """List the malls that are connected, and what of theirs waits."""
    from rich.console import Console
    from rich.table import Table

    table = Table("Address", "Title", "Mapping", "Paused", "Waiting", "Parked", "Given up")
    for source, figures in asyncio.run(_list(brand)):
        counts = map(str, (figures.waiting, figures.parked, figures.given_up))
        table.add_row(f"/hooks/mall/{source.slug}", source.title, source.mapping, "yes" * source.is_paused, *counts)
    Console(width=None).print(table)


@hooks_app.command("send", epilog=_EXAMPLES + "daogou hooks send order.json --source mall --url http://127.0.0.1:8000")
def send(
    file: Annotated[Path, typer.Argument(help="The message, in JSON.", exists=True, dir_okay=False)],
    source: Annotated[str, typer.Option(help="The source's code.")],
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8000",
    brand: Brand = None,
) -> None:
    """Sign a message as the mall would, by Standard Webhooks, and send it; exits with 1 if it is refused."""
    import httpx2

    path, headers = asyncio.run(_signed(file.read_bytes(), source, brand))
    try:
        answer = httpx2.post(f"{url.rstrip('/')}{path}", content=file.read_bytes(), headers=headers)
    except httpx2.HTTPError as error:
        raise CannotStart(f"{url} can't be reached: {type(error).__name__}.") from error
    typer.echo(f"{answer.status_code} {answer.text}")
    if answer.status_code >= 300:
        raise typer.Exit(1)


async def _add(
    code: str, title: str, mapping: str, store: str | None, secret: str | None, brand: str | None
) -> tuple[str, str]:
    from intake.commands import hooks
    from kernel.actor import system
    from kernel.crypto import Vault
    from kernel.work import unit_of_work
    from server import operating

    settings = configuration.load()
    vault = Vault(settings.data_key_bytes)
    async with operating.ready(settings) as ground:
        actor = system((await operating.brand_of(ground, brand)).id)
        async with unit_of_work(ground, actor) as work:
            source = await hooks.add_source(work, code, title, mapping, store)
            made = await hooks.add_secret(work, vault, source.id, secret)
    return source.slug, vault.open(actor.brand_id, made.sealed)


async def _rotate(code: str, secret: str | None, brand: str | None) -> str:
    from intake.commands import hooks
    from intake.queries import hooks as queries
    from kernel import clock
    from kernel.actor import system
    from kernel.crypto import Vault
    from kernel.work import unit_of_work
    from server import operating

    settings = configuration.load()
    vault = Vault(settings.data_key_bytes)
    async with operating.ready(settings) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with unit_of_work(ground, system(chosen.id)) as work:
            source = await queries.by_slug(work.session, work.actor, f"{chosen.code}.{code}")
            before = await queries.live_secrets(work.session, source, clock.now())
            made = await hooks.add_secret(work, vault, source.id, secret)
            for old in before:
                await hooks.end_secret(work, old.id, _OVERLAP_HOURS)
    return vault.open(chosen.id, made.sealed)


async def _list(brand: str | None) -> list[tuple[Any, Any]]:
    from intake.queries import hook_messages
    from intake.queries import hooks as queries
    from kernel import clock
    from kernel.actor import system
    from kernel.pages import MOST, Page
    from server import operating

    async with operating.ready(configuration.load()) as ground:
        actor = system((await operating.brand_of(ground, brand)).id)
        async with ground.db.read() as session:
            sources = await queries.page_of_sources(session, actor, Page(first=MOST))
            ids = [source.id for source in sources]
            figures = await hook_messages.figures(session, actor, ids, at=clock.now())
    return [(source, figures[source.id]) for source in sources]


async def _signed(body: bytes, code: str, brand: str | None) -> tuple[str, dict[str, str]]:
    from intake.commands import hooks
    from intake.models.schemes import sign
    from intake.queries import hooks as queries
    from kernel import clock
    from kernel.actor import system
    from kernel.crypto import Vault
    from server import operating

    settings = configuration.load()
    async with operating.ready(settings) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with ground.db.read() as session:
            source = await queries.by_slug(session, system(chosen.id), f"{chosen.code}.{code}")
            secrets = await queries.live_secrets(session, source, clock.now())
    if hooks.signing(source).name != "standard-webhooks":
        raise CannotStart(f"{source.mapping} is signed in its partner's way: let the partner send.")
    if not secrets:
        raise CannotStart(f"{code} has no secret that counts: daogou hooks rotate {code}.")
    text = Vault(settings.data_key_bytes).open(chosen.id, secrets[-1].sealed)
    headers = sign(text, f"msg_{uuid4().hex}", clock.now(), body)
    return f"/hooks/mall/{source.slug}", {"Content-Type": "application/json", "Accept-Language": "en", **headers}
