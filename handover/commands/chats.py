"""Let group chats go to whoever takes most of their owner's customers: 100 a request, and 300 a day."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlmodel import col

from handover.commands import ledger
from handover.commands.preparing import course_of
from handover.models import ChatState, GroupChat, GroupChatMove, Handover, HandoverState, LedgerLine
from handover.models.chats import MOST_A_DAY, ChatStep, ListPlace, chat_told, next_partner_day, partner_day
from handover.models.settlement import pause
from handover.partner import MOST_AT_ONCE, Answer, Chat, Course
from handover.queries import chats as queries
from handover.queries import handovers, preparing
from kernel import bulk, clock, ids
from kernel.work import Work

LIST = "handover.chats"
AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class ChatAsking:
    """One request that is about to be made: at most 100 chats. With `looks` their new owner's list is read instead."""

    course: Course
    to_user_id: str
    at: datetime
    chats: Mapping[str, UUID]
    looks: bool = False


async def note_list(work: Work, listed: Sequence[tuple[str, Chat]], at: datetime) -> None:
    """Keep what the partner's list said then, of at most 1,000 chats; what isn't in it stays as it is known."""
    accounts = await queries.accounts_of(work.session, work.actor.brand_id, {user_id for user_id, _ in listed})
    owners = {chat.chat_id: (user_id, chat) for user_id, chat in listed if user_id in accounts}
    known = await work.session.scalars(
        select(GroupChat)
        .where(col(GroupChat.brand_id) == work.actor.brand_id, col(GroupChat.chat_id).in_(owners))
        .order_by(col(GroupChat.id))
        .with_for_update(key_share=True)
    )
    for row in known:
        user_id, chat = owners.pop(row.chat_id)
        if row.told_at <= at:
            row.owner_user_id, row.account_id, row.told_at = user_id, accounts[user_id], at
            row.name = chat.name or row.name
    await work.session.flush()
    rows = [
        GroupChat(
            brand_id=work.actor.brand_id,
            id=ids.new(),
            account_id=accounts[user_id],
            owner_user_id=user_id,
            chat_id=chat.chat_id,
            name=chat.name,
            told_at=at,
        ).model_dump()
        for user_id, chat in owners.values()
    ]
    await bulk.insert_missing(work.session, GroupChat, rows)


async def count(work: Work, handover_id: UUID) -> None:
    """Let the ledger count what the partner's list has shown; nothing once it moves: what comes then has arrived."""
    handover = await handovers.lock(work.session, work.actor, handover_id)
    if handover.state in queries.COUNTABLE:
        await ledger.take_late(work, handover, LedgerLine.GROUP_CHATS)


async def keep_place(work: Work, handover_id: UUID, place: ListPlace) -> None:
    """Note how far the partner's list was read: whoever goes on begins there."""
    handover = await handovers.lock(work.session, work.actor, handover_id)
    if handover.state is HandoverState.SETTLING and handover.chats_listed_at is None:
        handover.chats_place = asdict(place)


async def prepare(work: Work, handover_id: UUID, after: UUID | None = None) -> UUID | None:
    """Decide to whom the next 200 chats go, once the partner's list was read; none when there are no more.

    Where a handover is undone, they go back.
    """
    handover = await handovers.lock(work.session, work.actor, handover_id)
    if handover.state is not HandoverState.SETTLING or handover.chats_listed_at is not None:
        return None
    rows, last = await (_back(work, handover, after) if handover.undoes_id else _onward(work, handover, after))
    if last is None:
        handover.chats_listed_at, handover.chats_place = clock.now(), {}
    await work.session.flush()
    await bulk.insert_missing(work.session, GroupChatMove, [row.model_dump() for row in rows])
    return last


async def take_request(work: Work) -> ChatAsking | None:
    """Take some of what is due, all for one member; none if nothing is, or none more may be asked for today."""
    now = clock.now()
    due = (col(GroupChatMove.brand_id) == work.actor.brand_id, col(GroupChatMove.next_at) <= now)
    first = (await _take(work, *due, most=1))[:1]
    if not first:
        return None
    of_one = (
        col(GroupChatMove.course) == first[0].course,
        col(GroupChatMove.from_user_id) == first[0].from_user_id,
        col(GroupChatMove.to_user_id) == first[0].to_user_id,
        col(GroupChatMove.state) == first[0].state,
    )
    moves = await _take(work, *due, *of_one, most=MOST_AT_ONCE)
    looks = first[0].state is ChatState.ASKING
    if not looks:
        asked = await queries.asked_since(work.session, work.actor.brand_id, first[0].from_user_id, partner_day(now))
        room = max(MOST_A_DAY - asked, 0)
        for each in moves[room:]:
            each.next_at = next_partner_day(now)
        moves = moves[:room]
    for each in moves:
        if looks:
            each.next_at = now + pause(each.tries)
        else:
            each.begin_asking(now)
    names = await _names(work, moves)
    return ChatAsking(first[0].course, first[0].to_user_id, now, names, looks)


