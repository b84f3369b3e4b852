"""How somebody's workbench is laid out: their own arrangement, over what their role has in the brand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from kernel.actor import Role
from kernel.db import Json, UtcDateTime, enum_of, refers


class WorkbenchLayout(SQLModel, table=True):
    """One person's cards in their order, each with its filters and whether it is hidden."""

    __tablename__ = "workbench_layout"
    __table_args__ = (refers("staff_id", "staff"),)

    brand_id: UUID = Field(primary_key=True)
    staff_id: UUID = Field(primary_key=True)
    cards: list[dict[str, Any]] = Field(sa_type=Json)
    edited_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class WorkbenchDefault(SQLModel, table=True):
    """The cards that a role begins with in the brand, and which of them nobody can hide."""

    __tablename__ = "workbench_default"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    role: Role = Field(primary_key=True, sa_type=enum_of(Role))
    cards: list[dict[str, Any]] = Field(sa_type=Json)
    edited_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1
