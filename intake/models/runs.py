"""Imports, what they have staged, and what has ever been taken from which source."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, unique_where


class Kind(StrEnum):
    """What a file holds."""

    ORDERS = "orders"
    MEMBERS = "members"


class Phase(StrEnum):
    """How far an import is. While it is read and compared (`is_staging`) only its own tables know of it."""

    STAGING = "staging"
    COMPARING = "comparing"
    PLACES = "places"
    MEMBERS = "members"
    CUSTOMERS = "customers"
    INVOICES = "invoices"
    FINISHING = "finishing"
    DONE = "done"


# While an import is in one of these, the brand's tables may hold a part of what it brings.
APPLYING = (Phase.MEMBERS, Phase.CUSTOMERS, Phase.INVOICES, Phase.FINISHING)


class Outcome(StrEnum):
    """What an invoice means to the database as it is."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class PlaceKind(StrEnum):
    STORE = "store"
    GUIDE = "guide"


class ImportRun(SQLModel, table=True):
    """One import of one file. `position` is the last key of the phase that was dealt with.

    The brand may not exist before the first step is applied, hence no foreign keys in these tables.
    Whoever carries it out holds `token` and renews `lease_until` with each step.

    `told` is what people see of its progress, as of `told_at`: it changes only together with `version`.
    `left_behind_at` is the end of the lease, once somebody has noticed that nobody is at it any more;
    `started_over_at` when that had gone on for long, and phones were sent back to the start if they had to.
    """

    __tablename__ = "import_run"
    __table_args__ = (unique_where("uq_import_run_open", "brand_code", where="finished_at IS NULL"),)

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    brand_code: str = Field(max_length=32)
    kind: Kind = Field(sa_type=enum_of(Kind))
    source: str = Field(max_length=32)
    file_name: str = Field(max_length=200)
    fingerprint: str = Field(max_length=64)
    mapping: dict[str, Any] = Field(sa_type=Json)
    as_of: date | None = None
    phase: Phase = Field(default=Phase.STAGING, sa_type=enum_of(Phase))
    position: str = Field(default="", max_length=80)
    counts: dict[str, Any] = Field(sa_type=Json)
    token: UUID
    lease_until: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    told: dict[str, Any] = Field(default_factory=dict, sa_type=Json, sa_column_kwargs={"server_default": "{}"})
    told_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    left_behind_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    started_over_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def is_staging(self) -> bool:
        """Whether the brand's tables know nothing of it yet."""
        return self.phase in (Phase.STAGING, Phase.COMPARING)

    @property
    def has_news(self) -> bool:
        """Whether something in the file is new to the brand."""
        outcomes = self.counts.get("invoices", {})
        return bool(outcomes.get(Outcome.NEW) or outcomes.get(Outcome.CHANGED))


class StagedPiece(SQLModel, table=True):
    """Lines of one invoice as they stand together in the file; `first_row` orders the pieces of an invoice."""

    __tablename__ = "import_staged_piece"

    brand_id: UUID = Field(primary_key=True)
    run_id: UUID = Field(primary_key=True)
    number: str = Field(primary_key=True, max_length=64)
    first_row: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    content: bytes


class StagedInvoice(SQLModel, table=True):
    """An invoice that is to be applied, whole and compared with what is known of it."""

    __tablename__ = "import_staged_invoice"
    __table_args__ = (Index("ix_import_staged_invoice_customer", "brand_id", "run_id", "customer_key"),)

    brand_id: UUID = Field(primary_key=True)
    run_id: UUID = Field(primary_key=True)
    number: str = Field(primary_key=True, max_length=64)
    outcome: Outcome = Field(sa_type=enum_of(Outcome))
    customer_key: str | None = Field(default=None, max_length=64)
    ordered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    store_code: str = Field(max_length=32)
    guide_number: str | None = Field(default=None, max_length=32)
    follows_home: bool
    ignored_lines: int
    ignored: dict[str, Any] = Field(sa_type=Json)
    digest: str = Field(max_length=32)
    content: bytes


class StagedMember(SQLModel, table=True):
    """A member as the file has them; the phone is sealed already."""

    __tablename__ = "import_staged_member"

    brand_id: UUID = Field(primary_key=True)
    run_id: UUID = Field(primary_key=True)
    customer_key: str = Field(primary_key=True, max_length=64)
    row: int
    content: bytes


class StagedCustomer(SQLModel, table=True):
    """A customer whose home has to be looked at again when the import is applied."""

    __tablename__ = "import_staged_customer"

    brand_id: UUID = Field(primary_key=True)
    run_id: UUID = Field(primary_key=True)
    customer_key: str = Field(primary_key=True, max_length=64)


class ImportedPlace(SQLModel, table=True):
    """A store or guide that a file names, with what is needed to create it should somebody need it.

    `created_id` is the store's or staff member's id if this import made it.
    """

    __tablename__ = "imported_place"

    brand_id: UUID = Field(primary_key=True)
    run_id: UUID = Field(primary_key=True)
    kind: PlaceKind = Field(primary_key=True, sa_type=enum_of(PlaceKind))
    code: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=100)
    attributes: dict[str, Any] = Field(sa_type=Json)
    created_id: UUID | None = None


class ImportedInvoice(SQLModel, table=True):
    """The present content of an invoice that a source gave us: what a later file is compared with.

    `ignored` counts lines that are neither sold nor given back, by reason. `content` holds the
    classified lines with exact amounts. `ordered_at` is null when it has no sale line.
    """

    __tablename__ = "imported_invoice"
    __table_args__ = (Index("ix_imported_invoice_customer", "brand_id", "customer_key"),)

    brand_id: UUID = Field(primary_key=True)
    source: str = Field(primary_key=True, max_length=32)
    number: str = Field(primary_key=True, max_length=64)
    customer_key: str | None = Field(default=None, max_length=64)
    ordered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    store_code: str = Field(max_length=32)
    guide_number: str | None = Field(default=None, max_length=32)
    follows_home: bool
    ignored_lines: int
    ignored: dict[str, Any] = Field(sa_type=Json)
    digest: str = Field(max_length=32)
    content: bytes


class ImportedMember(SQLModel, table=True):
    """Where a member file says that a member is at home; it outweighs where they first bought."""

    __tablename__ = "imported_member"

    brand_id: UUID = Field(primary_key=True)
    customer_key: str = Field(primary_key=True, max_length=64)
    source: str = Field(max_length=32)
    store_code: str | None = Field(default=None, max_length=32)
    guide_number: str | None = Field(default=None, max_length=32)
    digest: str = Field(max_length=32)
