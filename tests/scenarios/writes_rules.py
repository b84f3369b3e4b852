"""Writes of evidence rules, and decisions on what they suggest."""

from kernel.work import Ground
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Given, Prepare, Write, guide, hq, name, of


async def add_tag_rule(ground: Ground, world: World) -> Write:
    return Write(world.hq, {"input": await _said(ground, world)})


async def edit_tag_rule(ground: Ground, world: World) -> Write:
    rule = (await furnish(ground, world, world.shop))["tag_rule"]
    return Write(world.hq, {"id": str(rule), "input": await _said(ground, world)}, rule)


async def _said(ground: Ground, world: World) -> Given:
    tag = (await furnish(ground, world, world.shop))["tag"]
    return {"name": name(), "tagId": str(tag), "mode": "SET", "condition": "orders >= 3"}


WRITES: dict[str, Prepare] = {
    "addTagRule": add_tag_rule,
    "editTagRule": edit_tag_rule,
    "startTagRule": of("tag_rule", hq),
    "retireTagRule": of("tag_rule", hq),
    "acceptTagSuggestion": of("tag_suggestion", guide),
    "declineTagSuggestion": of("tag_suggestion", guide),
}
