"""Writes about malls that call."""

from kernel.work import Ground
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, hq, name, new, of

MALL = {"title": name, "mapping": "daogou"}


async def add_hook_secret(ground: Ground, world: World) -> Write:
    source = (await furnish(ground, world, world.shop))["hook_source"]
    return Write(world.hq, {"sourceId": str(source)})


async def replay_hook_messages(ground: Ground, world: World) -> Write:
    message = (await furnish(ground, world, world.shop))["hook_message"]
    return Write(world.hq, {"messageIds": [str(message)]})


HOOK_WRITES: dict[str, Prepare] = {
    "addHookSource": new(hq, code=name, **MALL),
    "editHookSource": of("hook_source", hq, **MALL),
    "pauseHookSource": of("hook_source", hq),
    "resumeHookSource": of("hook_source", hq),
    "addHookSecret": add_hook_secret,
    "endHookSecret": of("hook_secret", hq),
    "replayHookMessages": replay_hook_messages,
    "dropHookMessage": of("hook_message", hq, reason="重复"),
    "revealHookMessage": of("hook_message", hq),
}
