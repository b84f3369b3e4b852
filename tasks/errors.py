"""What the tasks domain refuses."""

from kernel.errors import Conflict, Invalid


class TaskClosed(Conflict):
    """The task is done or cancelled already."""

    code = "TASK_CLOSED"
    en = "This task is already closed."
    zh = "这个任务已经结束了。"


class SnoozeInThePast(Invalid):
    """A task can be put off to a later time only."""

    code = "SNOOZE_IN_THE_PAST"
    en = "Choose a time in the future."
    zh = "请选择将来的时间。"
