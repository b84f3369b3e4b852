"""Who sees imports, and who hears of them: headquarters, whoever is or comes there, and nobody else."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from directory import commands as directory
from directory.models import Staff
from intake.commands import telling
from kernel.actor import Actor, Role
from kernel.work import Ground, unit_of_work
from schema.root import schema
from tests.asking import context
from tests.factories import World, build_run, build_world
from tests.intake.carrying import carry, counts, small_lines, write
from tests.intake.watching import (
    Phone,
    all_shown,
    build_brand,
    entries,
    shown,
)


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_brand(ground)


@pytest.fixture
def little(tmp_path: Path) -> Path:
    """The beginning of the small file, where all of it shows no more."""
    return write(tmp_path / "little.csv", small_lines()[:200])


@pytest.fixture
def only_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, nothing is told but what is always told."""
    monkeypatch.setattr(telling, "EVERY", timedelta(hours=1))


async def test_nobody_below_headquarters_and_no_other_brand_sees_or_hears_of_an_import(
    ground: Ground, world: World, little: Path
) -> None:
    other = await build_world(ground, "baihe")
    strangers = [world.shop.guide, world.shop.manager, world.east_manager, other.hq]
    phones = [Phone(ground, actor) for actor in strangers]
    for phone in phones:
        await phone.start()

    await carry(ground, little)

    [run] = await all_shown(ground, world.hq)
    for phone in phones:
        assert await all_shown(ground, phone.actor) == []
        assert await shown(ground, phone.actor, run["id"]) is None
        assert await entries(ground, phone.actor.id) == []
        await phone.catch_up()
        assert phone.heard == []
    assert [phone.starts for phone in phones] == [2, 2, 2, 1]
    assert await counts(ground, "feed_event where entity_type <> 'import_run'") == [0]


async def test_somebody_of_headquarters_who_comes_back_has_missed_nothing(
    ground: Ground, world: World, little: Path
) -> None:
    phone = Phone(ground, world.hq)
    await phone.start()
    async with unit_of_work(ground, world.hq) as work:
        other = await directory.hire(work, number="HQ2", name="李娜", role=world.hq.role)
    async with unit_of_work(ground, as_other(world, other)) as work:
        await customers.close_access(work, world.hq.id)

    await carry(ground, little)
    await carry(ground, little)  # the first has sent every phone back; this one is told by its entries alone

    async with unit_of_work(ground, as_other(world, other)) as work:
        await directory.reopen_access(work, world.hq.id)
    told = await entries(ground, world.hq.id)
    assert len(told) == len(await entries(ground, other.id))
    await phone.catch_up()
    assert phone.copy == {run["id"]: run for run in await all_shown(ground, world.hq)}


async def test_whoever_comes_to_headquarters_from_a_region_gets_the_imports_and_whoever_leaves_loses_them(
    ground: Ground, world: World, little: Path
) -> None:
    await carry(ground, little)
    await carry(ground, little, dry_run=True)
    manager = world.east_manager
    phone = Phone(ground, manager)
    await phone.start()
    assert phone.copy == {}

    async with unit_of_work(ground, world.hq) as work:
        await customers.move_staff(work, manager.id, role=Role.HQ)
    phone.actor = replace(manager, role=Role.HQ, region_path=None)
    await phone.catch_up()
    assert phone.copy == {run["id"]: run for run in await all_shown(ground, world.hq)} != {}

    async with unit_of_work(ground, world.hq) as work:
        await customers.move_staff(work, manager.id, role=Role.REGIONAL_MANAGER, region_id=world.regions["east"].id)
    phone.actor = manager
    await phone.catch_up()
    assert phone.copy == {}
    assert phone.starts == 1


async def test_imports_are_listed_newest_first_a_page_at_a_time(ground: Ground, world: World) -> None:
    made = [str((await build_run(ground, world.brand.id)).id) for _ in range(3)]
    pages, after = [], None
    document = """query ($after: Cursor) { imports(first: 2, after: $after) {
      edges { node { id } } pageInfo { hasNextPage endCursor } } }"""
    for _ in range(2):
        answer = await schema.execute(document, {"after": after}, context(ground, world.hq))
        assert answer.errors is None
        assert answer.data
        pages.append([edge["node"]["id"] for edge in answer.data["imports"]["edges"]])
        after = answer.data["imports"]["pageInfo"]["endCursor"]

    assert pages == [made[:0:-1], made[:1]]


async def test_the_brand_that_an_import_makes_hears_of_it_from_then_on(
    ground: Ground, little: Path, only_phases: None
) -> None:
    await carry(ground, little)

    async with ground.db.read() as session:
        [hq] = await session.scalars(select(col(Staff.id)).where(col(Staff.role) == Role.HQ))
    told = await entries(ground, hq)
    assert [entry.entity_ver for entry in told] == [4, 5, 6, 7]


def as_other(world: World, staff: Staff) -> Actor:
    """Somebody else at headquarters."""
    return replace(world.hq, id=staff.id, staff_id=staff.id)
