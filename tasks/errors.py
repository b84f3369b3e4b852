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


class CardLocked(Conflict):
    """Headquarters wants everybody of the role to see the card."""

    code = "CARD_LOCKED"
    en = "Headquarters has fixed the card {card}: it can be moved, not hidden."
    zh = "总部固定了卡片 {card}：可以移动，不能隐藏。"


class FilterUnfit(Invalid):
    """The card isn't narrowed down by such a thing."""

    code = "FILTER_UNFIT"
    en = "The card {card} has no such filter."
    zh = "卡片 {card} 没有这种筛选条件。"