async def note_answers(work: Work, asking: ChatAsking, answers: Mapping[str, Answer]) -> None:
    """Write down what the partner said of each chat; of which it said nothing, its list has to say."""
    now = clock.now()
    for chat, move in await _asked(work, asking):
        if chat.chat_id in answers:
            answer = answers[chat.chat_id]
            move.code = answer.code
            _go_on(chat, move, chat_told(answer, move.tries, now), now)


async def note_owner(work: Work, asking: ChatAsking, owned: Collection[str]) -> None:
    """Settle by the new owner's list what nobody knows the answer to: there it has moved, or is asked for again."""
    now = clock.now()
    for chat, move in await _asked(work, asking):
        is_there = chat.chat_id in owned
        _go_on(chat, move, ChatStep(ChatState.MOVED) if is_there else ChatStep(ChatState.PENDING, now), now)


async def note_refusal(work: Work, asking: ChatAsking, code: int) -> None:
    """The partner answered for the request as a whole: nothing of it was done."""
    now = clock.now()
    for chat, move in await _asked(work, asking):
        move.code = code
        _go_on(chat, move, ChatStep(ChatState.PENDING, now + pause(move.tries)), now)


def _go_on(chat: GroupChat, move: GroupChatMove, step: ChatStep, now: datetime) -> None:
    if chat.gone_at is not None:
        step = ChatStep(ChatState.GONE)
    move.take(step, now)
    if step.state is ChatState.MOVED:
        chat.account_id, chat.owner_user_id, chat.told_at = move.to_account_id, move.to_user_id, now


async def _onward(work: Work, handover: Handover, after: UUID | None) -> tuple[list[GroupChatMove], UUID | None]:
    brand_id = work.actor.brand_id
    left = await queries.left_behind(work.session, brand_id, handover, after, AT_A_TIME)
    if not left:
        return [], None
    takers = await queries.takers(work.session, brand_id, handover.id)
    leavers = await preparing.ends(work.session, brand_id, {chat.account_id for chat in left})
    at, rows = clock.now(), []
    for chat in left:
        # An owner has an account in each store, and may have left only some of them.
        taker = takers.get(chat.account_id) or next(iter(takers.values()), None)
        if taker is not None and taker.user_id != chat.owner_user_id:
            rows.append(
                GroupChatMove(
                    brand_id=brand_id,
                    handover_id=handover.id,
                    group_chat_id=chat.id,
                    course=course_of(handover, leavers[chat.account_id]),
                    to_account_id=taker.to_account_id,
                    from_user_id=chat.owner_user_id,
                    to_user_id=taker.user_id,
                    next_at=at,
                )
            )
    return rows, left[-1].id


async def _back(work: Work, handover: Handover, after: UUID | None) -> tuple[list[GroupChatMove], UUID | None]:
    """What the handover that is given back had moved; the partner takes each chat back twice in 90 days at most."""
    assert handover.undoes_id is not None  # noqa: S101 - asked by the caller
    moved = await queries.moved_by(work.session, work.actor.brand_id, handover.undoes_id, after, AT_A_TIME)
    accounts = await queries.accounts_of(work.session, work.actor.brand_id, {each.from_user_id for each in moved})
    rows = [
        GroupChatMove(
            brand_id=work.actor.brand_id,
            handover_id=handover.id,
            group_chat_id=each.group_chat_id,
            course=Course.ON_JOB,
            to_account_id=accounts[each.from_user_id],
            from_user_id=each.to_user_id,
            to_user_id=each.from_user_id,
            next_at=clock.now(),
        )
        for each in moved
        if each.from_user_id in accounts
    ]
    return rows, moved[-1].group_chat_id if moved else None


async def _take(work: Work, *conditions: ColumnElement[bool], most: int) -> Sequence[GroupChatMove]:
    found = await work.session.scalars(
        select(GroupChatMove)
        .where(*conditions)
        .order_by(col(GroupChatMove.handover_id), col(GroupChatMove.group_chat_id))
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def _names(work: Work, moves: Sequence[GroupChatMove]) -> dict[str, UUID]:
    found = await work.session.execute(
        select(col(GroupChat.chat_id), col(GroupChat.id)).where(
            col(GroupChat.brand_id) == work.actor.brand_id,
            col(GroupChat.id).in_([each.group_chat_id for each in moves]),
        )
    )
    return dict(found.all())


async def _asked(work: Work, asking: ChatAsking) -> list[tuple[GroupChat, GroupChatMove]]:
    """The chats of a request with what is to come of them, kept from other writers; others' news of it are older."""
    chats = await work.session.scalars(
        select(GroupChat)
        .where(col(GroupChat.brand_id) == work.actor.brand_id, col(GroupChat.id).in_(list(asking.chats.values())))
        .order_by(col(GroupChat.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    by_id = {chat.id: chat for chat in chats}
    moves = await work.session.scalars(
        select(GroupChatMove)
        .where(
            col(GroupChatMove.brand_id) == work.actor.brand_id,
            col(GroupChatMove.group_chat_id).in_(list(by_id)),
            col(GroupChatMove.to_user_id) == asking.to_user_id,
            col(GroupChatMove.state) == ChatState.ASKING,
        )
        .order_by(col(GroupChatMove.handover_id), col(GroupChatMove.group_chat_id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return [(by_id[move.group_chat_id], move) for move in moves if asking.looks or move.asked_at == asking.at]
