"""Managers are warned in time, once, and nobody else is: of phones looked at, files taken away, and deletions."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.models import Customer
from customers.queries.phones import masked
from handover.commands import watching
from handover.errors import AlertSettled
from handover.models import Alert, AlertKind, HandoverSetting
from handover.queries import watching as queries
from kernel import clock, feed
from kernel.actor import Actor, system
from kernel.errors import Invalid, NotFound, StaleVersion
from kernel.jobs import Job
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from server.worker import Worker
from tagging import commands as tagging
from tagging.commands.exporting import note_export
from tasks.models import Task, TaskState
from tests.asking import VAULT
from tests.factories import World, build_customer, build_world, said, save
from tests.handover.leaving import MONDAY, mark
from tests.mall.trading import till
from tests.refusals import refused, snapshot
from tests.scenarios.writing import machine
from tests.statements import statements
from tests.tagging.labels import build_tag

Do = Callable[[Ground, World, Actor], Awaitable[None]]


@pytest.fixture
async def world(ground: Ground) -> World:
    """A brand in which twice is too often, and once for whoever is leaving."""
    world = await build_world(ground)
    lines: Any = {"reveals_an_hour": 2, "exports_a_day": 2, "deletions_an_hour": 2}
    await save(ground, HandoverSetting(brand_id=world.brand.id, **lines))
    return world


async def someone(ground: Ground, actor: Actor, number: int = 1, **values: Any) -> Customer:
    """A customer with a phone in the actor's store."""
    phone = f"+861380000{number:04}"
    sealed: dict[str, Any] = {
        "phone_sealed": VAULT.seal(actor.brand_id, phone),
        "phone_index": VAULT.index(actor.brand_id, phone),
    }
    return await build_customer(ground, actor, phone_masked=masked(phone), **sealed, **values)


async def reveal(ground: Ground, actor: Actor, customer: Customer) -> None:
    async with unit_of_work(ground, actor) as work:
        await customers.reveal_phone(work, customer.id)


async def export(ground: Ground, world: World, actor: Actor) -> None:
    async with unit_of_work(ground, actor) as work:
        await note_export(work, world.brand.id)


async def run_jobs(ground: Ground) -> None:
    await Worker(ground).sweep_once()


async def alerts(ground: Ground) -> list[Alert]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(Alert).order_by(col(Alert.raised_at), col(Alert.id))))


async def asked_for(ground: Ground) -> int:
    async with ground.db.read() as session:
        return len((await session.scalars(select(Job).where(col(Job.name) == watching.RAISE))).all())


async def to_dos(ground: Ground) -> list[Task]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(Task)))


async def reveal_one(ground: Ground, world: World, actor: Actor) -> None:
    [known] = await seen_by(ground, actor)
    await reveal(ground, actor, known)


async def seen_by(ground: Ground, actor: Actor) -> list[Customer]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(Customer).where(col(Customer.brand_id) == actor.brand_id).limit(1)))


async def untag(ground: Ground, world: World, actor: Actor) -> None:
    known, tag = (
        await build_customer(ground, world.shop.guide),
        await build_tag(ground, world, None, f"x{actor.id.hex}{clock.now().timestamp()}"[:20]),
    )
    async with unit_of_work(ground, actor) as work:
        await tagging.add_tags(work, [known.id], [tag.id])
    async with unit_of_work(ground, actor) as work:
        await tagging.remove_tags(work, [known.id], [tag.id])


async def leave_alone(ground: Ground, world: World, actor: Actor) -> None:
    known = await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, actor) as work:
        await customers.set_consent(work, known.id, do_not_contact=True)


async def lose_phone(ground: Ground, world: World, actor: Actor) -> None:
    known = await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, actor) as work:
        await customers.change_phone(work, VAULT, known.id, phone=None)


