"""Whatever guides, managers, customers and the clock do to tasks: rows and history are as a plain ledger has them."""

import asyncio
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel import clock, feed
from kernel.actor import Actor, Role, system
from kernel.db import Database
from kernel.errors import Refusal
from kernel.redis import connect
from kernel.work import Ground, unit_of_work
from server.wiring import wiring
from tasks import commands
from tasks.commands import closing, settling, snoozing, tending
from tasks.errors import SnoozeInThePast
from tasks.models import Outcome, SkipReason, Task, TaskKind, TaskSource, TaskStep
from tests.factories import World, build_customer, build_world, relationship_of, said
from tests.mall.trading import place

START = datetime(2026, 5, 30, 4, tzinfo=UTC)  # noon in Shanghai, where clocks are never put
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORDS = st.sampled_from((None, "忙"))
CHANCE = st.integers(0, 9)
PEOPLE = st.sampled_from((0, 0, 0, 1, 2, 2, 2, 3, 4))  # two guides, their manager, headquarters, a guide next door
SETTLED = ("revisit", "retention", "welcome", "campaign")


class Refused(Exception):
    """What the ledger's keeper would say no to, by its code."""


@dataclass
class Line:
    """A task as the ledger has it; `steps` are the kinds of what happened to it."""

    keeper: UUID
    due: datetime
    kind: str = "todo"
    source: str = "person"
    by: UUID | None = None
    customer: UUID | None = None
    claimed: date | None = None
    expires: datetime | None = None
    escalates: datetime | None = None
    alert: datetime | None = None
    made: datetime = START
    state: str = "pending"
    version: int = 1
    asleep_until: datetime | None = None
    seen: datetime | None = None
    escalated: datetime | None = None
    closed: datetime | None = None
    closed_by: UUID | None = None
    order: UUID | None = None
    outcome: str | None = None
    skipped_for: str | None = None
    remark: str | None = None
    steps: list[str] = field(default_factory=lambda: ["added"])

    def note(self, step: str) -> None:
        self.version += 1
        self.steps.append(step)

    def close(self, state: str, at: datetime, by: UUID | None) -> None:
        self.require_open()
        self.state, self.closed, self.closed_by = state, at, by
        self.note(state)

    def require_open(self) -> None:
        if self.state != "pending":
            raise Refused("TASK_CLOSED")


def heard(at: datetime, priority: int = 50) -> datetime:
    """Nine o'clock in Shanghai where it is night there."""
    hour = (at + 8 * HOUR).hour
    if priority == 100 or 9 <= hour < 21:
        return at
    nine = (at + 8 * HOUR).replace(hour=9, minute=0, second=0, microsecond=0) - 8 * HOUR
    return nine if hour < 9 else nine + DAY


def day_of(at: datetime) -> date:
    return (at + 8 * HOUR).date()


