"""Headquarters pays by a plan, and closes a period."""

from datetime import timedelta
from typing import Any

from kernel import clock
from tests.scenarios import deeds
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Given, Step, only, order, thing


def day(days: int) -> str:
    return (clock.now().date() + timedelta(days=days)).isoformat()


def said(name: str, days: int, **also: Any) -> Given:
    def given(_stage: Stage) -> dict[str, Any]:
        rates = [{"role": "GUIDE", "rate": 500}, {"role": "STORE_MANAGER", "category": "鞋履", "rate": 100}]
        return {"input": {"name": name, "fromDay": day(days), "rates": rates} | also}

    return given


def anew(plan: str, name: str, days: int) -> Given:
    written = said(name, days, untilDay=day(400))
    return lambda stage: {"id": stage.things[plan], **written(stage)}


COMMISSION: list[Step | Deed] = [
    Step("setCommissionRhythm", "hq", only(rhythm="MONTHLY", fromDay="2020-01-01")),
    Step("addCommissionPlan", "hq", said("春季佣金", -60), "spring plan"),
    Step("addCommissionPlan", "hq", said("草稿", 30, untilDay=day(60)), "draft plan"),
    Step("editCommissionPlan", "hq", anew("spring plan", "春季佣金方案", -90)),
    Step("recordOrder", "machine", order("before the plan", customer="li", guideCode="ours-1-g2")),
    Step("startCommissionPlan", "hq", thing("spring plan")),
    Deed("the plan's older orders", deeds.carry_out_jobs),
    Step("removeCommissionPlan", "hq", thing("draft plan")),
    Step("endCommissionPlan", "hq", lambda stage: {"id": stage.things["spring plan"], "untilDay": day(30)}),
    Step("closeCommissionPeriod", "hq", lambda _stage: {"period": day(-150)}),
    Step("setCommissionRhythm", "hq", only(rhythm="QUARTERLY")),
    Deed("the closed period's statements", deeds.carry_out_jobs),
]
