"""Headquarters says whom to turn to again, and managers how their stores plan that."""

from typing import Any

from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Given, Step, only, thing


def _new_arrivals(name: str, **also: Any) -> Given:
    def given(stage: Stage) -> dict[str, Any]:
        said = {"name": name, "trigger": "NEW_ARRIVALS", "title": "有新品", "windowDays": 14, "category": "连衣裙"}
        named = {"tagIds": [stage.things["office"]], "segmentId": stage.things["golden"]}
        return {"input": said | named | also}

    return given


def _for_vips(stage: Stage) -> dict[str, Any]:
    said = {
        "name": "首购一周",
        "trigger": "FIRST_PURCHASE",
        "title": "问问穿得怎么样",
        "days": 7,
        "windowDays": 3,
        "suggestedWords": "您好，上周的衣服还合身吗？",
        "priority": 70,
        "weight": 3,
    }
    return {"id": stage.things["arrivals rule"], "input": said}


def _anew(stage: Stage) -> dict[str, Any]:
    return {"id": stage.things["silence rule"]} | _new_arrivals("通勤新品二")(stage)


WEEKEND = {
    "isOn": True,
    "plansAt": "07:30",
    "dueBy": "19:00",
    "quietFrom": "20:00",
    "quietUntil": "10:00",
    "quota": 6,
    "coolDownDays": 21,
    "escalatesAfterHours": 48,
    "expiresAfterDays": 5,
    "influenceDays": 10,
}

REVISITING: list[Step | Deed] = [
    Step("addStarterRules", "hq", only()),
    Step("saveSegment", "hq", only(name="金卡和黑卡", text='tier in ("金卡", "黑卡")', sharing="BRAND"), "golden"),
    Step(
        "addRevisitRule",
        "hq",
        _new_arrivals("通勤新品", suggestedWords="新到几款，拍给您看看？", priority=45, weight=2),
        "arrivals rule",
    ),
    Step(
        "addRevisitRule",
        "hq",
        only(input={"name": "三个月", "trigger": "NO_CONTACT", "title": "问候", "days": 90}),
        "silence rule",
    ),
    Step("editRevisitRule", "hq", _anew),
    Step("retireRevisitRule", "hq", thing("silence rule")),
    Step("startRevisitRule", "hq", thing("arrivals rule")),
    Step("pauseRevisitRule", "hq", thing("arrivals rule")),
    Step("editRevisitRule", "hq", _for_vips),
    Step("retireRevisitRule", "hq", thing("arrivals rule")),
    Step("setPlanSetting", "hq", only(input={"quota": 10})),
    Step("setPlanSetting", "manager", lambda s: {"storeId": s.shop(), "input": WEEKEND}),
    Step("setPlanSetting", "regional", lambda s: {"storeId": s.shop(), "input": {"quota": 4}}),
    Step("dropPlanSetting", "manager", lambda s: {"storeId": s.shop()}),
]
