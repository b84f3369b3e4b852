"""The words in which a mapping is written: data only, checked as a whole before a file is opened."""

import codecs
import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from kernel.actor import Role

NAME = r"[a-z][a-z0-9_]*"
_SLOT = re.compile(r"\{([^{}]*)\}")
ORDER_FIELDS = ("number", "at", "code", "name", "quantity", "price", "amount")
MEMBER_FIELDS = ("customer", "name", "phone", "birthday", "tier", "city", "joined", "do_not_contact")
_SHORT = 32


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return text


def _is_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is not an IANA time zone, such as Asia/Shanghai") from error
    return text


def _is_encoding(text: str) -> str:
    try:
        found = codecs.lookup(text).name
        bytewise = "\n".encode(found) == b"\n" and "a,0".encode(found) == b"a,0"
    except (LookupError, ValueError) as error:
        raise ValueError("is not a text encoding, such as utf-8 or gb18030") from error
    if not bytewise:
        raise ValueError("must write plain letters as single bytes, as utf-8 and gb18030 do")
    return text


def _is_template(text: str) -> str:
    for slot in slots(text):
        if not re.fullmatch(NAME, slot):
            raise ValueError(f"{{{slot}}} is not the name of a field")
    if "{" in _SLOT.sub("", text) or "}" in _SLOT.sub("", text):
        raise ValueError("has a brace without its partner")
    return text


def _is_span(day: list[str]) -> list[str]:
    if day and (len(day) != 2 or day[0] >= day[1]):
        raise ValueError("is neither [from, to] nor [] for a day without trade")
    return day


Pattern = Annotated[str, Field(max_length=500), AfterValidator(_is_pattern)]
Template = Annotated[str, Field(max_length=200), AfterValidator(_is_template)]
FieldName = Annotated[str, Field(pattern=f"^{NAME}$", max_length=_SHORT)]
Code = Annotated[str, Field(min_length=1, max_length=_SHORT)]
Title = Annotated[str, Field(min_length=1, max_length=60)]
Clock = Annotated[str, Field(pattern="^([01][0-9]|2[0-4]):[0-5][0-9]$")]
Hours = Annotated[list[Annotated[list[Clock], AfterValidator(_is_span)]], Field(min_length=7, max_length=7)]


def slots(template: str) -> list[str]:
    """The names between braces."""
    return _SLOT.findall(template)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Strict):
    """One test of one field. `matches` is a regular expression for the whole text."""

    field: FieldName
    equals: str | None = None
    one_of: list[str] | None = None
    matches: Pattern | None = None
    blank: bool | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    at_least: Decimal | None = None
    at_most: Decimal | None = None

    @model_validator(mode="after")
    def _has_one_test(self) -> Self:
        tests = [value for name, value in self if name != "field" and value is not None]
        if len(tests) != 1:
            raise ValueError("needs exactly one of equals, one_of, matches, blank, above, below, at_least, at_most")
        return self


class BrandRule(Strict):
    """The brand that is meant; created under this code if there is none."""

    code: Code
    name: Title
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"


class FileRule(Strict):
    """How the file is written. `sheet` names the sheet of a workbook; otherwise its first one."""

    encoding: Annotated[str, AfterValidator(_is_encoding)] = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    sheet: str | None = None


class NumberRule(Strict):
    """How numbers are written."""

    decimal: Literal[".", ","] = "."
    grouping: Literal["", ",", ".", " ", "'"] = ""
    most_decimals: Annotated[int, Field(ge=0, le=6)] = 4

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.decimal == self.grouping:
            raise ValueError("decimal and grouping are the same character")
        return self


class TimeRule(Strict):
    """How times are written (`strftime` letters), and on which wall the clock hung."""

    formats: Annotated[list[str], Field(min_length=1, max_length=8)]
    zone: Annotated[str, AfterValidator(_is_zone)]

    @model_validator(mode="after")
    def _have_a_day(self) -> Self:
        for pattern in self.formats:
            if not all(letter in pattern for letter in ("%Y", "%m", "%d")) or "%z" in pattern:
                raise ValueError(f"{pattern!r} needs %Y, %m and %d, and takes no %z: the zone is `zone`")
            try:
                date(2000, 1, 1).strftime(pattern)
            except ValueError as error:
                raise ValueError(f"{pattern!r} is not a time format") from error
        return self


class LineRule(Strict):
    """What a line is when all conditions hold. The first rule that fits decides."""

    becomes: Literal["sale", "refund", "ignored"]
    reason: Annotated[str, Field(pattern="^[a-z0-9-]{1,40}$")] | None = None
    when: list[Condition] = []

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if (self.becomes == "ignored") != (self.reason is not None):
            raise ValueError("a reason belongs to what is ignored, and only to that")
        return self


class ValueRule(Strict):
    """A value worked out of a field: part of its text, then `div` and `mod` of the number, padded to `digits`."""

    name: FieldName
    field: FieldName
    part: Pattern | None = None
    div: Annotated[int, Field(ge=1)] | None = None
    mod: Annotated[int, Field(ge=1)] | None = None
    digits: Annotated[int, Field(ge=1, le=18)] = 1

    @model_validator(mode="after")
    def _part_is_a_group(self) -> Self:
        if self.part is not None and re.compile(self.part).groups != 1:
            raise ValueError("part needs exactly one group in parentheses")
        return self

    @property
    def is_number(self) -> bool:
        return self.div is not None or self.mod is not None


class RegionRule(Strict):
    code: Code
    name: Title
    parent: Code | None = None


