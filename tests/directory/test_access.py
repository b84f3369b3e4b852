"""Passwords are set, access is closed at once and may be opened again."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.commands import close_access
from directory import commands
from directory.commands.passwords import matches
from directory.errors import AccessClosed, AccessOpen, OwnAccess, PasswordLength
from directory.models import Account, Assignment, SignIn, Staff, StaffState
from kernel import clock, feed, ids
from kernel.actor import Actor
from kernel.audit import AuditEntry
from kernel.errors import Forbidden, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from tests.factories import build_customer, build_world, said, save
from tests.refusals import refused


async def sign_in(ground: Ground, actor: Actor) -> SignIn:
    now = clock.now()
    row = SignIn(
        brand_id=actor.brand_id, id=ids.new(), staff_id=actor.id, created_at=now, expires_at=now + timedelta(days=1)
    )
    await save(ground, row)
    return row


async def person(ground: Ground, actor: Actor) -> Staff:
    async with ground.db.read() as session:
        found = await session.get(Staff, (actor.brand_id, actor.id))
    assert found
    return found


async def revoked(ground: Ground, row: SignIn) -> bool:
    async with ground.db.read() as session:
        found = await session.get(SignIn, (row.brand_id, row.id))
    assert found
    return found.revoked_at is not None


async def audited(ground: Ground) -> list[Any]:
    async with ground.db.read() as session:
        found = await session.execute(select(col(AuditEntry.action), col(AuditEntry.entity_id)))
    return [tuple(row) for row in found]


async def close(ground: Ground, actor: Actor, whom: Actor, version: int | None = None) -> Staff:
    async with unit_of_work(ground, actor) as work:
        return await close_access(work, whom.id, expected_version=version)


async def reopen(ground: Ground, actor: Actor, whom: Actor) -> Staff:
    async with unit_of_work(ground, actor) as work:
        return await commands.reopen_access(work, whom.id)


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129])
async def test_a_password_that_is_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(PasswordLength):
        await commands.hashed(password)


async def test_a_new_password_ends_every_sign_in_of_that_person_only(ground: Ground) -> None:
    world = await build_world(ground)
    guide, colleague = world.shop.guides
    theirs, other = await sign_in(ground, guide), await sign_in(ground, colleague)
    password_hash = await commands.hashed("密码一二三四五六")

    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.reset_password(work, guide.id, password_hash=password_hash)

    stored = (await person(ground, guide)).password_hash
    assert matches(stored, "密码一二三四五六")
    assert not matches(stored, "密码一二三四五七")
    assert (await revoked(ground, theirs), await revoked(ground, other)) == (True, False)
    assert await said(ground, guide.id) == [("put", "staff", guide.id)]
    assert await audited(ground) == [("staff.password_reset", guide.id)]


async def test_a_password_is_reset_from_above_only(ground: Ground) -> None:
    world = await build_world(ground)
    await sign_in(ground, world.shop.guide)

    for actor, kind in (
        (world.shop.guide, Forbidden),
        (world.shop.other_guide, Forbidden),
        (world.shops[1].manager, NotFound),
        (world.shops[2].guide, NotFound),
    ):
        async with refused(ground, kind), unit_of_work(ground, actor) as work:
            await commands.reset_password(work, world.shop.guide.id, password_hash="x")
    async with refused(ground, Forbidden), unit_of_work(ground, world.shop.manager) as work:
        await commands.reset_password(work, world.shop.manager.id, password_hash="x")


async def test_whoever_holds_nothing_has_departed_when_access_closes(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    theirs = await sign_in(ground, guide)

    await close(ground, world.shop.manager, guide, 1)

    gone = await person(ground, guide)
    assert (gone.state, gone.version) == (StaffState.DEPARTED, 3)
    assert gone.access_closed_at
    assert await revoked(ground, theirs)
    async with ground.db.read() as session:
        assert await session.scalar(select(col(Assignment.ends_at)).where(col(Assignment.staff_id) == guide.id))
    for feed_id in (guide.id, feed.of_store(world.shop.store.id), feed.of_desk(world.shop.store.id)):
        assert await said(ground, feed_id) == [("put", "staff", guide.id)] * 2
    assert await audited(ground) == [("staff.access_closed", guide.id)]


async def test_whoever_holds_a_customer_is_leaving_but_shut_out_all_the_same(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    await build_customer(ground, guide)
    theirs = await sign_in(ground, guide)

    await close(ground, world.hq, guide)

    leaving = await person(ground, guide)
    assert leaving.state is StaffState.LEAVING
    assert leaving.access_closed_at
    assert await revoked(ground, theirs)


async def test_closing_twice_or_at_once_closes_once(ground: Ground) -> None:
    world = await build_world(ground)

    results = await asyncio.gather(
        *(close(ground, world.hq, world.shop.guide) for _ in range(2)), return_exceptions=True
    )

    assert [type(result) for result in results if not isinstance(result, Staff)] == [AccessClosed]
    async with refused(ground, AccessClosed):
        await close(ground, world.hq, world.shop.guide)


async def test_access_is_closed_from_above_only_and_never_ones_own(ground: Ground) -> None:
    world = await build_world(ground)

    for actor, whom, kind in (
        (world.hq, world.hq, OwnAccess),
        (world.shop.manager, world.shop.manager, OwnAccess),
        (world.shop.guide, world.shop.other_guide, Forbidden),
        (world.shop.guide, world.shop.manager, Forbidden),
        (world.east_manager, world.hq, NotFound),
        (world.shops[1].manager, world.shop.guide, NotFound),
    ):
        async with refused(ground, kind):
            await close(ground, actor, whom)
    async with refused(ground, StaleVersion):
        await close(ground, world.hq, world.shop.guide, 4)


async def test_a_leave_may_be_taken_back(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    await build_customer(ground, guide)
    await close(ground, world.hq, guide)

    await reopen(ground, world.shop.manager, guide)

    back = await person(ground, guide)
    assert (back.state, back.access_closed_at, back.version) == (StaffState.ACTIVE, None, 3)
    async with ground.db.read() as session:
        assert len(list(await session.scalars(select(Assignment).where(col(Assignment.staff_id) == guide.id)))) == 1


async def test_who_has_departed_may_be_hired_again_with_the_account_of_old(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    await close(ground, world.hq, guide)

    await reopen(ground, world.hq, guide)

    assert (await person(ground, guide)).state is StaffState.ACTIVE
    async with ground.db.read() as session:
        accounts = list(await session.scalars(select(Account).where(col(Account.staff_id) == guide.id)))
        assignments = await session.scalars(
            select(Assignment).where(col(Assignment.staff_id) == guide.id).order_by(col(Assignment.starts_at))
        )
        assert [assignment.ends_at is None for assignment in assignments] == [False, True]
    assert [account.id for account in accounts] == list(guide.account_ids)


async def test_opening_what_is_open_is_refused(ground: Ground) -> None:
    world = await build_world(ground)

    async with refused(ground, AccessOpen):
        await reopen(ground, world.hq, world.shop.guide)
    async with refused(ground, NotFound):
        await reopen(ground, world.shops[1].manager, world.shop.guide)
    async with refused(ground, Forbidden):
        await reopen(ground, world.shop.other_guide, world.shop.guide)
