"""A phone that begins with nothing ends with what the server holds for its owner, and stays so."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import pytest

from customers import commands as customers
from daogou_client import Kind, Patience, Phone, Reach, Row, Store
from kernel import clock, feed
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from tasks import commands as tasks
from tests.asking import VAULT
from tests.clients.phones import BRISK, WITHIN, agrees, everything, phone_of, settled, tokens_of, truth
from tests.factories import World, build_customer, build_task, build_world, relationship_of
from tests.proxies import Proxy
from tests.serving import Served, serving


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def add_tasks(ground: Ground, actor: Actor, count: int = 1) -> list[str]:
    async with unit_of_work(ground, actor) as work:
        return [str((await tasks.add(work, title=f"任务{n}", due_at=clock.now())).id) for n in range(count)]


async def start_over(ground: Ground, world: World) -> None:
    """What a restored backup does to everybody."""
    async with ground.db.write() as session:
        await feed.new_epoch(session, world.brand.id)


async def until(phone: Phone, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        await phone.bell.until(holds)


def version(phone: Phone, entity_type: str, id: object) -> int | None:
    return phone.store.versions().get((entity_type, str(id)))


async def test_a_phone_that_begins_with_nothing_has_everything_and_then_hears_of_changes(
    served: Served, world: World
) -> None:
    ground, guide = served.ground, world.shop.guide
    task = await build_task(ground, guide, await build_customer(ground, guide, name="王芳"))
    async with phone_of(served, guide) as phone:
        await settled(phone)
        kinds = {row.entity_type for row in everything(phone.store)}
        reach = phone.reach
        async with unit_of_work(ground, guide) as work:
            await tasks.complete(work, task.id)
        await until(phone, lambda: version(phone, "TASK", task.id) == 2)

        assert everything(phone.store) == await truth(served, guide)
    assert kinds == {"STORE", "STAFF", "RELATIONSHIP", "CUSTOMER", "TASK"}
    assert (reach, phone.reach) == (Reach.LIVE, Reach.AWAY)


async def test_a_snapshot_of_many_pages_is_whole_while_things_change_between_its_pages(
    served: Served, world: World
) -> None:
    ground, guide = served.ground, world.shop.guide
    made = await add_tasks(ground, guide, 45)
    store = Store()
    async with phone_of(served, guide, store=store, page_size=10) as phone:
        await until(phone, lambda: store.progress.next_page is not None)
        held = len(store.versions())
        await add_tasks(ground, guide, 5)
        async with unit_of_work(ground, guide) as work:
            await tasks.move_open(work, [], world.shop.other_guide.account_ids[0])
        await settled(phone)

        assert await agrees(phone, served, guide)
    assert 0 < held < len(made)  # what had come could be read before the rest


async def test_a_phone_that_is_opened_again_goes_on_where_it_was_and_fetches_nothing_twice(
    served: Served, world: World, tmp_path: Path
) -> None:
    ground, guide = served.ground, world.shop.guide
    store = Store(tmp_path / "phone.db")
    await add_tasks(ground, guide, 3)
    async with phone_of(served, guide, store=store) as phone:
        await settled(phone)
    store.close()
    [missed] = await add_tasks(ground, guide)

    again = Store(tmp_path / "phone.db")
    kept = everything(again)
    async with Proxy(served.port) as network, phone_of(served, guide, network.url, again) as phone:
        await settled(phone)

        assert await agrees(phone, served, guide)
        assert network.accepted == 1  # the socket alone: no page of a snapshot was asked for
    assert ("TASK", missed) in again.versions()
    assert len(kept) == len(again.versions()) - 1


async def test_the_old_copy_stays_readable_while_everything_is_fetched_anew(served: Served, world: World) -> None:
    ground, guide = served.ground, world.shop.guide
    await add_tasks(ground, guide, 20)
    async with Proxy(served.port) as network, phone_of(served, guide, network.url, page_size=10) as phone:
        await settled(phone)
        before = everything(phone.store)
        network.lose_reply_to("snapshot(", times=3)
        await start_over(ground, world)
        network.cut()
        await until(phone, lambda: phone.store.progress.cursor is None)
        meanwhile = everything(phone.store)
        [new] = await add_tasks(ground, guide)
        await until(phone, lambda: version(phone, "TASK", new) == 1)
        await settled(phone)

        assert network.lost_replies == 3
        assert meanwhile == before
        assert await agrees(phone, served, guide)


async def test_a_snapshot_that_leads_nowhere_any_more_is_begun_again(served: Served, world: World) -> None:
    store = Store()
    store.db.execute("UPDATE progress SET next_page = 'a page of another server'")
    await add_tasks(served.ground, world.shop.guide)
    async with phone_of(served, world.shop.guide, store=store) as phone:
        await settled(phone)

        assert await agrees(phone, served, world.shop.guide)


async def test_a_customer_who_moves_leaves_one_phone_with_all_that_hangs_on_them_and_comes_to_the_other(
    served: Served, world: World
) -> None:
    ground, (giver, taker), manager = served.ground, world.shop.guides, world.shop.manager
    customer = await build_customer(ground, giver)
    held = await relationship_of(ground, customer)
    async with unit_of_work(ground, giver) as work:
        note = await customers.add_note(work, customer.id, body="喜欢蓝色")
    await build_task(ground, giver, customer)
    async with (
        phone_of(served, giver) as first,
        phone_of(served, taker) as second,
        phone_of(served, manager) as desk,
    ):
        for phone in (first, second, desk):
            await settled(phone)
        had = version(first, "NOTE", note.id)
        async with unit_of_work(ground, manager) as work:
            await customers.reassign(work, held.id, to_account_id=taker.account_ids[0])
            await tasks.move_open(work, [held.id], taker.account_ids[0])

        for phone, owner in ((first, giver), (second, taker), (desk, manager)):
            assert await agrees(phone, served, owner)
        assert {row.entity_type for row in everything(first.store)} == {"STORE", "STAFF"}
        assert (had, version(second, "NOTE", note.id), version(desk, "NOTE", note.id)) == (1, 1, 1)


async def test_a_phone_keeps_the_kinds_and_fields_that_it_was_told_to(served: Served, world: World) -> None:
    guide = world.shop.guide
    customer = await build_customer(served.ground, guide)
    task = await build_task(served.ground, guide, customer)
    kinds = [Kind("TASK", "Task", ("title", "of: customer { name }"))]
    async with phone_of(served, guide, kinds=kinds) as phone:
        await settled(phone)
        async with unit_of_work(served.ground, guide) as work:
            await customers.add_note(work, customer.id, body="喜欢蓝色")
            await tasks.complete(work, task.id)
        await until(phone, lambda: version(phone, "TASK", task.id) == 2)

        [row] = everything(phone.store)
        assert row.node == {"title": "回访", "of": {"name": "王芳"}}


async def test_an_app_that_learns_of_a_kind_or_field_has_it_in_its_old_file_too(served: Served, world: World) -> None:
    guide, store = world.shop.guide, Store()
    task = await build_task(served.ground, guide, await build_customer(served.ground, guide))
    for kinds in (
        [Kind("TASK", "Task", ("title",))],
        [Kind("TASK", "Task", ("title", "state")), Kind("STORE", "Store", ())],
    ):
        async with phone_of(served, guide, store=store, kinds=kinds) as phone:
            await settled(phone)

    assert store.row("TASK", str(task.id)) == Row("TASK", str(task.id), 1, None, {"title": "回访", "state": "PENDING"})
    assert len(store.rows("STORE")) == 1


async def test_a_phone_that_may_not_use_sockets_polls(served: Served, world: World) -> None:
    ground, guide = served.ground, world.shop.guide
    async with Proxy(served.port, carries_sockets=False) as network, phone_of(served, guide, network.url) as phone:
        await settled(phone)
        reach = phone.reach
        [made] = await add_tasks(ground, guide)
        await until(phone, lambda: version(phone, "TASK", made) == 1)
        network.carries_sockets = True
        await until(phone, lambda: phone.reach is Reach.LIVE)

        assert reach is Reach.POLLING
        assert await agrees(phone, served, guide)


async def test_a_phone_that_polls_starts_over_too_when_it_must(served: Served, world: World) -> None:
    ground, guide = served.ground, world.shop.guide
    async with Proxy(served.port, carries_sockets=False) as network, phone_of(served, guide, network.url) as phone:
        await settled(phone)
        await start_over(ground, world)
        [made] = await add_tasks(ground, guide)
        await until(phone, lambda: version(phone, "TASK", made) == 1)

        assert await agrees(phone, served, guide)


async def test_a_phone_that_must_not_poll_waits_for_a_socket(served: Served, world: World) -> None:
    patience = Patience(first_pause=0.02, longest_pause=0.1, poll=None)
    async with (
        Proxy(served.port, carries_sockets=False) as network,
        phone_of(served, world.shop.guide, network.url, patience=patience) as phone,
    ):
        await until(phone, lambda: phone.store.progress.cursor is not None)
        await add_tasks(served.ground, world.shop.guide)
        asked = network.accepted
        while network.accepted < asked + 5:  # noqa: ASYNC110 - a proxy rings no bell
            await asyncio.sleep(0.01)
        before = phone.store.rows("TASK")
        network.carries_sockets = True
        await until(phone, lambda: len(phone.store.rows("TASK")) == 1)

    assert before == []


async def test_an_owner_of_another_post_sees_only_the_new_one(served: Served, world: World) -> None:
    """The phone's file was filled by a guide; now its owner works over stores."""
    ground = served.ground
    await add_tasks(ground, world.shop.guide, 3)
    store = Store()
    async with phone_of(served, world.shop.guide, store=store) as phone:
        await settled(phone)
    async with phone_of(served, world.east_manager, store=store) as phone:
        await until(phone, lambda: not phone.store.rows("TASK"))

        assert await agrees(phone, served, world.east_manager)
    assert [row.entity_type for row in everything(store)] == ["STAFF"]


async def test_many_phones_of_one_store_agree_with_the_server_after_a_busy_while(served: Served, world: World) -> None:
    ground, shop = served.ground, world.shop
    people = [*shop.guides, shop.manager]
    phones = [
        Phone(f"http://127.0.0.1:{served.port}", tokens_of(served, each), Store(), patience=BRISK) for each in people
    ]
    async with phones[0].running(), phones[1].running(), phones[2].running():
        for guide in shop.guides:
            for _ in range(2):
                async with unit_of_work(ground, guide) as work:
                    customer = await customers.create(work, VAULT, name="王芳")
                async with unit_of_work(ground, guide) as work:
                    await customers.add_note(work, customer.id, body="喜欢蓝色")
                    await customers.edit(work, customer.id, name="王小芳")
                [task_id, _] = await add_tasks(ground, guide, 2)
                async with unit_of_work(ground, guide) as work:
                    await tasks.complete(work, UUID(task_id))
        for phone, owner in zip(phones, people, strict=True):
            assert await agrees(phone, served, owner)
