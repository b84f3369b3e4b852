"""The manager is warned within seconds of the call that crosses the line, over the wire and with a real worker."""

import asyncio

from sqlalchemy import select
from sqlmodel import col

from handover.models import Alert, AlertKind, HandoverSetting
from kernel.work import Ground
from server.worker import working
from tagging.models import Sharing
from tests.factories import build_customer, build_world, save
from tests.handover.handing import build_handover, leave
from tests.handover.test_watching import someone
from tests.serving import serving, settings
from tests.tagging.test_segment_index import GOLD
from tests.tagging.test_segments import keep

REVEAL = "mutation ($id: ID!) { revealPhone(id: $id) { __typename } }"
SECONDS = 5


async def warned_of(ground: Ground) -> list[AlertKind]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(col(Alert.kind)).order_by(col(Alert.raised_at))))


async def test_files_over_http_and_phones_over_graphql_are_warned_of_at_once(ground: Ground) -> None:
    world = await build_world(ground)
    await save(ground, HandoverSetting(brand_id=world.brand.id, reveals_an_hour=2, exports_a_day=2))
    segment = await keep(ground, world.hq, "金", GOLD, sharing=Sharing.BRAND)
    guide, known = world.shop.guide, await someone(ground, world.shop.guide)
    async with serving(ground) as served, working(ground, settings()):
        shown = {"Authorization": f"Bearer {await served.token(guide)}"}
        for _ in range(3):
            assert (await served.http.get(f"/files/segments/{segment.id}.csv", headers=shown)).status_code == 200
            await served.ask(REVEAL, guide, id=str(known.id))
        async with asyncio.timeout(SECONDS):
            while len(await warned_of(ground)) < 2:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.05)

    assert sorted(await warned_of(ground)) == [AlertKind.EXPORTS, AlertKind.REVEALS]


async def test_reports_of_handovers_are_files_like_others(ground: Ground) -> None:
    """Each has the member number of everybody whom somebody held."""
    world = await build_world(ground)
    await save(ground, HandoverSetting(brand_id=world.brand.id, exports_a_day=2))
    await build_customer(ground, world.shop.guide)
    await leave(ground, world.shop.guide)
    handover = await build_handover(ground, world, plan=None)
    async with serving(ground) as served, working(ground, settings()):
        shown = {"Authorization": f"Bearer {await served.token(world.shop.manager)}"}
        for ending in ("json", "xlsx", "json"):
            address = f"/files/handovers/{handover.id}.{ending}"
            assert (await served.http.get(address, headers=shown)).status_code == 200
        async with asyncio.timeout(SECONDS):
            while not await warned_of(ground):  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.05)

    assert await warned_of(ground) == [AlertKind.EXPORTS]


async def test_a_file_that_is_refused_is_no_export(ground: Ground) -> None:
    world = await build_world(ground)
    async with serving(ground) as served:
        shown = {"Authorization": f"Bearer {await served.token(world.shop.guide)}"}
        answer = await served.http.get(f"/files/segments/{world.brand.id}.csv", headers=shown)

    assert answer.status_code == 404
    assert await warned_of(ground) == []
