"""Malls and what they sent, in GraphQL: who may look, in which words, and what looking takes."""

from dataclasses import replace
from typing import Any

import pytest

from intake.commands import inbox
from intake.errors import PayloadIncomplete
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import ProductNews, SkuNews
from schema.root import schema
from tests.asking import ask, context
from tests.factories import World, build_world
from tests.intake.test_inbox import run, take
from tests.server.calling import Mall, connect, said
from tests.statements import statements

# The lists, and what is asked of each of their rows.
LISTS = {
    "hookSources(first: 10)": "id secrets { id } figures { receivedInHour waiting }",
    "hookMessages(first: 10)": "id explanation hasBody source { slug secrets { id } } order { number }",
    "hookRefusals(first: 10, sourceId: $id)": "id at status code place isSigned",
}
EXPLAINED = "{ hookMessages(first: 10) { edges { node { code explanation } } } }"


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def explained(ground: Ground, world: World, language: str) -> list[tuple[str, str]]:
    """Of each message, the newest first, why it waits."""
    answer = await schema.execute(EXPLAINED, {}, replace(context(ground, world.hq), language=language))
    assert answer.data is not None, answer.errors
    nodes = [edge["node"] for edge in answer.data["hookMessages"]["edges"]]
    return [(node["code"], node["explanation"]) for node in nodes]


async def rows(ground: Ground, world: World, mall: Mall) -> dict[str, tuple[int, int]]:
    """Of each list, how many rows there are and how many statements they take."""
    found: dict[str, tuple[int, int]] = {}
    for name, part in LISTS.items():
        asks = f"{{ {name} {{ edges {{ node {{ {part} }} }} }} }}"
        given = {"id": str(mall.source_id)} if "$id" in name else {}
        with statements(ground) as sent:
            answer = await ask(ground, world.hq, f"query ($id: ID!) {asks}" if given else asks, **given)
        [shown] = answer.values()
        found[name] = len(shown["edges"]), len(sent)
    return found


async def heard(ground: Ground, world: World, mall: Mall) -> None:
    """One message that is applied, and one that was refused."""
    await take(ground, mall, said())
    await run(ground)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        wrong = PayloadIncomplete(place="data.number", reason="is missing.", reason_zh="缺失。")
        await inbox.note_refusal(work, mall.source_id, wrong, 422, is_signed=True)


async def test_one_source_message_and_refusal_and_three_take_the_same_statements(ground: Ground, world: World) -> None:
    mall = await connect(ground, world)
    await heard(ground, world, mall)
    one = await rows(ground, world, mall)
    for _ in range(2):
        await connect(ground, world)
        await heard(ground, world, mall)

    three = await rows(ground, world, mall)

    assert {many for many, _ in one.values()} == {1}
    assert {many for many, _ in three.values()} == {3}
    assert [sent for _, sent in one.values()] == [sent for _, sent in three.values()]


async def test_lists_of_malls_are_headquarters_alone(ground: Ground, world: World) -> None:
    mall = await connect(ground, world)
    await heard(ground, world, mall)
    other = await build_world(ground, "other")

    for who in (world.shop.guide, world.shop.manager, world.east_manager, other.hq):
        for name in LISTS:
            given: dict[str, Any] = {"id": str(mall.source_id)} if "$id" in name else {}
            asks = f"{'query ($id: ID!) ' if given else ''}{{ {name} {{ edges {{ node {{ id }} }} }} }}"
            [shown] = (await ask(ground, who, asks, **given)).values()
            assert shown["edges"] == [], (who.role, name)


async def test_what_waits_for_somebody_says_in_a_sentence_what_is_missing(ground: Ground, world: World) -> None:
    mall = await connect(ground, world)
    async with unit_of_work(ground, world.hq) as work:
        await commands.put_products(work, [ProductNews("P9", "围巾", 100, skus=(SkuNews("P9-M"),))])
    await take(ground, mall, said(store="nowhere"))
    await take(ground, mall, said())
    await run(ground)

    assert await explained(ground, world, "en") == [
        ("SKU_UNKNOWN", "sku: the catalogue doesn't have these SKUs: P1-M. Add them first."),
        ("STORE_UNKNOWN", "store: the brand has no store nowhere. Add it, or name another."),
    ]
    assert await explained(ground, world, "zh") == [
        ("SKU_UNKNOWN", "sku：商品库中没有这些 SKU：P1-M。请先添加。"),
        ("STORE_UNKNOWN", "store：品牌没有门店 nowhere。请添加该门店，或改用其他门店。"),
    ]
