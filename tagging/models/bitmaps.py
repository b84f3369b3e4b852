"""Who meets an expression, by bitmaps: labels by set operations, quantities by comparing bit by bit.

After P. O'Neil and D. Quass, "Improved query performance with variant indexes", SIGMOD 1997.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from pyroaring import BitMap

from tagging.models.expressions import Compare, Node, Op
from tagging.models.expressions.tree import All, Not, Some
from tagging.models.facts import RISKS, SHAPE_OF, Shape, Today
from tagging.models.terms import (
    AT_RISK,
    DAY_DIGITS,
    DAYS,
    DO_NOT_CONTACT,
    EVERYBODY,
    LAPSED,
    NUMBERS,
    ONE_DAY,
    OPEN_LABELS,
    day_number,
    known,
    slices,
)

Read = Callable[[str], BitMap]
"""The customers that are found under a term, by their numbers. They are shared: never changed in place."""

_SCORES = range(1, 6)
_CLOSED_LABELS: Mapping[str, Sequence[int | str]] = {"birthday_month": range(1, 13), "churn_risk": RISKS}

_MIRRORED = {Op.LESS: Op.MORE, Op.AT_MOST: Op.AT_LEAST, Op.MORE: Op.LESS, Op.AT_LEAST: Op.AT_MOST}


def matching(node: Node, today: Today, read: Read) -> BitMap:
    """The numbers of the customers that meet a prepared expression."""
    match node:
        case Compare():
            return _compared(node, today, read)
        case Not(part):
            return read(EVERYBODY) - matching(part, today, read)
        case All(parts):
            return BitMap.intersection(*(matching(part, today, read) for part in parts))
        case Some(parts):
            return BitMap.union(*(matching(part, today, read) for part in parts))


def terms_for(node: Node, today: Today) -> set[str]:
    """The terms that `matching` reads."""
    asked: set[str] = set()

    def note(term: str) -> BitMap:
        asked.add(term)
        return BitMap()

    matching(node, today, note)
    return asked


def _compared(compare: Compare, today: Today, read: Read) -> BitMap:
    match SHAPE_OF[compare.word]:
        case Shape.SET:
            found = _union([_carriers(compare.word, str(value), today, read) for value in compare.values])
            return read(EVERYBODY) - found if _is_negative(compare) else found
        case Shape.LABEL:
            return _labelled(compare, read)
        case Shape.NUMBER:
            digits = NUMBERS[compare.word]
            return _ordered(compare.op, int(compare.values[0]), compare.word, digits, read(EVERYBODY), read)
        case Shape.DAY:
            day = day_number(today.day - timedelta(days=int(compare.values[0])))
            name = DAYS[compare.word]
            return _by_day(_MIRRORED.get(compare.op, compare.op), day, name, read)
        case Shape.FLAG:
            return _flagged(compare, today, read)
        case Shape.BAND:
            found = _union([_in_band(str(band), today, read) for band in compare.values])
            return read(EVERYBODY) - found if _is_negative(compare) else found
        case Shape.SEGMENT:
            raise AssertionError("segments are put in before")


def _carriers(word: str, value: str, today: Today, read: Read) -> BitMap:
    if word == "stale_tag":
        return _by_day(Op.LESS, day_number(today.day), f"until:{value}", read)
    return read(f"{word}:{value}")


def _labelled(compare: Compare, read: Read) -> BitMap:
    """A label that isn't known is never other than something: what is excluded is taken from those that have one."""
    word, op = compare.word, compare.op
    if op is Op.IS or op is Op.IN:
        return _union([read(f"{word}:{value}") for value in compare.values])
    if word in OPEN_LABELS:
        return read(known(word)) - _union([read(f"{word}:{value}") for value in compare.values])
    known_ones = _CLOSED_LABELS.get(word, _SCORES)
    return _union([read(f"{word}:{label}") for label in known_ones if _meets(op, label, compare.values)])


def _meets(op: Op, label: int | str, values: Sequence[object]) -> bool:
    if op is Op.IS_NOT or op is Op.NOT_IN:
        return label not in values
    number, first = int(label), int(str(values[0]))
    match op:
        case Op.LESS:
            return number < first
        case Op.AT_MOST:
            return number <= first
        case Op.MORE:
            return number > first
        case _:
            return number >= first


def _flagged(compare: Compare, today: Today, read: Read) -> BitMap:
    wants = bool(compare.values[0]) is (compare.op is Op.IS)
    if compare.word == "do_not_contact":
        return read(DO_NOT_CONTACT) if wants else read(EVERYBODY) - read(DO_NOT_CONTACT)
    months = [month for month in range(1, 13) if (month == today.day.month) is wants]
    return _union([read(f"birthday_month:{month}") for month in months])


def _in_band(band: str, today: Today, read: Read) -> BitMap:
    at_risk = _by_day(Op.AT_MOST, day_number(today.day), AT_RISK, read)
    lapsed = _by_day(Op.AT_MOST, day_number(today.day), LAPSED, read)
    bought = read(known(AT_RISK)) & read(known(LAPSED))
    match band:
        case "none":
            return read(EVERYBODY) - bought
        case "lapsed":
            return bought & lapsed
        case "at_risk":
            return (bought & at_risk) - lapsed
    calm = bought - at_risk - lapsed
    return calm & read(ONE_DAY) if band == "new" else calm - read(ONE_DAY)


def _by_day(op: Op, day: int, name: str, read: Read) -> BitMap:
    return _ordered(op, day, name, DAY_DIGITS, read(known(name)), read)


def _ordered(op: Op, bound: int, name: str, digits: int, among: BitMap, read: Read) -> BitMap:
    """Those whose number compares so with the bound: from the highest digit down, who is still equal."""
    by_digit = [read(term) for term in slices(name, digits)]
    less, equal = BitMap(), among
    for digit in reversed(range(digits)):
        if bound >> digit & 1:
            less = less | (equal - by_digit[digit])
            equal = equal & by_digit[digit]
        else:
            equal = equal - by_digit[digit]
    match op:
        case Op.IS:
            return equal
        case Op.IS_NOT:
            return among - equal
        case Op.LESS:
            return less
        case Op.AT_MOST:
            return less | equal
        case Op.MORE:
            return among - less - equal
        case _:
            return among - less


def _union(found: Sequence[BitMap]) -> BitMap:
    return BitMap.union(*found) if found else BitMap()


def _is_negative(compare: Compare) -> bool:
    return compare.op in (Op.IS_NOT, Op.NOT_IN)
