"""List the group chats of a handover's accounts when it starts, so that its ledger counts them."""

import asyncio
import logging
from datetime import timedelta
from functools import partial
from uuid import UUID

from handover.commands import chats
from handover.partner import PartnerAway, PartnerRefused
from handover.queries import chats as queries
from kernel import clock, jobs
from kernel.actor import system
from kernel.work import Ground, Work, carry_out
from server.settling import AWAY, LONGEST_SECONDS, MOST_PAGES, PartnerOf

log = logging.getLogger(__name__)


async def list_chats(
    partner_of: PartnerOf, ground: Ground, brand_id: UUID, handover_id: str, cursor: str | None = None, pages: int = 0
) -> None:
    """Read the partner's list page by page; what is left when time is over is asked for anew, from that page on.

    Nothing once it moves, or where the brand's tie is paused. May run twice.
    """
    which, actor = UUID(handover_id), system(brand_id)
    async with ground.db.read() as session:
        user_ids = await queries.uncounted(session, brand_id, which)
    partner = await partner_of(ground, brand_id) if user_ids else None
    if partner is None or user_ids is None:
        return
    ask_anew = partial(_ask_anew, handover_id=handover_id)
    until = asyncio.get_running_loop().time() + LONGEST_SECONDS
    try:
        while pages < MOST_PAGES:
            at = clock.now()
            part = await partner.chats(user_ids, cursor)
            pages += 1
            await carry_out(ground, actor, partial(chats.note_list, listed=part.things, at=at))
            cursor = part.next_cursor
            if cursor is None:
                break
            if asyncio.get_running_loop().time() > until:
                await carry_out(ground, actor, partial(ask_anew, cursor=cursor, pages=pages))
                return
    except PartnerRefused as refused:
        # What is known has to do.
        log.warning("partner_refused", extra={"what": "chats", "code": refused.code})
    except PartnerAway as away:
        log.warning("partner_away", extra={"what": away.what})
        after = max(AWAY, timedelta(seconds=away.retry_after or 0))
        await carry_out(ground, actor, partial(ask_anew, cursor=cursor, pages=pages + 1, after=after))
        return
    await carry_out(ground, actor, partial(chats.count, handover_id=which))


async def _ask_anew(
    work: Work, handover_id: str, cursor: str | None, pages: int, after: timedelta = timedelta()
) -> None:
    args = {"handover_id": handover_id, "cursor": cursor, "pages": pages}
    work.requests.append(jobs.Request(chats.LIST, args, after))
