"""What follows for tasks when something happens below."""

from uuid import UUID

from kernel import jobs
from kernel.work import Work
from mall.events import MINI_MALL, OrderPlaced
from tagging.events import TagQuestionAsked, TagQuestionClosed
from tasks import commands

FOLLOW_UP_ORDER = "tasks.follow_up_order"
SHOW_QUESTION = "tasks.show_question"
CLOSE_QUESTION = "tasks.close_question"


def on_order_placed(event: OrderPlaced) -> jobs.Request | None:
    """A customer who ordered in the mini-mall is asked after it; at the till, somebody was there."""
    if event.channel != MINI_MALL or event.relationship_id is None:
        return None
    return jobs.Request(FOLLOW_UP_ORDER, {"order_id": str(event.order_id)})


async def follow_up_order(work: Work, order_id: str) -> None:
    await commands.follow_up_order(work, UUID(order_id))


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
