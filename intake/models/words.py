"""The words in which a mapping is written: data only, each checked by itself."""

import codecs
import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from kernel.actor import Role

NAME = r"[a-z][a-z0-9_]*"
_SLOT = re.compile(r"\{([^{}]*)\}")
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
Zone = Annotated[str, AfterValidator(_is_zone)]
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
    zone: Zone

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
