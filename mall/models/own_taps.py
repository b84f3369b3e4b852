"""Marks by which a guide's own look at a link is told from a customer's; they say nothing of who it is."""

import hmac
import re
from datetime import datetime, timedelta
from uuid import UUID

from kernel.crypto import Vault

PREVIEW_LASTS = timedelta(minutes=10)
BROWSER_LASTS = timedelta(days=90)

_MARK = re.compile(r"([0-9a-f]{1,11})\.([0-9a-f]{64})")


def mark_of_preview(vault: Vault, brand_id: UUID, share_id: UUID, at: datetime) -> str:
    """What the app adds to a link of its own for a short time."""
    return _mark(vault, brand_id, f"preview:{share_id}", at + PREVIEW_LASTS)


def mark_of_browser(vault: Vault, brand_id: UUID, at: datetime) -> str:
    """What a browser keeps that has followed such a link."""
    return _mark(vault, brand_id, "browser", at + BROWSER_LASTS)


def is_preview(vault: Vault, brand_id: UUID, share_id: UUID, mark: str, at: datetime) -> bool:
    return _is_right(vault, brand_id, f"preview:{share_id}", mark, at)


def is_own_browser(vault: Vault, brand_id: UUID, mark: str, at: datetime) -> bool:
    return _is_right(vault, brand_id, "browser", mark, at)


def _mark(vault: Vault, brand_id: UUID, of: str, until: datetime) -> str:
    seconds = int(until.timestamp())
    return f"{seconds:x}.{_signature(vault, brand_id, of, seconds)}"


def _is_right(vault: Vault, brand_id: UUID, of: str, mark: str, at: datetime) -> bool:
    found = _MARK.fullmatch(mark)
    if found is None:
        return False
    seconds = int(found[1], 16)
    return seconds > at.timestamp() and hmac.compare_digest(found[2], _signature(vault, brand_id, of, seconds))


def _signature(vault: Vault, brand_id: UUID, of: str, seconds: int) -> str:
    return vault.index(brand_id, f"own-tap:{of}:{seconds}")
