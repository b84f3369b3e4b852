"""What a relationship was and had before another one, whose store closed, was merged into it."""

from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from kernel.db import Json, refers


class Merger(SQLModel, table=True):
    """What it takes to tell the two apart again; where the successor was made anew, all of it came from the other.

    `before` is what the successor said of itself: its `remark`, `last_contact_at` (ISO 8601) and `is_primary`. `parts`
    are the ids of what came to it, by kind of thing.
    """

    __tablename__ = "handover_merger"
    __table_args__ = (refers("handover_id", "handover"),)

    brand_id: UUID = Field(primary_key=True)
    handover_id: UUID = Field(primary_key=True)
    relationship_id: UUID = Field(primary_key=True)
    before: dict[str, Any] = Field(sa_type=Json)
    parts: dict[str, Any] = Field(sa_type=Json)
