"""Tie a brand to its corp at the partner (WeCom, 企业微信), pause that, and untie it."""

import re
import secrets
import string

from handover.errors import PartnerKeyWrong, PartnerNotTied
from handover.models import PartnerTie
from handover.queries import partner
from kernel import audit, clock
from kernel.crypto import Vault
from kernel.errors import require_text
from kernel.work import Work

LONGEST_CORP_ID = 64
LONGEST_SECRET = 256
_LETTERS = string.ascii_letters + string.digits
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")
_KEY = re.compile(r"[A-Za-z0-9]{43}")


def new_token() -> str:
    """A token for the address that the partner calls."""
    return "".join(secrets.choice(_LETTERS) for _ in range(32))


def new_key() -> str:
    """An EncodingAESKey. Its last character stands for 4 bits, so that it is one of those that WeCom makes itself."""
    return "".join(secrets.choice(_LETTERS) for _ in range(42)) + secrets.choice("AEIMQUYcgkosw048")


async def tie(
    work: Work, vault: Vault, *, corp_id: str, secret: str, callback_token: str, callback_key: str
) -> PartnerTie:
    """Tie the brand, or change what it is tied with; a pause is over with it.

    `callback_token` has 3 to 32 letters and digits, `callback_key` (EncodingAESKey) 43 of them. Raises `INVALID`,
    `PARTNER_KEY_WRONG`.
    """
    corp_id = require_text("corpId", corp_id, longest=LONGEST_CORP_ID)
    secret = require_text("secret", secret, longest=LONGEST_SECRET)
    _require_shapes(callback_token, callback_key)
    brand_id = work.actor.brand_id
    tie = await partner.lock_tie(work.session, brand_id)
    if tie is None:
        tie = PartnerTie(
            brand_id=brand_id,
            corp_id=corp_id,
            secret_sealed=b"",
            callback_token_sealed=b"",
            callback_key_sealed=b"",
            tied_at=clock.now(),
            version=0,
        )
        work.session.add(tie)
    tie.corp_id = corp_id
    tie.secret_sealed = vault.seal(brand_id, secret)
    tie.callback_token_sealed = vault.seal(brand_id, callback_token)
    tie.callback_key_sealed = vault.seal(brand_id, callback_key)
    tie.is_paused = False
    await _note(work, tie, "partner.tied")
    return tie


async def untie(work: Work) -> None:
    """Forget the corp and its secrets; what waits for the partner then waits for a new tie. `PARTNER_NOT_TIED`."""
    tie = await _lock(work)
    await _note(work, tie, "partner.untied")
    await work.session.delete(tie)


async def pause(work: Work) -> PartnerTie:
    """Ask the partner nothing until `resume`; what it tells is still kept. Twice is once. `PARTNER_NOT_TIED`."""
    return await _set_paused(work, is_paused=True)


async def resume(work: Work) -> PartnerTie:
    """Ask the partner again. Twice is once. `PARTNER_NOT_TIED`."""
    return await _set_paused(work, is_paused=False)


async def _set_paused(work: Work, *, is_paused: bool) -> PartnerTie:
    tie = await _lock(work)
    if tie.is_paused is not is_paused:
        tie.is_paused = is_paused
        await _note(work, tie, "partner.paused" if is_paused else "partner.resumed")
    return tie


async def _lock(work: Work) -> PartnerTie:
    tie = await partner.lock_tie(work.session, work.actor.brand_id)
    if tie is None:
        raise PartnerNotTied
    return tie


async def _note(work: Work, tie: PartnerTie, action: str) -> None:
    """The secrets are in no line of the log; which corp it is may be asked later."""
    tie.version += 1
    await audit.write(work.session, work.actor, action, "partner_tie", work.actor.brand_id, {"corp_id": tie.corp_id})


def _require_shapes(token: str, key: str) -> None:
    if not _TOKEN.fullmatch(token):
        raise PartnerKeyWrong(what="Token", shape="3 to 32 letters and digits", shape_zh="3 至 32 位字母或数字")
    if not _KEY.fullmatch(key):
        raise PartnerKeyWrong(what="EncodingAESKey", shape="43 letters and digits", shape_zh="43 位字母或数字")
