"""A brand's WeCom, as it is tied: one for each process, brand and version of the tie."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx2

from handover.models import PartnerTie
from handover.queries import partner
from kernel.crypto import Vault
from kernel.db import Database
from kernel.work import Ground
from server.settings import Settings
from server.wecom.client import WeCom
from server.wecom.limits import Limits
from server.wecom.tokens import Tokens
from server.wecom.wire import ANSWER_SECONDS, CONNECT_SECONDS, Wire


@dataclass(frozen=True, slots=True)
class _Open:
    tied_at: datetime  # a brand that was untied and tied again begins with the same versions
    version: int
    http: httpx2.AsyncClient
    wecom: WeCom


# By what a ground stands on: a process has one, a test several.
_open: "WeakKeyDictionary[Database, dict[UUID, _Open]]" = WeakKeyDictionary()


async def partner_of(ground: Ground, vault: Vault, settings: Settings, brand_id: UUID) -> WeCom | None:
    """Whom to settle with; none where the brand is not tied, or the tie is paused. Don't keep it: ask each time.

    It lives until `close_partners`, or until the brand is tied anew.
    """
    async with ground.db.read() as session:
        tie = await partner.tie_of(session, brand_id)
    opened = _open.setdefault(ground.db, {})
    known = opened.get(brand_id)
    if known is not None and (tie is None or (tie.tied_at, tie.version) != (known.tied_at, known.version)):
        del opened[brand_id]
        await known.http.aclose()
        known = None
    if tie is None or tie.is_paused:
        return None
    if known is None:
        known = opened[brand_id] = connect(ground, vault, settings, tie)
    return known.wecom


def connect(ground: Ground, vault: Vault, settings: Settings, tie: PartnerTie) -> _Open:
    """A client of its own; nothing is asked yet."""
    timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    http = httpx2.AsyncClient(timeout=timeout, follow_redirects=False)
    wire = Wire(settings.daogou_wecom_url, http, Limits(ground.redis, tie.corp_id))
    secret = vault.open(tie.brand_id, tie.secret_sealed)
    tokens = Tokens(ground.redis, wire, vault, tie.brand_id, tie.corp_id, secret)
    return _Open(tie.tied_at, tie.version, http, WeCom(wire, tokens))


async def close_partners(ground: Ground) -> None:
    """Close what was opened on this ground."""
    for opened in _open.pop(ground.db, {}).values():
        await opened.http.aclose()
