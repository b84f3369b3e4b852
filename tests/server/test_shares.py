"""Links are followed over HTTP, and opens are counted without a word of who it was."""

import asyncio
import re
import struct
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from xml.etree import ElementTree

import pytest
import segno
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy import select
from sqlmodel import col

from customers.commands import close_access
from handover.commands import reassign
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import Product, Share, ShareOpen
from mall.models.own_taps import mark_of_browser, mark_of_preview
from mall.queries.landing import of_code
from server import opens, qr
from tests.asking import VAULT
from tests.factories import World, build_customer, build_world, relationship_of, reload
from tests.mall.sharing import build_page_share, build_product, build_share, lead_to
from tests.serving import Served, serving

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN"
)


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    """A server of this test's own."""
    async with serving(ground) as served:
        yield served


async def follow(served: Served, share: Share | str, agent: str = PHONE, method: str = "GET", **headers: str) -> Any:
    """The answer to somebody who taps on a link, with nothing that an earlier answer left in the browser."""
    code = share if isinstance(share, str) else share.code
    served.http.cookies.clear()
    return await served.http.request(
        method, f"/s/{code}", headers={"User-Agent": agent} | headers, follow_redirects=False
    )


def someone() -> str:
    """The agent of a phone that nobody else has."""
    return f"{PHONE} {uuid4().hex}"


