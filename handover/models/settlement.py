"""How an attempt to hand a contact over at the partner goes on, by what the partner says and when; without I/O.

The partner names no attempt: a record and a piece of news say who took over which customer, at most when. What may be
said of an earlier attempt of the same three settles none; then it is looked at again until only this one can be meant.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from handover.models.items import LinkedThere
from handover.models.news import News, NewsKind, NewsReason
from handover.partner import Answer, Course, Found, Standing, Told

DECIDES_WITHIN = timedelta(hours=24)
"""A customer who hasn't declined by then is taken over by the partner itself; that it was, only the partner says."""

MARGIN = timedelta(minutes=10)  # for what the partner does by the clock
SKEW = timedelta(minutes=5)  # between the partner's clock and ours
UNSURE_FOR = timedelta(minutes=2)  # an answer comes within seconds, or never
UNRECORDED_FOR = timedelta(days=3)  # what was started and isn't known then has come to nothing

QUOTA_WINDOW = timedelta(days=90)
INHERITABLE_FOR = timedelta(days=365)
"""A leaver's contacts can be handed over for a year; somebody's at work as long as they are at work."""

WARNED_BEFORE = timedelta(days=30)
"""How long before that year is over managers hear of what isn't settled."""

MOST_TRIES = 8

_PATIENCE = (
    (timedelta(hours=1), timedelta(minutes=15)),
    (timedelta(hours=6), timedelta(hours=1)),
    (DECIDES_WITHIN, timedelta(hours=4)),
    (UNRECORDED_FOR, timedelta(hours=1)),
)
_FIRST_PAUSE = timedelta(minutes=15)
_LONGEST_PAUSE = timedelta(hours=12)


class Todo(StrEnum):
    """What is to be done next about an attempt; nothing, once it is settled."""

    ASK = "ask"
    LOOK = "look"
    FALL_BACK = "fall_back"
    CALL_MANAGER = "call_manager"


AGAIN = (LinkedThere.REFUSED, LinkedThere.SUCCESSOR_FULL, LinkedThere.INELIGIBLE, LinkedThere.LOST)
"""What a person may have asked for once more; no machine does."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where an attempt stands. `asked_at` is empty until the partner is asked, and again where that came to nothing.

    `was_started`: the partner has said that this one is under way. `is_again`: it may have a record of an earlier one
    between the same members about the same customer. `deadline` is when it is given up.
    """

    there: LinkedThere
    todo: Todo | None
    course: Course
    deadline: datetime
    asked_at: datetime | None = None
    was_started: bool = False
    is_again: bool = False
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Where it goes, what is to be done then, and from when on; `is_unasked`: the partner knows nothing of it.

    `is_early`: it couldn't have come to anything yet, whoever was asked for.
    """

    there: LinkedThere
    todo: Todo | None = None
    at: datetime | None = None
    is_unasked: bool = False
    is_early: bool = False


def told(point: Point, answer: Answer, now: datetime, allowed_at: datetime | None = None) -> Step:
    """What follows from the partner's word for this one customer, when it was asked to hand them over.

    `allowed_at` is when the partner's quota has room again, as far as that is known.
    """
    match answer.told:
        case Told.STARTED:
            return Step(LinkedThere.WAITING, Todo.LOOK, next_look(now, now))
        case Told.TAKEOVER_FULL:
            return Step(LinkedThere.SUCCESSOR_FULL, Todo.FALL_BACK, now)
        case Told.NO_LINK | Told.UNKNOWN_CUSTOMER:
            return Step(LinkedThere.LOST)
        case Told.SAME_PERSON:
            return Step(LinkedThere.ALREADY_LINKED)
        case Told.UNDER_WAY:
            # Somebody else's, or ours of which the answer was lost: the record says which.
            return Step(LinkedThere.REQUESTED, Todo.LOOK, now + _FIRST_PAUSE)
        case Told.TOO_OFTEN:
            return _ask_later(point, allowed_at or now + timedelta(days=7), is_early=True)
        case Told.NOT_DEPARTED:
            return _ask_later(point, now + pause(point.tries), is_early=True)
        case Told.OTHER if answer.code == 0:
            # Nothing was said of this one.
            return Step(LinkedThere.REQUESTED, Todo.LOOK, now + UNSURE_FOR)
        case Told.TRY_LATER | Told.OTHER | Told.TAKEOVER_UNFIT:
            if point.tries >= MOST_TRIES:
                return Step(LinkedThere.INELIGIBLE)
            return _ask_later(point, now + pause(point.tries))


def found(point: Point, standing: Standing | None, now: datetime) -> Step | None:
    """What follows from the partner's record; none, if it is of another attempt or nothing is asked yet."""
    if point.asked_at is None or point.todo is not Todo.LOOK:
        return None
    if standing is None or standing.found is Found.NO_RECORD:
        return _unrecorded(point, point.asked_at, now)
    if not _is_meant(point, point.asked_at, standing, now):
        return Step(point.there, Todo.LOOK, next_look(point.asked_at, now))
    match standing.found:
        case Found.ACCEPTED:
            return Step(LinkedThere.ACCEPTED)
        case Found.REFUSED:
            return Step(LinkedThere.REFUSED, Todo.CALL_MANAGER, now)
        case Found.TAKEOVER_FULL:
            return Step(LinkedThere.SUCCESSOR_FULL, Todo.FALL_BACK, now)
        case _:
            at = next_look(point.asked_at, now)
            over = standing.takes_over_at
            return Step(LinkedThere.WAITING, Todo.LOOK, min(at, over + MARGIN) if over and over > now else at)


