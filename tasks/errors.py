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


class CampaignMovedOn(Conflict):
    """The campaign is in a state in which this can't be done."""

    code = "CAMPAIGN_MOVED_ON"
    en = "This can't be done: the campaign is {state}."
    zh = "无法执行：该活动目前的状态是 {state}。"


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
