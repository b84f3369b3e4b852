"""Say what happened to tasks: to the phones that see them, and in each task's history."""

from kernel import bulk, clock, ids
from kernel.work import Work
from tasks.events import (
    TaskAdded,
    TaskCancelled,
    TaskCompleted,
    TaskEscalated,
    TaskEvent,
    TaskExpired,
    TaskMoved,
    TaskSeen,
    TaskSkipped,
    TaskSnoozed,
)
from tasks.models import StepKind, TaskStep

STEP_OF: dict[type, StepKind] = {
    TaskAdded: StepKind.ADDED,
    TaskSeen: StepKind.SEEN,
    TaskSnoozed: StepKind.SNOOZED,
    TaskMoved: StepKind.MOVED,
    TaskEscalated: StepKind.ESCALATED,
    TaskCompleted: StepKind.DONE,
    TaskSkipped: StepKind.SKIPPED,
    TaskExpired: StepKind.EXPIRED,
    TaskCancelled: StepKind.CANCELLED,
}


async def tell(work: Work, *events: TaskEvent) -> None:
    """Record what happened, with a line of history for each: the one way in which tasks change.

    Call it when the tasks are as they are to be; new ones are written first, because the lines refer to them.
    """
    if not events:
        return
    for event in events:
        work.record(event)
    await work.session.flush()
    await bulk.insert_rows(work.session, TaskStep, [_line(work, event) for event in events])


def _line(work: Work, event: TaskEvent) -> dict[str, object]:
    moved = (event.from_account_id, event.to_account_id) if isinstance(event, TaskMoved) else (None, None)
    return {
        "brand_id": work.actor.brand_id,
        "id": ids.new(),
        "task_id": event.task_id,
        "kind": STEP_OF[type(event)],
        "at": clock.now(),
        "by_staff_id": work.actor.staff_id,
        "from_account_id": moved[0],
        "to_account_id": moved[1],
        "until": event.until if isinstance(event, TaskSnoozed) else None,
    }
