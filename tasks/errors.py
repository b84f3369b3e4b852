"""What the tasks domain refuses."""

from kernel.errors import Conflict, Invalid


class RuleNameTaken(Conflict):
    """Two revisit rules in use may not have one name."""

    code = "RULE_NAME_TAKEN"
    en = "There is a rule of this name already."
    zh = "已有同名的规则。"


class TooManyRules(Conflict):
    """The brand has as many revisit rules as it may."""

    code = "TOO_MANY_RULES"
    en = "At most {most} rules: retire one first."
    zh = "最多 {most} 条规则，请先停用一条。"


class RuleRetired(Conflict):
    """The revisit rule is not used any more."""

    code = "RULE_RETIRED"
    en = "This rule is retired."
    zh = "这条规则已停用。"


class RuleIsLive(Conflict):
    """The revisit rule plans already."""

    code = "RULE_IS_LIVE"
    en = "This rule is live already."
    zh = "这条规则已经生效。"


class RuleNotLive(Conflict):
    """Only a revisit rule that plans can be paused."""

    code = "RULE_NOT_LIVE"
    en = "This rule isn't live."
    zh = "这条规则没有生效。"


class HasRules(Conflict):
    """Starter rules are for a brand that has none."""

    code = "HAS_RULES"
    en = "There are rules already."
    zh = "已经有回访规则了。"


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
