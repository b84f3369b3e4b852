"""What goes wrong while the partner is asked: nothing is asked twice, and nothing is lost."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from handover.commands import settling as commands
from handover.partner import Answer, Course, Found, Told
from kernel import clock, jobs
from kernel.actor import system
from kernel.work import Ground, carry_out
from server import settling
from tests.factories import NOON, build_world
from tests.handover.partners import Scripted, settling_case
from tests.handover.settlements import OVER, settle_at


async def test_pages_that_lead_round_are_given_up_and_looked_at_later(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 3)
    await settle_at(case, NOON)
    case.partner.page_size = 1
    case.partner.leads_round = True

    await settle_at(case, OVER)

    assert len(case.partner.looks) == 3
    assert await case.there() == ["waiting"] * 3
    case.partner.leads_round = False
    case.partner.decide(Found.ACCEPTED, "wm-0", "wm-1", "wm-2")
    await settle_at(case, OVER + timedelta(minutes=6))
    assert await case.there() == ["accepted"] * 3


async def test_pages_that_never_end_are_given_up(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "MOST_PAGES", 2)
    case = await settling_case(ground, await build_world(ground), 3)
    await settle_at(case, NOON)
    case.partner.page_size = 1

    await settle_at(case, OVER)

    assert len(case.partner.looks) == 2
    assert await case.there() == ["waiting"] * 3


async def test_a_partner_that_never_answers_keeps_no_worker(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "MOST_SECONDS", 0.2)
    case = await settling_case(ground, await build_world(ground))
    case.partner.sleeps = 60

    async with asyncio.timeout(5):
        await settle_at(case, NOON)

    assert await case.there() == ["requested"]
    async with ground.db.read() as session:
        assert len(await jobs.waiting(session, case.world.brand.id, commands.SETTLE)) == 1


async def test_an_answer_that_was_lost_is_read_from_the_records_and_nothing_is_asked_twice(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 3)
    case.partner.loses_answers = 1

    await settle_at(case, NOON)
    assert await case.there() == ["requested"] * 3
    await settle_at(case, NOON + timedelta(minutes=3))

    assert await case.there() == ["waiting"] * 3
    assert len(case.partner.requests) == 1


async def test_a_request_that_never_arrived_is_made_again_once_the_records_know_nothing_of_it(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.is_away = 1

    await settle_at(case, NOON)
    assert case.partner.requests == []
    await settle_at(case, NOON + timedelta(minutes=3))

    assert await case.there() == ["waiting"]
    assert len(case.partner.requests) == 1


async def test_a_worker_that_died_while_it_asked_leaves_nothing_asked_twice(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await settling_case(ground, await build_world(ground), 2)
    actor = system(case.world.brand.id)

    class Killed(BaseException):
        pass

    async def killed(*args: Any) -> Any:
        await Scripted.transfer(case.partner, *args)
        raise Killed

    monkeypatch.setattr(case.partner, "transfer", killed)
    with clock.stopped_at(NOON), pytest.raises(Killed):
        await case.settle()
    monkeypatch.undo()
    with clock.stopped_at(NOON + timedelta(minutes=1)):
        assert await carry_out(ground, actor, commands.take_request) is None
    await settle_at(case, NOON + timedelta(minutes=3))

    assert await case.there() == ["waiting"] * 2
    assert len(case.partner.requests) == 1


async def test_an_answer_that_comes_after_its_end_is_known_changes_nothing(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    actor = system(case.world.brand.id)
    await settle_at(case, NOON)
    [attempt] = await case.attempts()
    pair = commands.Pair(Course.RESIGNED, "leaver", "taker")
    asking = commands.Asking(pair, NOON, [attempt.id], ["wm-0"])

    with clock.stopped_at(NOON):
        await carry_out(
            ground, actor, lambda work: commands.note_answers(work, asking, {"wm-0": Answer(Told.NO_LINK, 84061)})
        )

    assert await case.there() == ["waiting"]


async def test_a_refusal_of_the_whole_request_does_nothing_and_is_tried_again_later(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.refuses = [84074]

    await settle_at(case, NOON)
    [attempt] = await case.attempts()
    assert (await case.there(), attempt.code, attempt.asked_at) == (["requested"], 84074, None)

    await settle_at(case, NOON + timedelta(minutes=16))
    assert await case.there() == ["waiting"]


async def test_a_partner_that_is_away_is_asked_again_after_a_while(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.is_away = 1

    await settle_at(case, NOON)

    async with ground.db.read() as session:
        found = await session.scalars(select(jobs.Job).where(col(jobs.Job.brand_id) == case.world.brand.id))
    assert [(job.name, job.run_at - NOON) for job in found] == [("handover.settle", timedelta(minutes=1))]
