"""Customers, the relationships that stores own, and who holds them."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime, enum_of, index_where, refers, unique_where


class HoldingReason(StrEnum):
    """Why a relationship came to an account."""

    CREATED = "created"
    CLAIMED = "claimed"
    IMPORTED = "imported"
    REASSIGNED = "reassigned"
    HANDOVER = "handover"


class Customer(SQLModel, table=True):
    """A person known to the brand. The phone is sealed, found by a blind index, and shown masked.

    `tier_until` is the last day of the tier, unless it is earned anew.
    """

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("brand_id", "member_number"),
        UniqueConstraint("brand_id", "phone_index"),
        Index("ix_customer_brand_id_name", "brand_id", "name", "id"),
        Index("ix_customer_brand_id_joined_at", "brand_id", "joined_at", "id"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    member_number: str = Field(max_length=64)
    name: str = Field(max_length=60)
    tier: str | None = Field(default=None, max_length=32)
    tier_until: date | None = None
    birthday: date | None = None
    city: str | None = Field(default=None, max_length=60)
    phone_sealed: bytes | None = None
    phone_index: str | None = Field(default=None, max_length=64)
    phone_masked: str | None = Field(default=None, max_length=20)
    do_not_contact: bool = False
    do_not_contact_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    joined_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    def consent(self, do_not_contact: bool, at: datetime) -> None:
        """Note that the person wants to be left alone, or no longer does, and since when."""
        self.do_not_contact = do_not_contact
        self.do_not_contact_at = at if do_not_contact else None
        self.version += 1


class Relationship(SQLModel, table=True):
    """Customer × store. The store owns it; `holder_id` is the one account of that store that holds it.

    `touched_at` is when a person last changed who holds it or what is said of it: an import that
    comes later leaves it where it is. `last_contact_at` is the last visit or call that was noted.

    Where its store closes it ends (`ended_at`) and goes on as another one (`succeeded_by_id`, always one that lives).
    An ended one has no open holding, is nobody's primary one, and is held by the public account of its store, so that
    no guide holds it; what hung on it hangs on its successor. The successor is named without being referred to: it
    comes after, for only one of the two may be the primary one. Where the store opens again, the customer may be known
    there anew.
    """

    __tablename__ = "relationship"
    __table_args__ = (
        refers("customer_id", "customer"),
        refers("store_id", "store"),
        ForeignKeyConstraint(
            ["brand_id", "store_id", "holder_id"], ["account.brand_id", "account.store_id", "account.id"]
        ),
        unique_where("uq_relationship_live", "brand_id", "customer_id", "store_id", where="ended_at IS NULL"),
        unique_where("uq_relationship_primary", "brand_id", "customer_id", where="is_primary"),
        Index("ix_relationship_brand_id_holder_id", "brand_id", "holder_id", "customer_id"),
        Index("ix_relationship_brand_id_store_id", "brand_id", "store_id", "customer_id"),
        Index("ix_relationship_begun", "brand_id", "store_id", "created_at"),
        # The uniqueness among those that live doesn't help to find all of a customer's.
        Index("ix_relationship_customer", "brand_id", "customer_id", "store_id"),
        index_where("ix_relationship_succeeded", "brand_id", "succeeded_by_id", where="succeeded_by_id IS NOT NULL"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    customer_id: UUID
    store_id: UUID
    holder_id: UUID
    is_primary: bool = False
    remark: str | None = Field(default=None, max_length=200)
    last_contact_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    touched_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    succeeded_by_id: UUID | None = None
    version: int = 1

    def move(self, account_id: UUID, at: datetime) -> None:
        """Give the relationship to another account of the same store."""
        self.holder_id = account_id
        self.touched_at = at
        self.version += 1

    def describe(self, remark: str | None, at: datetime) -> None:
        """Say something else of the customer in one line, or nothing."""
        self.remark = remark
        self.touched_at = at
        self.version += 1

    def contact(self, at: datetime, noted_at: datetime) -> None:
        """Note a contact; an earlier one that is noted late doesn't turn time back."""
        self.last_contact_at = max(self.last_contact_at or at, at)
        self.touched_at = noted_at
        self.version += 1


class Holding(SQLModel, table=True):
    """A line of a relationship's history: which account held it from when to when, and why."""

    __tablename__ = "holding"
    __table_args__ = (
        refers("relationship_id", "relationship"),
        refers("account_id", "account"),
        unique_where("uq_holding_open", "brand_id", "relationship_id", where="until_at IS NULL"),
        Index("ix_holding_brand_id_relationship_id_from_at", "brand_id", "relationship_id", "from_at"),
        Index("ix_holding_account", "brand_id", "account_id", "until_at"),
        index_where("ix_holding_handed", "brand_id", "from_at", where="reason = 'handover'"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    relationship_id: UUID
    account_id: UUID
    reason: HoldingReason = Field(sa_type=enum_of(HoldingReason))
    by_actor_id: UUID
    from_at: datetime = Field(sa_type=UtcDateTime)
    until_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class GoneWhy(StrEnum):
    """How a contact came to an end. `transferred`: it went to another account, and nobody deleted anything."""

    BY_STAFF = "by_staff"
    BY_CUSTOMER = "by_customer"
    TRANSFERRED = "transferred"


class ContactLink(SQLModel, table=True):
    """An account and a customer who are contacts at the partner (好友关系); one account holds, others are linked.

    `told_at` is the instant of the newest thing that is known of it: older news, which come late, change nothing.
    """

    __tablename__ = "contact_link"
    __table_args__ = (
        refers("account_id", "account"),
        refers("relationship_id", "relationship"),
        Index("ix_contact_link_relationship", "brand_id", "relationship_id"),
        Index("ix_contact_link_external", "brand_id", "external_user_id"),
        Index("ix_contact_link_gone", "brand_id", "account_id", "gone_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    relationship_id: UUID = Field(primary_key=True)
    external_user_id: str = Field(max_length=64)
    linked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    gone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    gone_why: GoneWhy | None = Field(default=None, sa_type=enum_of(GoneWhy))
    told_at: datetime = Field(sa_type=UtcDateTime)


class Visit(SQLModel, table=True):
    """The customer came to the store, or was visited or called, and somebody noted it."""

    __tablename__ = "visit"
    __table_args__ = (
        refers("relationship_id", "relationship"),
        refers("account_id", "account"),
        Index("ix_visit_brand_id_relationship_id_at", "brand_id", "relationship_id", "at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    relationship_id: UUID
    store_id: UUID
    account_id: UUID | None = None
    by_staff_id: UUID | None = None
    remark: str | None = Field(default=None, max_length=500)
    at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class Note(SQLModel, table=True):
    """What somebody who serves the customer wrote down; it stays with the relationship."""

    __tablename__ = "note"
    __table_args__ = (
        refers("relationship_id", "relationship"),
        Index("ix_note_brand_id_relationship_id_at", "brand_id", "relationship_id", "at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    relationship_id: UUID
    store_id: UUID
    by_staff_id: UUID | None = None
    body: str = Field(max_length=2000)
    at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1