class Life(RuleBasedStateMachine):
    """A store's people, its customers, its clock, and a ledger that is kept beside it."""

    ground: Ground
    world: World
    loop: asyncio.AbstractEventLoop
    worlds = 0

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.ledger: dict[UUID, Line] = {}
        self.customers: list[tuple[Customer, UUID, UUID]] = []  # with the relationship, and the account that holds it

    def run(self, work: Any) -> Any:
        with clock.stopped_at(self.now):
            return self.loop.run_until_complete(work)

    async def do(self, actor: Actor, command: Callable[..., Any], *given: Any, **named: Any) -> Any:
        try:
            async with unit_of_work(self.ground, actor) as work:
                return await command(work, *given, **named)
        except Refusal as refusal:
            return refusal.code

    @initialize()
    def open_the_store(self) -> None:
        Life.worlds += 1
        self.world = self.run(build_world(self.ground, f"w{Life.worlds}"))
        shop = self.world.shop
        self.actors = [shop.guide, shop.other_guide, shop.manager, self.world.hq, self.world.shops[1].guide]
        self.accounts = [shop.guide.account_ids[0], shop.other_guide.account_ids[0], shop.public.id]
        for holder in (shop.guide, shop.guide, shop.other_guide):
            customer = self.run(build_customer(self.ground, holder))
            relationship = self.run(relationship_of(self.ground, customer))
            self.customers.append((customer, relationship.id, holder.account_ids[0]))
        self._ask(0, None, 10, 2)
        self._plan(0, 0)

    # What is asked for -------------------------------------------------------------------------------------------

    @rule(
        keeper=st.integers(0, 2), about=st.integers(0, 2) | st.none(), hours=st.integers(0, 60), ends=st.integers(0, 3)
    )
    def ask(self, keeper: int, about: int | None, hours: int, ends: int) -> None:
        self._ask(keeper, about, hours, ends)

    def _ask(self, keeper: int, about: int | None, hours: int, ends: int) -> None:
        due = self.now + hours * HOUR
        expires = due + ends * DAY if ends else None
        account, customer = self.accounts[keeper], None
        given: dict[str, Any] = {"account_id": account}
        if about is not None:
            known, _, account = self.customers[about]
            customer, given = known.id, {"customer_id": known.id, "kind": TaskKind.REVISIT}
        manager = self.world.shop.manager
        made = self.run(self.do(manager, commands.add, title="做事", due_at=due, expires_at=expires, **given))
        self.ledger[made.id] = Line(
            account,
            due,
            kind="todo" if about is None else "revisit",
            by=manager.id,
            customer=customer,
            expires=expires,
            escalates=due + DAY,
            alert=heard(self.now),
            made=self.now,
        )

    @rule(about=st.integers(0, 2), ahead=st.integers(0, 2))
    def plan(self, about: int, ahead: int) -> None:
        self._plan(about, ahead)

    def _plan(self, about: int, ahead: int) -> None:
        customer, relationship_id, holder = self.customers[about]
        day = day_of(self.now) + ahead * DAY
        times = {"due_at": self.now + HOUR, "escalates_at": self.now + 2 * DAY, "expires_at": self.now + 3 * DAY}
        row = {
            "kind": TaskKind.RETENTION,
            "title": "挽回",
            "source": TaskSource.RULE,
            "relationship_id": relationship_id,
            "contact_day": day,
            "alert_at": heard(self.now),
            **times,
        }
        made = self.run(self.do(system(self.world.brand.id), commands.add_made, [row]))
        is_taken = any(line.customer == customer.id and line.claimed == day for line in self.ledger.values())
        assert len(made) == (0 if is_taken else 1)
        for task_id in made:
            self.ledger[task_id] = Line(
                holder,
                times["due_at"],
                kind="retention",
                source="rule",
                customer=customer.id,
                claimed=day,
                expires=times["expires_at"],
                escalates=times["escalates_at"],
                alert=heard(self.now),
                made=self.now,
            )

    # What people do ----------------------------------------------------------------------------------------------

    @rule(who=PEOPLE, some=st.data(), outcome=st.sampled_from(Outcome) | st.none())
    def complete(self, who: int, some: Any, outcome: Outcome | None) -> None:
        def done(line: Line) -> None:
            line.close("done", self.now, self.actors[who].id)
            line.outcome = outcome and outcome.value

        self._change(who, some, commands.complete_many, self._keeps, done, outcome=outcome)

    @rule(who=PEOPLE, some=st.data(), reason=st.sampled_from(SkipReason), words=st.sampled_from((None, "忙")))
    def skip(self, who: int, some: Any, reason: SkipReason, words: str | None) -> None:
        def skipped(line: Line) -> None:
            line.close("skipped", self.now, self.actors[who].id)
            line.skipped_for, line.remark = reason.value, words

        invalid = "INVALID" if reason is SkipReason.OTHER and words is None else None
        self._change(who, some, commands.skip_many, self._keeps, skipped, invalid, reason=reason, remark=words)

    @rule(who=PEOPLE, some=st.data())
    def cancel(self, who: int, some: Any) -> None:
        def may(actor: Actor, line: Line) -> None:
            if line.by == actor.id:
                return
            self._keeps(actor, line)
            if actor.role is Role.GUIDE and line.source != "person":
                raise Refused("SKIP_INSTEAD")

        self._change(
            who, some, commands.cancel_many, may, lambda line: line.close("cancelled", self.now, self.actors[who].id)
        )

    @rule(who=PEOPLE, some=st.data(), hours=st.integers(-1, 100))
    def snooze(self, who: int, some: Any, hours: int) -> None:
        until = self.now + hours * HOUR

        def put_off(line: Line) -> None:
            line.require_open()
            if hours <= 0:
                raise Refused("SNOOZE_IN_THE_PAST")
            later = max(until - line.due, timedelta())
            line.asleep_until, line.alert = until, heard(until)
            line.due += later
            line.escalates = line.escalates + later if line.escalates else None
            line.expires = line.expires + later if line.expires else None
            if line.claimed is not None and day_of(until) > line.claimed:
                others = [each for each in self.draft.values() if each.customer == line.customer and each is not line]
                if any(each.claimed == day_of(until) for each in others):
                    raise Refused("CONTACT_TAKEN")
                line.claimed = day_of(until)
            line.note("snoozed")

        self._change(who, some, commands.snooze_many, self._keeps, put_off, until=until)

    @rule(who=PEOPLE, some=st.data())
    def open(self, who: int, some: Any) -> None:
        def may(actor: Actor, line: Line) -> None:
            if line.keeper not in actor.account_ids:
                raise Refused("FORBIDDEN")

        def see(line: Line) -> None:
            if line.seen is None and line.state == "pending":
                line.seen = self.now
                line.note("seen")

        self._change(who, some, commands.mark_seen, may, see)

    @rule(who=PEOPLE, some=st.data(), to=st.integers(0, 2))
    def reassign(self, who: int, some: Any, to: int) -> None:
        def may(actor: Actor, _line: Line) -> None:
            if actor.role is Role.GUIDE:
                raise Refused("FORBIDDEN")

        def give(line: Line) -> None:
            line.require_open()
            if line.customer is not None:
                raise Refused("TASK_FOLLOWS_CUSTOMER")
            if line.keeper != self.accounts[to]:
                line.keeper, line.seen = self.accounts[to], None
                line.alert = max(heard(self.now), line.alert or self.now)
                line.note("moved")

        self._change(who, some, commands.reassign_many, may, give, to_account_id=self.accounts[to])

    @rule(some=st.data())
    def two_phones_at_once(self, some: Any) -> None:
        [task_id] = self._some(some, 1)
        line = self.ledger[task_id]
        answers = self.run(self._race(task_id))
        codes = [answer for answer in answers if isinstance(answer, str)]
        if line.state != "pending":
            assert codes == ["TASK_CLOSED"] * 2
            return
        assert codes == ["TASK_CLOSED"]
        line.close("done", self.now, self.world.shop.manager.id)
        line.outcome = "reached" if isinstance(answers[1], str) else "appointment"

    async def _race(self, task_id: UUID) -> Sequence[Any]:
        manager = self.world.shop.manager
        return await asyncio.gather(
            self.do(manager, commands.complete, task_id, outcome=Outcome.REACHED),
            self.do(manager, commands.complete, task_id, outcome=Outcome.APPOINTMENT),
        )

    # What time and customers do ----------------------------------------------------------------------------------

    @rule(minutes=st.integers(1, 3000), sees_to=st.booleans())
    def wait(self, minutes: int, sees_to: bool) -> None:
        self.now += timedelta(minutes=minutes)
        if not sees_to:
            return
        self.run(self.do(system(self.world.brand.id), tending.tend_store, self.world.shop.store.id))
        for line in self.ledger.values():
            if line.state == "pending" and line.expires and line.expires <= self.now:
                line.close("expired", self.now, None)
            elif line.state == "pending" and line.escalates and line.escalates <= self.now and not line.escalated:
                line.escalated = self.now
                line.note("escalated")

    @rule(about=st.integers(0, 2), minutes_ago=st.integers(0, 600))
    def buy(self, about: int, minutes_ago: int) -> None:
        customer, at = self.customers[about][0], self.now - timedelta(minutes=minutes_ago)
        order = self.run(place(self.ground, self.world, customer, placed_at=at))
        self.run(self.do(system(self.world.brand.id), settling.settle_by_order, order.id))
        for line in self.ledger.values():
            is_asked_back = line.customer == customer.id and line.kind in SETTLED and line.made < at
            if line.state == "pending" and is_asked_back:
                line.close("done", self.now, None)
                line.outcome, line.order = "bought", order.id

    # The ledger --------------------------------------------------------------------------------------------------

    def _some(self, data: Any, most: int = 3) -> list[UUID]:
        still_open = [task_id for task_id, line in self.ledger.items() if line.state == "pending"]
        there = still_open if still_open and data.draw(CHANCE) < 8 else list(self.ledger)
        size = 1 if data.draw(CHANCE) < 6 else data.draw(st.integers(1, min(most, len(there))))
        return list(data.draw(st.permutations(there)))[:size]

    def _keeps(self, actor: Actor, line: Line) -> None:
        if actor is not self.world.shop.manager and line.keeper not in actor.account_ids:
            raise Refused("FORBIDDEN")

    def _sees(self, actor: Actor, line: Line) -> bool:
        shop = self.world.shop
        return actor in (shop.manager, self.world.hq) or line.keeper in actor.account_ids

    def _change(
        self,
        who: int,
        data: Any,
        command: Callable[..., Any],
        may: Callable[[Actor, Line], None],
        act: Callable[[Line], None],
        invalid: str | None = None,
        **given: Any,
    ) -> None:
        """Do it to some tasks, here and in the ledger: to all of them, or to none for the same reason."""
        actor, chosen = self.actors[who], self._some(data)
        self.draft = deepcopy(self.ledger)
        lines = [self.draft[task_id] for task_id in sorted(chosen)]
        expected = None
        try:
            if not all(self._sees(actor, line) for line in lines):
                raise Refused("NOT_FOUND")
            for line in lines:
                may(actor, line)
            if invalid:
                raise Refused(invalid)
            for line in lines:
                act(line)
        except Refused as refusal:
            expected = str(refusal)
        answer = self.run(self.do(actor, command, chosen, **given))
        assert (answer if isinstance(answer, str) else None) == expected, (answer, expected)
        if expected is None:
            self.ledger = self.draft

    @invariant()
    def the_ledger_agrees(self) -> None:
        if self.ledger:
            self.run(self._compare())

    async def _compare(self) -> None:
        brand_id = self.world.brand.id
        async with self.ground.db.read() as session:
            tasks = (await session.scalars(select(Task).where(col(Task.brand_id) == brand_id))).all()
            found = await session.scalars(
                select(TaskStep).where(col(TaskStep.brand_id) == brand_id).order_by(col(TaskStep.id))
            )
            steps: dict[UUID, list[str]] = {task.id: [] for task in tasks}
            for step in found:
                steps[step.task_id].append(step.kind.value)
        assert {task.id: _as_kept(task, steps[task.id]) for task in tasks} == self.ledger
        told = await said(self.ground, feed.of_desk(self.world.shop.store.id))
        changes = [task_id for _, kind, task_id in told if kind == "task"]
        assert len(changes) == sum(line.version for line in self.ledger.values())