@pytest.mark.parametrize(
    ("do", "kind", "title"),
    [
        (reveal_one, AlertKind.REVEALS, "一小时内查看了 3 次顾客电话"),
        (export, AlertKind.EXPORTS, "一天内导出了 3 次名单"),
        (untag, AlertKind.DELETIONS, "一小时内删改了 3 位顾客的信息"),
        (leave_alone, AlertKind.DELETIONS, "一小时内删改了 3 位顾客的信息"),
        (lose_phone, AlertKind.DELETIONS, "一小时内删改了 3 位顾客的信息"),
    ],
)
async def test_what_crosses_the_line_is_told_to_the_manager_once(
    ground: Ground, world: World, do: Do, kind: AlertKind, title: str
) -> None:
    guide = world.shop.guide
    await someone(ground, guide)
    for _ in range(2):
        await do(ground, world, guide)
    assert await asked_for(ground) == 0

    for _ in range(3):
        await do(ground, world, guide)
        await run_jobs(ground)

    [alert] = await alerts(ground)
    assert (alert.kind, alert.staff_id, alert.count, alert.line) == (kind, guide.id, 3, 2)
    [to_do] = [task for task in await to_dos(ground) if task.source_key == f"alert:{alert.id}"]
    assert to_do.title.endswith(title)
    assert to_do.account_id == world.shop.public.id
    assert ("put", "task", to_do.id) in await said(ground, feed.of_desk(world.shop.store.id))
    assert ("put", "task", to_do.id) not in await said(ground, guide.id)


