"""Groups and tags to test with."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel import ids
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.models import Choice, CustomerTag, Tag, TagChange, TagGroup
from tests.factories import World, save


async def build_group(
    ground: Ground, world: World, name: str = "风格", choice: Choice = Choice.MULTI, **values: Any
) -> TagGroup:
    """A group of the brand's library."""
    usual: dict[str, Any] = {"brand_id": world.brand.id, "id": ids.new(), "position": 1}
    group = TagGroup(name=name, choice=choice, **usual | values)
    await save(ground, group)
    return group


async def build_tag(ground: Ground, world: World, group: TagGroup | None, name: str, **values: Any) -> Tag:
    """A tag of the brand in a group, or somebody's own."""
    usual: dict[str, Any] = {
        "brand_id": world.brand.id,
        "id": ids.new(),
        "name": name,
        "group_id": group.id if group else None,
    }
    tag = Tag(**usual | values)
    await save(ground, tag)
    return tag


async def put(ground: Ground, actor: Actor, customers: list[Customer], tags: list[Tag]) -> list[UUID]:
    """Tag customers as the actor."""
    async with unit_of_work(ground, actor) as work:
        return await commands.add_tags(work, [row.id for row in customers], [tag.id for tag in tags])


async def carried(ground: Ground, customer: Customer) -> set[UUID]:
    """The ids of all tags that a customer carries, whoever may see them."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(col(CustomerTag.tag_id)).where(
                col(CustomerTag.brand_id) == customer.brand_id, col(CustomerTag.customer_id) == customer.id
            )
        )
        return set(found)


async def history(ground: Ground, customer: Customer) -> list[TagChange]:
    """All that became of a customer's tags, oldest first."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(TagChange)
            .where(col(TagChange.brand_id) == customer.brand_id, col(TagChange.customer_id) == customer.id)
            .order_by(col(TagChange.at), col(TagChange.id))
        )
        return list(found)
