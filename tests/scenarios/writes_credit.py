"""Writes of who earns orders, and of who has turned to them."""

from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models.credit_rules import USUAL
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, guide, of

RULES = [
    {"kind": "SHARE", "days": 30, "shares": [{"party": "SHARER", "points": 7000}, {"party": "HOLDER", "points": 3000}]},
    {"kind": "STORE"},
]


async def change_credit_rules(ground: Ground, world: World) -> Write:
    async with unit_of_work(ground, world.hq) as work:
        await commands.change_credit_rules(work, USUAL)
    return Write(world.hq, {"rules": RULES}, world.brand.id)


async def correct_credit(ground: Ground, world: World) -> Write:
    things = await furnish(ground, world, world.shop)
    other = str(world.shop.other_guide.account_ids[0])
    parts = [{"accountId": other, "points": 4000}, {"store": True, "points": 6000}]
    given = {"orderId": str(things["order"]), "parts": parts, "reason": "同事接待的"}
    return Write(world.shop.manager, given, things["order"])


WRITES: dict[str, Prepare] = {
    "changeCreditRules": change_credit_rules,
    "correctCredit": correct_credit,
    "answerOrder": of("order", guide),
}
