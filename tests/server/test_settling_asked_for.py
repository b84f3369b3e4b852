"""The worker sees by itself to what is due at the partner."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlmodel import col

from handover.commands.settling import SETTLE
from handover.models import HandoverState, PartnerTie
from handover.partner import Found
from kernel import clock
from kernel.jobs import Job
from kernel.work import Ground
from server import chores, worker
from server.wiring import errands
from tests.factories import NOON, build_world
from tests.handover.partners import Case, Scripted, settling_case

DUE = NOON + timedelta(hours=25)


async def waiting(case: Case) -> Case:
    with clock.stopped_at(NOON):
        await case.settle()
    return case


async def jobs_of(case: Case) -> list[Job]:
    async with case.ground.db.read() as session:
        found = await session.scalars(select(Job).where(col(Job.brand_id) == case.world.brand.id))
    return [job for job in found if job.name == SETTLE]


async def test_what_is_due_is_asked_for_once_and_settled(ground: Ground) -> None:
    case = await waiting(await settling_case(ground, await build_world(ground)))
    case.partner.decide(Found.ACCEPTED, "wm-0")

    async def partner_of(*_: object) -> Scripted:
        return case.partner

    with clock.stopped_at(NOON):
        await chores.mind_settling(ground)
        assert await jobs_of(case) == []

    async def nothing(*_: object) -> None:
        pass

    with clock.stopped_at(DUE):
        await chores.mind_settling(ground)
        await chores.mind_settling(ground)
        [job] = await jobs_of(case)
        await worker.run(ground, job.id, errands=errands(partner_of, nothing))
        await chores.mind_settling(ground)

    assert await case.state() is HandoverState.DONE
    assert len(await jobs_of(case)) == 1


async def test_while_the_tie_is_paused_nothing_is_asked_for(ground: Ground) -> None:
    case = await waiting(await settling_case(ground, await build_world(ground)))
    async with ground.db.write() as session:
        await session.execute(
            update(PartnerTie).where(col(PartnerTie.brand_id) == case.world.brand.id).values(is_paused=True)
        )

    with clock.stopped_at(DUE):
        await chores.mind_settling(ground)

    assert await jobs_of(case) == []
