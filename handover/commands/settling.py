"""Ask the partner, and write down what it said: what is asked is taken before, what is answered is noted after.

Between the two no unit of work is open. If nobody comes back to note an answer, what was taken is looked up in the
partner's records, and asked for again only where they have nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, update
from sqlmodel import col

from handover.commands import attempting
from handover.models import HandoverAttempt, HandoverState, LinkedThere, Todo
from handover.models import settlement as rules
from handover.models.settlement import Step
from handover.partner import MOST_AT_ONCE, Answer, Course, Standing, Told
from handover.queries import handovers
from handover.queries import settling as queries
from kernel import clock
from kernel.work import Work

SETTLE = "handover.settle"
AT_A_TIME = 100
PUT_OFF_AT_A_TIME = 500
_LOOKING_FOR = timedelta(minutes=5)  # whoever looks and never comes back is stood in for then


@dataclass(frozen=True, slots=True)
class Pair:
    """Two members of the partner's, and in which of its ways one gives to the other."""

    course: Course
    from_user_id: str
    to_user_id: str


@dataclass(frozen=True, slots=True)
class Asking:
    """One request that is about to be made: at most 100 customers. `at` tells it from every other."""

    pair: Pair
    at: datetime
    attempt_ids: Sequence[UUID]
    external_user_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Looking:
    """A look into the partner's records of two members; of what is asked after `at` they may say nothing yet."""

    pair: Pair
    at: datetime


async def take_request(work: Work) -> Asking | None:
    """Take what has to be asked first, with what else the same request can hold; none if nothing is due."""
    at = clock.now()
    first = await queries.most_urgent(work.session, work.actor.brand_id, Todo.ASK, at)
    if first is None:
        return None
    pair = Pair(first.course, first.from_user_id, first.to_user_id)
    due = and_(queries.is_due(work.actor.brand_id, Todo.ASK, at), _of(pair))
    taken = await queries.take(work.session, due, most=MOST_AT_ONCE)
    for attempt in taken:
        attempt.begin_asking(at, at + rules.UNSURE_FOR)
    await work.session.flush()
    return Asking(pair, at, [each.id for each in taken], [each.external_user_id for each in taken])


async def note_answers(work: Work, asking: Asking, answers: Mapping[str, Answer]) -> None:
    """Write down what the partner said of each customer; of whom it said nothing, its records have to say."""
    now = clock.now()
    attempts = [each for each in await _asked(work, asking) if each.external_user_id in answers]
    often = [each.external_user_id for each in attempts if answers[each.external_user_id].told is Told.TOO_OFTEN]
    allowed = await _allowed_at(work, often)
    steps = []
    for attempt in attempts:
        answer = answers[attempt.external_user_id]
        attempt.told, attempt.code = answer.told, answer.code
        steps.append((attempt, rules.told(attempt.point, answer, now, allowed.get(attempt.external_user_id))))
    await attempting.go_on(work, steps)


async def note_refusal(work: Work, asking: Asking, code: int) -> None:
    """The partner answered for the request as a whole: nothing of it was done."""
    now = clock.now()
    attempts = await _asked(work, asking)
    for attempt in attempts:
        attempt.told, attempt.code = Told.OTHER, code
    await attempting.go_on(work, [(each, rules.refused_whole(each.point, now)) for each in attempts])


async def withdraw(work: Work) -> bool:
    """Ask no more for what belongs to handovers that were undone meanwhile; says whether there was any."""
    attempts = await queries.take_undone(work.session, work.actor.brand_id, AT_A_TIME)
    await attempting.go_on(work, [(each, Step(LinkedThere.NOT_LINKED)) for each in attempts])
    return bool(attempts)


async def take_look(work: Work) -> Looking | None:
    """Find the two members whose records have to be looked at first; none if nothing is due.

    Whoever looks puts off first what is due of the two, piece by piece, so that nobody else looks meanwhile.
    """
    at = clock.now()
    first = await queries.most_urgent(work.session, work.actor.brand_id, Todo.LOOK, at)
    if first is None:
        return None
    return Looking(Pair(first.course, first.from_user_id, first.to_user_id), at)