def _as_kept(task: Task, steps: list[str]) -> Line:
    return Line(
        keeper=task.account_id,
        due=task.due_at,
        kind=task.kind.value,
        source=task.source.value,
        by=task.created_by_id,
        customer=task.customer_id,
        claimed=task.contact_day,
        expires=task.expires_at,
        escalates=task.escalates_at,
        alert=task.alert_at,
        made=task.created_at,
        state=task.state.value,
        version=task.version,
        asleep_until=task.snoozed_until,
        seen=task.seen_at,
        escalated=task.escalated_at,
        closed=task.closed_at,
        closed_by=task.closed_by_id,
        order=task.closed_by_order_id,
        outcome=task.outcome and task.outcome.value,
        skipped_for=task.skip_reason and task.skip_reason.value,
        remark=task.outcome_remark,
        steps=steps,
    )


def live(database_url: str, examples: int) -> None:
    loop = asyncio.new_event_loop()
    db = Database(database_url)
    Life.ground, Life.loop = Ground(db, connect(None), wiring), loop
    try:
        run_state_machine_as_test(
            Life,
            settings=settings(
                max_examples=examples,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],  # a failure is told at once: shrinking it on a database takes minutes
            ),
        )
    finally:
        loop.run_until_complete(Life.ground.redis.aclose(close_connection_pool=True))
        loop.run_until_complete(db.close())
        loop.close()


