"""With whom a guide is compared, who may ask, and what is shown of others."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from directory.models import Account, AccountKind
from kernel import ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.pages import Page
from kernel.work import Ground
from kpi.models import Days, Grain, KpiSales, KpiWork, Span
from kpi.models.diagnosing import Step
from kpi.queries import adjusting, diagnosing
from kpi.queries.diagnosing import Diagnosed, PeerKind
from kpi.queries.reading import Summed
from kpi.queries.scoping import Asked
from tests.factories import Shop, World, build_shop, build_world, save
from tests.mall.trading import till
from tests.statements import statements

DAY = date(2026, 3, 4)
DAYS = Days(date(2026, 3, 1), date(2026, 3, 31))
USUAL = {
    "at_work": 20,
    "sharers": 10,
    "links": 20,
    "link_opens": 100,
    "link_orders": 20,
    "link_gross": 400_000,
    "contacts_due": 80,
    "contacts_reached": 60,
    "contacts_bought": 12,
}


async def work(ground: Ground, shop: Shop, guide: Actor, values: dict[str, int], gross: int = 1_000_000) -> None:
    """What a guide did on a day, as a row of theirs; and for the first guide, what both did as one of the store's."""
    key: dict[str, Any] = {"brand_id": guide.brand_id, "span": Span.DAY, "starts_on": DAY, "store_id": shop.store.id}
    theirs = key | {"grain": Grain.ACCOUNT, "account_id": guide.account_ids[0]}
    sold: dict[str, Any] = {"channel": "pos", "source": "pos", "orders": 20}
    await save(ground, KpiWork(**theirs | values), KpiSales(**theirs | sold, gross=gross))
    if guide is shop.guide:
        stores = key | {"grain": Grain.STORE, "account_id": shop.public.id}
        both = {name: 2 * value for name, value in values.items()}
        await save(ground, KpiWork(**stores | both), KpiSales(**stores | sold, gross=2 * gross))


async def ask(
    ground: Ground,
    actor: Actor,
    page: Page | None = None,
    *,
    adjusted: bool = False,
    staff_id: UUID | None = None,
    store_id: UUID | None = None,
) -> list[Diagnosed]:
    asked = Asked(staff_id=staff_id, store_id=store_id)
    async with ground.db.read() as session:
        return await diagnosing.page(session, actor, page or Page(20), asked, DAYS, adjusted=adjusted)


async def build_another(ground: Ground, world: World, shop: Shop) -> Account:
    """One more account in the store, of somebody who does nothing there."""
    account = Account(
        brand_id=world.brand.id,
        id=ids.new(),
        store_id=shop.store.id,
        kind=AccountKind.GUIDE,
        staff_id=world.hq.id,
    )
    await save(ground, account)
    return account


@pytest.fixture
async def world(ground: Ground) -> World:
    """Nine stores, three of each size; in those in the middle guides share on half of their days, but for one."""
    world = await build_world(ground)
    for number in range(4, 10):
        world.shops.append(await build_shop(ground, world.brand, world.regions["north"], f"qinghe-{number}"))
    for place, shop in enumerate(world.shops):
        size = (place + 1) % 3
        for guide in shop.guides:
            values = USUAL | ({} if size == 1 else {"sharers": 18})
            if guide is world.shop.guide:
                low = {"sharers": 1, "links": 2, "link_opens": 10, "link_orders": 2, "link_gross": 40_000}
                values = USUAL | low
            await work(ground, shop, guide, values, gross=1_000_000 * (size + 1))
    return world


async def test_peers_are_the_guides_of_stores_of_the_same_size(ground: Ground, world: World) -> None:
    for actor in (world.hq, world.shop.manager, world.shop.guide):
        [found] = await ask(ground, actor, staff_id=world.shop.guide.id)

        assert (found.staff_id, found.currency, found.was_at_work) == (world.shop.guide.id, "CNY", True)
        assert (found.peer_kind, found.peers, found.handed) == (PeerKind.SAME_SIZE, 5, None)
        assert found.diagnosis is not None
        assert found.diagnosis.weakest is not None
        weakest = found.diagnosis.weakest
        assert (weakest.step, weakest.own, weakest.peers) == (Step.SHARE_RATE, Fraction(1, 20), Fraction(1, 2))
        assert weakest.shortfall == 360_000
        assert (found.diagnosis.sharing.brought, found.diagnosis.sharing.expected) == (40_000, 400_000)


