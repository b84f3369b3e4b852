"""Have guides find the questions that they are asked blind about tags among what is to be done."""

from datetime import timedelta
from uuid import UUID

from directory.queries import accounts
from kernel import clock, ids
from kernel.work import Work
from tagging.queries import questions
from tasks.commands.changing import of
from tasks.commands.telling import tell
from tasks.events import TaskAdded, TaskCancelled, TaskCompleted
from tasks.models import Task, TaskKind, TaskSource, TaskState
from tasks.queries import hours
from tasks.queries import tasks as queries

TITLE = "请回答一个标签问题"
REASON = "抽查：同事给一位顾客打了标签，请您独立判断。在“标签问题”中查看并作答。"
DUE_IN = timedelta(days=2)
PRIORITY = 50


async def show_question(work: Work, question_id: UUID, staff_id: UUID) -> Task | None:
    """Make the to-do of answering a question, which says nothing of the customer; due in two days.

    Once per question and guide. None if it isn't theirs to answer any more.
    """
    # Keeps the question as it is, so that whoever closes the to-do comes after it is there.
    open_ = await questions.store_if_open(work.session, work.actor.brand_id, question_id, staff_id)
    if open_ is None:
        return None
    made = await queries.by_source_key(work.session, work.actor.brand_id, _key(question_id, staff_id))
    account = await accounts.of_guide(work.session, work.actor.brand_id, staff_id, open_)
    if made is not None or account is None:
        return made
    there = await hours.of_store(work.session, work.actor.brand_id, open_)
    now = clock.now()
    task = Task(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        store_id=open_,
        account_id=account.id,
        kind=TaskKind.CHECK_TAG,
        title=TITLE,
        reason=REASON,
        due_at=now + DUE_IN,
        alert_at=there.heard_from(now, PRIORITY),
        escalates_at=there.escalates_at(now + DUE_IN),
        priority=PRIORITY,
        source=TaskSource.RULE,
        source_key=_key(question_id, staff_id),
        created_at=now,
    )
    work.session.add(task)
    await tell(work, of(task, TaskAdded))
    return task


async def close_question(work: Work, question_id: UUID, staff_id: UUID, *, is_answered: bool) -> Task | None:
    """Close the to-do of a question: done if it was answered, cancelled if it was taken back."""
    await questions.store_if_open(work.session, work.actor.brand_id, question_id, staff_id)
    made = await queries.by_source_key(work.session, work.actor.brand_id, _key(question_id, staff_id))
    if made is None:
        return None
    task = await queries.lock(work.session, work.actor, made.id)
    if task.state is not TaskState.PENDING:
        return task
    if is_answered:
        task.complete(clock.now(), None, None)
        await tell(work, of(task, TaskCompleted))
    else:
        task.cancel(clock.now(), None)
        await tell(work, of(task, TaskCancelled))
    return task


def _key(question_id: UUID, staff_id: UUID) -> str:
    return f"tag-question:{question_id}:{staff_id}"
