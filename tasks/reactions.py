"""What follows for tasks when something happens below."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from intake.events import ImportApplied
from intake.models import Kind
from kernel import jobs
from kernel.work import Work
from mall.events import MINI_MALL, OrderAnswered, OrderCancelled, OrderCompleted, OrderPaid
from tagging.events import TagCheckSettled, TagQuestionAsked, TagQuestionClosed, TagRetired, TagsWentStale
from tasks import commands
from tasks.commands import answering, handing_out, plans, settling, tending
from tasks.queries import planning

CLOSE_ANSWERED = "tasks.close_answered"
CLOSE_MOOT = "tasks.close_moot"
FOLLOW_UP_ORDER = "tasks.follow_up_order"
SETTLE_BY_LOADED = "tasks.settle_by_loaded"
CHECK_TAGS = "tasks.check_tags"
CLOSE_CHECK = "tasks.close_check"
CLOSE_CHECKS_OF_TAG = "tasks.close_checks_of_tag"
SHOW_QUESTION = "tasks.show_question"
CLOSE_QUESTION = "tasks.close_question"


async def settle_where_asked(work: Work, events: Sequence[OrderPaid]) -> None:
    """Whoever was to be asked back has come."""
    if ordered := [event.order_id for event in events if event.relationship_id is not None]:
        await settling.ask_to_settle(work, ordered)


async def time_answers(work: Work, events: Sequence[OrderPaid]) -> None:
    """Somebody is to turn to whoever ordered in the mini-mall; at the till, somebody was there."""
    ordered = [event.order_id for event in events if event.channel == MINI_MALL and event.relationship_id is not None]
    if ordered:
        await answering.time_answers(work, ordered)


def on_order_completed(event: OrderCompleted) -> jobs.Request | None:
    """A customer who got what they ordered in the mini-mall is asked after it."""
    if event.channel != MINI_MALL or event.relationship_id is None:
        return None
    return jobs.Request(FOLLOW_UP_ORDER, {"order_id": str(event.order_id)})


def on_order_answered(event: OrderAnswered) -> jobs.Request | None:
    """Whoever was to be reminded need not be any more."""
    return jobs.Request(CLOSE_ANSWERED, {"order_id": str(event.order_id)}) if event.relationship_id else None


def on_order_cancelled(event: OrderCancelled) -> jobs.Request | None:
    """Nobody is to be reminded of an order that was taken back."""
    return jobs.Request(CLOSE_MOOT, {"order_id": str(event.order_id)}) if event.relationship_id else None


def on_import_applied(event: ImportApplied) -> jobs.Request | None:
    """Whoever was to be asked back may have come: orders are in of which nothing was said one by one."""
    return jobs.Request(SETTLE_BY_LOADED, {"after": None}) if event.kind == Kind.ORDERS else None


def on_tags_went_stale(event: TagsWentStale) -> jobs.Request:
    """Who holds customers with stale tags is asked to check some."""
    return jobs.Request(CHECK_TAGS, {"account_ids": [str(account_id) for account_id in event.account_ids]})


def on_tag_check_settled(event: TagCheckSettled) -> jobs.Request:
    """What somebody was asked to check was checked, by whomever, or isn't there any more."""
    key = commands.key_of(event.customer_id, event.tag_id, event.asked_at.timestamp())
    return jobs.Request(CLOSE_CHECK, {"source_key": key, "is_checked": event.is_checked})


def on_tag_retired(event: TagRetired) -> jobs.Request:
    """A tag that isn't used any more needn't be checked."""
    return jobs.Request(CLOSE_CHECKS_OF_TAG, {"tag_id": str(event.tag_id)})


async def check_tags(work: Work, account_ids: Sequence[str]) -> None:
    for account_id in sorted(account_ids):
        await commands.check_tags(work, UUID(account_id))


async def close_check(work: Work, source_key: str, is_checked: bool) -> None:
    await commands.close_check(work, source_key, is_checked=is_checked)


