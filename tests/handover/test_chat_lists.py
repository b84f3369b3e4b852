"""A leaver's group chats are listed page by page, each in units of work of its own; whoever follows goes on there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from handover.commands import chats
from handover.models import ChatState, GroupChatMove, Handover, HandoverAccount, HandoverKind, HandoverState
from handover.partner import Chat, Part, PartnerAway
from kernel import clock
from kernel.actor import system
from kernel.jobs import Job
from kernel.work import Ground, carry_out
from server import chores, settling
from tests.factories import NOON, build_world
from tests.handover.partners import Case, Scripted, settling_case, settling_handover


@dataclass
class Lister(Scripted):
    """Notes the pages that it is asked for, in `pages`; on the one where it is `deadly`, the worker dies."""

    pages: list[str | None] = field(default_factory=list)
    deadly: str | None = None
    takes: float = 0
    is_closed: bool = False

    async def chats(self, owner_user_ids: Sequence[str], cursor: str | None) -> Part[tuple[str, Chat]]:
        self.pages.append(cursor)
        await asyncio.sleep(self.takes)
        if self.is_closed:
            raise PartnerAway("chats")
        if self.deadly is not None and cursor == self.deadly:
            self.deadly = None
            raise asyncio.CancelledError
        return await super().chats(owner_user_ids, cursor)


async def with_chats(ground: Ground, count: int, **values: Any) -> tuple[Case, Lister]:
    case = await settling_case(ground, await build_world(ground), is_linked=False)
    plain = {each.name: getattr(case.partner, each.name) for each in fields(Scripted)}
    case.partner = lister = Lister(**plain | values)
    lister.owned = {f"wr-{number:04}": "leaver" for number in range(count)}
    lister.page_size = 2
    return case, lister


async def settle_at(case: Case, moment: datetime) -> None:
    with clock.stopped_at(moment):
        await case.settle()


async def count_moves(case: Case, handover: Handover | None = None) -> dict[ChatState, int]:
    async with case.ground.db.read() as session:
        found = await session.execute(
            select(col(GroupChatMove.state), func.count())
            .where(
                col(GroupChatMove.brand_id) == case.world.brand.id,
                col(GroupChatMove.handover_id) == (handover or case.handover).id,
            )
            .group_by(col(GroupChatMove.state))
        )
        return dict(found.all())


async def test_a_worker_that_dies_while_it_reads_the_list_is_followed_from_that_page_on(ground: Ground) -> None:
    case, lister = await with_chats(ground, 9, deadly="6")

    with pytest.raises(asyncio.CancelledError):
        await settle_at(case, NOON)
    assert await case.state() is HandoverState.SETTLING
    with clock.stopped_at(NOON):
        await chores.mind_settling(ground)
    async with ground.db.read() as session:
        assert (
            await session.scalar(select(func.count()).select_from(Job).where(col(Job.name) == "handover.settle")) == 1
        )
    await settle_at(case, NOON)

    assert lister.pages == [None, "2", "4", "6", "6", "8"]
    assert await count_moves(case) == {ChatState.MOVED: 9}
    assert await case.state() is HandoverState.DONE


async def test_a_list_for_which_one_errand_is_too_short_is_read_by_several(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it was read in one go, and from its beginning each time: it never came to an end."""
    monkeypatch.setattr(settling, "LONGEST_SECONDS", 0.01)
    case, lister = await with_chats(ground, 9, takes=0.02)

    runs = 0
    while await case.state() is HandoverState.SETTLING:
        runs += 1
        assert runs < 20
        await settle_at(case, NOON)

    assert lister.pages == [None, "2", "4", "6", "8"]
    assert runs >= 5
    assert await count_moves(case) == {ChatState.MOVED: 9}


async def test_nothing_is_done_before_its_chats_are_listed(ground: Ground) -> None:
    """Where nothing else was to be settled, a partner that was away for a moment kept all chats with the leaver."""
    case, lister = await with_chats(ground, 3, is_closed=True)

    await settle_at(case, NOON)
    assert await case.state() is HandoverState.SETTLING
    lister.is_closed = False
    await settle_at(case, NOON + timedelta(minutes=2))

    assert await count_moves(case) == {ChatState.MOVED: 3}
    assert await case.state() is HandoverState.DONE


async def test_a_list_whose_pages_lead_round_is_begun_anew_later(ground: Ground) -> None:
    case, lister = await with_chats(ground, 5, leads_round=True)

    await settle_at(case, NOON)
    assert lister.pages == [None, "2", "4"]
    assert await case.state() is HandoverState.SETTLING
    lister.leads_round = False
    await settle_at(case, NOON + timedelta(minutes=2))

    assert lister.pages[3:] == [None, "2", "4"]
    assert await case.state() is HandoverState.DONE


async def test_whose_accounts_hold_nothing_there_has_no_list(ground: Ground) -> None:
    case, lister = await with_chats(ground, 3)
    async with ground.db.write() as session:
        await session.execute(delete(HandoverAccount).where(col(HandoverAccount.brand_id) == case.world.brand.id))

    await settle_at(case, NOON)

    assert lister.pages == []
    assert await case.state() is HandoverState.DONE


async def test_where_each_chat_goes_is_decided_piece_by_piece(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chats, "AT_A_TIME", 2)
    case, _ = await with_chats(ground, 5)
    owned = list(case.partner.owned)
    brand_id = case.world.brand.id
    listed = [("leaver", Chat(each)) for each in owned]
    await carry_out(ground, system(brand_id), lambda work: chats.note_list(work, listed, NOON))

    after: UUID | None = None
    decided = []
    with clock.stopped_at(NOON):
        for _ in range(2):
            after = await carry_out(
                ground, system(brand_id), partial(chats.prepare, handover_id=case.handover.id, after=after)
            )
            decided.append(sum((await count_moves(case)).values()))
    assert decided == [2, 4]
    # Whoever did that has died.
    await settle_at(case, NOON)

    assert await count_moves(case) == {ChatState.MOVED: 5}
    assert await case.state() is HandoverState.DONE


async def test_chats_go_back_piece_by_piece_too(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chats, "AT_A_TIME", 2)
    case, lister = await with_chats(ground, 5)
    await settle_at(case, NOON)
    async with ground.db.write() as session:
        await session.execute(
            update(Handover).where(col(Handover.brand_id) == case.world.brand.id).values(state=HandoverState.UNDONE)
        )
    back = await settling_handover(
        ground, case.world, HandoverKind.RESIGNATION, case.leaver, undoes_id=case.handover.id
    )
    undo = Case(ground, case.world, lister, back, case.taker, case.leaver, [], [])

    await settle_at(undo, NOON + timedelta(days=1))

    assert set(lister.owned.values()) == {"leaver"}
    assert await count_moves(case, back) == {ChatState.MOVED: 5}
    assert await undo.state() is HandoverState.DONE
