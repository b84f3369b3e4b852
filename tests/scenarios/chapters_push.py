"""People subscribe to figures, are told of them, and headquarters hears of it elsewhere, too."""

from typing import Any

from kernel import clock
from kernel.actor import system
from kernel.work import unit_of_work
from kpi.commands import sending
from kpi.models import WatchKind
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Given, Step, only, thing

URL = "https://hooks.example.com/daogou"
SECRET = "whsec_" + "bm90aWNl" * 5


def of(region: str | None = None, shop: int | None = None, who: str | None = None, **also: Any) -> Given:
    """What figures are watched of."""

    def given(stage: Stage) -> dict[str, Any]:
        place = {"regionId": stage.region(region)} if region else {"storeId": stage.shop(shop)} if shop else {}
        return place | ({"staffId": str(stage.people[who].id)} if who else {}) | also

    return given


def edited(name: str, given: Given) -> Given:
    return lambda stage: {"id": stage.things[name], **given(stage)}


async def a_morning(stage: Stage) -> None:
    """The manager of the region is told of the day before."""
    person = stage.people["regional"]
    async with unit_of_work(stage.ground, system(person.brand_id)) as work:
        told = await sending.tell(work, person.id, WatchKind.DAILY, clock.now().date(), [])
    assert told
    stage.things["notice"] = str(told)


PUSH: list[Step | Deed] = [
    Step("setKpiHook", "hq", only(url=URL)),
    Step("setKpiHook", "hq", only(url=URL, secret=SECRET, isPaused=False)),
    Step("watchKpi", "hq", of(region="east", kind="WEEKLY", figures=["GROSS", "SHARE_RATE"]), "week"),
    Step("watchKpi", "hq", of(shop=1, kind="THRESHOLD", figures=["NET"], side="BELOW", line=100_000), "low"),
    Step("watchKpi", "hq", of(who="owner", kind="UNUSUAL", figures=["ORDERS"])),
    Step("watchKpi", "regional", only(kind="DAILY", figures=["ORDERS"]), "day"),
    Step("editKpiWatch", "hq", edited("week", of(region="cn", figures=["NET"], isPaused=True))),
    Step("editKpiWatch", "hq", edited("low", of(shop=2, who="neighbour", figures=["NET"], side="ABOVE", line=5))),
    Deed("a morning", a_morning),
    Step("seeKpiNotices", "regional", lambda s: {"noticeIds": [s.things["notice"]]}),
    Step("endKpiWatch", "regional", thing("day")),
    Step("endKpiHook", "hq", only()),
]
