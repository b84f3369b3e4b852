"""Notes and visits are written down by whoever serves the customer."""

import asyncio
from datetime import timedelta
from typing import Any

from customers import commands
from customers.errors import VisitInTheFuture
from customers.models import Customer, Note, Visit
from kernel import clock, feed
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.work import Ground, unit_of_work
from tests.factories import NOON, build_customer, build_world, relationship_of, reload, said
from tests.refusals import refused


async def add_note(ground: Ground, actor: Actor, customer: Customer, body: str = "喜欢真丝") -> Note:
    async with unit_of_work(ground, actor) as work:
        return await commands.add_note(work, customer.id, body=body)


async def edit_note(ground: Ground, actor: Actor, note: Note, body: str, version: int | None = None) -> Note:
    async with unit_of_work(ground, actor) as work:
        return await commands.edit_note(work, note.id, body=body, expected_version=version)


async def note_visit(ground: Ground, actor: Actor, customer: Customer, **values: Any) -> Visit:
    async with unit_of_work(ground, actor) as work:
        return await commands.note_visit(work, customer.id, **values)


async def test_a_note_stays_with_the_relationship_and_is_told(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    note = await add_note(ground, world.shop.manager, customer, " 喜欢真丝 ")

    relationship = await relationship_of(ground, customer)
    assert (note.body, note.relationship_id, note.by_staff_id) == ("喜欢真丝", relationship.id, world.shop.manager.id)
    assert relationship.touched_at
    news = [("put", "note", note.id)]
    assert await said(ground, world.shop.guide.id) == news
    assert await said(ground, feed.of_desk(world.shop.store.id)) == news


async def test_a_note_is_corrected_by_its_author_only(ground: Ground) -> None:
    world = await build_world(ground)
    note = await add_note(ground, world.shop.guide, await build_customer(ground, world.shop.guide))

    await edit_note(ground, world.shop.guide, note, "喜欢羊绒", 1)
    refusals: list[tuple[Actor, str, int | None, type[Refusal]]] = [
        (world.shop.manager, "改", None, Forbidden),
        (world.hq, "改", None, Forbidden),
        (world.shop.other_guide, "改", None, NotFound),
        (world.shops[1].manager, "改", None, NotFound),
        (world.shop.guide, " ", None, Invalid),
        (world.shop.guide, "长" * 2001, None, Invalid),
        (world.shop.guide, "改", 1, StaleVersion),
    ]
    for actor, body, version, kind in refusals:
        async with refused(ground, kind):
            await edit_note(ground, actor, note, body, version)

    corrected = await reload(ground, note)
    assert (corrected.body, corrected.version) == ("喜欢羊绒", 2)
    assert await said(ground, world.shop.guide.id) == [("put", "note", note.id)] * 2


async def test_nobody_else_writes_about_a_customer(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    refusals: list[tuple[Actor, type[Refusal]]] = [
        (world.shop.other_guide, NotFound),
        (world.shops[1].guide, NotFound),
        (world.shops[2].manager, NotFound),
        (world.east_manager, Forbidden),
        (world.hq, Forbidden),
    ]

    for actor, kind in refusals:
        async with refused(ground, kind):
            await add_note(ground, actor, customer)
        async with refused(ground, kind):
            await note_visit(ground, actor, customer)
    async with refused(ground, Invalid):
        await add_note(ground, world.shop.guide, customer, " ")


async def test_a_visit_renews_the_last_contact_and_a_late_note_does_not_turn_it_back(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    customer = await build_customer(ground, guide)

    with clock.stopped_at(NOON + timedelta(days=2)):
        visit = await note_visit(ground, guide, customer, at=NOON + timedelta(days=1), remark=" 试穿 ")
        earlier = await note_visit(ground, world.shop.manager, customer, at=NOON)

    relationship = await relationship_of(ground, customer)
    assert (relationship.last_contact_at, relationship.version) == (NOON + timedelta(days=1), 3)
    assert (visit.remark, visit.account_id, visit.by_staff_id) == ("试穿", guide.account_ids[0], guide.id)
    assert await said(ground, guide.id) == [
        ("put", "visit", visit.id),
        ("put", "relationship", relationship.id),
        ("put", "visit", earlier.id),
        ("put", "relationship", relationship.id),
    ]


async def test_a_visit_is_now_unless_said_otherwise_and_never_in_the_future(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    with clock.stopped_at(NOON):
        assert (await note_visit(ground, world.shop.guide, customer)).at == NOON
        assert await note_visit(ground, world.shop.guide, customer, at=NOON + timedelta(minutes=4))
        async with refused(ground, VisitInTheFuture):
            await note_visit(ground, world.shop.guide, customer, at=NOON + timedelta(minutes=6))
        async with refused(ground, Invalid):
            await note_visit(ground, world.shop.guide, customer, remark="长" * 501)


async def test_visits_noted_at_once_are_all_kept_and_the_latest_counts(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    await asyncio.gather(
        *(note_visit(ground, world.shop.guide, customer, at=NOON + timedelta(hours=hour)) for hour in (3, 1, 4, 2))
    )

    relationship = await relationship_of(ground, customer)
    assert (relationship.last_contact_at, relationship.version) == (NOON + timedelta(hours=4), 5)
