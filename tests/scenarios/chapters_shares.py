"""Links are made of products, pages and looks, and ended; headquarters says how the mini-mall is run."""

from typing import Any
from uuid import UUID

from kernel import clock
from kernel.actor import system
from kernel.work import unit_of_work
from mall.commands.shares import note_open
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Step, only, thing


def _look(stage: Stage) -> dict[str, Any]:
    return {"productIds": [stage.things["scarf"], stage.things["coat"]], "title": "通勤", "days": 7}


async def follow_link(stage: Stage) -> None:
    """Somebody follows the link to the scarf."""
    async with unit_of_work(stage.ground, system(stage.world.brand.id)) as work:
        await note_open(work, UUID(stage.things["scarf link"]), clock.now())


MALL_INPUT = {
    "productUrl": "https://mall.example/p/{product}?g={guide}&s={share}",
    "pageUrl": "https://mall.example/{page}",
    "lookUrl": "https://mall.example/look?p={look}&m={store}",
    "shareDays": 14,
    "answerMinutes": 45,
    "guidesMayAddProducts": True,
}

SHARES: list[Step | Deed] = [
    Step("changeMallSetting", "hq", only(input=MALL_INPUT)),
    Step("putProduct", "hq", only(code="S-1", name="围巾", price=9_900), "scarf"),
    Step("putProduct", "hq", only(code="S-2", name="大衣", price=99_900), "coat"),
    Step("shareProduct", "owner", lambda s: {"productId": s.things["scarf"], "days": 3}, "scarf link"),
    Deed("a link is opened", follow_link),
    Step("sharePage", "manager", only(page="/new", title="上新", days=3), "page link"),
    Step("shareLook", "neighbour", _look, "look link"),
    Step("changeMallSetting", "hq", only(input={"lookUrl": None})),
    Step("endShare", "manager", thing("scarf link")),
]