class StoreRule(Strict):
    """Which store a row belongs to. `must_exist`: an unknown code is refused instead of created.

    `opening_hours` names one of the mapping's sets of hours.
    """

    when: list[Condition] = []
    code: Template
    name: Template = "{store}"
    region: Code | None = None
    city: Title | None = None
    opening_hours: FieldName | None = None
    must_exist: bool = False

    @model_validator(mode="after")
    def _can_be_created(self) -> Self:
        if not self.must_exist and (self.region is None or self.opening_hours is None):
            raise ValueError("a store that may be created needs region and opening_hours")
        return self


class GuideRule(Strict):
    """Which guide of the store a customer is given to; none when the number comes out blank."""

    when: list[Condition] = []
    number: Template
    name: Template = "{guide}"
    must_exist: bool = False


class CustomerRule(Strict):
    """What a customer is called, and where their orders count."""

    name: Template = "{customer}"
    orders_belong_to: Literal["home_store", "own_store"] = "own_store"


class StaffRule(Strict):
    """Somebody else who should be there; without a password, until headquarters or an operator sets one."""

    number: Code
    name: Title
    role: Literal[Role.HQ] = Role.HQ


class Mapping(Strict):
    """What orders and members files have in common. Opening hours run from Monday to Sunday."""

    name: Annotated[str, Field(pattern="^[a-z0-9-]{1,32}$")]
    title: str = ""
    source: Annotated[str, Field(pattern="^[a-z0-9-]{1,32}$")]
    brand: BrandRule
    file: FileRule = FileRule()
    columns: Annotated[dict[FieldName, str], Field(max_length=100)]
    numbers: NumberRule = NumberRule()
    time: TimeRule
    values: list[ValueRule] = []
    regions: list[RegionRule] = []
    opening_hours: dict[FieldName, Hours] = {}
    stores: list[StoreRule] = []
    guides: list[GuideRule] = []
    staff: list[StaffRule] = []

    def _check_names(self, conditions: list[tuple[str, Condition]]) -> None:
        known = {*self.columns}
        for index, rule in enumerate(self.values):
            _require(rule.field in known, f"values.{index}.field", f"there is no field {rule.field}")
            _require(rule.name not in known, f"values.{index}.name", f"{rule.name} is taken")
            known.add(rule.name)
        for place, condition in conditions:
            _require(condition.field in self.columns, place, f"there is no column for {condition.field}")
        regions: set[str] = set()
        for index, region in enumerate(self.regions):
            _require(region.code not in regions, f"regions.{index}", f"{region.code} is there twice")
            _require(
                region.parent is None or region.parent in regions, f"regions.{index}.parent", "name the parent first"
            )
            regions.add(region.code)
        for index, store in enumerate(self.stores):
            _require(store.region is None or store.region in regions, f"stores.{index}.region", "no such region")
            hours = store.opening_hours
            _require(hours is None or hours in self.opening_hours, f"stores.{index}.opening_hours", "no such hours")
            _require_slots(store.code, known, f"stores.{index}.code")
            _require_slots(store.name, known | {"store"}, f"stores.{index}.name")
        for index, guide in enumerate(self.guides):
            _require_slots(guide.number, known | {"store"}, f"guides.{index}.number")
            _require_slots(guide.name, known | {"store", "guide"}, f"guides.{index}.name")

    def _placing(self) -> list[tuple[str, Condition]]:
        stores = [(f"stores.{i}.when.{j}", c) for i, rule in enumerate(self.stores) for j, c in enumerate(rule.when)]
        guides = [(f"guides.{i}.when.{j}", c) for i, rule in enumerate(self.guides) for j, c in enumerate(rule.when)]
        return stores + guides


class OrderMapping(Mapping):
    """How a file of invoice lines becomes orders and refunds.

    `refund_amounts` says whether what is given back is written below zero or above it.
    """

    kind: Literal["orders"]
    lines: Annotated[list[LineRule], Field(min_length=1)]
    refund_amounts: Literal["negative", "positive"] = "negative"
    services: list[Condition] = []
    customer: CustomerRule = CustomerRule()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for field in ("number", "at", "code"):
            _require(field in self.columns, "columns", f"{field} is missing")
        both = ("price" in self.columns) + ("amount" in self.columns)
        _require(both == 1, "columns", "either price (of a piece) or amount (of the line) is needed, not both")
        _require(
            "price" not in self.columns or "quantity" in self.columns, "columns", "with a price, quantity is needed"
        )
        _require(bool(self.stores), "stores", "every order needs a store: give at least one rule")
        _require(not self.lines[-1].when, f"lines.{len(self.lines) - 1}", "the last rule takes the rest: no conditions")
        _require_slots(self.customer.name, {"customer"}, "customer.name")
        rules = [(f"lines.{i}.when.{j}", c) for i, rule in enumerate(self.lines) for j, c in enumerate(rule.when)]
        self._check_names([*rules, *((f"services.{i}", c) for i, c in enumerate(self.services)), *self._placing()])
        return self


class MemberMapping(Mapping):
    """How a file of members becomes customers. `yes` lists what counts as yes in a cell."""

    kind: Literal["members"]
    yes: list[str] = ["1", "Y", "YES", "TRUE", "是"]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for field in ("customer", "name"):
            _require(field in self.columns, "columns", f"{field} is missing")
        self._check_names(self._placing())
        return self


AnyMapping = OrderMapping | MemberMapping


def _require(fits: bool, place: str, reason: str) -> None:
    if not fits:
        raise ValueError(f"{place}: {reason}")


def _require_slots(template: str, known: set[str], place: str) -> None:
    for slot in slots(template):
        _require(slot in known, place, f"{{{slot}}} is neither a column nor a value")


def as_data(mapping: AnyMapping) -> dict[str, Any]:
    """The mapping as it is kept with an import, so that another process can finish it."""
    return mapping.model_dump(mode="json", exclude_defaults=False)
