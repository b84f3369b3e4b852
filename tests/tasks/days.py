"""Stores in several time zones that plan day after day, and what must never happen, told apart from how it is done.

Nothing of how customers are chosen is used to tell: a log of what was handed out, and of what was done, is looked at.
"""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tasks.models import PlanSetting, RevisitRule, Trigger, Verdict
from tasks.models.choosing import choose
from tasks.models.hours import EMERGENCY, times
from tasks.models.judging import judge
from tests.tasks.revisiting import day as day_of
from tests.tasks.revisiting import rule, setting, subject

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Nuuk", "Asia/Kathmandu")

QUIET = (("21:00", "09:00"), ("22:30", "07:15"), ("01:00", "10:00"), ("12:00", "12:00"))


@dataclass(frozen=True)
class Given:
    """A customer who was handed to a guide for a store's day; `heard_at` is when the phone may sound."""

    customer: int
    account: UUID
    store: int
    day: date
    heard_at: datetime
    priority: int
    is_by_plan: bool = True


@dataclass
class Person:
    """A customer of one store or two: who holds them in each, and what is known by now."""

    holders: dict[int, UUID]
    primary: int
    turned_to: date | None = None
    do_not_contact: bool = False
    is_open: bool = False
    opened: date | None = None


@dataclass
class Town:
    """Some stores, each in a time zone of its own, with a setting of its own."""

    dice: random.Random
    zones: list[str]
    settings: list[PlanSetting]
    rules: list[RevisitRule]
    people: dict[int, Person]
    log: list[Given] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def build(seed: int) -> Town:
    dice = random.Random(seed)
    zones = dice.sample(ZONES, 3)
    guides = {store: [UUID(int=100 * store + number) for number in (1, 2)] for store in range(3)}
    people = {}
    for number in range(30):
        stores = dice.sample(range(3), dice.choice((1, 1, 2)))
        people[number] = Person({store: dice.choice(guides[store]) for store in stores}, primary=stores[0])
    return Town(dice, zones, [_setting(dice) for _ in range(3)], _rules(dice), people)


def _setting(dice: random.Random) -> PlanSetting:
    quiet_from, quiet_until = dice.choice(
        (("21:00", "09:00"), ("22:30", "07:15"), ("01:00", "10:00"), ("12:00", "12:00"))
    )
    return setting(
        plans_at=dice.choice(("00:30", "02:30", "06:00", "23:30")),
        quota=dice.randint(1, 4),
        cool_down_days=dice.randint(0, 9),
        quiet_from=quiet_from,
        quiet_until=quiet_until,
    )


def _rules(dice: random.Random) -> list[RevisitRule]:
    many: list[RevisitRule] = [
        rule(Trigger.NO_CONTACT, 0, weight=dice.randint(1, 5), priority=dice.choice((40, EMERGENCY)))
    ]
    many.append(rule(Trigger.BIRTHDAY_MONTH, dice.randint(0, 9), weight=dice.randint(1, 5), priority=60))
    return many


def live(town: Town, first: date, days: int) -> None:
    """Let so many days pass: at each store's hour it plans, and in between guides and customers do what they do."""
    moments = sorted(
        (_moment(town, store, first + timedelta(days=number)), store) for number in range(days) for store in range(3)
    )
    for moment, store in moments:
        _something_happens(town, store, moment)
        _plan(town, store, moment)


def _moment(town: Town, store: int, day: date) -> datetime:
    """Some time after the store's hour, as late as a worker may come; never on another day than that."""
    local = datetime.combine(day, datetime.min.time(), ZoneInfo(town.zones[store]))
    return local.astimezone(UTC) + timedelta(minutes=town.dice.choice((0, 30, 150, 360, 900, 1300)))


def _something_happens(town: Town, store: int, moment: datetime) -> None:
    today = _day(town, store, moment)
    for person in town.people.values():
        if store not in person.holders:
            continue
        chance = town.dice.random()
        if person.is_open and chance < 0.5:
            person.is_open, person.turned_to = False, max(today, person.opened or today)
        elif chance > 0.97:
            person.do_not_contact = not person.do_not_contact
        elif chance > 0.95 and not person.is_open:
            person.turned_to = today  # they came by themselves, and somebody noted it


def _plan(town: Town, store: int, moment: datetime) -> None:
    day, its = _day(town, store, moment), town.settings[store]
    already = Counter(each.account for each in town.log if each.store == store and each.day == day)
    judged = [
        judge(town.rules, its, _subject(number, person, store), day_of(day))
        for number, person in town.people.items()
        if store in person.holders
    ]
    priorities = {each.id: each.priority for each in town.rules}
    for choice in choose(judged, town.rules, its, already, day):
        if choice.verdict is not Verdict.CHOSEN:
            continue
        number, priority = choice.subject.customer_id.int, priorities[choice.match.rule_id]
        heard_at = times(its, town.zones[store], day, moment, priority).alert_at
        _note(town, Given(number, choice.subject.account_id, store, day, heard_at, priority))


def _note(town: Town, given: Given) -> None:
    """Look at what is known at that moment, then let the task be there."""
    person, its = town.people[given.customer], town.settings[given.store]
    if person.do_not_contact:
        town.wrong.append("do_not_contact")
    if person.is_open:
        town.wrong.append("two at once")
    if person.turned_to is not None and (given.day - person.turned_to).days < its.cool_down_days:
        town.wrong.append("cool_down")
    if given.account != person.holders[given.store]:
        town.wrong.append("not the holder's")
    local = given.heard_at.astimezone(ZoneInfo(town.zones[given.store])).time()
    if given.priority < EMERGENCY and local.strftime("%H:%M") in _quiet(its.quiet_from, its.quiet_until):
        town.wrong.append("quiet hours")
    person.is_open, person.opened = True, given.day
    person.turned_to = max(given.day, person.turned_to or given.day)
    town.log.append(given)


def broken(town: Town) -> set[str]:
    """Which promises were broken."""
    found = set(town.wrong)
    per_day = Counter((each.account, each.store, each.day) for each in town.log)
    if any(count > town.settings[store].quota for (_, store, _), count in per_day.items()):
        found.add("quota")
    guides: dict[tuple[int, date], set[UUID]] = defaultdict(set)
    for each in town.log:
        guides[each.customer, each.day].add(each.account)
    if any(len(accounts) > 1 for accounts in guides.values()) or any(
        count > 1 for count in Counter((each.customer, each.day) for each in town.log).values()
    ):
        found.add("two calls on one day")
    return found


@cache
def _quiet(begins: str, ends: str) -> frozenset[str]:
    """What the clock shows in quiet hours, minute by minute."""
    hours = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(1440)]
    first, last = hours.index(begins), hours.index(ends)
    return frozenset(hours[first:last] if first <= last else hours[first:] + hours[:last])


def _subject(number: int, person: Person, store: int) -> Any:
    return subject(
        customer_id=UUID(int=number),
        relationship_id=UUID(int=1000 * store + number + 1),
        account_id=person.holders[store],
        is_primary=store == person.primary,
        do_not_contact=person.do_not_contact,
        is_open=person.is_open,
        turned_to=person.turned_to,
        net_12_months=number * 1000,
        since=date(2020, 1, 1),
        birthday=date(1990, 1 + number % 12, 1 + number % 28),
    )


def _day(town: Town, store: int, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(town.zones[store])).date()