async def opened(ground: Ground, share: Share) -> int:
    """How often the link was opened, as its rows say."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(ShareOpen).where(col(ShareOpen.brand_id) == share.brand_id, col(ShareOpen.share_id) == share.id)
        )
        return len(found.all())


async def test_a_link_leads_to_the_mall_and_to_the_guide(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    await lead_to(ground, world)
    product = await build_product(ground, world, code="A/1 &?#")
    share = await build_share(ground, world.shop.guide, product)
    page = await build_page_share(ground, world.shop.manager, "/周年庆?tab=1&x={guide}")
    second = await build_product(ground, world, code="B,2")
    async with unit_of_work(ground, world.shop.guide) as work:
        look = await commands.share_look(work, [second.id, product.id], title="通勤")

    there, upper, paged, looked = [await follow(served, each) for each in (share, share.code.upper(), page, look)]

    store = world.shop.store.code
    assert there.status_code == paged.status_code == looked.status_code == 302
    assert there.headers["location"] == (
        f"https://mall.example/p/A/1%20%26%3F%23?s={share.code}&g=qinghe-1-G1&m={store}"
    )
    assert upper.headers["location"] == there.headers["location"]
    assert there.headers["cache-control"] == "no-store"
    assert there.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in there.headers
    asked = parse_qs(urlsplit(paged.headers["location"]).query, keep_blank_values=True)
    assert asked == {"to": ["/周年庆?tab=1&x={guide}"], "g": [""]}
    assert parse_qs(urlsplit(looked.headers["location"]).query)["p"] == ["B,2,A/1 &?#"]
    assert await opened(ground, share) == 1


async def test_nobody_is_led_elsewhere(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    await lead_to(ground, world, page_url="https://mall.example/{page}")
    share = await build_page_share(ground, world.shop.guide, "/evil.example/@x")

    answers = [
        await served.http.get(f"/s/{share.code}{rest}", follow_redirects=False)
        for rest in ("", "?own=//evil.example", "?to=https://evil.example", "?share=x&guide=y")
    ]

    assert {answer.headers["location"] for answer in answers} == {"https://mall.example/evil.example/%40x"}


async def test_unknown_ended_and_expired_links_say_so_and_nothing_else(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    await lead_to(ground, world)
    product = await build_product(ground, world)
    share = await build_share(ground, world.shop.guide, product)
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.end_share(work, share.id)
    expired = await build_share(ground, world.shop.guide, product)
    async with ground.db.write() as session:
        expired.expires_at = clock.now() - timedelta(seconds=1)
        await session.merge(expired)

    never = [
        await follow(served, code)
        for code in ("zzzzzzzzzz", "a" * 17, "分享", "%00", "..%2f..%2fgraphql", "a'--", "%ff%fe", " ")
    ]
    over = [await follow(served, each) for each in (share, expired)]
    drawn = [await served.http.get(f"/s/{code}.{kind}") for code in ("zzz", share.code) for kind in ("png", "svg")]

    assert [answer.status_code for answer in never] == [404] * len(never)
    assert [answer.status_code for answer in over] == [410, 410]
    assert [answer.status_code for answer in drawn] == [404, 404, 410, 410]
    assert over[0].text == never[0].text
    assert "链接已失效" in over[0].text
    assert "expired" in over[0].text
    assert over[0].headers["cache-control"] == "no-store"
    for secret in ("羊绒衫", world.brand.code, world.brand.name, "mall.example"):
        assert secret not in over[0].text
    assert await opened(ground, share) == await opened(ground, expired) == 0


async def test_without_a_mall_the_link_shows_its_products_and_whatever_they_are_called_stays_text(
    served: Served, ground: Ground
) -> None:
    world = await build_world(ground)
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(1)>&amp;'
    product = await build_product(ground, world, nasty, price=1_234_550)
    product.images = ['https://img.example/a.jpg?x=1&y="><script>', "https://img.example/b.jpg"]
    plain = await build_product(ground, world, "大衣")
    plain.images = ["javascript:alert(1)"]
    async with ground.db.write() as session:
        await session.merge(product)
        await session.merge(plain)
    share = await build_share(ground, world.shop.guide, product)
    page = await build_page_share(ground, world.shop.guide, "/new", nasty)
    async with unit_of_work(ground, world.shop.guide) as work:
        look = await commands.share_look(work, [product.id, plain.id], title="</title><b>")

    shown, paged, looked = [await follow(served, each) for each in (share, page, look)]

    for answer in (shown, paged, looked):
        assert answer.status_code == 200
        assert not re.search(r"<(script|b)\b|onerror=alert\(1\)>|<img src=x|javascript:", answer.text)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
    assert "CNY 12,345.50" in shown.text
    assert 'src="https://img.example/a.jpg?x=1&amp;y=&quot;&gt;&lt;script&gt;"' in shown.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown.text
    assert "大衣" in looked.text
    assert await opened(ground, share) == 1


async def test_head_answers_as_get_does_and_counts_nothing(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    await lead_to(ground, world)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))

    answer = await follow(served, share, method="HEAD")
    other = await follow(served, share, method="POST")

    assert (answer.status_code, answer.content) == (302, b"")
    assert answer.headers["location"].startswith("https://mall.example/")
    assert other.status_code == 405
    assert await opened(ground, share) == 0


async def test_opens_by_bots_previews_and_repeats_dont_count(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    await lead_to(ground, world)
    product = await build_product(ground, world)
    share, other = [await build_share(ground, world.shop.guide, product) for _ in range(2)]

    for agent in ("WhatsApp/2.23.20.0", "", "curl/8.5.0"):
        assert (await follow(served, share, agent)).status_code == 302
    assert (await follow(served, share, **{"Sec-Purpose": "prefetch"})).status_code == 302
    assert await opened(ground, share) == 0

    first, second = someone(), someone()
    for agent in (first, first, second, first):
        await follow(served, share, agent)
    assert await opened(ground, share) == 2
    await follow(served, other, first)
    assert (await opened(ground, share), await opened(ground, other)) == (2, 1)


async def test_a_visitor_who_comes_many_times_at_once_counts_once(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    agent = someone()

    await asyncio.gather(*(follow(served, share, agent) for _ in range(10)))

    assert await opened(ground, share) == 1


async def test_a_repeat_counts_after_half_an_hour_and_midnight_is_none(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    async with ground.db.read() as session:
        landing = await of_code(session, share.code)
    assert landing
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    counting = served.edge.opens

    for minutes in (-10, 10):
        with clock.stopped_at(midnight + timedelta(minutes=minutes)):
            await counting.count(landing, "203.0.113.7", PHONE)
    kept = {key: await ground.redis.ttl(key) for key in await ground.redis.keys("daogou:opens:*")}
    assert await opened(ground, share) == 1

    await ground.redis.delete(*kept)  # as half an hour does
    await counting.count(landing, "203.0.113.7", PHONE)

    assert await opened(ground, share) == 2
    assert len(kept) == 2
    assert all(0 < seconds <= 1800 for seconds in kept.values())
    assert all(re.fullmatch(rb"daogou:opens:[0-9a-f]{32}", key) for key in kept)


async def test_the_guides_own_looks_dont_count(served: Served, ground: Ground) -> None:
    world, foreign = await build_world(ground), await build_world(ground, "other")
    await lead_to(ground, world)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))

    async def bearer(actor: Actor) -> dict[str, str]:
        return {"Authorization": f"Bearer {await served.token(actor)}"}

    await follow(served, share, someone(), **await bearer(world.shop.guide))
    await follow(served, share, someone(), **await bearer(world.shop.manager))
    assert await opened(ground, share) == 0

    await follow(served, share, someone(), **await bearer(foreign.shop.guide))
    await follow(served, share, someone(), Authorization="Bearer nonsense")
    assert await opened(ground, share) == 2


async def test_a_browser_in_which_a_guide_had_a_look_isnt_counted_any_more(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    await lead_to(ground, world)
    product = await build_product(ground, world)
    share, other = [await build_share(ground, world.shop.guide, product) for _ in range(2)]
    asked = await served.ask(
        "query ($id: ID!) { share(id: $id) { preview { url } } }", world.shop.guide, id=str(share.id)
    )
    address = urlsplit(asked["share"]["preview"]["url"])

    looked = await follow(served, f"{share.code}?{address.query}", someone())
    cookie = looked.headers["set-cookie"]
    pair = cookie.partition(";")[0]
    await follow(served, share, someone(), Cookie=pair)
    await follow(served, other, someone(), Cookie=pair)

    assert looked.status_code == 302
    assert "own" not in looked.headers["location"]
    assert {"HttpOnly", "Path=/s", "SameSite=lax", "Max-Age=7776000"} <= set(cookie.split("; "))
    assert await opened(ground, share) == await opened(ground, other) == 0
    # Neither says who it was.
    assert str(world.shop.guide.id).replace("-", "") not in pair.replace("-", "")


async def test_marks_that_are_made_up_late_or_of_other_links_and_brands_count(served: Served, ground: Ground) -> None:
    world, foreign = await build_world(ground), await build_world(ground, "other")
    product = await build_product(ground, world)
    share, other = [await build_share(ground, world.shop.guide, product) for _ in range(2)]
    now, brand_id = clock.now(), world.brand.id
    right = mark_of_preview(VAULT, brand_id, share.id, now)
    marks = [
        mark_of_preview(VAULT, brand_id, share.id, now - timedelta(minutes=10)),
        mark_of_preview(VAULT, brand_id, other.id, now),
        mark_of_preview(VAULT, foreign.brand.id, share.id, now),
        mark_of_browser(VAULT, brand_id, now),
        "f" + right,
        right[:-1] + ("0" if right[-1] != "0" else "1"),
        "1.2",
        "ffffffffffff." + "0" * 64,
    ]
    cookies = [
        mark_of_browser(VAULT, foreign.brand.id, now),
        mark_of_browser(VAULT, brand_id, now - timedelta(days=91)),
        right,
    ]

    for mark in marks:
        await follow(served, f"{share.code}?own={mark}", someone())
    for cookie in cookies:
        await follow(served, share, someone(), Cookie=f"daogou_own={cookie}")

    assert await opened(ground, share) == len(marks) + len(cookies)
    await follow(served, f"{share.code}?own={right}", someone())
    assert await opened(ground, share) == len(marks) + len(cookies)


async def test_counting_that_fails_or_hangs_holds_nobody_up(
    served: Served, ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = await build_world(ground)
    await lead_to(ground, world)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))

    async def fail(*_: Any) -> None:
        raise LookupError("a bug")

    async def hang(*_: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(opens, "LONGEST_SECONDS", 3.0)
    for broken in (fail, hang):
        monkeypatch.setattr(opens, "note_open", broken)
        started = asyncio.get_running_loop().time()
        answer = await follow(served, share, someone())
        assert answer.status_code == 302
        assert asyncio.get_running_loop().time() - started < 2.5
    lost = [record.error for record in caplog.records if record.message == "open_not_counted"]  # type: ignore[attr-defined]  # an extra
    assert lost == ["LookupError"]
    monkeypatch.setattr(opens, "MOST_UNDER_WAY", 0)
    assert (await follow(served, share, someone())).status_code == 302
    assert await opened(ground, share) == 0


async def test_while_redis_is_away_repeats_count(
    served: Served, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))

    def away(*_: Any, **__: Any) -> Any:
        raise RedisAway

    monkeypatch.setattr(type(ground.redis), "pipeline", away)
    for _ in range(2):
        assert (await follow(served, share)).status_code == 200
    assert await opened(ground, share) == 2


async def test_what_is_kept_of_an_open_is_its_time_and_its_link(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    before = clock.now()

    await follow(served, share)

    async with ground.db.read() as session:
        row = (await session.scalars(select(ShareOpen).where(col(ShareOpen.brand_id) == world.brand.id))).one()
    assert set(row.model_dump()) == {"brand_id", "id", "share_id", "opened_at", "stands_for"}
    assert row.stands_for is None
    assert before <= row.opened_at <= clock.now()


async def test_a_departed_guides_link_leads_to_who_took_over(served: Served, ground: Ground) -> None:
    world: World = await build_world(ground)
    await lead_to(ground, world, product_url="https://mall.example/{product}?g={guide}")
    product: Product = await build_product(ground, world, code="P1")
    share = await build_share(ground, world.shop.guide, product)
    customer = await build_customer(ground, world.shop.guide)
    relationship = await relationship_of(ground, customer)
    assert (await follow(served, share)).headers["location"].endswith("?g=qinghe-1-G1")

    async with unit_of_work(ground, world.shop.manager) as work:
        await close_access(work, world.shop.guide.id)
    assert (await follow(served, share)).headers["location"].endswith("?g=")
    async with unit_of_work(ground, world.shop.manager) as work:
        await reassign(work, relationship.id, to_account_id=world.shop.other_guide.account_ids[0])
    assert (await follow(served, share)).headers["location"].endswith("?g=qinghe-1-G2")
    assert (await reload(ground, share)).version == 1


def pixels(png: bytes) -> list[list[int]]:
    """The dark and light dots of a PNG with one bit a pixel."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    place = 8
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        body = png[place + 8 : place + 8 + length]
        assert struct.unpack(">I", png[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + body)
        chunks[kind] = chunks.get(kind, b"") + body
        place += length + 12
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (1, 0)
    raw = zlib.decompress(chunks[b"IDAT"])
    row_bytes = (width + 7) // 8
    rows = [raw[start + 1 : start + 1 + row_bytes] for start in range(0, len(raw), row_bytes + 1)]
    assert len(rows) == height
    return [[1 - (row[x // 8] >> (7 - x % 8) & 1) for x in range(width)] for row in rows]


async def test_qr_codes_say_the_address(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    address = f"http://localhost:8000/s/{share.code}"
    matrix = [[int(dot) for dot in row] for row in segno.make_qr(address, error="m").matrix_iter(border=4)]

    png = await served.http.get(f"/s/{share.code}.png")
    svg = await served.http.get(f"/s/{share.code}.svg")
    head = await served.http.head(f"/s/{share.code}.svg")

    drawn = pixels(png.content)
    scale = len(drawn) // len(matrix)
    assert (png.status_code, png.headers["content-type"], len(drawn)) == (200, "image/png", scale * len(matrix))
    assert [[row[x] for x in range(0, len(row), scale)] for row in drawn[::scale]] == matrix
    root = ElementTree.fromstring(svg.text)  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert root.attrib["viewBox"] == f"0 0 {len(matrix)} {len(matrix)}"
    assert {"public, max-age=86400"} == {answer.headers["cache-control"] for answer in (png, svg, head)}
    assert head.content == b""
    assert await opened(ground, share) == 0


@pytest.mark.parametrize("size", ["100", "480", "1200"])
async def test_a_qr_code_is_as_large_as_is_asked_for(served: Served, ground: Ground, size: str) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))

    answer = await served.http.get(f"/s/{share.code}.png?size={size}")

    width = len(pixels(answer.content))
    assert int(size) - 50 < width <= int(size)


@pytest.mark.parametrize("size", ["0", "99", "1201", "-1", "1e3", "", "٣٠٠", "99999999999"])
async def test_other_sizes_are_refused(served: Served, size: str) -> None:
    answer = await served.http.get("/s/zzzzzzzzzz.png", params={"size": size})

    assert answer.status_code == 400
    assert qr.LARGEST == 1200


async def test_while_the_database_is_away_the_visitor_is_asked_to_try_again(ground: Ground) -> None:
    async with serving(ground) as served:

        def away(*_: Any) -> Any:
            raise ConnectionRefusedError

        broken = pytest.MonkeyPatch()
        broken.setattr(type(ground.db), "read", away)
        try:
            answer = await follow(served, "abcdefghjk")
        finally:
            broken.undo()

    assert answer.status_code == 503
    assert "稍后" in answer.text


async def test_links_carry_the_public_address(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    document = "query ($id: ID!) { share(id: $id) { url qrPng qrSvg } }"

    async with serving(ground, public_url="https://go.shop.example/") as served:
        told = (await served.ask(document, world.shop.guide, id=str(share.id)))["share"]
        svg = await served.http.get(f"/s/{share.code}.svg")
        marked = mark_of_preview(VAULT, world.brand.id, share.id, clock.now())
        looked = await follow(served, f"{share.code}?own={marked}")

    address = f"https://go.shop.example/s/{share.code}"
    assert told == {"url": address, "qrPng": f"{address}.png", "qrSvg": f"{address}.svg"}
    assert svg.content == qr.svg(address)
    assert "Secure" in looked.headers["set-cookie"]
