"""The command `daogou`: everything that whoever runs the product types.

Each command imports what it needs when it runs: `daogou --help` should not wait for a web server.
"""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from kernel.errors import Refusal
from server import settings as configuration
from server.commission_commands import commission_app
from server.errors import CANNOT_START, CannotStart
from server.evaluate_commands import evaluate_app
from server.hook_commands import hooks_app
from server.options import Brand
from server.segment_commands import segment_app
from server.settings import Settings
from server.tag_commands import tags_app
from server.token_commands import token_app

T = TypeVar("T")

_EXAMPLES = "[bold]Examples[/bold]\n\n"


_LATER = {
    "import": "Carry order histories, members, products and stock in from files.",
    "figures": "Add up a brand's orders and refunds: totals, months, cohorts, rankings, gaps, lapsed customers.",
    "handover": "Handovers: plan, run and verify them.",
    "kpi": "Rows of figures: verify them, and count them anew.",
    "wecom": "The brand's WeCom (企业微信).",
}
"""What brings half the program along, with what the list of commands says of it."""


class Commands(TyperGroup):
    """Loads what takes long to load only when it is typed: to list it, a line is enough."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # typer's own kind of context
        return [*super().list_commands(ctx), *(name for name in _LATER if name not in self.commands)]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # the same
        if cmd_name in _LATER and cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # the same
        lines = {name: TyperCommand(name, help=line) for name, line in _LATER.items() if name not in self.commands}
        self.commands.update(lines)
        super().format_help(ctx, formatter)
        for name in lines:
            del self.commands[name]


def _loaded(name: str) -> Any:
    apart = typer.Typer()
    match name:
        case "import":
            apart.add_typer(_import_app(), name=name)
        case "figures":
            from server.importing import figures_command

            apart.command(name, epilog=_EXAMPLES + "daogou figures --json\n\ndaogou figures --as-of 2011-12-09")(
                figures_command
            )
        case "handover":
            from server.handover_commands import handover_app

            apart.add_typer(handover_app, name=name)
        case "kpi":
            from server.kpi_commands import kpi_app

            apart.add_typer(kpi_app, name=name)
        case _:
            from server.wecom_commands import wecom_app

            apart.add_typer(wecom_app, name=name)
    return typer.main.get_group(apart).commands[name]


def _import_app() -> typer.Typer:
    from server import importing_goods
    from server.importing import import_app
    from server.importing_staff import EXAMPLES, staff

    import_app.command("staff", epilog=_EXAMPLES + EXAMPLES)(staff)
    import_app.command("products", epilog=_EXAMPLES + importing_goods.PRODUCTS)(importing_goods.products)
    import_app.command("stock", epilog=_EXAMPLES + importing_goods.STOCK)(importing_goods.stock)
    return import_app


app = typer.Typer(
    name="daogou",
    cls=Commands,
    help="The workbench for shop guides: serve it, fill it, look after it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(token_app, name="token")
app.add_typer(tags_app, name="tags")
app.add_typer(segment_app, name="segments")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(commission_app, name="commission")
app.add_typer(hooks_app, name="hooks")


def main() -> None:
    """Run a command. What must change outside the program is one sentence on stderr and exit code 2."""
    # Loading a program makes no garbage; to look for it took a fifth of the time.
    gc.set_threshold(50_000, 10, 20)
    try:
        app(prog_name="daogou")
    except CannotStart as problem:
        _end(problem, CANNOT_START)
    except Refusal as refusal:
        _end(refusal, 1)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


@app.command(
    epilog=_EXAMPLES + "daogou up\n\nPORT=8080 daogou up\n\nDATABASE_URL=postgresql://… REDIS_URL=redis://… daogou up"
)
def up() -> None:
    """Bring everything up: migrate, fill an empty database with a demo, say how to sign in, serve."""
    settings = _start()
    from server import upping

    upping.up(settings)


@app.command(epilog=_EXAMPLES + "daogou serve\n\ndaogou serve --host 0.0.0.0 --port 8080")
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on, instead of HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port, instead of PORT.")] = None,
) -> None:
    """Serve the API. Without REDIS_URL this process also carries out the jobs."""
    settings = _start()
    settings = settings.model_copy(update={"host": host or settings.host, "port": port or settings.port})
    from server import listening, migrating

    with listening.listen(settings) as port_taken, listening.alone(settings):
        _run(migrating.require_current(settings))
        from server import serving  # what serves is loaded once there is something to serve

        serving.serve(settings, port_taken)


@app.command(epilog=_EXAMPLES + "REDIS_URL=redis://localhost daogou worker")
def worker() -> None:
    """Carry out jobs, in a process of its own beside `daogou serve`. Needs REDIS_URL."""
    settings = _start()
    from server import migrating, serving

    if not settings.is_embedded:
        _run(migrating.require_current(settings))
    serving.work(settings)


@app.command(epilog=_EXAMPLES + "daogou migrate\n\ndaogou migrate --check")
def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 1 unless schema, steps and models agree.")
    ] = False,
) -> None:
    """Bring the database to this program's schema. Several at once take turns."""
    settings = _start()
    from server import migrating

    if not check:
        before = _run(migrating.upgrade(settings))
        typer.echo(f"The schema is {migrating.head()}" + (f", was {before}." if before else ", made new."))
        return
    _run(migrating.require_current(settings))
    differences = _run(migrating.check(settings))
    for difference in differences:
        typer.echo(difference, err=True)
    if differences:
        raise typer.Exit(1)
    typer.echo(f"The schema is {migrating.head()}; models and migrations agree.")


