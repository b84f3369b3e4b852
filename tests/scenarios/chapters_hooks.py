"""A mall is connected and calls; what it sent is mended, dropped and looked at."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from intake.commands import inbox
from intake.models import HookMessage
from intake.models.schemes import Signed
from intake.queries import hooks
from kernel.actor import system
from kernel.work import unit_of_work
from tests.asking import VAULT
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Given, Step, thing
from tests.server.calling import packed, said

MALL = {"mapping": "daogou"}
SECRET = "whsec_" + "c2VjcmV0" * 5


def of_mall(**also: Any) -> Given:
    return lambda stage: {"sourceId": stage.things["mall"], **also}


async def call(stage: Stage) -> None:
    """Two orders of a store that nobody knows."""
    brand_id = stage.world.brand.id
    async with unit_of_work(stage.ground, system(brand_id)) as work:
        for number in ("H-1", "H-2"):
            sender = await hooks.sender_of(work.session, brand_id, UUID(stage.things["mall"]))
            assert sender is not None
            body = packed(said(number, store="nowhere"))
            await inbox.take_in(work, VAULT, sender, Signed(number, body), inbox.read(sender, body))
        work.requests.clear()
        for message in await work.session.scalars(select(HookMessage).where(col(HookMessage.brand_id) == brand_id)):
            await inbox.apply(work, VAULT, message.id)
            stage.things[message.message_id] = str(message.id)


HOOKS: list[Step | Deed] = [
    Step("addHookSource", "hq", lambda s: {"code": "mall", "title": "商城", "storeCode": "ours-1", **MALL}, "mall"),
    Step("editHookSource", "hq", thing("mall", title="小程序商城", storeCode="ours-2", **MALL)),
    Step("addHookSecret", "hq", of_mall(), "first secret"),
    Step("addHookSecret", "hq", of_mall(secret=SECRET), "second secret"),
    Step("endHookSecret", "hq", thing("first secret", inHours=24)),
    Step("pauseHookSource", "hq", thing("mall")),
    Step("resumeHookSource", "hq", thing("mall")),
    Deed("the mall calls", call),
    Step("revealHookMessage", "hq", thing("H-1")),
    Step("replayHookMessages", "hq", lambda s: {"messageIds": [s.things["H-1"]]}),
    Step("dropHookMessage", "hq", thing("H-2", reason="门店已停业")),
]
