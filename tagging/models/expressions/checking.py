"""Make sure that an expression says something, and bring its values into the units they are kept in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import cast
from uuid import UUID

import re2

from tagging.models.expressions.parsing import Raw, refuse
from tagging.models.expressions.tree import Compare, Node, Op, Place, Value, comparisons, replaced
from tagging.models.expressions.words import NUMBERS, REFERENCES, Argument, Kind, Vocabulary, Word

MOST_VALUES = 200
LONGEST_TEXT = 200
LONGEST_PATTERN = 500
MOST_PATTERN_BYTES = 1 << 20

_HIGHEST: Mapping[Kind, int] = {
    Kind.COUNT: 1_000_000_000,
    Kind.DAYS: 36_500,
    Kind.MONEY: 10**15,
    Kind.SHARE: 10_000,
    Kind.SCORE: 5,
    Kind.MONTH: 12,
}
_LOWEST: Mapping[Kind, int] = {Kind.SCORE: 1, Kind.MONTH: 1}

Named = Mapping[tuple[Kind, str], UUID]


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that an expression names, and where."""

    kind: Kind
    name: str
    place: Place


def checked(node: Node, vocabulary: Vocabulary, *, minor_digits: int) -> Node:
    """The tree with its values typed; names of tags, stores and the like are still names.

    `minor_digits` is how many decimals the brand's currency has. Raises `BAD_EXPRESSION`.
    """
    return replaced(node, lambda compare: _checked(compare, vocabulary, minor_digits))


def references(node: Node, vocabulary: Vocabulary) -> list[Reference]:
    """What a checked tree names that has to be looked up, in the order of the text."""
    found = []
    for compare in comparisons(node):
        word = vocabulary[compare.word]
        if word.kind in REFERENCES:
            found += [Reference(word.kind, str(value), compare.place) for value in compare.values]
        for name, value in compare.arguments:
            kind = word.arguments[name].kind
            if kind in REFERENCES:
                found.append(Reference(kind, str(value), compare.place))
    return found


def resolved(node: Node, vocabulary: Vocabulary, named: Named) -> Node:
    """The tree with ids for names. Raises `BAD_EXPRESSION` for a name that isn't among those that are known."""

    def look_up(kind: Kind, value: Value, place: Place) -> Value:
        if kind not in REFERENCES:
            return value
        found = named.get((kind, str(value)))
        if found is None:
            raise refuse(place, f"there is no {kind.value} {str(value)!r:.60}", f"找不到“{value!s:.60}”")
        return str(found)

    def look_up_all(compare: Compare) -> Compare:
        word = vocabulary[compare.word]
        return replace(
            compare,
            values=tuple(look_up(word.kind, value, compare.place) for value in compare.values),
            arguments=tuple(
                (name, look_up(word.arguments[name].kind, value, compare.place)) for name, value in compare.arguments
            ),
        )

    return replaced(node, look_up_all)


def _checked(compare: Compare, vocabulary: Vocabulary, minor_digits: int) -> Compare:
    word = vocabulary.get(compare.word)
    if word is None:
        known = ", ".join(sorted(vocabulary))
        raise refuse(compare.place, f"{compare.word} is unknown; there are {known}", f"没有“{compare.word}”这个字段")
    if compare.op not in word.ops:
        ops = " ".join(op.value for op in word.ops)
        raise refuse(compare.place, f"{word.name} is compared by {ops}", f"{word.name} 只能用 {ops} 比较")
    if len(compare.values) > MOST_VALUES:
        raise refuse(compare.place, f"at most {MOST_VALUES} values", f"最多 {MOST_VALUES} 个值")
    kind = Kind.PATTERN if compare.op is Op.MATCHES else word.kind
    lowest, highest = _LOWEST.get(kind, 0), word.highest
    return replace(
        compare,
        values=tuple(
            _value(cast(Raw, value), kind, word.choices, lowest, highest, minor_digits) for value in compare.values
        ),
        arguments=tuple(sorted(_arguments(compare, word, minor_digits).items())),
    )


def _arguments(compare: Compare, word: Word, minor_digits: int) -> dict[str, Value]:
    given = dict(compare.arguments)
    for name, value in given.items():
        if name not in word.arguments:
            known = ", ".join(word.arguments) or "nothing"
            place = cast(Raw, value).place
            raise refuse(place, f"{word.name} takes {known}, not {name}", f"{word.name} 没有参数 {name}")
    values: dict[str, Value] = {}
    for name, argument in word.arguments.items():
        if name in given:
            values[name] = _argument(cast(Raw, given[name]), argument, minor_digits)
        elif argument.is_required:
            raise refuse(compare.place, f"{word.name} needs {name}", f"{word.name} 缺少参数 {name}")
        elif argument.default is not None:
            values[name] = argument.default
    return values


def _argument(raw: Raw, argument: Argument, minor_digits: int) -> Value:
    return _value(raw, argument.kind, argument.choices, argument.lowest, argument.highest, minor_digits)


def _value(
    raw: Raw, kind: Kind, choices: tuple[str, ...], lowest: int, highest: int | None, minor_digits: int
) -> Value:
    if kind in NUMBERS:
        number = _number(raw, kind, minor_digits)
        most = _HIGHEST[kind] if highest is None else highest
        if not lowest <= number <= most:
            raise refuse(raw.place, f"{raw!s:.20} is out of range", f"{raw!s:.20} 超出范围")
        return number
    if kind is Kind.BOOL:
        if raw.kind not in ("TRUE", "FALSE"):
            raise refuse(raw.place, "write true or false", "请写 true 或 false")
        return raw.kind == "TRUE"
    text = str(raw)
    if raw.kind != "STRING" and not (kind is Kind.CHOICE and raw.kind == "NAME"):
        raise refuse(raw.place, "write it in quotes", "请加引号")
    if kind is Kind.CHOICE and text not in choices:
        known = ", ".join(choices)
        raise refuse(raw.place, f"{text!r:.40} is none of {known}", f"“{text:.40}”不在可选值中：{known}")
    longest = LONGEST_PATTERN if kind is Kind.PATTERN else LONGEST_TEXT
    if not 1 <= len(text) <= longest or "\x00" in text:
        raise refuse(raw.place, f"1 to {longest} characters", f"请写 1 到 {longest} 个字符")
    if kind is Kind.PATTERN:
        _require_pattern(raw)
    return text


def _number(raw: Raw, kind: Kind, minor_digits: int) -> int:
    text = str(raw)
    if raw.kind != "NUMBER" or (text.endswith("%") and kind is not Kind.SHARE):
        raise refuse(raw.place, "write a number", "请写一个数字")
    number = Decimal(text.removesuffix("%"))
    if kind is Kind.MONEY:
        number = number.scaleb(minor_digits)
    elif kind is Kind.SHARE:
        number = number.scaleb(2 if text.endswith("%") else 4)
    if number != number.to_integral_value():
        raise refuse(raw.place, f"{text:.20} has too many decimals", f"{text:.20} 的小数位太多")
    return int(number)


def _require_pattern(raw: Raw) -> None:
    try:
        pattern(str(raw))
    except re2.error as error:
        why = error.args[0].decode(errors="replace")[:80] if error.args else "it can't be read"
        raise refuse(raw.place, f"the regular expression is not accepted: {why}", "正则表达式无效或过于复杂") from error


def pattern(text: str) -> "re2._Regexp[str]":
    """The compiled expression, case-insensitive. It takes linear time and at most 1 MiB, whatever is written."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MOST_PATTERN_BYTES
    return re2.compile(text, options)