async def test_a_burst_is_over_when_the_hour_is_and_another_one_is_told_again(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    known = await someone(ground, guide)

    async def look_at(moment: datetime, times: int) -> None:
        with clock.stopped_at(moment):
            for _ in range(times):
                await reveal(ground, guide, known)
            await run_jobs(ground)

    # As fast as one may, for an hour: each of them leaves the window before the next one comes.
    for minutes in range(0, 120, 31):
        await look_at(MONDAY + timedelta(minutes=minutes), 1)
    assert await alerts(ground) == []
    later = MONDAY + timedelta(hours=4)
    await look_at(later, 3)
    await look_at(later + timedelta(minutes=59), 3)
    await look_at(later + timedelta(minutes=61), 1)

    assert [(alert.raised_at - later, alert.count) for alert in await alerts(ground)] == [
        (timedelta(), 3),
        (timedelta(minutes=61), 4),
    ]


async def test_two_workers_at_once_raise_one(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    known = await someone(ground, guide)
    for _ in range(3):
        await reveal(ground, guide, known)

    async def look() -> None:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await watching.raise_alert(work, guide.id, AlertKind.REVEALS)

    await asyncio.gather(*(look() for _ in range(4)))

    assert len(await alerts(ground)) == 1
    assert len(await to_dos(ground)) == 1


async def test_who_is_leaving_is_heard_of_at_half(ground: Ground, world: World) -> None:
    known = await someone(ground, world.shop.guide)
    await mark(ground, world.hq, world.shop.guide)
    for _ in range(2):
        await reveal(ground, world.shop.guide, known)
        await run_jobs(ground)

    assert [(alert.count, alert.line) for alert in await alerts(ground)] == [(2, 1)]


async def test_one_customer_deleted_bit_by_bit_is_one_deletion(ground: Ground, world: World) -> None:
    guide, known = world.shop.guide, await someone(ground, world.shop.guide)
    tags = [await build_tag(ground, world, None, f"标签{number}") for number in range(5)]
    async with unit_of_work(ground, guide) as work:
        await tagging.add_tags(work, [known.id], [tag.id for tag in tags])
    async with unit_of_work(ground, guide) as work:
        await tagging.remove_tags(work, [known.id], [tag.id for tag in tags])
        await customers.change_phone(work, VAULT, known.id, phone=None)
        await customers.set_consent(work, known.id, do_not_contact=True)

    async with ground.db.read() as session:
        found = await queries.doing(session, world.brand.id, guide.id, AlertKind.DELETIONS, clock.now())
    assert found
    assert found.count == 1


async def test_machines_imports_and_who_calls_customers_back_raise_nothing(ground: Ground, world: World) -> None:
    known = [await someone(ground, world.shop.guide, number, do_not_contact=True) for number in range(5)]
    for actor in (machine(world), system(world.brand.id)):
        for each in known:
            async with unit_of_work(ground, actor) as work:
                await customers.change_phone(work, VAULT, each.id, phone=None)
    for each in known:
        async with unit_of_work(ground, world.shop.guide) as work:
            await customers.set_consent(work, each.id, do_not_contact=False)
    await run_jobs(ground)

    assert await asked_for(ground) == 0
    assert await alerts(ground) == []


async def burst(ground: Ground, world: World, actor: Actor) -> None:
    """The actor takes three files away, and the job has run."""
    for _ in range(3):
        await export(ground, world, actor)
    await run_jobs(ground)


async def listed(ground: Ground, actor: Actor) -> list[Any]:
    async with ground.db.read() as session:
        return [row.staff_id for row in await queries.page(session, actor, Page())]


async def test_who_reads_an_alert_stands_above_and_never_is_the_one_it_is_about(ground: Ground, world: World) -> None:
    guide, manager, regional, hq = world.shop.guide, world.shop.manager, world.east_manager, world.hq
    northern = world.shops[2].manager
    for actor in (guide, manager, regional, northern, hq):
        with clock.stopped_at(clock.now()):
            await burst(ground, world, actor)

    other = await build_world(ground, "other")
    assert await listed(ground, manager) == [guide.id]
    assert set(await listed(ground, regional)) == {guide.id, manager.id}
    assert set(await listed(ground, hq)) == {guide.id, manager.id, regional.id, northern.id}
    for actor in (guide, world.shop.other_guide, world.shops[1].manager, till(world), other.hq):
        assert await listed(ground, actor) == []


async def test_a_managers_own_burst_is_told_above_them_and_not_in_their_store(ground: Ground, world: World) -> None:
    before = {actor: len(await said(ground, actor.id)) for actor in (world.shop.manager, world.east_manager, world.hq)}
    desk = feed.of_desk(world.shop.store.id)
    await burst(ground, world, world.shop.manager)

    assert await to_dos(ground) == []
    assert await said(ground, desk) == []
    told = {actor: len(await said(ground, actor.id)) - before[actor] for actor in before}
    assert told == {world.shop.manager: 0, world.east_manager: 1, world.hq: 0}
    await burst(ground, world, world.east_manager)
    assert len(await said(ground, world.hq.id)) == 1


async def test_an_alert_is_settled_with_words_and_its_to_do_is_done(ground: Ground, world: World) -> None:
    await burst(ground, world, world.shop.guide)
    [alert] = await alerts(ground)

    async def settle(actor: Actor, words: str = "做活动名单", **also: Any) -> None:
        async with unit_of_work(ground, actor) as work:
            await watching.settle(work, alert.id, words=words, **also)

    for actor, kind in (
        (world.shop.guide, NotFound),
        (world.shop.other_guide, NotFound),
        (world.shops[1].manager, NotFound),
    ):
        async with refused(ground, kind):
            await settle(actor)
    for words in ("", " ", "x" * 501):
        async with refused(ground, Invalid):
            await settle(world.shop.manager, words)
    async with refused(ground, StaleVersion):
        await settle(world.shop.manager, expected_version=7)
    results = await asyncio.gather(*(settle(world.shop.manager) for _ in range(2)), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["AlertSettled", "NoneType"]
    async with refused(ground, AlertSettled):
        await settle(world.hq)
    [alert] = await alerts(ground)
    assert (alert.words, alert.settled_by_id) == ("做活动名单", world.shop.manager.id)
    assert [task.state for task in await to_dos(ground)] == [TaskState.DONE]


async def test_in_a_store_that_is_closed_there_is_nobody_to_do_it(ground: Ground, world: World) -> None:
    for _ in range(3):
        await export(ground, world, world.shop.guide)
    async with ground.db.write() as session:
        store = await session.get(type(world.shop.store), (world.brand.id, world.shop.store.id))
        assert store
        store.close()
    await run_jobs(ground)

    assert len(await alerts(ground)) == 1
    assert await to_dos(ground) == []


async def test_a_list_of_alerts_is_one_statement(ground: Ground, world: World) -> None:
    for count, actor in ((1, world.shop.guide), (2, world.shop.other_guide), (3, world.shops[1].guide)):
        await burst(ground, world, actor)
        with statements(ground) as sent:
            assert len(await listed(ground, world.hq)) == count
        assert len(sent) == 1


async def test_counting_is_a_reading_and_changes_nothing(ground: Ground, world: World) -> None:
    await burst(ground, world, world.shop.guide)
    before = await snapshot(ground)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        assert await watching.raise_alert(work, world.shop.guide.id, AlertKind.EXPORTS) is None

    assert await snapshot(ground) == before
