"""Seal the rows of a ledger, so that it shows when somebody has been at one."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

SEALED = (
    "brand_id",
    "id",
    "order_id",
    "source",
    "number",
    "refund_id",
    "plan_id",
    "store_id",
    "staff_id",
    "role",
    "category",
    "rate",
    "basis",
    "amount",
    "reason",
    "day",
    "period",
)
BEGINNING = sha256(b"").hexdigest()


def seal_of(entry: Mapping[str, Any]) -> str:
    """The SHA-256 of what an entry says, in hexadecimal."""
    said = "\x1f".join("\x00" if entry[name] is None else str(entry[name]) for name in SEALED)
    if entry["is_borne_by_store"]:  # entries of before this could be said keep the seal that they have
        said += "\x1fborne"
    return sha256(said.encode()).hexdigest()


def chained(digest: str, seal: str) -> str:
    """The digest of a chain that has got one more seal."""
    return sha256(f"{digest}{seal}".encode()).hexdigest()
