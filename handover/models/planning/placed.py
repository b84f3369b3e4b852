"""Where a plan has one relationship go: what is kept of a plan, without what it is reckoned with."""

from typing import Any, NamedTuple
from uuid import UUID

from handover.models.items import ItemReason


class Placed(NamedTuple):
    """Where one relationship goes, as its item says it. Without an account a person has to say so."""

    relationship_id: UUID
    from_account_id: UUID
    to_account_id: UUID | None
    reason: ItemReason | None
    because: dict[str, Any]
    score: int
    is_merged: bool
