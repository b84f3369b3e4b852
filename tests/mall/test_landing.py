"""Who is asked behind a link: its maker, or else whoever took over most of what they held last."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from customers import commands as customers
from directory import commands as directory
from directory.queries.accounts import of_guide
from handover.commands import reassign
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from mall.models import Share
from mall.queries import landing
from tests.factories import NOON, World, build_customer, build_world, relationship_of, reload
from tests.mall.sharing import build_page_share, build_product, build_share
from tests.statements import statements

G1, G2 = "qinghe-1-G1", "qinghe-1-G2"


async def serving(ground: Ground, share: Share) -> str | None:
    """The staff number of who serves the link now."""
    async with ground.db.read() as session:
        found = await landing.of_code(session, share.code)
    assert found
    return found.guide


async def hold(ground: Ground, holder: Actor, many: int) -> list[UUID]:
    return [(await relationship_of(ground, await build_customer(ground, holder))).id for _ in range(many)]


async def give(
    ground: Ground, world: World, relationship_ids: Sequence[UUID], account_id: UUID, at: datetime = NOON
) -> None:
    with clock.stopped_at(at):
        for relationship_id in relationship_ids:
            async with unit_of_work(ground, world.shop.manager) as work:
                await reassign(work, relationship_id, to_account_id=account_id)


async def leave(ground: Ground, world: World, person: Actor) -> None:
    async with unit_of_work(ground, world.hq) as work:
        await customers.close_access(work, person.id)


async def hire(ground: Ground, world: World, number: str) -> Actor:
    """Another guide of the first shop."""
    async with unit_of_work(ground, world.hq) as work:
        person = await directory.hire(
            work, number=number, name="新人", role=world.shop.guide.role, store_id=world.shop.store.id
        )
    async with ground.db.read() as session:
        account = await of_guide(session, person.brand_id, person.id, world.shop.store.id)
    assert account
    return Actor(
        brand_id=person.brand_id,
        id=person.id,
        role=person.role,
        staff_id=person.id,
        store_id=person.store_id,
        account_ids=(account.id,),
    )


async def test_the_maker_serves_it_while_at_work_and_from_leaving_on_whoever_takes_over(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    held = await hold(ground, world.shop.guide, 3)
    assert await serving(ground, share) == G1

    await leave(ground, world, world.shop.guide)
    assert await serving(ground, share) is None

    await give(ground, world, held[:1], world.shop.other_guide.account_ids[0])
    assert await serving(ground, share) == G2
    assert (await reload(ground, share)).version == 1


async def test_of_two_who_took_over_the_one_with_more_and_among_equals_the_lower_number(ground: Ground) -> None:
    world = await build_world(ground)
    third = await hire(ground, world, "A-1")
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    held = await hold(ground, world.shop.guide, 5)
    await hold(ground, third, 4)  # what was never the maker's says nothing
    await leave(ground, world, world.shop.guide)

    await give(ground, world, held[:1], third.account_ids[0])
    await give(ground, world, held[1:3], world.shop.other_guide.account_ids[0])
    assert await serving(ground, share) == G2

    await give(ground, world, held[3:4], third.account_ids[0])
    assert await serving(ground, share) == "A-1"

    await give(ground, world, held[4:], world.shop.other_guide.account_ids[0])
    assert await serving(ground, share) == G2


async def test_what_the_public_account_took_over_is_the_stores(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    managers = await build_page_share(ground, world.shop.manager)
    held = await hold(ground, world.shop.guide, 3)
    await leave(ground, world, world.shop.guide)

    await give(ground, world, held, world.shop.public.id)
    assert await serving(ground, share) is None
    assert await serving(ground, managers) is None

    await give(ground, world, held[:1], world.shop.other_guide.account_ids[0], NOON + timedelta(days=1))
    assert await serving(ground, share) == G2


async def test_when_who_took_over_leaves_too_it_is_whoever_has_the_customers_now(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    held = await hold(ground, world.shop.guide, 2)
    third = await hire(ground, world, "Z-9")
    await leave(ground, world, world.shop.guide)
    await give(ground, world, held, world.shop.other_guide.account_ids[0])
    await leave(ground, world, world.shop.other_guide)
    assert await serving(ground, share) is None

    await give(ground, world, held, third.account_ids[0], NOON + timedelta(days=90))
    assert await serving(ground, share) == "Z-9"


async def test_what_was_given_away_long_before_the_end_says_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    third = await hire(ground, world, "A-1")
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    held = await hold(ground, world.shop.guide, 6)

    await give(ground, world, held[:4], third.account_ids[0], NOON + timedelta(days=10))
    await leave(ground, world, world.shop.guide)
    await give(ground, world, held[4:], world.shop.other_guide.account_ids[0], NOON + timedelta(days=41))
    assert await serving(ground, share) == G2

    # The mutant: all that was ever held would lead to the other one.
    assert timedelta(days=30) == landing.HELD_LAST


async def test_somebody_who_comes_back_serves_their_links_again(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    held = await hold(ground, world.shop.guide, 1)
    await leave(ground, world, world.shop.guide)
    await give(ground, world, held, world.shop.other_guide.account_ids[0])
    assert await serving(ground, share) == G2

    async with unit_of_work(ground, world.hq) as work:
        await directory.reopen_access(work, world.shop.guide.id)
    assert await serving(ground, share) == G1


async def test_who_works_elsewhere_or_as_something_else_serves_it_no_more(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    held = await hold(ground, world.shop.guide, 1)
    await give(ground, world, held, world.shop.other_guide.account_ids[0])
    assert await serving(ground, share) == G1

    async with unit_of_work(ground, world.hq) as work:
        await customers.move_staff(
            work, world.shop.guide.id, role=world.shop.guide.role, store_id=world.shops[1].store.id
        )
    assert await serving(ground, share) == G2


async def test_a_link_of_somebody_who_held_nothing_leads_to_the_store(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    await hold(ground, world.shop.other_guide, 2)
    await leave(ground, world, world.shop.guide)

    assert await serving(ground, share) is None


async def test_a_link_is_read_in_few_statements_however_many_customers_there_were(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))
    held = await hold(ground, world.shop.guide, 3)
    await leave(ground, world, world.shop.guide)
    taken = []

    for many in (slice(0, 1), slice(1, 3)):
        await give(ground, world, held[many], world.shop.other_guide.account_ids[0])
        with statements(ground) as sent:
            await serving(ground, share)
        taken.append(len(sent))

    assert taken == [4, 4]


async def test_a_code_of_nothing_is_nothing(ground: Ground) -> None:
    await build_world(ground)
    async with ground.db.read() as session:
        assert await landing.of_code(session, "zzzzzzzzzz") is None
