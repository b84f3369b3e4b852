"""Share links, their figures, and how the mini-mall is run, through GraphQL."""

from datetime import timedelta
from typing import Any

from kernel import clock, ids
from kernel.errors import Invalid
from kernel.work import Ground
from mall.models import Share, ShareOpen
from tests.asking import ask, refused
from tests.factories import World, build_world, save
from tests.mall.sharing import build_product, build_share
from tests.mall.trading import count, place, till
from tests.statements import statements

SHARE = """
mutation ($id: ID!, $days: Int, $key: String) {
  shareProduct(productId: $id, days: $days, idempotencyKey: $key) {
    ... on ShareChanged { share {
      id version code kind title isLive url opens orders gross product { name } lookProducts { name }
      account { id } store { code }
    } places { seq } }
    ... on Problem { code message }
  }
}
"""
LOOK = """
mutation ($ids: [ID!]!) {
  shareLook(productIds: $ids, title: "通勤") { ... on ShareChanged { share { kind lookProducts { name } } } }
}
"""
LOOKS = "{ shares(first: 10) { edges { node { lookProducts { name } } } } }"
END = """
mutation ($id: ID!, $version: Int) {
  endShare(id: $id, expectedVersion: $version) {
    ... on ShareChanged { share { version isLive } }
    ... on Problem { code current { id version } }
  }
}
"""
FIGURES = """
query ($from: Date!, $until: Date!, $by: ShareKey!, $first: Int!, $after: Cursor) {
  shareFigures(fromDay: $from, untilDay: $until, by: $by, first: $first, after: $after) {
    edges { node { links opens orders gross
      account { owner { number } } product { name } store { code } share { code } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
SETTING = "query { mallSetting { id version productUrl shareDays answerMinutes guidesMayAddProducts } }"
CHANGE = """
mutation ($input: MallSettingInput!, $version: Int) {
  changeMallSetting(input: $input, expectedVersion: $version) {
    ... on MallSettingChanged { setting { version productUrl pageUrl shareDays } }
    ... on Problem { code message current { id version } }
  }
}
"""


async def opened(ground: Ground, share: Any, times: int) -> None:
    row = {"brand_id": share.brand_id, "share_id": share.id, "opened_at": clock.now()}
    await save(ground, *(ShareOpen(id=ids.new(), **row) for _ in range(times)))


async def test_a_guide_shares_a_product_once_per_key(ground: Ground) -> None:
    world = await build_world(ground)
    product = await build_product(ground, world)
    given: dict[str, Any] = {"id": str(product.id), "days": 3, "key": "k"}

    once = await ask(ground, world.shop.guide, SHARE, **given)
    again = await ask(ground, world.shop.guide, SHARE, **given)

    share = once["shareProduct"]["share"]
    assert once == again
    assert await count(ground, world.brand.id, Share) == 1
    assert (share["kind"], share["title"], share["isLive"], share["opens"]) == ("PRODUCT", "羊绒衫", True, 0)
    assert share["url"].endswith(f"/s/{share['code']}")
    assert share["product"] == {"name": "羊绒衫"}
    assert share["account"] == {"id": str(world.shop.guide.account_ids[0])}
    assert once["shareProduct"]["places"] == []

    denied = await ask(ground, world.hq, SHARE, id=str(product.id))
    assert denied["shareProduct"]["code"] == "FORBIDDEN"


async def test_a_look_shows_its_products_in_their_order(ground: Ground) -> None:
    world = await build_world(ground)
    products = [await build_product(ground, world, name) for name in ("乙", "甲", "丙")]

    look = await ask(ground, world.shop.guide, LOOK, ids=[str(product.id) for product in products])
    with statements(ground) as sent:
        [edge] = (await ask(ground, world.shop.guide, LOOKS))["shares"]["edges"]

    shown = [{"name": name} for name in ("乙", "甲", "丙")]
    assert look["shareLook"]["share"] == {"kind": "LOOK", "lookProducts": shown}
    assert edge["node"]["lookProducts"] == shown
    assert len(sent) == 2  # the links, and all their products


async def test_an_older_version_of_a_link_is_shown_the_newer_one(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))

    stale = await ask(ground, world.shop.manager, END, id=str(share.id), version=9)
    ended = await ask(ground, world.shop.manager, END, id=str(share.id), version=1)
    twice = await ask(ground, world.shop.manager, END, id=str(share.id))

    assert stale["endShare"] == {"code": "STALE_VERSION", "current": {"id": str(share.id), "version": 1}}
    assert ended["endShare"]["share"] == {"version": 2, "isLive": False}
    assert twice["endShare"]["code"] == "SHARE_OVER"


async def test_what_came_of_many_links_is_read_at_once(ground: Ground) -> None:
    world = await build_world(ground)
    product = await build_product(ground, world)
    document = "query { shares(first: 10) { edges { node { code opens orders gross product { code } } } } }"
    taken = []
    for _ in (1, 2):
        share = await build_share(ground, world.shop.guide, product)
        await opened(ground, share, 2)
        await place(ground, world, amount=700, share_code=share.code)
        await build_share(ground, world.shop.guide, product)
        with statements(ground) as sent:
            found = await ask(ground, world.shop.guide, document)
        taken.append((len(found["shares"]["edges"]), len(sent)))

    told = [(node["opens"], node["orders"], node["gross"]) for node in (e["node"] for e in found["shares"]["edges"])]
    assert told == [(0, 0, 0), (2, 1, 700)] * 2
    assert [many for many, _ in taken] == [2, 4]
    assert taken[0][1] == taken[1][1]


async def test_figures_are_paged_and_name_what_they_are_about(ground: Ground) -> None:
    world: World = await build_world(ground)
    product = await build_product(ground, world)
    best = await build_share(ground, world.shop.guide, product)
    other = await build_share(ground, world.shop.other_guide, product)
    await opened(ground, other, 3)
    await place(ground, world, amount=700, share_code=best.code)
    today = clock.store_day(clock.now(), "Asia/Shanghai")
    # The order was placed an hour ago.
    days = {"from": f"{today - timedelta(days=1)}", "until": f"{today + timedelta(days=1)}"}

    async def figures(by: str, **given: Any) -> Any:
        return (await ask(ground, world.hq, FIGURES, **days, by=by, **{"first": 10} | given))["shareFigures"]

    first = await figures("GUIDE", first=1)
    second = await figures("GUIDE", first=1, after=first["pageInfo"]["endCursor"])
    nothing = {"product": None, "store": None, "share": None}
    assert first["pageInfo"]["hasNextPage"]
    assert not second["pageInfo"]["hasNextPage"]
    assert [page["edges"][0]["node"] for page in (first, second)] == [
        {"links": 1, "opens": 0, "orders": 1, "gross": 700, "account": {"owner": {"number": "qinghe-1-G1"}}} | nothing,
        {"links": 1, "opens": 3, "orders": 0, "gross": 0, "account": {"owner": {"number": "qinghe-1-G2"}}} | nothing,
    ]
    [by_product] = (await figures("PRODUCT"))["edges"]
    [by_store] = (await figures("STORE"))["edges"]
    by_share = (await figures("SHARE"))["edges"]
    assert (by_product["node"]["product"], by_product["node"]["links"]) == ({"name": "羊绒衫"}, 2)
    assert by_store["node"]["store"] == {"code": world.shop.store.code}
    assert [edge["node"]["share"]["code"] for edge in by_share] == [best.code, other.code]


async def test_figures_of_one_and_of_three_take_the_same_statements(ground: Ground) -> None:
    world = await build_world(ground)
    guides = (world.shop.guide, world.shop.other_guide, world.shops[1].guide)
    for guide in guides:
        await build_share(ground, guide, await build_product(ground, world))
    today = clock.store_day(clock.now(), "Asia/Shanghai")
    days = {"from": f"{today - timedelta(days=1)}", "until": f"{today + timedelta(days=1)}"}

    for by in ("GUIDE", "PRODUCT", "SHARE"):
        counts = []
        for first in (1, 3):
            with statements(ground) as sent:
                shown = (await ask(ground, world.hq, FIGURES, **days, by=by, first=first))["shareFigures"]
            assert len(shown["edges"]) == first
            counts.append(len(sent))
        assert counts[0] == counts[1], by


async def test_a_period_that_is_too_long_is_refused(ground: Ground) -> None:
    world = await build_world(ground)

    [error] = await refused(
        ground, world.hq, FIGURES, **{"from": "2024-01-01", "until": "2026-01-01", "by": "GUIDE", "first": 10}
    )

    assert isinstance(error, Invalid)


async def test_how_the_mall_is_run_is_read_by_all_and_changed_by_headquarters(ground: Ground) -> None:
    world = await build_world(ground)
    usual = await ask(ground, world.shop.guide, SETTING)
    url = "https://mall.example/{product}"

    said = await ask(ground, world.hq, CHANGE, input={"productUrl": url, "pageUrl": url.replace("product", "page")})
    stale = await ask(ground, world.hq, CHANGE, input={"shareDays": 3}, version=0)
    taken = await ask(ground, world.hq, CHANGE, input={"pageUrl": None, "shareDays": 3}, version=1)
    wrong = await ask(ground, world.hq, CHANGE, input={"productUrl": "http://mall.example"})
    denied = await ask(ground, world.shop.manager, CHANGE, input={"shareDays": 3})

    assert usual["mallSetting"] == {
        "id": str(world.brand.id),
        "version": 0,
        "productUrl": None,
        "shareDays": 30,
        "answerMinutes": 30,
        "guidesMayAddProducts": False,
    }
    assert said["changeMallSetting"]["setting"]["productUrl"] == url
    assert stale["changeMallSetting"]["code"] == "STALE_VERSION"
    assert stale["changeMallSetting"]["current"] == {"id": str(world.brand.id), "version": 1}
    setting = {"version": 2, "productUrl": url, "pageUrl": None, "shareDays": 3}
    assert taken["changeMallSetting"]["setting"] == setting
    assert wrong["changeMallSetting"]["code"] == "INVALID"
    assert denied["changeMallSetting"]["code"] == "FORBIDDEN"
    assert (await ask(ground, till(world), SETTING))["mallSetting"]["shareDays"] == 3
