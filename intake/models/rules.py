"""Turn a mapping's rules into functions of a row; nothing in a mapping is ever executed as code."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from intake.errors import NumberWrong, PlaceUnknown
from intake.models.cells import Refused, text
from intake.models.words import Condition, GuideRule, StoreRule, ValueRule, slots

Fields = Mapping[str, str]
Number = Callable[[str], Decimal]
Test = Callable[[Fields], bool]
Value = TypeVar("Value")

_CODE, _NAME = 32, 60


@dataclass(frozen=True, slots=True)
class Place:
    """A store or guide that a row names; `rule` says how to create it."""

    code: str
    name: str
    rule: int
    must_exist: bool


def test_of(condition: Condition, number: Number) -> Test:
    """The condition as a function of a row's fields."""
    field = condition.field
    if condition.equals is not None:
        wanted = condition.equals
        return lambda fields: fields[field] == wanted
    if condition.one_of is not None:
        among = frozenset(condition.one_of)
        return lambda fields: fields[field] in among
    if condition.matches is not None:
        fits = re.compile(condition.matches).fullmatch
        return lambda fields: fits(fields[field]) is not None
    if condition.blank is not None:
        blank = condition.blank
        return lambda fields: (not fields[field]) is blank
    return _comparison(condition, field, number)


def _comparison(condition: Condition, field: str, number: Number) -> Test:
    if (above := condition.above) is not None:
        return lambda fields: named(field, number, fields[field]) > above
    if (below := condition.below) is not None:
        return lambda fields: named(field, number, fields[field]) < below
    if (least := condition.at_least) is not None:
        return lambda fields: named(field, number, fields[field]) >= least
    most = condition.at_most
    return lambda fields: most is not None and named(field, number, fields[field]) <= most


def named(field: str, read: Callable[[str], Value], cell: str) -> Value:
    """Read a cell; a refusal names the field."""
    try:
        return read(cell)
    except Refused as refused:
        refused.field = field
        raise


def all_of(conditions: Sequence[Condition], number: Number) -> Test:
    """Whether every condition holds; without conditions, always."""
    tests = [test_of(condition, number) for condition in conditions]
    match tests:
        case []:
            return lambda _fields: True
        case [one]:
            return one
        case _:
            return lambda fields: _all(tests, fields)


def _all(tests: Sequence[Test], fields: Fields) -> bool:
    for test in tests:  # noqa: SIM110 - a generator costs twice as much, half a million times
        if not test(fields):
            return False
    return True


def any_of(conditions: Sequence[Condition], number: Number) -> Test:
    """Whether one of the conditions holds; without conditions, never."""
    tests = [test_of(condition, number) for condition in conditions]
    if len(tests) == 1:
        return tests[0]
    return lambda fields: any(test(fields) for test in tests)


def value_of(rule: ValueRule) -> Callable[[Fields], str]:
    """The worked-out value of a row; blank when the field is blank."""
    part = re.compile(rule.part).fullmatch if rule.part else None

    def value(fields: Fields) -> str:
        cell = fields[rule.field]
        if part is not None and cell:
            found = part(cell)
            if found is None or found.group(1) is None:
                raise Refused("doesn't have the form the mapping expects.", "与映射要求的形式不符。", field=rule.field)
            cell = found.group(1)
        if not rule.is_number or not cell:
            return cell
        if not (cell.isascii() and cell.isdigit() and len(cell) <= 18):
            raise Refused("not a plain number.", "不是纯数字。", NumberWrong, rule.field)
        result = int(cell) // (rule.div or 1)
        return str(result % rule.mod if rule.mod else result).zfill(rule.digits)

    return value


def fill(template: str, fields: Fields) -> str:
    """The template with the fields' texts in its braces. Not `str.format`: that would reach into objects."""
    for slot in slots(template):
        template = template.replace("{" + slot + "}", fields[slot])
    return template.strip()


class Placer:
    """Finds the store, and the guide, that a row belongs to."""

    def __init__(
        self, values: Sequence[ValueRule], stores: Sequence[StoreRule], guides: Sequence[GuideRule], number: Number
    ) -> None:
        self._values = [(rule.name, value_of(rule)) for rule in values]
        self._stores = [(all_of(rule.when, number), rule) for rule in stores]
        self._guides = [(all_of(rule.when, number), rule) for rule in guides]

    def place(self, cells: Fields) -> tuple[Place, Place | None]:
        """The store, and the guide if the rules name one. Raises `Refused` when no store rule fits."""
        fields = _Lazy(cells, dict(self._values))
        store = self._store(fields)
        fields["store"] = store.code
        return store, self._guide(fields)

    def place_if_named(self, cells: Fields) -> tuple[Place | None, Place | None]:
        """The same for a row that may leave its store open."""
        try:
            return self.place(cells)
        except Refused as refused:
            if refused.kind is PlaceUnknown:
                return None, None
            raise

    def _store(self, fields: "_Lazy") -> Place:
        for index, (fits, rule) in enumerate(self._stores):
            if fits(fields):
                code = fill(rule.code, fields)
                field = _first_column(rule.code, fields)
                if not code:
                    raise Refused("names no store.", "没有指明门店。", PlaceUnknown, field)
                fields["store"] = _fitting(code, _CODE, field)
                return Place(code, fill(rule.name, fields)[:_NAME] or code, index, rule.must_exist)
        raise Refused("no store rule of the mapping fits.", "映射中没有适用的门店规则。", PlaceUnknown)

    def _guide(self, fields: "_Lazy") -> Place | None:
        for index, (fits, rule) in enumerate(self._guides):
            if fits(fields):
                number = fill(rule.number, fields)
                if not number:
                    return None
                fields["guide"] = _fitting(number, _CODE, _first_column(rule.number, fields))
                return Place(number, fill(rule.name, fields)[:_NAME] or number, index, rule.must_exist)
        return None


class _Lazy(dict[str, str]):
    """A row's fields, with values worked out only when a rule asks for them: a guest has no number to divide."""

    def __init__(self, cells: Fields, values: Mapping[str, Callable[[Fields], str]]) -> None:
        super().__init__(cells)
        self.values_of = values

    def __missing__(self, name: str) -> str:
        self[name] = value = self.values_of[name](self)
        return value


def _first_column(template: str, fields: _Lazy) -> str:
    return next((slot for slot in slots(template) if slot not in fields.values_of), "")


def _fitting(code: str, longest: int, field: str) -> str:
    try:
        return text(code, longest)
    except Refused as refused:
        refused.field = field
        raise