def heard(point: Point, news: News, now: datetime, *, is_only: bool) -> Step | None:
    """What follows from news about the takeover member or the leaver and this customer; none, if it isn't of this one.

    `is_only`: no other open attempt could be meant. What can't be told apart is looked at instead.
    """
    if news.kind is NewsKind.UNLINKED_BY_CUSTOMER or (news.kind is NewsKind.UNLINKED_BY_STAFF and not news.is_transfer):
        return _broken(point, now)
    if point.asked_at is None or news.at < point.asked_at - SKEW:
        # A contact that came about by itself needs nothing handed over.
        came = news.kind is NewsKind.LINKED and point.todo is Todo.ASK
        return Step(LinkedThere.ALREADY_LINKED) if came else None
    match news.kind:
        case NewsKind.LINKED:
            return _linked(point, news)
        case NewsKind.UNLINKED_BY_STAFF if point.course is Course.ON_JOB and point.todo is Todo.LOOK:
            return Step(LinkedThere.ACCEPTED) if is_only else Step(point.there, Todo.LOOK, now)
        case NewsKind.TRANSFER_FAILED if point.todo is Todo.LOOK:
            return _failed(point, point.asked_at, news, now, is_only)
        case _:
            return None


def refused_whole(point: Point, now: datetime) -> Step:
    """The partner answered for the request as a whole and did nothing: ask again, ever more patiently."""
    return _ask_later(point, now + pause(point.tries), is_early=True)


def next_look(asked_at: datetime, now: datetime) -> datetime:
    """When to look again: minutes after it was asked, then hours, right after the 24 hours, then days."""
    age = now - asked_at
    over = asked_at + DECIDES_WITHIN + MARGIN
    for younger_than, wait in _PATIENCE:
        if age < younger_than:
            return min(now + wait, over) if now < over else now + wait
    return now + timedelta(days=1)


def pause(tries: int) -> timedelta:
    """How long to wait before asking once more: 15 minutes, twice as long each time, at most 12 hours."""
    doubled: int = 2 ** min(max(tries - 1, 0), 10)
    return min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)


def _ask_later(point: Point, at: datetime, *, is_early: bool = False) -> Step:
    if at > point.deadline:
        return Step(LinkedThere.INELIGIBLE)
    return Step(LinkedThere.REQUESTED, Todo.ASK, at, is_unasked=True, is_early=is_early)


def _unrecorded(point: Point, asked_at: datetime, now: datetime) -> Step:
    """The partner knows nothing of it: it was never told, or hasn't written it down yet."""
    wait = UNRECORDED_FOR if point.was_started else UNSURE_FOR
    if now < asked_at + wait:
        at = next_look(asked_at, now) if point.was_started else asked_at + wait
        return Step(point.there, Todo.LOOK, at)
    if point.tries >= MOST_TRIES:
        return Step(LinkedThere.LOST)
    return _ask_later(point, now if point.tries < 2 else now + pause(point.tries))


def _is_meant(point: Point, asked_at: datetime, standing: Standing, now: datetime) -> bool:
    """Whether the record is of this attempt: of an earlier one of the same three, it may be an old word."""
    if not point.is_again:
        return True
    if standing.takes_over_at is not None:
        return standing.takes_over_at > asked_at
    return point.was_started or now >= asked_at + DECIDES_WITHIN + MARGIN


def _linked(point: Point, news: News) -> Step | None:
    if point.todo is Todo.LOOK:
        return Step(LinkedThere.ACCEPTED)
    # Later, by the customer's own will.
    return Step(LinkedThere.ALREADY_LINKED) if point.there in AGAIN and point.todo is not Todo.ASK else None


def _broken(point: Point, now: datetime) -> Step | None:
    """The leaver's contact is gone: nothing is left to ask for; of what was asked the partner has the last word."""
    if point.todo is Todo.ASK:
        return Step(LinkedThere.LOST)
    return Step(point.there, Todo.LOOK, now) if point.todo is Todo.LOOK else None


def _failed(point: Point, asked_at: datetime, news: News, now: datetime, is_only: bool) -> Step | None:
    if news.at > asked_at + DECIDES_WITHIN + MARGIN + SKEW:
        return None
    # News are to the second, by another clock: what may be of the attempt before is looked at.
    is_surely_later = news.at >= asked_at + SKEW
    if not is_only or (point.is_again and not is_surely_later):
        return Step(point.there, Todo.LOOK, now)
    if news.reason is NewsReason.TAKEOVER_FULL:
        return Step(LinkedThere.SUCCESSOR_FULL, Todo.FALL_BACK, now)
    return Step(LinkedThere.REFUSED, Todo.CALL_MANAGER, now)