@app.command(epilog=_EXAMPLES + "daogou demo\n\ndaogou demo --size m --as-of 2026-03-02 --seed 7")
def demo(
    size: Annotated[str, typer.Option(help="s, m, l, or on PostgreSQL xl.")] = "s",
    as_of: Annotated[str | None, typer.Option(help="The day or instant the demo is about; now, without one.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed, size and day make up the same data.")] = 20260302,
) -> None:
    """Fill an empty database with two made-up brands."""
    settings = _start()
    from server import filling

    moment = filling.parse_moment(as_of) if as_of is not None else None
    filling.show_report(_run(filling.fill(settings, filling.parse_size(size), as_of=moment, seed=seed)))


@app.command(epilog=_EXAMPLES + "daogou check\n\ndaogou check --ready\n\ndaogou check --json")
def check(
    ready: Annotated[bool, typer.Option("--ready", help="Only whether database and Redis answer; quick.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """See that everything is reachable, and that the database keeps what it promises. Exits with 1 if not."""
    settings = _start()
    from server import checking

    findings = _run(checking.all_of(settings, only_ready=ready))
    checking.show(findings, as_json=as_json)
    if not all(finding.is_good for finding in findings):
        raise typer.Exit(1)


@app.command(epilog=_EXAMPLES + "daogou plan --store SH-01\n\ndaogou plan --brand qinghe --day 2011-09-09 --json")
def plan(
    brand: Brand = None,
    store: Annotated[str | None, typer.Option(help="The store's code; all open stores, without one.")] = None,
    day: Annotated[str | None, typer.Option(help="A day of the store's, also a past one; today, without one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plans as JSON.")] = False,
) -> None:
    """Show whom the revisit rules would have guides turn to on a day, and change nothing."""
    settings = _start()
    from server import planning

    asked = planning.parse_day(day) if day is not None else None
    planning.show(_run(planning.dry_run(settings, brand, store, asked)), as_json=as_json)


@app.command(epilog=_EXAMPLES + "daogou backup /backups/daogou-monday.db")
def backup(file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")]) -> None:
    """Copy the database into a file, while everything goes on. The keys are not in it: keep them elsewhere."""
    settings = _start()
    from server import copying

    size = copying.backup(settings, file)
    typer.echo(f"{file}: {size / 1e6:.1f} MB. {copying.KEYS_APART}")


@app.command(epilog=_EXAMPLES + "daogou restore /backups/daogou-monday.db\n\ndaogou restore backup.dump --yes")
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `daogou backup` wrote for the same kind of database.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace what is in the database now.")] = False,
) -> None:
    """Put a backup in place of the database. Stop `serve` and `worker` first; phones then start over."""
    settings = _start()
    from server import copying

    feeds = copying.restore(settings, file, replace=yes)
    typer.echo(f"Restored; {feeds} feeds have a new epoch, so that every phone starts over. {copying.KEYS_APART}")


@app.command(name="new-epoch", epilog=_EXAMPLES + "daogou new-epoch")
def new_epoch() -> None:
    """Let every phone start over: after the database was put back by other means than `daogou restore`."""
    settings = _start()
    from server import copying, migrating

    _run(migrating.require_current(settings))
    typer.echo(f"{_run(copying.start_over(settings))} feeds have a new epoch: every phone starts over.")


@app.command(hidden=True, epilog=_EXAMPLES + 'daogou revision "give tasks a colour"')
def revision(message: Annotated[str, typer.Argument(help="What the step does, in a few words.")]) -> None:
    """Write the next migration from what the models have and the migrations don't; for developers."""
    from server import migrating

    typer.echo(str(_run(migrating.revise(message))))


def _start() -> Settings:
    settings = configuration.load()
    from server import addresses, logs

    logs.configure(settings)
    addresses.require_addresses(settings)
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def _end(problem: Exception, code: int) -> None:
    print(str(problem), file=sys.stderr)  # noqa: T201 - a command speaks to whoever typed it
    raise SystemExit(code)


if __name__ == "__main__":
    main()
