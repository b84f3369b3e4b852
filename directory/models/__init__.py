"""Who and where: brands, regions, stores, staff, accounts, and how people sign in."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from directory.errors import AccessClosed, AccessOpen, NotLeaving, StoreClosed, StoreOpen
from directory.models.covers import Cover, CoverState
from kernel.actor import Role
from kernel.db import Json, UtcDateTime, enum_of, index_where, refers, unique_where

__all__ = [
    "Account",
    "AccountKind",
    "Assignment",
    "Brand",
    "Cover",
    "CoverState",
    "RefreshToken",
    "Region",
    "ServiceAccount",
    "SignIn",
    "Staff",
    "StaffState",
    "Store",
    "StoreState",
]


class StaffState(StrEnum):
    """`leaving` from the day somebody's departure is known until nothing is held; then `departed`."""

    ACTIVE = "active"
    LEAVING = "leaving"
    DEPARTED = "departed"


class StoreState(StrEnum):
    """Whether a store trades."""

    OPEN = "open"
    CLOSED = "closed"


class AccountKind(StrEnum):
    """A guide's own account, or the one public account of a store."""

    GUIDE = "guide"
    PUBLIC = "public"


class Brand(SQLModel, table=True):
    """The tenant. Nothing crosses from one brand to another."""

    __tablename__ = "brand"

    id: UUID = Field(primary_key=True)
    code: str = Field(max_length=32, unique=True)
    name: str = Field(max_length=100)
    currency: str = Field(default="CNY", max_length=3)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Region(SQLModel, table=True):
    """A node of the brand's tree. `path` holds the codes from the root down, as in `/cn/east/`."""

    __tablename__ = "region"
    __table_args__ = (
        refers("parent_id", "region"),
        UniqueConstraint("brand_id", "code"),
        Index("ix_region_brand_id_path", "brand_id", "path"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    parent_id: UUID | None = None
    code: str = Field(max_length=32)
    name: str = Field(max_length=100)
    path: str = Field(max_length=400)
    version: int = 1


class Store(SQLModel, table=True):
    """A shop. `opening_hours` has seven entries from Monday on: `["10:00", "22:00"]`, or null when shut."""

    __tablename__ = "store"
    __table_args__ = (
        refers("region_id", "region"),
        UniqueConstraint("brand_id", "code"),
        Index("ix_store_brand_id_region_id", "brand_id", "region_id"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    region_id: UUID
    code: str = Field(max_length=32)
    name: str = Field(max_length=100)
    city: str | None = Field(default=None, max_length=60)
    time_zone: str = Field(max_length=40)
    opening_hours: list[Any] = Field(sa_type=Json)
    state: StoreState = Field(default=StoreState.OPEN, sa_type=enum_of(StoreState))
    version: int = 1

    def require_open(self) -> None:
        if self.state is not StoreState.OPEN:
            raise StoreClosed

    def close(self) -> None:
        """End the trade here; nobody is hired into it or moved here from now on."""
        self.require_open()
        self.state = StoreState.CLOSED
        self.version += 1

    def reopen(self) -> None:
        if self.state is StoreState.OPEN:
            raise StoreOpen
        self.state = StoreState.OPEN
        self.version += 1


class Staff(SQLModel, table=True):
    """A person who works here, in one store, over one region, or for the whole brand.

    `last_day` is the last store day of somebody who is leaving, if it is known: when it is over, access closes by
    itself.
    """

    __tablename__ = "staff"
    __table_args__ = (
        refers("store_id", "store"),
        refers("region_id", "region"),
        UniqueConstraint("brand_id", "number"),
        Index("ix_staff_brand_id_store_id", "brand_id", "store_id"),
        index_where(
            "ix_staff_last_day", "brand_id", "last_day", where="last_day IS NOT NULL AND access_closed_at IS NULL"
        ),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    number: str = Field(max_length=32)
    name: str = Field(max_length=60)
    role: Role = Field(sa_type=enum_of(Role))
    state: StaffState = Field(default=StaffState.ACTIVE, sa_type=enum_of(StaffState))
    store_id: UUID | None = None
    region_id: UUID | None = None
    password_hash: str | None = Field(default=None, max_length=200)
    access_closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_day: date | None = None
    hired_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    def require_at_work(self) -> None:
        """Whoever is leaving or has left takes on nothing new."""
        if self.state is not StaffState.ACTIVE or self.access_closed_at is not None:
            raise AccessClosed

    def can_hold_in(self, store_id: UUID) -> bool:
        """Whether relationships of that store may come to them: guides at work there."""
        return (
            self.role is Role.GUIDE
            and self.store_id == store_id
            and self.state is StaffState.ACTIVE
            and self.access_closed_at is None
        )

    def can_cover_in(self, store_id: UUID) -> bool:
        """Whether they may serve there for somebody who is away: a guide at work there, or its manager."""
        return (
            self.role in (Role.GUIDE, Role.STORE_MANAGER)
            and self.store_id == store_id
            and self.state is StaffState.ACTIVE
            and self.access_closed_at is None
        )

    def move(self, role: Role, store_id: UUID | None, region_id: UUID | None) -> None:
        """Work as something else, or somewhere else."""
        self.require_at_work()
        self.role = role
        self.store_id = store_id
        self.region_id = region_id
        self.version += 1

    @property
    def serves(self) -> bool:
        """Whether they still work here: until access is closed, whoever is leaving looks after what they hold."""
        return self.state is not StaffState.DEPARTED and self.access_closed_at is None

    def is_leaving_from(self, store_id: UUID) -> bool:
        """Whether they would hold new relationships of that store if they weren't leaving."""
        return (
            self.role is Role.GUIDE and self.store_id == store_id and self.state is StaffState.LEAVING and self.serves
        )

    def begin_leaving(self, last_day: date | None = None) -> bool:
        """Take on nothing new from now on; they may still sign in.

        Of somebody who is leaving already only the last day can be news; says whether anything is.
        """
        if not self.serves:
            raise AccessClosed
        if (self.state, self.last_day) == (StaffState.LEAVING, last_day):
            return False
        self.state = StaffState.LEAVING
        self.last_day = last_day
        self.version += 1
        return True

    def withdraw_leaving(self) -> None:
        """Stay after all, before access was closed."""
        if self.state is not StaffState.LEAVING or self.access_closed_at is not None:
            raise AccessClosed if self.access_closed_at is not None else NotLeaving
        self.state = StaffState.ACTIVE
        self.last_day = None
        self.version += 1

    def hold_again(self) -> None:
        """Be given back what had gone to others: whoever holds something has not departed."""
        self.state = StaffState.LEAVING
        self.version += 1

    def close_access(self, at: datetime) -> None:
        """Leave: from now on nobody signs in as them, whatever they still hold."""
        if self.access_closed_at is not None:
            raise AccessClosed
        self.access_closed_at = at
        self.state = StaffState.LEAVING
        self.version += 1

    def depart(self) -> None:
        """The last thing that was held has gone to somebody else."""
        self.state = StaffState.DEPARTED
        self.version += 1

    def reopen_access(self) -> None:
        """Stay after all, or come back."""
        if self.access_closed_at is None:
            raise AccessOpen
        self.access_closed_at = None
        self.last_day = None
        self.state = StaffState.ACTIVE
        self.version += 1


class Assignment(SQLModel, table=True):
    """Where somebody worked, as what, from when to when; the open one is the present."""

    __tablename__ = "assignment"
    __table_args__ = (
        refers("staff_id", "staff"),
        refers("store_id", "store"),
        refers("region_id", "region"),
        unique_where("uq_assignment_open", "brand_id", "staff_id", where="ends_at IS NULL"),
        Index("ix_assignment_brand_id_staff_id_starts_at", "brand_id", "staff_id", "starts_at"),
        Index("ix_assignment_brand_id_store_id", "brand_id", "store_id", "starts_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    staff_id: UUID
    role: Role = Field(sa_type=enum_of(Role))
    store_id: UUID | None = None
    region_id: UUID | None = None
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Account(SQLModel, table=True):
    """What a customer adds and what holds relationships; belongs to one store for good."""

    __tablename__ = "account"
    __table_args__ = (
        refers("store_id", "store"),
        refers("staff_id", "staff"),
        UniqueConstraint("brand_id", "store_id", "id"),
        UniqueConstraint("brand_id", "staff_id", "store_id"),
        unique_where("uq_account_public", "brand_id", "store_id", where="kind = 'public'"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    store_id: UUID
    kind: AccountKind = Field(sa_type=enum_of(AccountKind))
    staff_id: UUID | None = None
    partner_user_id: str | None = Field(default=None, max_length=64)
    version: int = 1


class ServiceAccount(SQLModel, table=True):
    """A machine that calls us: a till, a mall, a data job. It may do what its scopes name, and no more."""

    __tablename__ = "service_account"
    __table_args__ = (UniqueConstraint("brand_id", "name"),)

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=60)
    scopes: list[str] = Field(sa_type=Json)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class SignIn(SQLModel, table=True):
    """One sign-in of a person or machine, and the family of refresh tokens that keeps it alive."""

    __tablename__ = "sign_in"
    __table_args__ = (
        refers("staff_id", "staff"),
        refers("service_account_id", "service_account"),
        Index("ix_sign_in_brand_id_staff_id", "brand_id", "staff_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    staff_id: UUID | None = None
    service_account_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RefreshToken(SQLModel, table=True):
    """One link of the chain. Presented a second time, it ends the whole sign-in."""

    __tablename__ = "refresh_token"
    __table_args__ = (refers("sign_in_id", "sign_in"),)

    digest: str = Field(primary_key=True, max_length=64)
    brand_id: UUID
    sign_in_id: UUID
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