async def test_with_few_of_the_same_size_it_is_all_in_sight_and_with_few_in_sight_nobody(ground: Ground) -> None:
    world = await build_world(ground)
    for shop in world.shops:
        for guide in shop.guides:
            await work(ground, shop, guide, USUAL)

    [by_hq] = await ask(ground, world.hq, staff_id=world.shop.guide.id)
    [by_manager] = await ask(ground, world.shop.manager, staff_id=world.shop.guide.id)
    [by_themselves] = await ask(ground, world.shop.guide)

    assert (by_hq.peer_kind, by_hq.peers) == (PeerKind.IN_SIGHT, 5)
    assert by_hq.diagnosis is not None
    for found in (by_manager, by_themselves):
        assert (found.peer_kind, found.peers, found.diagnosis, found.was_at_work) == (None, None, None, True)


async def test_guides_get_themselves_alone_and_managers_whom_they_see(ground: Ground, world: World) -> None:
    guide, other = world.shop.guides

    assert [each.staff_id for each in await ask(ground, guide)] == [guide.id]
    assert [each.staff_id for each in await ask(ground, guide, store_id=world.shop.store.id)] == [guide.id]
    assert [each.staff_id for each in await ask(ground, world.shop.manager, store_id=world.shop.store.id)] == sorted(
        (guide.id, other.id)
    )
    far = world.shops[2]
    unseen: list[tuple[Actor, dict[str, UUID]]] = [
        (guide, {"staff_id": other.id}),
        (guide, {"store_id": far.store.id}),
        (world.shop.manager, {"staff_id": far.guide.id}),
        (world.shop.manager, {"store_id": far.store.id}),
        (world.east_manager, {"staff_id": far.guide.id}),
        (world.hq, {"staff_id": ids.new()}),
        ((await build_world(ground, "other")).hq, {"staff_id": guide.id}),
    ]
    for actor, asked in unseen:
        with pytest.raises(NotFound):
            await ask(ground, actor, staff_id=asked.get("staff_id"), store_id=asked.get("store_id"))


async def test_one_thing_has_to_be_named_and_a_machine_be_allowed_to(ground: Ground, world: World) -> None:
    with pytest.raises(Invalid):
        await ask(ground, world.hq)
    with pytest.raises(Invalid):
        await ask(ground, world.hq, staff_id=world.shop.guide.id, store_id=world.shop.store.id)
    with pytest.raises(Forbidden):
        await ask(ground, till(world), staff_id=world.shop.guide.id)
    assert len(await ask(ground, till(world, "reports:read"), staff_id=world.shop.guide.id)) == 1


async def test_pages_of_a_store_follow_each_other_without_who_was_not_at_work(ground: Ground, world: World) -> None:
    await build_another(ground, world, world.shop)
    store_id, both = world.shop.store.id, sorted(guide.id for guide in world.shop.guides)

    first = await ask(ground, world.hq, Page(1), store_id=store_id)
    second = await ask(ground, world.hq, Page(1, [str(both[0])]), store_id=store_id)

    assert [each.staff_id for each in first] == both
    assert [each.staff_id for each in second] == both[1:]


async def test_the_statements_are_as_many_for_one_guide_as_for_three(ground: Ground, world: World) -> None:
    counts = []
    for number in (1, 2):
        with statements(ground) as sent:
            await ask(ground, world.hq, Page(number), adjusted=True, store_id=world.shops[3].store.id)
        counts.append(len(sent))
    third = world.shops[3]
    another = await build_another(ground, world, third)
    await work(ground, third, replace(world.hq, account_ids=(another.id,)), USUAL)
    with statements(ground) as sent:
        assert len(await ask(ground, world.hq, Page(3), adjusted=True, store_id=third.store.id)) == 3
    assert {*counts, len(sent)} == {counts[0]}
    assert counts[0] <= 17


async def test_adjusted_figures_are_without_what_was_handed_over_for_peers_too(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_off = {guide.id: {"contacts_due": 40, "contacts_bought": 0} for shop in world.shops for guide in shop.guides}

    async def handed(*_: object) -> Summed:
        return dict(taken_off)

    monkeypatch.setattr(adjusting, "handed", handed)
    [plain] = await ask(ground, world.hq, staff_id=world.shop.guide.id)
    [adjusted] = await ask(ground, world.hq, adjusted=True, staff_id=world.shop.guide.id)

    assert (plain.handed, adjusted.handed) == (None, {"contacts_due": 40, "contacts_bought": 0})
    assert plain.diagnosis is not None
    assert adjusted.diagnosis is not None
    before, after = plain.diagnosis.tasks.findings[0], adjusted.diagnosis.tasks.findings[0]
    assert (before.own, before.peers) == (Fraction(4), Fraction(4))
    assert (after.own, after.peers) == (Fraction(2), Fraction(2))


async def test_peers_that_include_the_guide_would_be_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant."""
    monkeypatch.setattr(diagnosing._Pool, "without", lambda pool, _: pool.total)

    with pytest.raises(AssertionError):
        await test_peers_are_the_guides_of_stores_of_the_same_size(ground, world)
