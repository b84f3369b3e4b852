"""Covers, for tests: arranged by the store's manager, for as long as is asked."""

from datetime import datetime, timedelta
from typing import Any

from directory.commands import covers as commands
from directory.models import Cover, SignIn
from directory.queries.actors import of_staff_sign_ins
from kernel import clock, ids
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from tests.factories import World, save


async def cover(
    ground: Ground,
    world: World,
    absent: Actor | None = None,
    delegate: Actor | None = None,
    *,
    by: Actor | None = None,
    starts_at: datetime | None = None,
    hours: float = 24,
) -> Cover:
    """The shop's first guide is covered by the other one from now on, or else as is said."""
    absent, delegate = absent or world.shop.guide, delegate or world.shop.other_guide
    ends_at = (starts_at or clock.now()) + timedelta(hours=hours)
    async with unit_of_work(ground, by or world.shop.manager) as work:
        return await commands.arrange(
            work, staff_id=absent.id, delegate_id=delegate.id, starts_at=starts_at, ends_at=ends_at
        )


async def as_now(ground: Ground, actor: Actor) -> Actor:
    """Somebody as the server knows them at this moment, when they ask for something."""
    at = clock.now()
    begun: dict[str, Any] = {"created_at": at, "expires_at": at + timedelta(days=400)}
    row = SignIn(brand_id=actor.brand_id, id=ids.new(), staff_id=actor.id, **begun)
    await save(ground, row)
    async with ground.db.read() as session:
        return (await of_staff_sign_ins(session, actor.brand_id, [row.id]))[row.id]
