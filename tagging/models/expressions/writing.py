"""Write an expression down as text again, with the names that things have now."""

from collections.abc import Mapping
from decimal import Decimal

from tagging.models.expressions.tree import All, Compare, Node, Not, Op, Some, Value
from tagging.models.expressions.words import REFERENCES, Kind, Vocabulary

Names = Mapping[tuple[Kind, str], str]

UNKNOWN = "?"


def written(node: Node, vocabulary: Vocabulary, names: Names, *, minor_digits: int) -> str:
    """The text of a checked and resolved tree. `names` are by kind and id; what has none any more is `?`."""

    def value(kind: Kind, kept: Value) -> str:
        if kind in REFERENCES:
            return _quoted(names.get((kind, str(kept)), UNKNOWN))
        if isinstance(kept, bool):
            return "true" if kept else "false"
        if isinstance(kept, str):
            return _quoted(kept)
        if kind is Kind.MONEY:
            return f"{Decimal(kept).scaleb(-minor_digits).normalize():f}"
        if kind is Kind.SHARE:
            return f"{Decimal(kept).scaleb(-2).normalize():f}%"
        return str(kept)

    def comparison(compare: Compare) -> str:
        word = vocabulary[compare.word]
        given = [
            f"{name}: {value(word.arguments[name].kind, kept)}"
            for name, kept in compare.arguments
            if kept != word.arguments[name].default
        ]
        fact = f"{word.name}({', '.join(given)})" if given else word.name
        values = [value(word.kind, kept) for kept in compare.values]
        if compare.op in (Op.IN, Op.NOT_IN):
            return f"{fact} {compare.op.value} ({', '.join(values)})"
        return f"{fact} {compare.op.value} {values[0]}"

    def text(node: Node, inside: type[All] | type[Not] | None = None) -> str:
        match node:
            case Compare():
                return comparison(node)
            case Not(part):
                return f"not {text(part, Not)}"
            case All(parts):
                joined = " and ".join(text(part, All) for part in parts)
                return f"({joined})" if inside is Not else joined
            case Some(parts):
                joined = " or ".join(text(part) for part in parts)
                return f"({joined})" if inside else joined

    return text(node)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
