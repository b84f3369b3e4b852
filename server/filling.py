"""Fill a database with the demo, and say who can sign in."""

from datetime import UTC, datetime, time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from directory.commands import passwords
from directory.queries import actors
from kernel.actor import Role
from kernel.crypto import Vault
from server import demo, migrating
from server.demo import DemoReport, DemoSignIn, Size
from server.errors import CannotStart
from server.ground import standing
from server.settings import Settings

_IN_THE_EVENING = time(12, 0, tzinfo=UTC)  # eight o'clock in Shanghai
_ROLES = {
    Role.GUIDE: "guide 导购",
    Role.STORE_MANAGER: "store manager 店长",
    Role.REGIONAL_MANAGER: "regional manager 区域经理",
    Role.HQ: "headquarters 总部",
}


async def fill(settings: Settings, size: Size, *, as_of: datetime | None = None, seed: int = 20260302) -> DemoReport:
    """Load the demo and show how far it is. Raises `CannotStart`, `DEMO_EXISTS`, `DEMO_TOO_LARGE`."""
    await migrating.require_current(settings)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    async with standing(settings) as ground:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Customers", total=None)
            return await demo.fill(
                ground,
                size,
                as_of=as_of,
                seed=seed,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
                vault=Vault(settings.data_key_bytes),
                hash_password=passwords.hash_password,
            )


async def fill_if_empty(settings: Settings) -> DemoReport | None:
    """Load the small demo into a database that has no brand; `None` if it has one."""
    async with standing(settings) as ground:
        if not await demo.is_empty(ground):
            return None
    return await fill(settings, Size.S)


async def who_can_sign_in(settings: Settings) -> list[DemoSignIn]:
    """The demo's known people, as far as they are here and still have the demo's password."""
    async with standing(settings) as ground, ground.db.read() as session:
        found = await actors.with_numbers(session, [trade.code for trade in demo.TRADES], demo.KNOWN)
    unchanged = {hashed: passwords.matches(hashed, demo.PASSWORD) for hashed in {row[6] for row in found}}
    return [
        DemoSignIn(code, brand, role, number, name, workplace or brand, demo.PASSWORD)
        for code, brand, role, number, name, workplace, hashed in found
        if unchanged[hashed]
    ]


def show_report(report: DemoReport) -> None:
    console = Console(highlight=False)
    rows = ", ".join(f"{count:,} {table}" for table, count in report.rows.items())
    console.print(f"Demo of size {report.size}, as of {report.as_of:%Y-%m-%d %H:%M} UTC: {rows}.")
    if report.waiting_for_handover:
        console.print(f"Waiting for a handover: {', '.join(report.waiting_for_handover)}.")
    show_sign_ins(report.sign_ins)


def show_sign_ins(sign_ins: list[DemoSignIn]) -> None:
    if not sign_ins:
        return
    table = Table("Brand", "Number", "Password", "Role", "Name", "Works in", title="Sign in as", title_justify="left")
    for person in sign_ins:
        role = _ROLES.get(person.role, person.role.value)
        table.add_row(
            f"{person.brand_code} {person.brand_name}",
            person.staff_number,
            person.password,
            role,
            person.name,
            person.workplace,
        )
    Console(highlight=False).print(table)


def parse_size(text: str) -> Size:
    """One of the four sizes. Raises `CannotStart`."""
    try:
        return Size(text.lower())
    except ValueError as error:
        raise CannotStart(f"--size must be s, m, l or xl, not {text!r}.") from error


def parse_moment(text: str) -> datetime:
    """A day (its evening in Shanghai) or an instant in ISO form; without a zone it is UTC. Raises `CannotStart`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CannotStart(f"--as-of must be like 2026-03-02 or 2026-03-02T10:00+08:00, not {text!r}.") from error
    if len(text) == len("2026-03-02"):
        return datetime.combine(moment.date(), _IN_THE_EVENING)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
