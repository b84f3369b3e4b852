"""The rules by which an attempt at the partner goes on, without any partner."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from handover.models import LinkedThere, News, NewsKind, NewsReason, Todo
from handover.models import settlement as rules
from handover.models.settlement import DECIDES_WITHIN, MARGIN, SKEW, UNSURE_FOR, Point, Step
from handover.partner import Answer, Course, Found, Standing, Told
from tests.factories import NOON

DAY = timedelta(days=1)
ASKED = Point(LinkedThere.REQUESTED, Todo.LOOK, Course.RESIGNED, NOON + 300 * DAY, asked_at=NOON, tries=1)
BEGUN = replace(ASKED, there=LinkedThere.WAITING, was_started=True)
AGAIN = replace(ASKED, is_again=True)


def standing(found: Found, over: datetime | None = None) -> Standing:
    return Standing("wm", found, over)


def failed(at: datetime, reason: NewsReason = NewsReason.REFUSED) -> News:
    return News(NewsKind.TRANSFER_FAILED, at, "key", "taker", "wm", reason=reason)


@pytest.mark.parametrize(
    ("told", "there", "todo"),
    [
        (Told.STARTED, LinkedThere.WAITING, Todo.LOOK),
        (Told.TAKEOVER_FULL, LinkedThere.SUCCESSOR_FULL, Todo.FALL_BACK),
        (Told.NO_LINK, LinkedThere.LOST, None),
        (Told.UNKNOWN_CUSTOMER, LinkedThere.LOST, None),
        (Told.SAME_PERSON, LinkedThere.ALREADY_LINKED, None),
        (Told.UNDER_WAY, LinkedThere.REQUESTED, Todo.LOOK),
        (Told.TOO_OFTEN, LinkedThere.REQUESTED, Todo.ASK),
        (Told.NOT_DEPARTED, LinkedThere.REQUESTED, Todo.ASK),
        (Told.TRY_LATER, LinkedThere.REQUESTED, Todo.ASK),
        (Told.TAKEOVER_UNFIT, LinkedThere.REQUESTED, Todo.ASK),
        (Told.OTHER, LinkedThere.REQUESTED, Todo.ASK),
    ],
)
def test_each_word_of_the_partner_leads_somewhere(told: Told, there: LinkedThere, todo: Todo | None) -> None:
    step = rules.told(ASKED, Answer(told, 1), NOON)

    assert (step.there, step.todo) == (there, todo)
    assert (step.at is None) == (todo is None)


@pytest.mark.parametrize("told", [Told.TRY_LATER, Told.TAKEOVER_UNFIT, Told.OTHER])
def test_what_never_gets_better_is_given_up(told: Told) -> None:
    assert rules.told(replace(ASKED, tries=8), Answer(told, 1), NOON) == Step(LinkedThere.INELIGIBLE)


@pytest.mark.parametrize("told", [Told.NOT_DEPARTED, Told.TOO_OFTEN, Told.TRY_LATER])
def test_nothing_is_put_off_beyond_its_deadline(told: Told) -> None:
    late = replace(ASKED, deadline=NOON + timedelta(minutes=10))

    assert rules.told(late, Answer(told), NOON) == Step(LinkedThere.INELIGIBLE)


def test_a_customer_of_whom_nothing_was_said_is_looked_up_and_not_asked_for_again() -> None:
    step = rules.told(ASKED, Answer(Told.OTHER), NOON)

    assert (step.there, step.todo) == (LinkedThere.REQUESTED, Todo.LOOK)


def test_a_quota_is_waited_for_as_long_as_is_known() -> None:
    step = rules.told(ASKED, Answer(Told.TOO_OFTEN), NOON, NOON + 40 * DAY)

    assert step.at == NOON + 40 * DAY


def test_only_the_partner_says_that_a_customer_was_taken_over() -> None:
    for days in range(1, 400):
        step = rules.found(BEGUN, standing(Found.WAITING, NOON + DAY), NOON + days * DAY)
        assert step is not None
        assert step.there is LinkedThere.WAITING


def test_it_is_looked_at_right_after_the_day_is_over() -> None:
    now = NOON
    while now < NOON + DECIDES_WITHIN:
        now = rules.next_look(NOON, now)

    assert now == NOON + DECIDES_WITHIN + MARGIN


def test_looks_grow_rare_but_never_end() -> None:
    waits = [rules.next_look(NOON, NOON + hours * timedelta(hours=1)) - NOON for hours in (0, 2, 7, 30, 80)]

    assert [wait - hours * timedelta(hours=1) for wait, hours in zip(waits, (0, 2, 7, 30, 80), strict=True)] == [
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(hours=4),
        timedelta(hours=1),
        timedelta(days=1),
    ]


def test_what_the_records_do_not_know_yet_is_not_asked_for_anew_at_once() -> None:
    soon, later = NOON + timedelta(seconds=30), NOON + UNSURE_FOR

    assert rules.found(ASKED, None, soon) == Step(LinkedThere.REQUESTED, Todo.LOOK, NOON + UNSURE_FOR)
    assert rules.found(ASKED, None, later) == Step(LinkedThere.REQUESTED, Todo.ASK, later, is_unasked=True)


def test_a_record_of_the_attempt_before_is_not_taken_for_this_one() -> None:
    soon = NOON + timedelta(hours=1)
    for found in (Found.REFUSED, Found.TAKEOVER_FULL, Found.ACCEPTED):
        step = rules.found(AGAIN, standing(found), soon)
        assert step is not None
        assert (step.there, step.todo) == (LinkedThere.REQUESTED, Todo.LOOK)
    old = rules.found(AGAIN, standing(Found.WAITING, NOON - DAY), soon)
    assert old is not None
    assert old.there is LinkedThere.REQUESTED
    mine = rules.found(AGAIN, standing(Found.WAITING, NOON + DAY), soon)
    assert mine is not None
    assert mine.there is LinkedThere.WAITING


def test_once_its_own_day_is_over_the_record_is_this_attempts() -> None:
    step = rules.found(AGAIN, standing(Found.REFUSED), NOON + DECIDES_WITHIN + MARGIN)

    assert step == Step(LinkedThere.REFUSED, Todo.CALL_MANAGER, NOON + DECIDES_WITHIN + MARGIN)


@pytest.mark.parametrize(
    ("at", "there", "todo"),
    [
        (NOON - SKEW - timedelta(seconds=1), None, None),
        (NOON - timedelta(seconds=1), LinkedThere.REFUSED, Todo.CALL_MANAGER),
        (NOON + timedelta(hours=23), LinkedThere.REFUSED, Todo.CALL_MANAGER),
        (NOON + timedelta(hours=25), None, None),
    ],
)
def test_a_failure_counts_within_the_attempts_own_time(
    at: datetime, there: LinkedThere | None, todo: Todo | None
) -> None:
    step = rules.heard(BEGUN, failed(at), NOON + 2 * DAY, is_only=True)

    assert (step and step.there, step and step.todo) == (there, todo)


def test_a_failure_at_the_turn_of_two_attempts_is_looked_up() -> None:
    step = rules.heard(replace(BEGUN, is_again=True), failed(NOON + timedelta(seconds=1)), NOON + DAY, is_only=True)

    assert step == Step(LinkedThere.WAITING, Todo.LOOK, NOON + DAY)


def test_news_never_settle_what_is_settled() -> None:
    for there in (LinkedThere.ACCEPTED, LinkedThere.ALREADY_LINKED, LinkedThere.REFUSED):
        settled = replace(BEGUN, there=there, todo=None)
        assert rules.heard(settled, failed(NOON + DAY / 2), NOON + DAY, is_only=True) is None
        assert rules.found(settled, standing(Found.TAKEOVER_FULL), NOON + DAY) is None


def test_pauses_double_up_to_half_a_day() -> None:
    assert [rules.pause(tries) for tries in (0, 1, 2, 3, 100)] == [
        *[timedelta(minutes=15)] * 2,
        timedelta(minutes=30),
        timedelta(hours=1),
        timedelta(hours=12),
    ]


class Attempt(RuleBasedStateMachine):
    """A customer at the partner, an attempt of ours, and a line between them that loses, repeats and delays.

    The partner keeps one record of two members and a customer. Whatever happens on the way: nobody is asked for while
    the partner still has the request, "accepted" is said of nobody who isn't a contact, and whoever declined is left
    alone by the machine.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.point = replace(ASKED, there=LinkedThere.REQUESTED, todo=Todo.ASK, asked_at=None, tries=0)
        self.due = NOON
        self.record: Found | None = None
        self.over: datetime | None = None
        self.told: list[News] = []
        self.has_declined = False

    def go(self, step: Step | None) -> None:
        if step is None:
            return
        self.point = replace(
            self.point,
            there=step.there,
            todo=step.todo,
            asked_at=None if step.is_unasked else self.point.asked_at,
            was_started=not step.is_unasked and (self.point.was_started or step.there is LinkedThere.WAITING),
        )
        self.due = step.at or self.due

    @rule(minutes=st.sampled_from([1, 10, 60, 600, 1450]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        if self.record is Found.WAITING and self.over is not None and self.now >= self.over:
            self.conclude(Found.ACCEPTED)

    @precondition(lambda self: self.point.todo is Todo.ASK and self.now >= self.due)
    @rule(arrives=st.booleans(), comes_back=st.booleans(), told=st.sampled_from(list(Told)))
    def ask(self, arrives: bool, comes_back: bool, told: Told) -> None:
        assert self.record is not Found.WAITING, "asked for what is under way"
        assert not self.has_declined, "asked for somebody who declined"
        self.point = replace(self.point, asked_at=self.now, todo=Todo.LOOK, tries=self.point.tries + 1)
        self.due = self.now + UNSURE_FOR
        if arrives and told is Told.STARTED:
            self.record, self.over = Found.WAITING, self.now + DECIDES_WITHIN
        if arrives and comes_back and told is not Told.UNDER_WAY:
            self.go(rules.told(self.point, Answer(told), self.now))

    @precondition(lambda self: self.record is Found.WAITING)
    @rule(found=st.sampled_from([Found.REFUSED, Found.TAKEOVER_FULL]))
    def decline(self, found: Found) -> None:
        self.conclude(found)

    def conclude(self, found: Found) -> None:
        self.record, self.over = found, None
        self.has_declined |= found is Found.REFUSED
        reasons = {Found.REFUSED: NewsReason.REFUSED, Found.TAKEOVER_FULL: NewsReason.TAKEOVER_FULL}
        kind = NewsKind.LINKED if found is Found.ACCEPTED else NewsKind.TRANSFER_FAILED
        self.told.append(News(kind, self.now, "key", "taker", "wm", reason=reasons.get(found)))

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        news = data.draw(st.sampled_from(self.told))
        self.go(rules.heard(self.point, news, self.now, is_only=True))

    @precondition(lambda self: self.point.todo is Todo.LOOK and self.now >= self.due)
    @rule()
    def look(self) -> None:
        record = None if self.record is None else standing(self.record, self.over)
        self.go(rules.found(self.point, record, self.now))

    @invariant()
    def it_is_taken_over_only_if_the_partner_has_done_so(self) -> None:
        if self.point.there is LinkedThere.ACCEPTED:
            assert self.record is Found.ACCEPTED

    @invariant()
    def what_is_settled_is_what_the_partner_has(self) -> None:
        ends = {LinkedThere.REFUSED: Found.REFUSED}
        if self.point.there in ends:
            assert self.record is ends[self.point.there]

    @invariant()
    def what_is_open_goes_on_some_time(self) -> None:
        if self.point.there in (LinkedThere.REQUESTED, LinkedThere.WAITING):
            assert self.point.todo in (Todo.ASK, Todo.LOOK)
            assert self.due <= max(self.now, NOON) + timedelta(days=8)


Attempt.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_whatever_is_lost_told_twice_or_late_an_attempt_ends_as_the_partner_has_it = Attempt.TestCase
