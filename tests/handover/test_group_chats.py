"""Group chats go to whoever takes most of their owner's customers: 100 a request, 300 a day."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from handover.commands.chats import LIST
from handover.commands.starting import start
from handover.models import (
    ChatState,
    GroupChat,
    GroupChatMove,
    Handover,
    HandoverKind,
    HandoverState,
    LedgerLine,
)
from handover.partner import Answer, Course, PartnerRefused, Told
from handover.queries.ledger import LineNow, Whereabouts, lines
from kernel import clock, ids, jobs
from kernel.work import Ground, carry_out
from server import listing_chats
from server.listing_chats import list_chats
from tests.factories import NOON, build_world, save
from tests.handover.partners import Case, Scripted, settling_case

DAY = timedelta(hours=24)


async def with_chats(ground: Ground, count: int, kind: HandoverKind = HandoverKind.RESIGNATION) -> Case:
    case = await settling_case(ground, await build_world(ground), is_linked=False, kind=kind)
    case.partner.owned = {f"wr-{number:03}": "leaver" for number in range(count)} | {"wr-other": "somebody"}
    return case


async def settle_at(case: Case, moment: datetime) -> None:
    with clock.stopped_at(moment):
        await case.settle()


async def states(case: Case) -> list[str]:
    async with case.ground.db.read() as session:
        found = await session.execute(
            select(col(GroupChatMove.state))
            .join(GroupChat, col(GroupChat.id) == col(GroupChatMove.group_chat_id))
            .where(col(GroupChatMove.brand_id) == case.world.brand.id, col(GroupChat.brand_id) == case.world.brand.id)
            .order_by(col(GroupChat.chat_id))
        )
    return [state.value for (state,) in found]


async def test_the_leavers_chats_go_to_the_takeover_guide_in_requests_of_a_hundred(ground: Ground) -> None:
    case = await with_chats(ground, 230)
    case.partner.page_size = 100

    await settle_at(case, NOON)

    assert [(course, len(chats), to) for course, chats, to in case.partner.chat_requests] == [
        (Course.RESIGNED, 100, "taker"),
        (Course.RESIGNED, 100, "taker"),
        (Course.RESIGNED, 30, "taker"),
    ]
    assert set(await states(case)) == {"moved"}
    assert await case.state() is HandoverState.DONE
    async with ground.db.read() as session:
        owners = await session.scalars(
            select(col(GroupChat.account_id)).where(col(GroupChat.brand_id) == case.world.brand.id).distinct()
        )
    assert list(owners) == [case.taker.account_ids[0]]


async def test_no_more_than_three_hundred_are_asked_for_on_one_day_of_the_partners(ground: Ground) -> None:
    case = await with_chats(ground, 310)
    late = NOON.replace(hour=15, minute=50)  # ten to midnight in Shanghai

    await settle_at(case, late)
    assert sum(len(chats) for _, chats, _ in case.partner.chat_requests) == 300
    assert await case.state() is HandoverState.SETTLING
    await settle_at(case, late + timedelta(minutes=5))
    assert sum(len(chats) for _, chats, _ in case.partner.chat_requests) == 300

    await settle_at(case, late + timedelta(minutes=11))
    assert sum(len(chats) for _, chats, _ in case.partner.chat_requests) == 310
    assert await case.state() is HandoverState.DONE


async def test_only_the_word_for_each_chat_counts(ground: Ground) -> None:
    case = await with_chats(ground, 3)
    case.partner.chat_answers = {
        "wr-000": [Answer(Told.TAKEOVER_FULL, 90503)],
        "wr-001": [Answer(Told.NOT_DEPARTED, 90500), Answer(Told.STARTED)],
    }

    await settle_at(case, NOON)
    assert await states(case) == ["refused", "pending", "moved"]
    await settle_at(case, NOON + timedelta(minutes=16))

    assert await states(case) == ["refused", "moved", "moved"]
    assert await case.state() is HandoverState.DONE


async def test_an_answer_that_was_lost_is_found_in_the_new_owners_list(ground: Ground) -> None:
    case = await with_chats(ground, 2)
    case.partner.loses_answers = 1

    await settle_at(case, NOON)
    assert await states(case) == ["asking", "asking"]
    await settle_at(case, NOON + timedelta(minutes=3))

    assert await states(case) == ["moved", "moved"]
    assert len(case.partner.chat_requests) == 1


async def test_a_list_that_is_refused_keeps_nothing_else_from_being_settled(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await with_chats(ground, 2)
    case.partner.loses_answers = 1
    await settle_at(case, NOON)

    async def refused(*_: object) -> None:
        raise PartnerRefused(48002, "chats")

    with monkeypatch.context() as patched:
        patched.setattr(Scripted, "chats", refused)
        await settle_at(case, NOON + timedelta(minutes=3))
    assert await states(case) == ["asking", "asking"]
    await settle_at(case, NOON + timedelta(hours=1))

    assert await states(case) == ["moved", "moved"]
    assert await case.state() is HandoverState.DONE


async def test_chats_that_the_partner_does_not_list_any_more_are_those_that_were_known(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an owner who has left the partner lists no chats, whatever they own."""
    case = await with_chats(ground, 1)

    async def refused(*_: object) -> None:
        raise PartnerRefused(40003, "chats")

    monkeypatch.setattr(Scripted, "chats", refused)
    await save(
        ground,
        GroupChat(
            brand_id=case.world.brand.id,
            id=ids.new(),
            account_id=case.leaver.account_ids[0],
            owner_user_id="leaver",
            chat_id="wr-000",
            told_at=NOON - DAY,
        ),
    )

    await settle_at(case, NOON)

    assert await states(case) == [ChatState.MOVED.value]
    assert case.partner.chat_requests == [(Course.RESIGNED, ["wr-000"], "taker")]


