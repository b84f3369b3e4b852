"""Rules are written, act on customers, and guides decide on what they suggest."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel.actor import system
from kernel.work import unit_of_work
from tagging.commands import evaluating
from tagging.models import SuggestionState, TagSuggestion
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Given, Step, thing


def said(tag: str, name: str, mode: str, **also: Any) -> Given:
    """A rule that speaks for its tag once something was bought or somebody came."""

    def given(stage: Stage) -> dict[str, Any]:
        rule = {"name": name, "tagId": stage.things[tag], "mode": mode, "condition": "orders >= 1 or visits >= 1"}
        return {"input": rule | also}

    return given


def anew(rule: str, tag: str, name: str, **also: Any) -> Given:
    """The rule of that name, written anew."""
    written = said(tag, name, "SET", enough="orders >= 1", confidence=70)
    return lambda stage: {"id": stage.things[rule], "input": written(stage)["input"] | also}


async def evaluate(stage: Stage) -> None:
    """The live rules look at everybody; what they suggest goes by the customer and the tag."""
    brand_id = stage.world.brand.id
    async with unit_of_work(stage.ground, system(brand_id)) as work:
        everybody = await work.session.scalars(
            select(col(Customer.id)).where(col(Customer.brand_id) == brand_id).order_by(col(Customer.id))
        )
        await evaluating.evaluate(work, everybody.all(), await evaluating.today(work))
    names = {each: name for name, each in stage.things.items()}
    async with stage.ground.db.read() as session:
        found = await session.scalars(
            select(TagSuggestion).where(
                col(TagSuggestion.brand_id) == brand_id, col(TagSuggestion.state) == SuggestionState.OPEN
            )
        )
        for row in found:
            if str(row.customer_id) in names and str(row.tag_id) in names:
                key = f"{names[str(row.tag_id)]} for {names[str(row.customer_id)]}"
                stage.things[key] = str(row.id)


RULES: list[Step | Deed] = [
    Step("addTag", "hq", lambda s: {"name": "熟客", "groupId": s.things["style"]}, "regular"),
    Step("addTagRule", "hq", said("regular", "熟客", "SET"), "regular rule"),
    Step("startTagRule", "hq", thing("regular rule")),
    Step("addTagRule", "hq", said("office", "通勤", "SUGGEST", enough="orders >= 1", confidence=60), "office rule"),
    Step("addTagRule", "hq", said("small", "尺码", "SUGGEST"), "size rule"),
    Step("startTagRule", "hq", thing("office rule")),
    Step("startTagRule", "hq", thing("size rule")),
    Deed("rules look at everybody", evaluate),
    Step("acceptTagSuggestion", "owner", thing("small for li")),
    Step("declineTagSuggestion", "manager", thing("small for zhao")),
    Step("editTagRule", "hq", anew("size rule", "small", "尺码规则")),
    Step("startTagRule", "hq", thing("size rule")),
    Deed("rules look again", evaluate),
    Step("retireTagRule", "hq", thing("office rule")),
    Deed("and once more", evaluate),
]