def test_tasks_live_as_the_ledger_says(database_url: str) -> None:
    live(database_url, examples=8)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("mutant", ["keeps the claim", "never moves the end", "closes twice", "forgets a line"])
def test_a_life_that_goes_otherwise_is_noticed(database_url: str, mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if mutant == "keeps the claim":
        monkeypatch.setattr(snoozing, "_claim_anew", lambda *_: None)
    elif mutant == "never moves the end":
        monkeypatch.setattr(Task, "snooze", _snooze_carelessly)
    elif mutant == "closes twice":
        monkeypatch.setattr(Task, "require_pending", lambda _task: None)
    else:
        monkeypatch.setattr(closing, "change", _change_silently)

    with pytest.raises((AssertionError, BaseExceptionGroup)):
        live(database_url, examples=12)


def _snooze_carelessly(task: Task, now: datetime, until: datetime, alert_at: datetime) -> None:
    task.require_pending()
    if until <= now:
        raise SnoozeInThePast
    task.snoozed_until, task.alert_at, task.due_at = until, alert_at, max(task.due_at, until)
    task.version += 1


async def _change_silently(_work: Any, _ids: Any, tasks: Sequence[Task], act: Any, _happened: Any) -> list[Task]:
    for task in tasks:
        act(task)
    return list(tasks)