async def close_checks_of_tag(work: Work, tag_id: str) -> None:
    if await commands.close_checks_of_tag(work, UUID(tag_id)):
        work.later(CLOSE_CHECKS_OF_TAG, tag_id=tag_id)


async def settle_by_order(work: Work, order_id: str) -> None:
    await settling.settle_by_order(work, UUID(order_id))


async def settle_by_loaded(work: Work, after: str | None) -> None:
    """The stores behind that one; those behind these by another job."""
    has_more, done = await settling.settle_by_loaded(work, UUID(after) if after else None)
    if has_more:
        work.later(SETTLE_BY_LOADED, after=str(done) if done else None)


async def tend_store(work: Work, store_id: str) -> None:
    if await tending.tend_store(work, UUID(store_id)):
        work.later(tending.TEND_STORE, store_id=store_id)


async def follow_up_order(work: Work, order_id: str) -> None:
    await commands.follow_up_order(work, UUID(order_id))


async def ask_for_answer(work: Work, order_id: str) -> None:
    await answering.ask_for_answer(work, UUID(order_id))


async def close_answered(work: Work, order_id: str) -> None:
    await answering.close_answered(work, UUID(order_id))


async def close_moot(work: Work, order_id: str) -> None:
    await answering.close_moot(work, UUID(order_id))


def on_question_asked(event: TagQuestionAsked) -> jobs.Request | None:
    """Whoever is asked blind finds it among what is to be done."""
    return jobs.Request(SHOW_QUESTION, {"question_id": str(event.question_id), "staff_id": str(event.staff_id)})


def on_question_closed(event: TagQuestionClosed) -> jobs.Request | None:
    """What is answered, or asked no more, is no longer to be done."""
    asked = {"question_id": str(event.question_id), "staff_id": str(event.staff_id)}
    return jobs.Request(CLOSE_QUESTION, asked | {"is_answered": event.is_answered})


async def show_question(work: Work, question_id: str, staff_id: str) -> None:
    await commands.show_question(work, UUID(question_id), UUID(staff_id))


async def close_question(work: Work, question_id: str, staff_id: str, is_answered: bool) -> None:
    await commands.close_question(work, UUID(question_id), UUID(staff_id), is_answered=is_answered)


async def draft_plan(
    session: AsyncSession, brand_id: UUID, store_id: str, day: str, after: str | None = None
) -> planning.Draft | None:
    return await planning.for_today(session, brand_id, UUID(store_id), date.fromisoformat(day))


async def plan_store(
    work: Work, store_id: str, day: str, prepared: planning.Draft | None, after: str | None = None
) -> None:
    seen_to = UUID(after) if after is not None else None
    await plans.carry_out(work, UUID(store_id), date.fromisoformat(day), prepared, seen_to)


async def hand_out_campaign(work: Work, campaign_id: str, after: str | None = None) -> None:
    await handing_out.hand_out(work, UUID(campaign_id), UUID(after) if after else None)


async def draft_campaign_in(
    session: AsyncSession, brand_id: UUID, campaign_id: str, store_id: str
) -> handing_out.Chunk | None:
    return await handing_out.draft_chunk(session, brand_id, UUID(campaign_id), UUID(store_id))


async def hand_out_campaign_in(
    work: Work, campaign_id: str, store_id: str, prepared: handing_out.Chunk | None = None
) -> None:
    chunk = prepared or await draft_campaign_in(work.session, work.actor.brand_id, campaign_id, store_id)
    await handing_out.hand_out_in(work, UUID(campaign_id), UUID(store_id), chunk)


async def close_campaign_off(work: Work, campaign_id: str) -> None:
    await handing_out.close_off(work, UUID(campaign_id))


async def take_campaign_back(work: Work, campaign_id: str) -> None:
    await handing_out.take_back(work, UUID(campaign_id))
