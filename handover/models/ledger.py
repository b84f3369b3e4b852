"""The ledger (清点): what was held when a handover started, to be found again, all of it, at every moment."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from kernel.db import enum_of, refers


class LedgerLine(StrEnum):
    """What is counted, each on a line of its own."""

    RELATIONSHIPS = "relationships"
    OPEN_TASKS = "open_tasks"
    OPEN_ORDERS = "open_orders"
    UNPAID_COMMISSION = "unpaid_commission"
    SHARES = "shares"
    NOTES = "notes"
    PERSONAL_TAGS = "personal_tags"
    SCHEDULED_MESSAGES = "scheduled_messages"
    GROUP_CHATS = "group_chats"


class LedgerTotal(SQLModel, table=True):
    """How many there were on a line when the handover started, and what they came to (fen; commission only)."""

    __tablename__ = "ledger_total"
    __table_args__ = (refers("handover_id", "handover"),)

    brand_id: UUID = Field(primary_key=True)
    handover_id: UUID = Field(primary_key=True)
    line: LedgerLine = Field(primary_key=True, sa_type=enum_of(LedgerLine))
    count: int
    amount: int = Field(default=0, sa_type=BigInteger)


class LedgerEntry(SQLModel, table=True):
    """The id of one thing that was held when the handover started; what became of it is read from its own table."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        refers("handover_id", "handover"),
        Index("ix_ledger_entry_entity", "brand_id", "entity_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    handover_id: UUID = Field(primary_key=True)
    line: LedgerLine = Field(primary_key=True, sa_type=enum_of(LedgerLine))
    entity_id: UUID = Field(primary_key=True)
