"""Read an expression that a person wrote, and say where it is wrong."""

from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedToken
from lark.exceptions import VisitError

from tagging.errors import BadExpression
from tagging.models.expressions.tree import All, Compare, Node, Not, Op, Place, Some

LONGEST = 8_000
MOST_COMPARISONS = 200
DEEPEST = 20

_GRAMMAR = r"""
?start: some
?some: all (_OR all)*
?all: no (_AND no)*
?no: _NOT no -> negated
   | "(" some ")"
   | compare
compare: fact ORDER value          -> ordered
       | fact _IN values           -> is_in
       | fact _NOT _IN values      -> is_not_in
fact: NAME arguments?
arguments: "(" (argument ("," argument)*)? ")"
argument: NAME ":" value
values: "(" value ("," value)* ")"
value: STRING | NUMBER | TRUE | FALSE | NAME

_OR.2: /or\b/i | "或者" | "或"
_AND.2: /and\b/i | "并且" | "且"
_NOT.2: /not\b/i | "不是" | "非"
_IN.2: /in\b/i | "属于"
TRUE.2: /true\b/i | "是"
FALSE.2: /false\b/i | "否"
ORDER: "<=" | ">=" | "!=" | "=" | "<" | ">" | "~"
NAME: /[A-Za-z_][A-Za-z0-9_]{0,39}/
NUMBER: /-?[0-9]{1,15}(\.[0-9]{1,6})?%?/
STRING: /"(?:[^"\\\n]|\\.)*"/ | /“[^”\n]*”/
%import common.WS
%ignore WS
%ignore /#[^\n]*/
"""

_SAYS = {
    "NAME": "a word",
    "NUMBER": "a number",
    "STRING": "a text in quotes",
    "ORDER": "a comparison",
    "TRUE": "true",
    "FALSE": "false",
    "_AND": "and",
    "_OR": "or",
    "_NOT": "not",
    "_IN": "in",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "COLON": ":",
    "$END": "the end",
}


class Raw(str):
    """A value as it was written, with the kind of token it was."""

    __slots__ = ("kind", "place")
    kind: str
    place: Place


def parse(text: str) -> Node:
    """The tree of an expression as it was written: its values are `Raw`, nothing is checked but the grammar.

    At most 8,000 characters, 200 comparisons, 20 levels. Raises `BAD_EXPRESSION`.
    """
    if len(text) > LONGEST:
        raise _refusal(_place_of(text, LONGEST), f"longer than {LONGEST} characters", f"超过 {LONGEST} 个字符")
    try:
        parsed: Any = _parser().parse(text)
    except UnexpectedToken as error:
        raise _unexpected(text, error) from error
    except UnexpectedEOF as error:
        raise _refusal(_place_of(text, len(text)), "it ends too early", "表达式不完整") from error
    except UnexpectedCharacters as error:
        found = text[error.pos_in_stream or 0]
        raise _refusal(
            Place(error.line, error.column), f"{found!r} means nothing here", f"无法识别 {found!r}"
        ) from error
    except VisitError as error:
        if isinstance(error.orig_exc, BadExpression):
            raise error.orig_exc from None
        raise
    node: Node = parsed[0]
    if parsed[2] > MOST_COMPARISONS:
        raise _refusal(Place(1, 1), f"more than {MOST_COMPARISONS} comparisons", f"超过 {MOST_COMPARISONS} 个条件")
    return node


def refuse(place: Place, reason: str, reason_zh: str) -> BadExpression:
    """What is wrong at that place, for others who read expressions."""
    return _refusal(place, reason, reason_zh)


# Each inner part is (tree, depth, number of comparisons, place): the depth is known before anything recurses.
_Part = tuple[Any, int, int, Place]


class _Build(Transformer[Token, _Part]):
    def some(self, parts: list[_Part]) -> _Part:
        return _joined(Some, parts)

    def all(self, parts: list[_Part]) -> _Part:
        return _joined(All, parts)

    def negated(self, parts: list[_Part]) -> _Part:
        (node, depth, count, place) = parts[0]
        return _checked((Not(node), depth + 1, count, place))

    def ordered(self, parts: list[Any]) -> _Part:
        fact, op, value = parts
        return _compared(fact, Op(str(op)), (value,))

    def is_in(self, parts: list[Any]) -> _Part:
        return _compared(parts[0], Op.IN, parts[1])

    def is_not_in(self, parts: list[Any]) -> _Part:
        return _compared(parts[0], Op.NOT_IN, parts[1])

    def fact(self, parts: list[Any]) -> Any:
        return parts[0], (parts[1] if len(parts) > 1 else ())

    def arguments(self, parts: list[Any]) -> Any:
        return tuple(parts)

    def argument(self, parts: list[Any]) -> Any:
        return parts[0], parts[1]

    def values(self, parts: list[Any]) -> Any:
        return tuple(parts)

    def value(self, parts: list[Any]) -> Raw:
        (token,) = parts
        raw = Raw(_unquoted(str(token)) if token.type == "STRING" else str(token))
        raw.kind, raw.place = token.type, Place(token.line, token.column)
        return raw


def _compared(fact: Any, op: Op, values: tuple[Raw, ...]) -> _Part:
    name, arguments = fact
    place = Place(name.line, name.column)
    named: dict[str, Raw] = {}
    for key, value in arguments:
        if str(key) in named:
            raise _refusal(Place(key.line, key.column), f"{key} is given twice", f"{key} 重复")
        named[str(key)] = value
    return Compare(str(name), op, values, tuple(sorted(named.items())), place), 1, 1, place


def _joined(kind: type[All] | type[Some], parts: list[_Part]) -> _Part:
    depth, count = max(part[1] for part in parts) + 1, sum(part[2] for part in parts)
    return _checked((kind(tuple(part[0] for part in parts)), depth, count, parts[0][3]))


def _checked(part: _Part) -> _Part:
    if part[1] > DEEPEST:
        raise _refusal(part[3], f"more than {DEEPEST} levels", f"嵌套超过 {DEEPEST} 层")
    return part


def _unquoted(text: str) -> str:
    if text.startswith("“"):
        return text[1:-1]
    return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")


_made: list[Lark] = []


def _parser() -> Lark:
    # Made when it is first needed: the tables of the grammar take some milliseconds.
    if not _made:
        _made.append(Lark(_GRAMMAR, parser="lalr", transformer=_Build()))
    return _made[0]


def _unexpected(text: str, error: UnexpectedToken) -> BadExpression:
    expected = ", ".join(sorted(_SAYS.get(each, each) for each in error.accepts or error.expected))
    if error.token.type == "$END":
        return _refusal(_place_of(text, len(text)), f"it ends too early; expected {expected}", "表达式不完整")
    place = Place(error.line, error.column)
    return _refusal(
        place, f"{error.token!s:.40} is not expected; expected {expected}", f"此处不应出现 {error.token!s:.40}"
    )


def _place_of(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


def _refusal(place: Place, reason: str, reason_zh: str) -> BadExpression:
    return BadExpression(line=place.line, column=place.column, reason=reason, reason_zh=reason_zh)
