"""Judge customers by rules: what their behaviour says of a tag, and why, in words."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from operator import eq, ge, gt, le, lt, ne

from tagging.models.behaviour import window
from tagging.models.expressions import All, Compare, Node, Not, Op, Some
from tagging.models.measuring import Plan, Rule, Tallies, Tally, bases_of, behaviour_in

WHOLE = 10_000  # hundredths of a percent
_NOTHING = Tally()
_COMPARED: dict[Op, Callable[[int, int], bool]] = {
    Op.IS: eq,
    Op.IS_NOT: ne,
    Op.LESS: lt,
    Op.AT_MOST: le,
    Op.MORE: gt,
    Op.AT_LEAST: ge,
}

Truth = bool | None
Test = Callable[[Tallies], Truth]
Measure = tuple[int, int] | None


class Finding(StrEnum):
    """What behaviour says of a rule's tag on a customer; `unknown` is too little behaviour to say."""

    FOR = "for"
    AGAINST = "against"
    UNKNOWN = "unknown"


class Judge:
    """A rule made ready to judge many customers as of one day."""

    def __init__(self, rule: Rule, plan: Plan, day: date) -> None:
        self.rule, self._plan, self._day = rule, plan, day
        self._behaviour = [plan.places[basis] for basis in behaviour_in(window(*rule.trees))]
        self._condition = self._test(rule.condition)
        self._enough = self._test(rule.enough) if rule.enough else None

    def find(self, tallies: Tallies) -> Finding:
        """For or against; unknown without behaviour in the rule's window, without enough of it, or where the
        condition hangs on a measure that there is not."""
        if not any(place in tallies for place in self._behaviour):
            return Finding.UNKNOWN
        if self._enough and not self._enough(tallies):
            return Finding.UNKNOWN
        is_met = self._condition(tallies)
        if is_met is None:
            return Finding.UNKNOWN
        return Finding.FOR if is_met else Finding.AGAINST

    def measure(self, compare: Compare, tallies: Tallies) -> Measure:
        """What is compared, as a fraction in the units of the word's kind; none if there is no such thing."""
        return self._measure(compare)(tallies)

    def _test(self, node: Node) -> Test:
        match node:
            case Compare():
                return self._comparison(node)
            case Not(part):
                test = self._test(part)
                return lambda tallies: _negated(test(tallies))
            case All(parts):
                tests = [self._test(part) for part in parts]
                return lambda tallies: _every(tests, tallies)
            case Some(parts):
                some = [self._test(part) for part in parts]
                return lambda tallies: _any(some, tallies)

    def _comparison(self, compare: Compare) -> Test:
        measure, is_so, wanted = self._measure(compare), _COMPARED[compare.op], int(compare.values[0])

        def test(tallies: Tallies) -> Truth:
            found = measure(tallies)
            return None if found is None else is_so(found[0], wanted * found[1])

        return test

    def _measure(self, compare: Compare) -> Callable[[Tallies], Measure]:
        places = [self._plan.places[basis] for basis in bases_of(compare)]
        first, last, of, day = places[0], places[-1], _MEASURES[compare.word], self._day

        def measure(tallies: Tallies) -> Measure:
            over, under = of(tallies.get(first, _NOTHING), tallies.get(last, _NOTHING), day)
            return (over, under) if under > 0 else None

        return measure


def _negated(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _every(tests: list[Test], tallies: Tallies) -> Truth:
    result: Truth = True
    for test in tests:
        truth = test(tallies)
        if truth is False:
            return False
        result = None if truth is None else result
    return result


def _any(tests: list[Test], tallies: Tallies) -> Truth:
    result: Truth = False
    for test in tests:
        truth = test(tallies)
        if truth is True:
            return True
        result = None if truth is None else result
    return result


def _since(tally: Tally, _whole: Tally, day: date) -> tuple[int, int]:
    return ((day - max(tally.days)).days, 1) if tally.days else (0, 0)


# From what was counted, and what it is a share of, to a fraction.
_MEASURES: dict[str, Callable[[Tally, Tally, date], tuple[int, int]]] = {
    "share": lambda tally, whole, _: (tally.amount * WHOLE, whole.amount),
    "line_share": lambda tally, whole, _: (tally.lines * WHOLE, whole.lines),
    "order_share": lambda tally, whole, _: (tally.count * WHOLE, whole.count),
    "spend": lambda tally, _whole, _day: (tally.amount, 1),
    "quantity": lambda tally, _whole, _day: (tally.quantity, 1),
    "orders": lambda tally, _whole, _day: (tally.count, 1),
    "purchase_days": lambda tally, _whole, _day: (len(tally.days), 1),
    "average_order": lambda tally, _whole, _day: (tally.paid, tally.count),
    "days_since_purchase": _since,
    "visits": lambda tally, _whole, _day: (tally.count, 1),
    "days_since_visit": _since,
    "refunds": lambda tally, _whole, _day: (tally.count, 1),
    "refunded": lambda tally, _whole, _day: (tally.paid, 1),
}