async def put_off(work: Work, looking: Looking, until: datetime | None = None) -> bool:
    """Look again then, or in 5 minutes, at 500 of what is due of the two; true if there may be more.

    What is left of it, if nobody comes back, is looked at when it was due.
    """
    ends = looking.at + _LOOKING_FOR
    until = until or ends
    attempts = await queries.lock_ids(
        work.session,
        queries.is_due(work.actor.brand_id, Todo.LOOK, ends),
        col(HandoverAttempt.next_at) < until,
        _of(looking.pair),
        most=PUT_OFF_AT_A_TIME,
    )
    await work.session.execute(
        update(HandoverAttempt)
        .where(col(HandoverAttempt.brand_id) == work.actor.brand_id, col(HandoverAttempt.id).in_(attempts))
        .values(next_at=until)
        .execution_options(synchronize_session=False)
    )
    return len(attempts) == PUT_OFF_AT_A_TIME


async def note_standings(
    work: Work, looking: Looking, standings: Mapping[str, Standing], after: UUID | None = None
) -> UUID | None:
    """Write down what the partner's records say, all pages of them, of the next 100; none when there are no more.

    Who isn't in them is unknown there. They are of two members, and of no attempt: which one is meant, the rules say.
    """
    now = clock.now()
    conditions: list[ColumnElement[bool]] = [
        col(HandoverAttempt.brand_id) == work.actor.brand_id,
        col(HandoverAttempt.todo) == Todo.LOOK,
        col(HandoverAttempt.asked_at) <= looking.at,
        _of(looking.pair),
    ]
    if after is not None:
        conditions.append(col(HandoverAttempt.id) > after)
    attempts = await queries.lock_along(work.session, *conditions, most=AT_A_TIME)
    steps = [(each, rules.found(each.point, standings.get(each.external_user_id), now)) for each in attempts]
    await attempting.go_on(work, [(attempt, step) for attempt, step in steps if step is not None])
    return attempts[-1].id if attempts else None


async def close(work: Work, handover_id: UUID) -> bool:
    """Note that a handover is done, once the partner has answered for all of it and listed its chats; says if it is."""
    handover = await handovers.lock(work.session, work.actor, handover_id)
    if handover.state is not HandoverState.SETTLING or handover.chats_listed_at is None:
        return False
    if not await queries.is_all_settled(work.session, work.actor.brand_id, handover_id):
        return False
    handover.settle(clock.now())
    return True


async def close_untied(work: Work, handover_id: UUID) -> None:
    """Note that a handover is done: the brand has no partner any more to settle with."""
    handover = await handovers.lock(work.session, work.actor, handover_id)
    if handover.state is HandoverState.SETTLING:
        handover.settle(clock.now())


async def _asked(work: Work, asking: Asking) -> list[HandoverAttempt]:
    """Those of the request of which nothing else was learned meanwhile."""
    attempts = await queries.lock_along(
        work.session,
        col(HandoverAttempt.brand_id) == work.actor.brand_id,
        col(HandoverAttempt.id).in_(asking.attempt_ids),
        most=MOST_AT_ONCE,
    )
    return [
        each
        for each in attempts
        if each.asked_at == asking.at and each.todo is Todo.LOOK and each.there is LinkedThere.REQUESTED
    ]


async def _allowed_at(work: Work, external_user_ids: Sequence[str]) -> dict[str, datetime]:
    """When the quota of two in 90 days has room again, by what we have asked for ourselves."""
    since = clock.now() - rules.QUOTA_WINDOW
    known = await queries.of_customers_there(work.session, work.actor.brand_id, external_user_ids)
    allowed = {}
    for external_user_id, rows in known.items():
        begun = sorted(
            row.asked_at
            for row in rows
            if row.course is Course.ON_JOB and row.was_started and row.asked_at and row.asked_at > since
        )
        if len(begun) >= 2:
            allowed[external_user_id] = begun[-2] + rules.QUOTA_WINDOW + rules.MARGIN
    return allowed


def _of(pair: Pair) -> ColumnElement[bool]:
    return and_(
        col(HandoverAttempt.course) == pair.course,
        col(HandoverAttempt.from_user_id) == pair.from_user_id,
        col(HandoverAttempt.to_user_id) == pair.to_user_id,
    )
