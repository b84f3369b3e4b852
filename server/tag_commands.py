"""`daogou tags`: take the tag library away as a file, and take a file over."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from server import settings as configuration
from server.errors import CannotStart
from server.options import Brand

tags_app = typer.Typer(no_args_is_help=True, help="The tag library as a file.")

_EXAMPLES = "[bold]Examples[/bold]\n\n"


@tags_app.command(
    "export", epilog=_EXAMPLES + "daogou tags export tags.csv\n\ndaogou tags export tags.xlsx --brand qinghe"
)
def export(
    file: Annotated[Path, typer.Argument(help="The file to write: .csv or .xlsx; it must not be there yet.")],
    language: Annotated[str, typer.Option(help="The language of headers and words: zh or en.")] = "zh",
    brand: Brand = None,
) -> None:
    """Write the brand's groups and tags into a file."""
    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise CannotStart("The file's name must end with .csv or .xlsx.")
    count = asyncio.run(_export(file, language, brand))
    typer.echo(f"{file}: {count} rows.")


@tags_app.command(
    "import", epilog=_EXAMPLES + "daogou tags import tags.csv --dry-run\n\ndaogou tags import tags.xlsx --brand qinghe"
)
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8 or GB18030, or an XLSX workbook; 2 MiB at most.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    brand: Brand = None,
) -> None:
    """Add the groups and tags of a file, and change those that differ: all or nothing. Nothing is retired."""
    found = asyncio.run(_import(file, dry_run, brand))
    would = "Would add" if dry_run else "Added"
    typer.echo(f"{would} {found['groupsAdded']} groups and {found['tagsAdded']} tags;", nl=False)
    typer.echo(f" changed {found['groupsChanged']} and {found['tagsChanged']}; {found['unchanged']} as they are.")
    for problem in found["problems"]:
        typer.echo(f"row {problem['row']}: {problem['reason']}", err=True)
    if found["problemCount"]:
        typer.echo(f"Mistakes: {found['problemCount']}. Nothing would be changed.", err=True)
        raise typer.Exit(1)


async def _export(file: Path, language: str, brand: str | None) -> int:
    from kernel.actor import system
    from server import operating, sheets
    from tagging.queries import library_file

    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with ground.db.read() as session:
            rows = await library_file.table(session, system(chosen.id), language)
    content = sheets.as_csv(rows) if file.suffix.lower() == ".csv" else sheets.as_xlsx(rows, "tag-library")
    try:
        with file.open("xb") as stream:
            stream.write(content)
    except OSError as error:
        raise CannotStart(f"{file} can't be written: {error.strerror}.") from error
    return len(rows) - 1


async def _import(file: Path, dry_run: bool, brand: str | None) -> dict[str, Any]:
    from kernel.actor import system
    from server import operating, tag_files

    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        preview = await tag_files.carry_in(ground, system(chosen.id), file, is_dry=dry_run)
    return tag_files.said(preview, "en", is_dry=dry_run)
