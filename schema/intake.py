"""Imports in GraphQL."""

from datetime import datetime
from enum import Enum
from typing import Any

import strawberry

from intake.models import Kind, Outcome, Phase
from intake.queries import runs
from schema.context import Info
from schema.fields import field
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, shown_as, sought_id
from schema.versioned import Versioned

strawberry.enum(Kind, name="ImportKind", description="What the file holds.")
strawberry.enum(
    Phase,
    name="ImportPhase",
    description="How far an import is. `STAGING` reads the file and `COMPARING` finds what is new in it: nothing of "
    "the brand has changed yet. `PLACES`, `MEMBERS`, `CUSTOMERS` and `INVOICES` apply it, `FINISHING` tidies up.",
)


@strawberry.enum(description="What a phase counts. A kibibyte is 1,024 bytes of the file as it lies on the disk.")
class ImportUnit(Enum):
    KIBIBYTES = "kibibytes"
    INVOICES = "invoices"
    MEMBERS = "members"
    CUSTOMERS = "customers"


_UNITS = {
    Phase.STAGING: ImportUnit.KIBIBYTES,
    Phase.COMPARING: ImportUnit.INVOICES,
    Phase.MEMBERS: ImportUnit.MEMBERS,
    Phase.CUSTOMERS: ImportUnit.CUSTOMERS,
    Phase.INVOICES: ImportUnit.INVOICES,
}
_PLAIN_COUNTS = ("rows", "orders", "refunds", "customers", "left_out", "new_customers", "shared_phones")


@strawberry.type(description="How much of the present phase is done.")
class ImportProgress:
    done: int
    total: int
    unit: ImportUnit


@strawberry.type(description="Lines of the file that are neither sold nor given back, for one reason.")
class IgnoredLines:
    reason: str = strawberry.field(description="A word of the mapping, such as `stock-write-off`.")
    lines: int


@strawberry.type(
    description="What was found in the file so far. What is new or changed is applied after all of the file was found "
    "to be right; `newCustomers` and `sharedPhones` grow as it is."
)
class ImportCounts:
    rows: int = strawberry.field(description="Rows read, without the header.")
    orders: int
    refunds: int
    customers: int = strawberry.field(description="Customers with an order, or members.")
    new: int = strawberry.field(description="Invoices or members that the brand didn't have.")
    changed: int = strawberry.field(description="Invoices or members of which the file says something else.")
    unchanged: int
    left_out: int = strawberry.field(description="Invoices dated after the day up to which was to be imported.")
    ignored: list[IgnoredLines] = strawberry.field(description="By reason, in its order.")
    new_customers: int = strawberry.field(description="Customers made.")
    shared_phones: int = strawberry.field(description="Phones left out because another member has them.")


@strawberry.type(description="A file that is being carried in, or was (导入). For headquarters.")
class ImportRun(Versioned):
    kind: Kind
    source: str = strawberry.field(description="Where the file comes from, by its mapping.")
    file_name: str
    phase: Phase
    started_at: datetime = strawberry.field(description="In UTC.")
    finished_at: datetime | None = strawberry.field(description="In UTC; null while it isn't done.")
    left_behind_at: datetime | None = strawberry.field(
        description="Since when, in UTC, nobody has been at it; null while somebody is, and once it is done. It goes "
        "on where it stopped as soon as a file is imported into the brand again; one that has changed nothing yet is "
        "forgotten then."
    )
    told: strawberry.Private[dict[str, Any]]

    @field("How much of the phase is done; null in a phase that counts nothing.")
    def progress(self) -> ImportProgress | None:
        unit = _UNITS.get(self.phase)
        if unit is None or "total" not in self.told:
            return None
        return ImportProgress(done=self.told["done"], total=self.told["total"], unit=unit)

    @field("What came of the file so far.")
    def counts(self) -> ImportCounts:
        return _counts(self.told.get("counts", {}))


@strawberry.type
class IntakeQueries:
    @field("Imports in sight, the newest first; at most 100 a page. Empty for all but headquarters.")
    async def imports(self, info: Info, first: int = 20, after: Cursor | None = None) -> Connection[ImportRun]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await runs.page(session, info.context.actor, page)
        return connection(ImportRun, rows, page, lambda row: (row.id,))

    @field("One import; null if there is none in sight.")
    async def import_run(self, info: Info, id: strawberry.ID) -> ImportRun | None:
        return shown_as(ImportRun, await info.context.load(runs.by_ids, sought_id(id)))


def _counts(told: dict[str, Any]) -> ImportCounts:
    outcomes = told.get("invoices", {})
    return ImportCounts(
        **{name: told.get(name, 0) for name in _PLAIN_COUNTS},
        **{outcome.value: outcomes.get(outcome.value, 0) for outcome in Outcome},
        ignored=[IgnoredLines(reason=reason, lines=lines) for reason, lines in sorted(told.get("ignored", {}).items())],
    )
