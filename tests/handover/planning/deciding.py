"""Starting, editing, approving and cancelling, for tests."""

from typing import Any

from directory.models import Staff, StaffState
from handover import commands
from handover.models import Handover, HandoverKind, Strategy
from kernel.actor import Actor
from kernel.work import Ground
from tests.handover.planning.rows import do, started


async def begin(ground: Ground, actor: Actor, leaver: Actor, kind: HandoverKind = HandoverKind.RESIGNATION) -> Handover:
    return await started(ground, actor, leaver, Strategy.BALANCED, kind)


async def approve(ground: Ground, actor: Actor, handover: Handover, **given: Any) -> Handover:
    done: Handover = await do(ground, actor, lambda work: commands.approve(work, handover.id, **given))
    return done


async def cancel(ground: Ground, actor: Actor, handover: Handover, **given: Any) -> Handover:
    done: Handover = await do(ground, actor, lambda work: commands.cancel(work, handover.id, **given))
    return done


async def set_state(ground: Ground, person: Actor, **values: Any) -> None:
    async with ground.db.write() as session:
        row = await session.get(Staff, (person.brand_id, person.id))
        assert row
        for name, value in values.items():
            setattr(row, name, value)


async def state_of(ground: Ground, person: Actor) -> StaffState:
    async with ground.db.read() as session:
        row = await session.get(Staff, (person.brand_id, person.id))
    assert row
    return row.state
