"""Looking into the partner's records of two members: in short units of work, however many wait for it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from handover.commands import settling as commands
from handover.models import HandoverAttempt, HandoverState
from handover.partner import Found, Standing
from kernel import clock
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from tests.factories import NOON, build_world
from tests.handover.partners import Case, settling_case
from tests.statements import statements

OVER = NOON + timedelta(hours=24, minutes=11)
LATER = OVER + timedelta(minutes=5)


async def waiting_case(ground: Ground, count: int) -> Case:
    """All are asked for, and their 24 hours are over."""
    case = await settling_case(ground, await build_world(ground), count)
    with clock.stopped_at(NOON):
        await case.settle()
    case.partner.decide(Found.ACCEPTED, *(f"wm-{number}" for number in range(count)))
    return case


async def look(case: Case) -> commands.Looking:
    async with unit_of_work(case.ground, system(case.world.brand.id)) as work:
        looking = await commands.take_look(work)
    assert looking is not None
    return looking


async def put_off(case: Case, looking: commands.Looking) -> bool:
    async with unit_of_work(case.ground, system(case.world.brand.id)) as work:
        return await commands.put_off(work, looking)


async def count_put_off(case: Case) -> int:
    async with case.ground.db.read() as session:
        count = await session.scalar(
            select(func.count())
            .select_from(HandoverAttempt)
            .where(col(HandoverAttempt.brand_id) == case.world.brand.id, col(HandoverAttempt.next_at) == LATER)
        )
    return count or 0


@pytest.fixture
def pieces_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PUT_OFF_AT_A_TIME", 2)


@pytest.mark.usefixtures("pieces_of_two")
async def test_what_is_looked_at_is_kept_from_others_piece_by_piece(ground: Ground) -> None:
    """9,000 attempts of two members were locked in one statement, for 0.4 s."""
    case = await waiting_case(ground, 5)
    with clock.stopped_at(OVER):
        looking = await look(case)
        assert await count_put_off(case) == 0

        pieces = [(await put_off(case, looking), await count_put_off(case)) for _ in range(3)]

        assert pieces == [(True, 2), (True, 4), (False, 5)]
        async with unit_of_work(ground, system(case.world.brand.id)) as work:
            assert await commands.take_look(work) is None


@pytest.mark.usefixtures("pieces_of_two")
async def test_all_of_it_is_kept_from_others_before_the_partner_is_asked(ground: Ground) -> None:
    case = await waiting_case(ground, 5)
    case.partner.is_away = 1

    with clock.stopped_at(OVER):
        await case.settle()

    assert await count_put_off(case) == 5


@pytest.mark.usefixtures("pieces_of_two")
async def test_whoever_dies_while_keeping_it_from_others_is_stood_in_for(ground: Ground) -> None:
    case = await waiting_case(ground, 5)
    with clock.stopped_at(OVER):
        await put_off(case, await look(case))

        await case.settle()

    assert await case.there() == ["accepted"] * 5
    assert await case.state() is HandoverState.DONE


@pytest.mark.parametrize("count", [3, 30])
async def test_writing_down_what_the_records_say_takes_as_many_statements_for_three_as_for_thirty(
    ground: Ground, count: int
) -> None:
    case = await waiting_case(ground, count)
    names = [f"wm-{number}" for number in range(count)]
    with clock.stopped_at(OVER):
        looking = await look(case)
        with statements(ground) as sent:
            async with unit_of_work(ground, system(case.world.brand.id)) as work:
                await commands.note_standings(work, looking, {n: Standing(n, Found.ACCEPTED, None) for n in names})

    assert await case.there() == ["accepted"] * count
    assert len(sent) == 9
