"""A look at a phone, once written down, shows it for an hour to whoever looked, and to nobody else."""

from datetime import timedelta
from uuid import UUID

import pytest

from customers import commands
from customers.commands.profile import MOST_REVEALS
from customers.errors import LookOver, NoPhone
from customers.models import Customer
from customers.queries.looks import Revealed, revealed
from handover import commands as handover
from kernel import audit, clock, ids
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.work import Ground, unit_of_work
from tests.asking import VAULT
from tests.customers.test_profile import NUMBER, build_reachable
from tests.factories import NOON, World, build_world, relationship_of


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def look(ground: Ground, actor: Actor, customer: Customer) -> UUID:
    async with unit_of_work(ground, actor) as work:
        return (await commands.reveal_phone(work, customer.id)).id


async def shown(ground: Ground, actor: Actor, look_id: UUID) -> Revealed:
    async with ground.db.read() as session:
        return await revealed(session, actor, VAULT, look_id)


async def test_a_look_is_good_for_an_hour(ground: Ground, world: World) -> None:
    customer = await build_reachable(ground, world.shop.guide)
    with clock.stopped_at(NOON):
        looked = await look(ground, world.shop.guide, customer)

    with clock.stopped_at(NOON + timedelta(hours=1)):
        assert (await shown(ground, world.shop.guide, looked)).phone == NUMBER
    with clock.stopped_at(NOON + timedelta(hours=1, seconds=1)), pytest.raises(LookOver):
        await shown(ground, world.shop.guide, looked)


async def test_a_look_shows_nothing_to_others_nor_what_has_left_the_lookers_sight(ground: Ground, world: World) -> None:
    guide, manager = world.shop.guide, world.shop.manager
    customer = await build_reachable(ground, guide)
    looked = await look(ground, guide, customer)
    relationship = await relationship_of(ground, customer)

    with pytest.raises(NotFound):
        await shown(ground, manager, looked)
    async with unit_of_work(ground, manager) as work:
        await handover.reassign(work, relationship.id, to_account_id=world.shop.other_guide.account_ids[0])
    with pytest.raises(NotFound):
        await shown(ground, guide, looked)


async def test_another_line_of_the_audit_log_is_no_look(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    customer = await build_reachable(ground, guide)
    async with ground.db.write() as session:
        other = await audit.write(session, guide, "customer.claimed", "customer", customer.id)

    for line in (other, ids.new()):
        with pytest.raises(NotFound):
            await shown(ground, guide, line)


async def test_a_phone_that_was_taken_away_since_is_not_shown(ground: Ground, world: World) -> None:
    customer = await build_reachable(ground, world.shop.guide)
    looked = await look(ground, world.shop.guide, customer)
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.change_phone(work, VAULT, customer.id, phone=None)

    with pytest.raises(NoPhone):
        await shown(ground, world.shop.guide, looked)


async def test_showing_again_is_no_further_look(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    customer = await build_reachable(ground, guide)
    looks = [await look(ground, guide, customer) for _ in range(MOST_REVEALS - 1)]

    for _ in range(3):
        await shown(ground, guide, looks[0])

    assert await look(ground, guide, customer)
