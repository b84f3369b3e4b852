"""A list of one and a list of three take the same number of SQL statements, however deep the question goes."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLOutputType, get_named_type

from customers.models import Note, Visit
from kernel import ids
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from mall import commands as mall
from mall.commands import Line, ProductNews, SkuNews, StockCount
from mall.models import Channel
from schema.context import Batch, Context
from tests.asking import ask
from tests.factories import NOON, World, build_customer, build_task, build_world, relationship_of, save
from tests.handover.test_departures import leave
from tests.mall.trading import place, refund
from tests.scenarios.documents import roots
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag, put

# Each of these is followed along every path of fields that lead from its rows to other rows.
LISTS = {
    "workbench": 3,
    "customers": 4,
    "tasks": 4,
    "orders": 4,
    "products": 3,
    "shares": 3,
    "tags": 3,
    "departures": 4,
}


def paths(kind: GraphQLOutputType, depth: int) -> Iterator[tuple[str, ...]]:
    """Every way from a type to others, by fields that ask for no argument; the ends only."""
    named = get_named_type(kind)
    further = []
    if depth and isinstance(named, GraphQLObjectType):
        further = [
            (name, *path)
            for name, field in named.fields.items()
            if isinstance(get_named_type(field.type), GraphQLObjectType) and name != "pageInfo"
            for path in paths(field.type, depth if name in ("edges", "node") else depth - 1)
        ]
    yield from further or [()]


def along(path: Sequence[str]) -> str:
    return f"{{ {path[0]} {along(path[1:])} }}" if path else "{ __typename }"


async def trade(ground: Ground, world: World, many: int) -> None:
    """So many customers of the first guide's, each with everything that hangs on a customer."""
    guide = world.shop.guide
    for number in range(many):
        customer = await build_customer(ground, guide)
        relationship = await relationship_of(ground, customer)
        about: dict[str, Any] = {
            "brand_id": world.brand.id,
            "relationship_id": relationship.id,
            "store_id": world.shop.store.id,
            "by_staff_id": guide.id,
            "at": NOON,
        }
        await save(ground, Note(id=ids.new(), body="喜欢素色", **about), Visit(id=ids.new(), **about))
        await build_task(ground, guide, customer, created_by_id=world.shop.manager.id)
        async with unit_of_work(ground, world.hq) as work:
            skus = (SkuNews(f"P{number}-M"), SkuNews(f"P{number}-L"))
            [product_id] = (
                await mall.put_products(work, [ProductNews(f"P{number}", "羊绒衫", 100, skus=skus)])
            ).changed_ids
            count = StockCount(f"P{number}-M", 3, NOON, store_id=world.shop.store.id)
            await mall.put_stock(work, [count])
        async with unit_of_work(ground, guide) as work:
            share = await mall.share_product(work, product_id)
        lines = [Line(f"P{number}", "羊绒衫", 1, 60, sku_code=f"P{number}-M"), Line(f"P{number}", "羊绒衫", 1, 40)]
        for code in (share.code, None):
            order = await place(
                ground, world, customer, amount=100, lines=lines, channel=Channel.MINI_MALL, share_code=code
            )
            await refund(ground, world, order.id, amount=10, lines=[Line(f"P{number}", "羊绒衫", 1, 10)])
        group = await build_group(ground, world, f"风格{number}")
        tag = await build_tag(ground, world, group, "素雅")
        own = await build_tag(ground, world, None, f"我的{number}", owner_id=guide.id)
        await put(ground, guide, [customer], [tag, own])


async def sent_for(ground: Ground, actor: Actor, path: Sequence[str]) -> list[str]:
    with statements(ground) as sent:
        await ask(ground, actor, along(path))
    return sent


@pytest.mark.parametrize("name", LISTS)
async def test_the_length_of_a_list_does_not_show_in_the_statements(ground: Ground, name: str) -> None:
    one, three = await build_world(ground, "one"), await build_world(ground, "three")
    await trade(ground, one, 1)
    await trade(ground, three, 3)
    await leave(ground, one.shop.other_guide)
    for shop in three.shops:
        await leave(ground, shop.other_guide)
    few, many = (one.hq, three.hq) if name == "departures" else (one.shop.guide, three.shop.guide)

    differing = {
        ".".join(path)
        for path in paths(roots("query")[name].type, LISTS[name] - 1)
        if len(await sent_for(ground, few, (name, *path))) != len(await sent_for(ground, many, (name, *path)))
    }

    assert differing == set()


async def test_a_field_that_reads_row_by_row_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: a loader that does not wait for others who ask."""
    one, three = await build_world(ground, "one"), await build_world(ground, "three")
    await trade(ground, one, 1)
    await trade(ground, three, 3)

    async def alone(self: Context, batch: Batch, key: Any, **arguments: Any) -> Any:
        async with self.read() as session:
            return (await batch(session, self.actor, [key], **arguments)).get(key)

    monkeypatch.setattr(Context, "load", alone)
    path = ("tasks", "edges", "node", "customer")

    assert len(await sent_for(ground, one.shop.guide, path)) == 2
    assert len(await sent_for(ground, three.shop.guide, path)) == 4
