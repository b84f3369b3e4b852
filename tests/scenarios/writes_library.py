"""What keeps the tag library, and confirms tags: see `writes`."""

from datetime import timedelta
from typing import Any

from kernel import clock
from kernel.work import Ground
from tagging.models import CustomerTag, SetBy
from tests.factories import NOON, World, build_customer, save
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, hq, name, of
from tests.tagging.labels import build_group, build_tag


async def order_tags(ground: Ground, world: World) -> Write:
    """Two tags change places."""
    group = await build_group(ground, world, name())
    tags = [await build_tag(ground, world, group, name(), position=place) for place in (1, 2)]
    return Write(world.hq, {"groupId": str(group.id), "tagIds": [str(tag.id) for tag in tags[::-1]]})


async def merge_tags(ground: Ground, world: World) -> Write:
    things = await furnish(ground, world, world.shop)
    into = await build_tag(ground, world, await build_group(ground, world, name()), name())
    return Write(world.hq, {"fromId": str(things["tag"]), "intoId": str(into.id)}, things["tag"])


async def confirm_tags(ground: Ground, world: World) -> Write:
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, None, name(), owner_id=world.shop.guide.id)
    at = min(NOON, clock.now() - timedelta(days=30))
    worn: dict[str, Any] = {"set_by": SetBy.GUIDE, "by_staff_id": world.shop.guide.id, "set_at": at, "checked_at": at}
    await save(ground, CustomerTag(brand_id=world.brand.id, customer_id=customer.id, tag_id=tag.id, **worn))
    return Write(world.shop.guide, {"customerIds": [str(customer.id)], "tagIds": [str(tag.id)]})


LIBRARY_WRITES: dict[str, Prepare] = {
    "editTagGroup": of("tag_group", hq, name=name),
    "retireTagGroup": of("tag_group", hq),
    "orderTags": order_tags,
    "mergeTags": merge_tags,
    "confirmTags": confirm_tags,
}
