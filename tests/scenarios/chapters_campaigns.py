"""What happens in a brand when campaigns are sent: phones hear of the tasks, nobody keeps a copy of a campaign."""

from typing import Any

from tests.scenarios import deeds
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Step, ahead, thing


def _of_customers(stage: Stage) -> dict[str, Any]:
    return _input(
        stage,
        reason="新品到店",
        suggestedWords="新到了几件您的尺码。",
        priority=70,
        segmentId=stage.things["everybody"],
        storeIds=[stage.shop()],
        controlPercent=0,
        mostPerGuide=2,
    )


def _of_guides(stage: Stage, **more: Any) -> dict[str, Any]:
    named = {"regionIds": [stage.region("east")], "guideIds": [str(stage.people["owner"].id)]}
    return _input(stage, aim="GUIDES", **named, **more)


def _input(_stage: Stage, **more: Any) -> dict[str, Any]:
    return {"name": "春装上新", "aim": "CUSTOMERS", "title": "邀请到店试穿", "dueAt": ahead(days=2)} | more


CAMPAIGNS: list[Step | Deed] = [
    Step("saveSegment", "hq", lambda _: {"name": "所有人", "text": "orders >= 0", "sharing": "BRAND"}, "everybody"),
    Step("addCampaign", "manager", lambda s: {"input": _of_customers(s)}, "campaign"),
    Step("editCampaign", "manager", lambda s: {"id": s.things["campaign"], "input": _of_customers(s)}),
    Step("sendCampaign", "manager", thing("campaign")),
    Step("pauseCampaign", "manager", thing("campaign")),
    Step("resumeCampaign", "manager", thing("campaign")),
    Deed("the campaign's tasks", deeds.carry_out_jobs),
    Step("recallCampaign", "manager", thing("campaign")),
    Deed("the tasks that are taken back", deeds.carry_out_jobs),
    Step("addCampaign", "regional", lambda s: {"input": _of_guides(s)}, "task of guides"),
    Step("sendCampaign", "regional", thing("task of guides")),
    Deed("the guides' tasks", deeds.carry_out_jobs),
    Step("addCampaign", "hq", lambda s: {"input": _input(s, sendAt=ahead(days=1))}, "later"),
    Step("editCampaign", "hq", lambda s: {"id": s.things["later"], "input": _of_guides(s, sendAt=ahead(days=1))}),
    Step("sendCampaign", "hq", thing("later")),
]
