"""Decide how a relationship goes on in a successor store: as a new one, or as part of one that is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


class Known(Protocol):
    """A relationship, as it was read."""

    @property
    def id(self) -> UUID: ...
    @property
    def remark(self) -> str | None: ...
    @property
    def last_contact_at(self) -> datetime | None: ...
    @property
    def is_primary(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Joined:
    """What one says of itself once the other is part of it; `lost_remark` is what has no room in it."""

    remark: str | None
    last_contact_at: datetime | None
    is_primary: bool
    lost_remark: str | None


def joined(kept: Known, ended: Known) -> Joined:
    """Its own remark stays, or else it takes the other's; the later contact counts; what was the first stays so."""
    contacts = [at for at in (kept.last_contact_at, ended.last_contact_at) if at is not None]
    differs = kept.remark is not None and ended.remark is not None and kept.remark != ended.remark
    return Joined(
        remark=ended.remark if kept.remark is None else kept.remark,
        last_contact_at=max(contacts, default=None),
        is_primary=kept.is_primary or ended.is_primary,
        lost_remark=ended.remark if differs else None,
    )


def kept_as(row: Known) -> dict[str, Any]:
    """What a relationship says of itself, to be written down."""
    contact = row.last_contact_at
    return {
        "remark": row.remark,
        "last_contact_at": contact.isoformat() if contact is not None else None,
        "is_primary": row.is_primary,
    }


def said_before(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The same, read again."""
    contact = kept["last_contact_at"]
    return {**kept, "last_contact_at": datetime.fromisoformat(contact) if contact is not None else None}
