"""A brand is tied to its WeCom: sealed, written down, and with keys of the right shape."""

import re
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from handover.commands import tying
from handover.errors import PartnerKeyWrong, PartnerNotTied
from handover.models import PartnerTie
from handover.queries import partner
from kernel.actor import system
from kernel.audit import AuditEntry
from kernel.errors import Invalid
from kernel.work import Ground, unit_of_work
from tests.asking import VAULT
from tests.factories import World, build_world

GIVEN = {
    "corp_id": "ww1",
    "secret": "the app's own secret",
    "callback_token": "hereisatoken",
    "callback_key": "4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws",
}


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def tie(ground: Ground, world: World, **changed: str) -> PartnerTie:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        return await tying.tie(work, VAULT, **(GIVEN | changed))


async def tied(ground: Ground, world: World) -> PartnerTie | None:
    async with ground.db.read() as session:
        return await partner.tie_of(session, world.brand.id)


async def audited(ground: Ground, world: World) -> list[tuple[str, Any]]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(AuditEntry).where(col(AuditEntry.brand_id) == world.brand.id).order_by(col(AuditEntry.id))
        )
        return [(each.action, each.detail) for each in found]


async def test_what_is_secret_is_sealed_and_in_no_line_of_the_log(ground: Ground, world: World) -> None:
    await tie(ground, world)

    row = await tied(ground, world)
    assert row is not None
    sealed = (row.secret_sealed, row.callback_token_sealed, row.callback_key_sealed)
    assert [VAULT.open(world.brand.id, each) for each in sealed] == list(GIVEN.values())[1:]
    assert not any(value.encode() in each for each in sealed for value in GIVEN.values())
    assert await audited(ground, world) == [("partner.tied", {"corp_id": "ww1"})]
    assert (row.version, row.is_paused) == (1, False)


async def test_to_tie_again_changes_what_it_is_tied_with_and_ends_a_pause(ground: Ground, world: World) -> None:
    await tie(ground, world)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await tying.pause(work)
    await tie(ground, world, corp_id="ww2", secret="another")

    row = await tied(ground, world)
    assert row is not None
    assert (row.corp_id, VAULT.open(world.brand.id, row.secret_sealed)) == ("ww2", "another")
    assert (row.version, row.is_paused) == (3, False)


async def test_a_pause_stops_nothing_twice_and_what_waits_stays_tied(ground: Ground, world: World) -> None:
    await tie(ground, world)
    states = []
    for act in (tying.pause, tying.pause, tying.resume, tying.resume):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            states.append((await act(work)).is_paused)
        async with ground.db.read() as session:
            assert await partner.is_tied(session, world.brand.id)

    assert states == [True, True, False, False]
    assert [action for action, _ in await audited(ground, world)] == [
        "partner.tied",
        "partner.paused",
        "partner.resumed",
    ]


async def test_untied_nothing_is_left_of_it(ground: Ground, world: World) -> None:
    await tie(ground, world)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await tying.untie(work)

    assert await tied(ground, world) is None


@pytest.mark.parametrize("act", [tying.untie, tying.pause, tying.resume])
async def test_where_nothing_is_tied_there_is_nothing_to_change(ground: Ground, world: World, act: Any) -> None:
    with pytest.raises(PartnerNotTied):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await act(work)

    assert await audited(ground, world) == []


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"corp_id": " "}, Invalid),
        ({"corp_id": "w" * 65}, Invalid),
        ({"secret": ""}, Invalid),
        ({"secret": "s" * 257}, Invalid),
        ({"callback_token": "ab"}, PartnerKeyWrong),
        ({"callback_token": "a b c"}, PartnerKeyWrong),
        ({"callback_token": "a" * 33}, PartnerKeyWrong),
        ({"callback_key": "a" * 42}, PartnerKeyWrong),
        ({"callback_key": "a" * 44}, PartnerKeyWrong),
        ({"callback_key": "a" * 42 + "="}, PartnerKeyWrong),
    ],
)
async def test_what_has_another_shape_is_refused_and_ties_nothing(
    ground: Ground, world: World, wrong: dict[str, str], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await tie(ground, world, **wrong)

    assert await tied(ground, world) is None
    assert await audited(ground, world) == []


def test_tokens_and_keys_that_are_made_are_of_the_shape_that_is_asked_for() -> None:
    made = [(tying.new_token(), tying.new_key()) for _ in range(50)]

    assert len(set(made)) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9]{32}", token) and re.fullmatch(r"[A-Za-z0-9]{43}", key) for token, key in made)


async def test_each_brand_is_found_by_its_own_code(ground: Ground, world: World) -> None:
    other = await build_world(ground, "theirs")
    await tie(ground, world)
    await tie(ground, other, corp_id="ww2")

    async with ground.db.read() as session:
        found = [await partner.tie_by_code(session, code) for code in ("qinghe", "theirs", "nobody")]

    assert [each.corp_id if each else None for each in found] == ["ww1", "ww2", None]
