"""How the mini-mall is run is said by headquarters, and links lead only where it says."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Forbidden, Invalid, StaleVersion
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import MallSetting
from mall.models.templates import filled, require_template
from mall.queries import settings
from tests.factories import World, build_world
from tests.mall.trading import count, till
from tests.refusals import refused

SLOTS = ("product", "share", "guide", "store")


async def setting(ground: Ground, world: World) -> MallSetting:
    async with ground.db.read() as session:
        return await settings.setting_of(session, world.brand.id)


async def test_without_a_word_the_mall_is_run_as_is_usual(ground: Ground) -> None:
    world = await build_world(ground)

    usual = await setting(ground, world)

    assert (usual.version, usual.share_days, usual.answer_minutes, usual.product_url) == (0, 30, 30, None)
    assert await count(ground, world.brand.id, MallSetting) == 0


async def test_what_is_named_changes_and_the_rest_stays(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    async with unit_of_work(ground, world.hq) as work:
        await commands.change_mall_setting(
            work, expected_version=0, product_url=" https://mall.example/{product} ", share_days=7
        )
    async with unit_of_work(ground, world.hq) as work:
        await commands.change_mall_setting(work, expected_version=1, answer_minutes=0, guides_may_add_products=True)

    said = await setting(ground, world)
    assert (said.product_url, said.share_days) == ("https://mall.example/{product}", 7)
    assert (said.answer_minutes, said.guides_may_add_products, said.version) == (0, True, 2)
    assert (await setting(ground, other)).version == 0

    async with unit_of_work(ground, world.hq) as work:
        await commands.change_mall_setting(work, product_url=None)
    assert (await setting(ground, world)).product_url is None


async def test_others_and_wrong_values_and_older_versions_are_refused(ground: Ground) -> None:
    world = await build_world(ground)
    for actor in (world.shop.guide, world.shop.manager, world.east_manager, till(world)):
        async with refused(ground, Forbidden), unit_of_work(ground, actor) as work:
            await commands.change_mall_setting(work, share_days=1)
    wrong: list[Any] = [
        {"share_days": 0},
        {"share_days": 366},
        {"answer_minutes": -1},
        {"answer_minutes": 1441},
        {"page_url": "https://mall.example/{product}"},
    ]
    for changes in wrong:
        async with refused(ground, Invalid), unit_of_work(ground, world.hq) as work:
            await commands.change_mall_setting(work, **changes)
    async with refused(ground, StaleVersion), unit_of_work(ground, world.hq) as work:
        await commands.change_mall_setting(work, expected_version=1, share_days=1)


async def test_two_first_words_at_once_are_one_row(ground: Ground) -> None:
    world = await build_world(ground)

    async def say(days: int) -> None:
        async with unit_of_work(ground, world.hq) as work:
            await commands.change_mall_setting(work, share_days=days)

    await asyncio.gather(say(5), say(6))

    assert (await setting(ground, world)).version == 2


@pytest.mark.parametrize(
    "template",
    [
        "https://mall.example/p/{product}",
        "https://mall.example:8443/p?id={product}&g={guide}&m={store}&s={share}#{share}",
        "https://mall.example/商品/{product}",
        "https://xn--fiq228c.example/",
    ],
)
def test_addresses_of_a_mall_are_taken(template: str) -> None:
    assert require_template("productUrl", f" {template}\n", SLOTS) == template


@pytest.mark.parametrize(
    "template",
    [
        "",
        "http://mall.example/{product}",
        "javascript:alert(1)//{product}",
        "//mall.example/{product}",
        "/p/{product}",
        "https:///p/{product}",
        "https://{product}/",
        "https://mall.example{product}",
        "https://mall.{store}.example/",
        "https://{share}@mall.example/",
        "https://user@mall.example/",
        "https://mall.example:x/",
        "https://mall.example:0/",
        "https://商城.example/",
        "https://[mall/",
        "https://mall.example/{unknown}",
        "https://mall.example/{page}",
        "https://mall.example/{{product}}",
        "https://mall.example/{product",
        "https://mall.example/}",
        "https://mall.example/{product.price}",
        "https://mall.example/{}",
        "https://mall.example/a b",
        "https://mall.example/\\evil",
        "https://mall.example/a\r\nSet-Cookie: x",
        "https://mall.example/" + "a" * 500,
    ],
)
def test_addresses_that_lead_elsewhere_are_refused(template: str) -> None:
    with pytest.raises(Invalid):
        require_template("productUrl", template, SLOTS)


def test_slots_are_filled_once_and_encoded_for_their_place() -> None:
    values = {"product": "A/1 &{guide}", "guide": "{share}", "page": "/周年?a=1&b=2"}

    assert filled("https://m.example/p/{product}?g={guide}", values) == (
        "https://m.example/p/A/1%20%26%7Bguide%7D?g=%7Bshare%7D"
    )
    assert filled("https://m.example/{page}", values) == "https://m.example/%E5%91%A8%E5%B9%B4%3Fa%3D1%26b%3D2"
    assert filled("https://m.example/#to={page}", values).endswith("#to=%2F%E5%91%A8%E5%B9%B4%3Fa%3D1%26b%3D2")


@given(st.text(max_size=30).filter(str.isprintable), st.text(max_size=30).filter(str.isprintable))
def test_whatever_is_put_into_slots_the_host_stays_and_no_part_is_added(product: str, guide: str) -> None:
    address = filled("https://m.example/p/{product}?g={guide}", {"product": product, "guide": guide})

    assert address.startswith("https://m.example/p/")
    assert (address.count("?"), address.count("&"), address.count("#")) == (1, 0, 0)
    assert address.isascii()
    assert not set(address) & set(" \"'<>\\{}\r\n")
