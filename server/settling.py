"""Settle handovers with the partner, bit by bit: nothing is asked while a unit of work is open."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from handover.commands import chats, falling_back, preparing, retaining, settling
from handover.models.chats import ListPlace
from handover.partner import Chat, Part, Partner, PartnerAway, PartnerRefused, Standing, Thing, Unassigned
from handover.queries import chats as chat_queries
from handover.queries import partner as ties
from handover.queries import settling as queries
from kernel import clock, jobs
from kernel.actor import system
from kernel.work import Ground, Result, Work, carry_out

LONGEST_SECONDS = 12.0  # then the rest is asked for anew; a call of the partner's may still take some seconds
MOST_SECONDS = 40.0  # then a call that goes on is given up: its answer counts as lost
MOST_PAGES = 2_000
MOST_HANDOVERS = 20
CHATS_AT_A_TIME = 200
MOST_REFUSALS = 3  # of whole requests, one after the other: then something else is wrong
AWAY = timedelta(minutes=1)
REFUSED = timedelta(minutes=15)

PartnerOf = Callable[[Ground, UUID], Awaitable[Partner | None]]

log = logging.getLogger(__name__)


class _Stop(Exception):
    """Nothing more can be asked now; go on after a while."""

    def __init__(self, after: timedelta) -> None:
        self.after = after


@dataclass
class _Settling:
    """One run of the errand."""

    ground: Ground
    brand_id: UUID
    partner: Partner
    until: float
    refusals: int = 0
    seen: set[tuple[UUID, str | None]] = field(default_factory=set)

    async def do(self, act: Callable[[Work], Awaitable[Result]]) -> Result:
        return await carry_out(self.ground, system(self.brand_id), act)

    def has_time(self) -> bool:
        return asyncio.get_running_loop().time() < self.until

    async def go_through(self) -> bool:
        """Ask and look until nothing is due; true if time was over before."""
        while self.has_time():
            steps = (self.follow_up, self.ask, self.look, self.move_chats)
            if not any([await step() for step in steps]):
                return False
        return True

    async def follow_up(self) -> bool:
        """What follows here: nothing more is asked of what is undone, the next best guide, tasks for managers."""
        steps = (settling.withdraw, falling_back.fall_back, retaining.call_managers)
        return any([await self.do(step) for step in steps])

    async def ask(self) -> bool:
        """Make one request, of at most 100 customers."""
        asking = await self.do(settling.take_request)
        if asking is None:
            return False
        if not asking.attempt_ids:
            return True
        pair = asking.pair
        try:
            answers = await self.partner.transfer(
                pair.course, pair.from_user_id, pair.to_user_id, asking.external_user_ids, None
            )
        except PartnerRefused as refused:
            code = refused.code
            await self.do(lambda work: settling.note_refusal(work, asking, code))
            self._refused("transfer", refused)
        else:
            self.refusals = 0
            await self.do(lambda work: settling.note_answers(work, asking, answers))
        return True

    async def look(self) -> bool:
        """Read what the partner has of two members, to its end, and settle by it all that waits for it."""
        looking = await self.do(settling.take_look)
        if looking is None:
            return False
        pair = looking.pair
        await self._put_off(looking)
        try:
            listed: list[Standing] = await _all_pages(
                partial(self.partner.standings, pair.course, pair.from_user_id, pair.to_user_id)
            )
        except PartnerRefused as refused:
            await self._put_off(looking, clock.now() + timedelta(hours=1))
            self._refused("standings", refused)
            return True
        self.refusals = 0
        standings = {each.external_user_id: each for each in listed}
        after: UUID | None = None
        while True:
            after = await self.do(partial(settling.note_standings, looking=looking, standings=standings, after=after))
            if after is None:
                return True

    async def _put_off(self, looking: settling.Looking, until: datetime | None = None) -> None:
        """One unit of work after the other: nobody who hears from the partner waits for thousands of attempts."""
        while await self.do(partial(settling.put_off, looking=looking, until=until)):
            continue

    async def move_chats(self) -> bool:
        """Make one request about group chats, or find out what became of one."""
        asking = await self.do(chats.take_request)
        if asking is None:
            return False
        if not asking.chats:
            return True
        if asking.looks:
            await self._look_for_chats(asking)
            return True
        try:
            answers = await self.partner.transfer_chats(asking.course, list(asking.chats), asking.to_user_id)
        except PartnerRefused as refused:
            code = refused.code
            await self.do(lambda work: chats.note_refusal(work, asking, code))
            self._refused("chats", refused)
        else:
            await self.do(lambda work: chats.note_answers(work, asking, answers))
        return True

    async def _look_for_chats(self, asking: chats.ChatAsking) -> None:
        try:
            owned = await self._chats_of([asking.to_user_id])
        except PartnerRefused as refused:
            # They are looked at again later: whoever took them has said when.
            self._refused("chats", refused)
        else:
            await self.do(lambda work: chats.note_owner(work, asking, {chat.chat_id for _, chat in owned}))

    async def list_chats(self, handover_ids: Sequence[UUID]) -> bool:
        """Ask once for each handover which chats the leaver owns; true if time was over before.

        What was known of them before stays known.
        """
        async with self.ground.db.read() as session:
            members = await chat_queries.unlisted(session, self.brand_id, handover_ids)
        for handover_id, user_ids in members.items():
            try:
                while await self._list_page(handover_id, user_ids):
                    if not self.has_time():
                        return True
            except PartnerRefused as refused:
                # It doesn't list the chats of somebody who has left for good: those that are known have to do.
                log.warning("partner_refused", extra={"what": "chats", "code": refused.code})
            after = await self.do(partial(chats.prepare, handover_id=handover_id))
            while after is not None:
                after = await self.do(partial(chats.prepare, handover_id=handover_id, after=after))
        return False

    async def _list_page(self, handover_id: UUID, user_ids: Sequence[str]) -> bool:
        """Read one page of a leaver's chats, from where whoever read the last one has come to; false at the end."""
        async with self.ground.db.read() as session:
            place = await chat_queries.place_of(session, self.brand_id, handover_id)
        owners = place.owners(user_ids)
        if not owners:
            return False
        at = clock.now()
        part = await self.partner.chats(owners, place.cursor)
        for first in range(0, len(part.things), CHATS_AT_A_TIME):
            listed = part.things[first : first + CHATS_AT_A_TIME]
            await self.do(partial(chats.note_list, listed=listed, at=at))
        further = place.further(owners, part.next_cursor)
        is_endless = further.pages >= MOST_PAGES or (handover_id, further.cursor) in self.seen
        await self.do(partial(chats.keep_place, handover_id=handover_id, place=ListPlace() if is_endless else further))
        if is_endless:
            raise PartnerAway("its pages have no end")
        if further.cursor is not None:
            self.seen.add((handover_id, further.cursor))
        return True

    async def _chats_of(self, user_ids: list[str]) -> list[tuple[str, Chat]]:
        return await _all_pages(partial(self.partner.chats, user_ids))

    def _refused(self, what: str, refused: PartnerRefused) -> None:
        log.warning("partner_refused", extra={"what": what, "code": refused.code})
        self.refusals += 1
        if self.refusals >= MOST_REFUSALS:
            raise _Stop(REFUSED)


