"""What the partner tells by itself: twice, late, out of its order, and of which attempt it never says."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import ContactLink
from customers.queries import links
from handover.commands import asking_again, hearing
from handover.events import ContactDeleted, PartnerMemberLeft
from handover.models import GroupChat, HandoverKind, HandoverState, News, NewsKind, NewsReason
from handover.partner import Answer, Course, Found, Told
from kernel import clock, ids
from kernel.actor import Actor, system
from kernel.work import Event, Ground, unit_of_work
from tasks.models import Task
from tests.factories import NOON, build_world, reload, save
from tests.handover.partners import Case, name_at_partner, settling_case

HOUR = timedelta(hours=1)


def news(kind: NewsKind, user_id: str, at: datetime, number: int = 0, **values: object) -> News:
    usual = News(kind=kind, at=at, key=f"{kind}-{user_id}-{at}", user_id=user_id, external_user_id=f"wm-{number}")
    return replace(usual, **values)  # type: ignore[arg-type]


async def hear(case: Case, *heard: News, at: datetime | None = None) -> list[Event]:
    events: list[Event] = []
    for each in heard:
        with clock.stopped_at(at or each.at):
            async with unit_of_work(case.ground, system(case.world.brand.id)) as work:
                await hearing.hear(work, each)
                events += work.events
    return events


async def asked(ground: Ground, count: int = 1, kind: HandoverKind = HandoverKind.RESIGNATION) -> Case:
    """The partner was asked at noon, and has begun."""
    case = await settling_case(ground, await build_world(ground), count, kind=kind)
    with clock.stopped_at(NOON):
        await case.settle()
    return case


async def link_of(case: Case, holder: Actor, number: int = 0) -> ContactLink | None:
    async with case.ground.db.read() as session:
        return await session.get(
            ContactLink, (case.world.brand.id, holder.account_ids[0], case.relationships[number].id)
        )


async def test_an_added_contact_says_that_it_was_taken_over(ground: Ground) -> None:
    case = await asked(ground, 2)

    await hear(case, news(NewsKind.LINKED, "taker", NOON + HOUR))

    assert await case.there() == ["accepted", "waiting"]
    assert await case.contacts(case.taker) == {"wm-0"}
    assert await case.contacts(case.leaver) == {"wm-1"}


async def test_half_a_contact_takes_nothing_over(ground: Ground) -> None:
    case = await asked(ground)

    await hear(case, news(NewsKind.HALF_LINKED, "taker", NOON + HOUR))

    assert await case.there() == ["waiting"]


async def test_a_contact_of_before_the_request_takes_nothing_over(ground: Ground) -> None:
    case = await asked(ground)

    await hear(case, news(NewsKind.LINKED, "taker", NOON - HOUR), at=NOON + HOUR)

    assert await case.there() == ["waiting"]


@pytest.mark.parametrize(
    ("reason", "there"), [(NewsReason.REFUSED, "refused"), (NewsReason.TAKEOVER_FULL, "successor_full")]
)
async def test_a_failure_is_heard(ground: Ground, reason: NewsReason, there: str) -> None:
    """The class that would have heard of it was there, and nobody listened."""
    case = await asked(ground)

    await hear(case, news(NewsKind.TRANSFER_FAILED, "taker", NOON + HOUR, reason=reason))

    assert await case.there() == [there]


async def test_a_failure_that_is_told_twice_makes_one_task(ground: Ground) -> None:
    case = await asked(ground)
    told = news(NewsKind.TRANSFER_FAILED, "taker", NOON + HOUR, reason=NewsReason.REFUSED)
    for hours in (1, 2, 3):
        await hear(case, told, told, at=NOON + hours * HOUR)
        with clock.stopped_at(NOON + hours * HOUR):
            await case.settle()

    async with ground.db.read() as session:
        tasks = (await session.scalars(select(Task).where(col(Task.brand_id) == case.world.brand.id))).all()
    assert len(tasks) == 1
    assert await case.there() == ["refused"]


async def test_a_late_failure_of_an_old_attempt_does_not_settle_the_new_one(ground: Ground) -> None:
    """Both tables were set by customer and successor: which of two attempts had failed could not be told."""
    case = await asked(ground)
    told = news(NewsKind.TRANSFER_FAILED, "taker", NOON + HOUR, reason=NewsReason.REFUSED)
    await hear(case, told)
    later = NOON + 48 * HOUR
    with clock.stopped_at(later):
        await case.settle()
        async with unit_of_work(ground, case.world.shop.manager) as work:
            await asking_again.ask_again(work, case.handover.id, case.relationships[0].id)
        await case.settle()
    assert await case.there() == ["waiting"]

    await hear(case, told, at=later + HOUR)
    await hear(case, replace(told, at=later - timedelta(minutes=1), key="late"), at=later + HOUR)

    assert await case.there() == ["waiting"]


async def test_a_failure_that_fits_two_attempts_settles_none_and_is_looked_up(ground: Ground) -> None:
    case = await asked(ground)
    [attempt] = await case.attempts()
    await save(
        ground,
        type(attempt)(**attempt.model_dump() | {"id": ids.new(), "from_user_id": "another"}),
    )

    await hear(case, news(NewsKind.TRANSFER_FAILED, "taker", NOON + HOUR, reason=NewsReason.REFUSED))

    assert await case.there() == ["waiting"]
    assert {each.next_at for each in await case.attempts()} == {NOON + HOUR}


async def test_a_failure_of_another_takeover_guide_is_none_of_this_attempts(ground: Ground) -> None:
    case = await asked(ground)

    await hear(case, news(NewsKind.TRANSFER_FAILED, "somebody", NOON + HOUR, reason=NewsReason.REFUSED))

    assert await case.there() == ["waiting"]


async def test_a_failure_before_the_answer_counts_and_the_answer_then_changes_nothing(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await settling_case(ground, await build_world(ground))
    failed = news(NewsKind.TRANSFER_FAILED, "taker", NOON, reason=NewsReason.REFUSED)
    transfer = case.partner.transfer

    async def meanwhile(*args: object) -> object:
        said = await transfer(*args)  # type: ignore[arg-type]
        await hear(case, failed)
        return said

    monkeypatch.setattr(case.partner, "transfer", meanwhile)
    with clock.stopped_at(NOON):
        await case.settle()

    assert await case.there() == ["refused"]


async def test_an_on_job_transfer_is_done_once_the_old_contact_is_gone_by_it(ground: Ground) -> None:
    case = await asked(ground, kind=HandoverKind.TRANSFER)

    events = await hear(case, news(NewsKind.UNLINKED_BY_STAFF, "leaver", NOON + HOUR, is_transfer=True))

    assert await case.there() == ["accepted"]
    assert await case.contacts(case.taker) == {"wm-0"}
    assert events == []


async def test_a_customer_who_deletes_the_leaver_before_it_is_asked_for_is_lost(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 2)
    case.partner.answers = {("taker", "*"): [Answer(Told.NOT_DEPARTED, 40097)]}
    with clock.stopped_at(NOON):
        await case.settle()

    await hear(case, news(NewsKind.UNLINKED_BY_CUSTOMER, "leaver", NOON + HOUR))

    assert await case.there() == ["lost", "requested"]


async def test_who_declined_and_came_by_themselves_later_is_linked(ground: Ground) -> None:
    case = await asked(ground)
    case.partner.decide(Found.REFUSED, "wm-0")
    with clock.stopped_at(NOON + 25 * HOUR):
        await case.settle()

    await hear(case, news(NewsKind.LINKED, "taker", NOON + 50 * HOUR))

    assert await case.there() == ["already_linked"]
    assert await case.contacts(case.taker) == {"wm-0"}


async def test_news_in_any_order_and_twice_leave_the_same_contact(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 1)
    told = [
        news(NewsKind.LINKED, "taker", NOON + HOUR),
        news(NewsKind.UNLINKED_BY_CUSTOMER, "taker", NOON + 2 * HOUR),
        news(NewsKind.LINKED, "taker", NOON + 3 * HOUR),
        news(NewsKind.UNLINKED_BY_STAFF, "taker", NOON + 3 * HOUR),
    ]
    ends = set()
    for order in permutations(told):
        async with ground.db.write() as session:
            row = await session.get(
                ContactLink, (case.world.brand.id, case.taker.account_ids[0], case.relationships[0].id)
            )
            if row is not None:
                await session.delete(row)
        await hear(case, *order, *order, at=NOON + 4 * HOUR)
        row = await link_of(case, case.taker)
        assert row
        ends.add((row.gone_at, row.gone_why, row.told_at))

    assert len(ends) == 1
    assert ends.pop()[0] == NOON + 3 * HOUR


async def test_a_contact_that_somebody_deletes_is_counted_once_for_the_early_warning(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 2)
    told = news(NewsKind.UNLINKED_BY_STAFF, "leaver", NOON + HOUR)

    events = await hear(case, told, told)
    await hear(case, news(NewsKind.UNLINKED_BY_CUSTOMER, "leaver", NOON + HOUR, 1))

    account_id = case.leaver.account_ids[0]
    assert events == [ContactDeleted(account_id, case.relationships[0].id)]
    async with ground.db.read() as session:
        for since, count in ((NOON, {account_id: 1}), (NOON + 2 * HOUR, {})):
            assert await links.deleted_since(session, case.world.brand.id, [account_id], since) == count


async def test_news_of_people_whom_nobody_here_knows_change_nothing(ground: Ground) -> None:
    case = await asked(ground)

    events = await hear(
        case,
        news(NewsKind.LINKED, "nobody", NOON + HOUR),
        news(NewsKind.LINKED, "taker", NOON + HOUR, 99),
        news(NewsKind.MEMBER_LEFT, "nobody", NOON + HOUR),
        news(NewsKind.CHAT_CHANGED, "nobody", NOON + HOUR, chat_id="wr-none", reason=NewsReason.DISMISSED),
    )

    assert (events, await case.there()) == ([], ["waiting"])


async def test_a_member_who_left_is_told_of_and_what_waited_for_it_is_asked_for_at_once(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.NOT_DEPARTED, 40097), Answer(Told.STARTED)]}
    with clock.stopped_at(NOON):
        await case.settle()
    soon = NOON + timedelta(minutes=1)

    events = await hear(case, news(NewsKind.MEMBER_LEFT, "leaver", soon, external_user_id=None))
    with clock.stopped_at(soon):
        await case.settle()

    assert events == [PartnerMemberLeft(case.leaver.id)]
    assert await case.there() == ["waiting"]
    assert case.partner.requests[-1][0] is Course.RESIGNED


async def test_a_member_who_left_without_a_name_is_nobody_whom_the_partner_does_not_know(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    await name_at_partner(ground, case.taker.account_ids[0], case.world.brand.id, None)
    nameless = replace(news(NewsKind.MEMBER_LEFT, "", NOON, external_user_id=None), user_id=None)

    assert await hear(case, nameless) == []


async def test_a_chat_that_was_dismissed_is_gone_and_older_news_do_not_bring_it_back(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    chat = GroupChat(
        brand_id=case.world.brand.id,
        id=ids.new(),
        account_id=case.leaver.account_ids[0],
        owner_user_id="leaver",
        chat_id="wr-1",
        told_at=NOON,
    )
    await save(ground, chat)
    late = news(NewsKind.CHAT_CHANGED, "", NOON - HOUR, chat_id="wr-1", reason=NewsReason.DISMISSED)

    await hear(case, late, at=NOON)
    assert (await reload(ground, chat)).gone_at is None
    await hear(case, replace(late, at=NOON + HOUR))

    assert (await reload(ground, chat)).gone_at == NOON + HOUR


async def test_news_after_everything_is_done_leave_the_handover_done(ground: Ground) -> None:
    case = await asked(ground)
    case.partner.decide(Found.ACCEPTED, "wm-0")
    with clock.stopped_at(NOON + 25 * HOUR):
        await case.settle()

    await hear(
        case,
        news(NewsKind.TRANSFER_FAILED, "taker", NOON + 2 * HOUR, reason=NewsReason.REFUSED),
        news(NewsKind.LINKED, "taker", NOON + HOUR),
        at=NOON + 26 * HOUR,
    )

    assert (await case.there(), await case.state()) == (["accepted"], HandoverState.DONE)
    assert await case.contacts(case.taker) == {"wm-0"}
