"""Writes about how the partner knows us."""

from kernel.work import Ground
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, name


async def set_partner_user_id(ground: Ground, world: World) -> Write:
    account = (await furnish(ground, world, world.shop))["account"]
    return Write(world.hq, {"accountId": str(account), "userId": name()}, account)


PARTNER_WRITES: dict[str, Prepare] = {"setPartnerUserId": set_partner_user_id}