async def settle(partner_of: PartnerOf, ground: Ground, brand_id: UUID, handover_id: str | None = None) -> None:
    """See to what a brand has to settle with the partner; what is left when time is over is asked for anew.

    May run any number of times, and several at once: whoever asks has taken what they ask for.
    """
    async with ground.db.read() as session:
        is_tied = await ties.is_tied(session, brand_id)
        found = await queries.unfinished(session, brand_id, MOST_HANDOVERS)
    handovers = list(dict.fromkeys([*([UUID(handover_id)] if handover_id else []), *found]))
    actor = system(brand_id)
    if not is_tied:
        for each in handovers:
            await carry_out(ground, actor, partial(settling.close_untied, handover_id=each))
        return
    await _prepare(ground, brand_id, handovers)
    partner = await partner_of(ground, brand_id)
    if partner is None:
        return
    run = _Settling(ground, brand_id, partner, asyncio.get_running_loop().time() + LONGEST_SECONDS)
    again: timedelta | None = None
    time = asyncio.timeout(MOST_SECONDS)
    try:
        async with time:
            # Customers first: each chat is asked for by itself, which takes its time where there are many.
            is_late = await run.go_through()
            if not is_late:
                is_late = await run.list_chats(handovers) or await run.go_through()
            # What waited for something that is settled by now.
            if not is_late and await _prepare(ground, brand_id, handovers):
                is_late = await run.go_through()
        again = timedelta() if is_late else None
    except TimeoutError:
        if not time.expired():
            raise
        log.warning("partner_away", extra={"what": "time is over"})
        again = AWAY
    except PartnerAway as away:
        log.warning("partner_away", extra={"what": away.what})
        again = max(AWAY, timedelta(seconds=away.retry_after or 0))
    except _Stop as stop:
        again = stop.after
    for each in handovers:
        await carry_out(ground, actor, partial(settling.close, handover_id=each))
    if again is not None:
        await carry_out(ground, actor, partial(_go_on, after=again))


async def _prepare(ground: Ground, brand_id: UUID, handover_ids: Sequence[UUID]) -> bool:
    """Decide what there is to ask for; says whether there is anything."""
    actor, begun = system(brand_id), 0
    for each in handover_ids:
        part = await carry_out(ground, actor, partial(preparing.prepare, handover_id=each))
        while part.last is not None:
            begun += part.begun
            part = await carry_out(ground, actor, partial(preparing.prepare, handover_id=each, after=part.last))
        while await carry_out(ground, actor, partial(preparing.prepare_others, handover_id=each)):
            begun += 1
    return begun > 0


async def _go_on(work: Work, after: timedelta) -> None:
    work.requests.append(jobs.Request(settling.SETTLE, {}, after))


async def unassigned(partner: Partner) -> list[Unassigned]:
    """What leavers left behind at the partner, all pages of it."""
    return await _all_pages(partner.unassigned)


async def _all_pages(ask: Callable[[str | None], Awaitable[Part[Thing]]]) -> list[Thing]:
    """What is on all pages. One that leads back to an earlier one, or on for ever, is as good as no answer."""
    found: list[Thing] = []
    cursor: str | None = None
    seen: set[str] = set()
    while len(seen) < MOST_PAGES:
        part = await ask(cursor)
        found += part.things
        cursor = part.next_cursor
        if cursor is None:
            return found
        if cursor in seen:
            break
        seen.add(cursor)
    raise PartnerAway("its pages have no end")