# When a handover starts


async def begun(ground: Ground, count: int) -> tuple[Case, Handover]:
    """A handover of the other guide's, whom the partner knows as the owner of so many chats, has just been started."""
    case = await with_chats(ground, 0)
    case.partner.owned = {f"wr-{number:03}": "taker" for number in range(count)} | {"wr-other": "somebody"}
    case.partner.page_size = 2
    started: Handover = await carry_out(
        ground,
        case.world.shop.manager,
        lambda work: start(work, kind=HandoverKind.RESIGNATION, staff_id=case.taker.staff_id),
    )
    return case, started


async def list_all(case: Case) -> None:
    """Carry out what is asked for about chats, to its end."""

    async def partner_of(_ground: Ground, _brand_id: UUID) -> Scripted:
        return case.partner

    async with case.ground.db.read() as session:
        asked = await jobs.waiting(session, case.world.brand.id, LIST)
    for args in asked:
        await list_chats(partner_of, case.ground, case.world.brand.id, **args)


async def counted(case: Case, handover: Handover) -> LineNow:
    async with case.ground.db.read() as session:
        [line] = [each for each in await lines(session, handover) if each.line is LedgerLine.GROUP_CHATS]
    return line


async def test_the_ledger_counts_the_chats_that_the_partner_lists_when_a_handover_starts(ground: Ground) -> None:
    case, handover = await begun(ground, 5)
    assert (await counted(case, handover)).at_start == 0

    await list_all(case)
    await list_all(case)

    line = await counted(case, handover)
    assert (line.at_start, line.arrived, line.places) == (5, 0, {Whereabouts.WITH_LEAVER: 5})
    assert line.adds_up


async def test_a_list_that_takes_long_goes_on_where_it_was(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_chats, "LONGEST_SECONDS", -1)
    case, handover = await begun(ground, 5)

    await list_all(case)
    async with ground.db.read() as session:
        asked = await jobs.waiting(session, case.world.brand.id, LIST)
    assert [(args.get("cursor"), args.get("pages")) for args in asked] == [(None, None), ("2", 1)]
    for _ in range(2):
        await list_all(case)

    assert (await counted(case, handover)).at_start == 5


async def test_what_is_listed_once_it_moves_has_arrived_meanwhile(ground: Ground) -> None:
    case, handover = await begun(ground, 2)
    async with ground.db.write() as session:
        await session.execute(
            update(Handover)
            .where(col(Handover.brand_id) == case.world.brand.id, col(Handover.id) == handover.id)
            .values(state=HandoverState.MOVING)
        )

    await list_all(case)

    assert (await counted(case, handover)).at_start == 0


async def test_a_partner_that_is_away_is_asked_for_the_list_later(ground: Ground) -> None:
    case, handover = await begun(ground, 2)
    case.partner.is_away = 1

    await list_all(case)
    await list_all(case)

    assert (await counted(case, handover)).at_start == 2
