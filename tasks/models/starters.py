"""The rules that a new brand begins with: one for each trigger, with words that a guide could say."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tasks.models.limits import TAKES
from tasks.models.rules import RevisitRuleState, Trigger


def starters(brand_id: UUID, at: datetime, new_id: Callable[[str], UUID]) -> list[dict[str, Any]]:
    """Rows for a brand that begins then; live, but for those that need tags of the brand. Ids go by the rule's name."""
    return [
        _USUAL
        | starter
        | {"brand_id": brand_id, "id": new_id(starter["name"]), "created_at": at}
        | (_DRAFT if TAKES[starter["trigger"]].needs_tags else {"state": RevisitRuleState.LIVE, "live_at": at})
        for starter in STARTERS
    ]


_USUAL: dict[str, Any] = {
    "days": 0,
    "window_days": 0,
    "category": None,
    "tag_ids": [],
    "segment_id": None,
    "by_staff_id": None,
    "retired_at": None,
    "version": 1,
}
_DRAFT: dict[str, Any] = {"state": RevisitRuleState.DRAFT, "live_at": None}

STARTERS: Sequence[dict[str, Any]] = (
    {
        "name": "首购回访",
        "trigger": Trigger.FIRST_PURCHASE,
        "days": 3,
        "window_days": 5,
        "title": "首次购买后回访",
        "suggested_words": "您好，前几天您在店里选的商品用得还习惯吗？有什么需要搭配或调整的，随时跟我说。",
        "priority": 60,
        "weight": 2,
    },
    {
        "name": "收货回访",
        "trigger": Trigger.DELIVERY,
        "days": 2,
        "window_days": 5,
        "title": "商城订单送达后回访",
        "suggested_words": "您好，商城的包裹收到了吗？尺码和颜色合适吗？不合适我帮您安排退换。",
        "priority": 55,
        "weight": 2,
    },
    {
        "name": "退款关怀",
        "trigger": Trigger.REFUND,
        "days": 1,
        "window_days": 5,
        "title": "退款后关心一下",
        "suggested_words": "您好，看到您退了一件商品，给您添麻烦了。想听听哪里不合适，下次我帮您留意。",
        "priority": 55,
        "weight": 1,
    },
    {
        "name": "生日月问候",
        "trigger": Trigger.BIRTHDAY_MONTH,
        "days": 3,
        "title": "生日月问候",
        "suggested_words": "您好，这个月是您的生日，先祝您生日快乐！有空来店里坐坐，我给您留了一份小心意。",
        "priority": 50,
        "weight": 2,
    },
    {
        "name": "会员到期提醒",
        "trigger": Trigger.TIER_LAPSE,
        "days": 30,
        "title": "会员等级即将到期",
        "suggested_words": "您好，您的会员等级快到期了，到期前的权益还可以用，我帮您看看怎么保级最合适。",
        "priority": 60,
        "weight": 2,
    },
    {
        "name": "标签核实",
        "trigger": Trigger.STALE_TAG,
        "title": "聊聊近况，更新标签",
        "suggested_words": "您好，好久没聊了，最近喜欢的风格有变化吗？我好帮您留意合适的新款。",
        "priority": 30,
        "weight": 1,
    },
    {
        "name": "新品推荐",
        "trigger": Trigger.NEW_ARRIVALS,
        "window_days": 14,
        "title": "有适合的新品",
        "suggested_words": "您好，店里刚到了几款新品，很合您平时的风格，要不要我拍给您看看？",
        "priority": 45,
        "weight": 2,
    },
    {
        "name": "久未联系",
        "trigger": Trigger.NO_CONTACT,
        "days": 90,
        "title": "很久没有联系了",
        "suggested_words": "您好，好久没跟您问候了，最近都好吗？有什么需要我帮忙的，随时说。",
        "priority": 35,
        "weight": 1,
    },
    {
        "name": "流失挽回",
        "trigger": Trigger.CHURN,
        "days": 21,
        "title": "重点顾客，防止流失",
        "suggested_words": "您好，有段时间没见您来店里了，一直惦记着。最近到了些您会喜欢的，方便时来看看？",
        "priority": 70,
        "weight": 4,
    },
    {
        "name": "交接问候",
        "trigger": Trigger.HANDOVER,
        "days": 1,
        "window_days": 14,
        "title": "接手顾客，打个招呼",
        "suggested_words": "您好，我是新的专属导购，之前的同事把您的喜好都交代给我了，以后有需要直接找我。",
        "priority": 65,
        "weight": 3,
    },
)
"""Priorities run from 0 to 100, weights from 1 to 10: each rule's share of a guide's day."""
