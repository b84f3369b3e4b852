"""Take what the partner tells by itself for what it is worth: it may come twice, late, and out of its order.

A contact is what the newest news of it say. An attempt is settled by news only if they can't be meant of another one;
otherwise the partner's records are looked at.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlmodel import col

from customers.commands import links
from customers.models import GoneWhy
from customers.queries import links as link_queries
from directory.models import Account
from handover.commands import attempting
from handover.events import ContactDeleted, PartnerMemberLeft
from handover.models import GroupChat, HandoverAttempt, News, NewsKind, NewsReason, Todo
from handover.models import settlement as rules
from handover.queries import contacts
from handover.queries import settling as queries
from kernel import clock
from kernel.work import Work

_MOST = 200  # attempts about one customer, or of one leaver, in one unit of work
_GONE = {NewsKind.UNLINKED_BY_STAFF: GoneWhy.BY_STAFF, NewsKind.UNLINKED_BY_CUSTOMER: GoneWhy.BY_CUSTOMER}


async def hear(work: Work, news: News) -> None:
    """Apply one piece of news; again changes nothing. What it names and nobody here knows is left alone."""
    match news.kind:
        case NewsKind.MEMBER_LEFT:
            await _member_left(work, news)
        case NewsKind.CHAT_CHANGED:
            await _chat_changed(work, news)
        case NewsKind.TRANSFER_FAILED:
            await _tell_attempts(work, news)
        case _:
            if await _contact_changed(work, news):
                await _tell_attempts(work, news)


async def tell_again(work: Work, external_user_ids: Collection[str]) -> None:
    """Keep what was told of the contacts of customers whom nobody knew here then; older news change nothing.

    News are kept for 60 days. Nothing was asked about somebody unknown, so that no attempt has to hear of it.
    """
    brand_id = work.actor.brand_id
    told = await contacts.told_of(work.session, brand_id, external_user_ids)
    # Of what came in one second the end of a contact comes last, as `links` has it.
    newest = {(news.user_id or "", news.external_user_id or ""): news for news in sorted(told, key=_when)}
    known = await link_queries.where_known(work.session, brand_id, newest)
    for why in (None, *GoneWhy):
        found = [
            links.Contact(*ends, news.external_user_id or "", news.at)
            for pair, news in sorted(newest.items())
            if _why(news) is why
            for ends in known[pair]
        ]
        await (links.link(work, found) if why is None else links.unlink(work, found, why))


def _when(news: News) -> tuple[datetime, bool]:
    return news.at, news.kind in _GONE


def _why(news: News) -> GoneWhy | None:
    """Why the contact is over by the news; none where it isn't."""
    why = _GONE.get(news.kind)
    return GoneWhy.TRANSFERRED if why is not None and news.is_transfer else why


async def _contact_changed(work: Work, news: News) -> bool:
    """Keep who is whose contact; whether what the news say is how it is known now, or nothing is known of it."""
    if news.user_id is None or news.external_user_id is None:
        return False
    pair = (news.user_id, news.external_user_id)
    known = (await link_queries.where_known(work.session, work.actor.brand_id, [pair]))[pair]
    found = [links.Contact(*ends, news.external_user_id, news.at) for ends in known]
    why = _why(news)
    changed = await (links.link(work, found) if why is None else links.unlink(work, found, why))
    if news.kind is NewsKind.UNLINKED_BY_STAFF and not news.is_transfer:
        for account_id, relationship_id in sorted(changed):
            work.record(ContactDeleted(account_id, relationship_id))
    # A second telling changes no contact; of the attempts, none is open any more that the first has settled.
    return bool(changed) or not known or await _is_so(work, news)


async def _is_so(work: Work, news: News) -> bool:
    """Whether the contact is as the news say, and nothing newer is known."""
    pair = (news.user_id or "", news.external_user_id or "")
    known = (await link_queries.where_known(work.session, work.actor.brand_id, [pair]))[pair]
    rows = await link_queries.of_relationships(work.session, work.actor.brand_id, {each for _, each in known})
    there = [row for account_id, each in known for row in rows[each] if row.account_id == account_id]
    is_gone = news.kind in _GONE
    return any((row.gone_at is not None) == is_gone and row.told_at <= news.at for row in there)


async def _tell_attempts(work: Work, news: News) -> None:
    """Let the attempts about the customer hear of it; half a contact settles none."""
    if news.user_id is None or news.external_user_id is None or news.kind is NewsKind.HALF_LINKED:
        return
    is_of_taker = news.kind in (NewsKind.LINKED, NewsKind.TRANSFER_FAILED)
    end = col(HandoverAttempt.to_user_id if is_of_taker else HandoverAttempt.from_user_id)
    attempts = await queries.lock_along(
        work.session,
        col(HandoverAttempt.brand_id) == work.actor.brand_id,
        col(HandoverAttempt.external_user_id) == news.external_user_id,
        end == news.user_id,
        or_(col(HandoverAttempt.todo).is_not(None), queries.is_last_of_item()),
        most=_MOST,
    )
    now = clock.now()
    is_only = sum(each.todo is Todo.LOOK for each in attempts) == 1
    steps = [(each, rules.heard(each.point, news, now, is_only=is_only)) for each in attempts]
    await attempting.go_on(work, [(attempt, step) for attempt, step in steps if step is not None])


async def _member_left(work: Work, news: News) -> None:
    """Say that somebody has left there, and ask at once for what waited for it."""
    if news.user_id is None:
        return  # accounts that the partner doesn't know have no user id either
    accounts: Sequence[Account] = (
        await work.session.scalars(
            select(Account).where(
                col(Account.brand_id) == work.actor.brand_id, col(Account.partner_user_id) == news.user_id
            )
        )
    ).all()
    for staff_id in sorted({each.staff_id for each in accounts if each.staff_id is not None}):
        work.record(PartnerMemberLeft(staff_id))
    await work.session.execute(
        update(HandoverAttempt)
        .where(
            col(HandoverAttempt.brand_id) == work.actor.brand_id,
            col(HandoverAttempt.from_user_id) == news.user_id,
            col(HandoverAttempt.todo) == Todo.ASK,
            col(HandoverAttempt.next_at) > clock.now(),
        )
        .values(next_at=clock.now())
        .execution_options(synchronize_session=False)
    )


async def _chat_changed(work: Work, news: News) -> None:
    """A chat that was dismissed is gone; whose it is otherwise, the partner's list says when it is next looked at."""
    chat: GroupChat | None = await work.session.scalar(
        select(GroupChat)
        .where(col(GroupChat.brand_id) == work.actor.brand_id, col(GroupChat.chat_id) == news.chat_id)
        .with_for_update(key_share=True)
    )
    if chat is None or chat.told_at > news.at:
        return
    if news.reason is NewsReason.DISMISSED and chat.gone_at is None:
        chat.gone_at = news.at
        chat.told_at = news.at
