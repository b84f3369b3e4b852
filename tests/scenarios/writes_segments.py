"""Mutations of segments that an app can put in a queue."""

from kernel.work import Ground
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, hq, name, new, of


async def share_segment(ground: Ground, world: World) -> Write:
    segment = (await furnish(ground, world, world.shop))["segment"]
    return Write(world.hq, {"id": str(segment), "sharing": "PRIVATE"}, segment)


WRITES: dict[str, Prepare] = {
    "saveSegment": new(hq, name=name, text='tier = "金卡"'),
    "editSegment": of("segment", hq, name=name),
    "shareSegment": share_segment,
    "retireSegment": of("segment", hq),
}
