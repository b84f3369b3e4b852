"""What the tasks domain refuses."""

from kernel.errors import Conflict, Forbidden, Invalid

_BECAME = {
    "done": ("done", "完成"),
    "skipped": ("skipped", "跳过"),
    "expired": ("expired", "过期"),
    "cancelled": ("cancelled", "取消"),
}


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
    """The task is done, skipped, expired or cancelled already; says which."""

    code = "TASK_CLOSED"
    en = "This task is already closed: it was {became}."
    zh = "这个任务已经结束了：已{became_zh}。"

    def __init__(self, state: str) -> None:
        became, became_zh = _BECAME[state]
        super().__init__(became="allowed to expire" if state == "expired" else became, became_zh=became_zh)


class SnoozeInThePast(Invalid):
    """A task can be put off to a later time only."""

    code = "SNOOZE_IN_THE_PAST"
    en = "Choose a time in the future."
    zh = "请选择将来的时间。"


class DueInThePast(Invalid):
    """What was due before it was thought of can't be done in time."""

    code = "DUE_IN_THE_PAST"
    en = "A new task can't have been due already. Choose a time in the future."
    zh = "新任务的截止时间不能早于现在，请选择将来的时间。"


class ContactTaken(Conflict):
    """Somebody else's task has the customer on the day to which this one would move."""

    code = "CONTACT_TAKEN"
    en = "Somebody turns to this customer on that day already. Choose another day."
    zh = "当天已有同事安排联系这位顾客，请选择其他日期。"


class TaskFollowsCustomer(Conflict):
    """A task about a customer stays with whoever holds the relationship."""

    code = "TASK_FOLLOWS_CUSTOMER"
    en = "This task is about a customer. Reassign the relationship: its open tasks go along."
    zh = "这个任务与顾客有关，请调整客户关系，未完成的任务会随之移交。"


class SkipInstead(Forbidden):
    """What the product asked for is skipped for a reason; only managers take it back."""

    code = "SKIP_INSTEAD"
    en = "This task was planned for you. Skip it and say why."
    zh = "这是系统安排的任务，请选择“跳过”并说明原因。"


_CAMPAIGN_ZH = {
    "draft": "草稿",
    "scheduled": "待发送",
    "sending": "发送中",
    "running": "进行中",
    "paused": "已暂停",
    "recalled": "已撤回",
    "ended": "已结束",
}


class CampaignMovedOn(Conflict):
    """The campaign is in a state in which this can't be done."""

    code = "CAMPAIGN_MOVED_ON"
    en = "This can't be done: the campaign is {state}."
    zh = "无法执行：该活动目前是“{state_zh}”状态。"

    def __init__(self, state: str) -> None:
        super().__init__(state=state, state_zh=_CAMPAIGN_ZH[state])


class CampaignReachesNobody(Invalid):
    """No guide at work, or no customer who may be turned to, is in what the campaign selects."""

    code = "CAMPAIGN_REACHES_NOBODY"
    en = "This campaign would reach nobody. Choose other stores, guides or another segment."
    zh = "这个活动不会触达任何人，请选择其他门店、导购或分组。"


class CampaignTooLarge(Invalid):
    """A campaign goes to so many customers and guides at most."""

    code = "CAMPAIGN_TOO_LARGE"
    en = "A campaign goes to at most {customers} customers and {guides} guides. Choose fewer stores or another segment."
    zh = "一个活动最多面向 {customers} 位顾客、{guides} 位导购，请减少门店或更换分组。"


class CampaignDueInThePast(Invalid):
    """What is sent has to be due later than it is sent."""

    code = "CAMPAIGN_DUE_IN_THE_PAST"
    en = "The tasks would be due before they are sent. Choose a later due time."
    zh = "任务的截止时间早于发送时间，请选择更晚的截止时间。"


class CampaignAuthorAway(Conflict):
    """Nobody who may send it answers for the campaign any more."""

    code = "CAMPAIGN_AUTHOR_AWAY"
    en = "Whoever wrote this campaign may not send it any more. Somebody else has to write it anew."
    zh = "该活动的创建人已无权发送，请由其他人重新编辑。"


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
