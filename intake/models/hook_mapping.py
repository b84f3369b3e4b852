"""The words in which a mall's messages are described: data only, each checked before a message comes."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import BeforeValidator, Field, InstanceOf, model_validator

from intake.models.notices import Unknown
from intake.models.words import Strict, Zone
from mall.models import Channel, LineKind, OrderState

_LONGEST = 500
NAME = "^[a-z0-9-]{1,32}$"
NOTHING: tuple[Any, ...] = (None, "", False, [], {})
"""What JMESPath takes for nothing; and 0, which is the same as false here: where it is an amount, ask `is_nothing`."""


def is_nothing(found: Any) -> bool:
    """Whether JMESPath takes it for nothing; 0 is something."""
    return found in NOTHING and (found is False or not isinstance(found, int | Decimal))


_OR = " || "


class Path:
    """A JMESPath expression, compiled once. Most are names of fields, which are looked up as such."""

    __slots__ = ("_compiled", "_field", "alternatives", "text")

    def __init__(self, text: str, compiled: ParsedResult) -> None:
        self.text = text
        self._compiled = compiled
        self._field: str | None = compiled.parsed["value"] if compiled.parsed["type"] == "field" else None
        self.alternatives = _alternatives(text) if compiled.parsed["type"] == "or_expression" else ()

    def of(self, data: Any) -> Any:
        """What it comes to in this data. Raises `JMESPathError`, and `RecursionError` in what is nested too deep."""
        if self._field is not None:
            return data.get(self._field) if isinstance(data, dict) else None
        if self.alternatives:
            found = None
            for path in self.alternatives:
                found = path.of(data)
                if not is_nothing(found):
                    return found
            return found
        return self._compiled.search(data)

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


def _alternatives(text: str) -> tuple[Path, ...]:
    """The parts of `a || b`, if it is as simple as that: looked up one by one, and named by themselves."""
    try:
        return tuple(Path(part.strip(), jmespath.compile(part)) for part in text.split(_OR))
    except JMESPathError:
        return ()


def _compiled(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    if len(text) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST} characters")
    try:
        return Path(text, jmespath.compile(text))
    except JMESPathError as error:
        raise ValueError(f"is not a JMESPath expression: {' '.join(str(error).split())}") from error


Expression = Annotated[InstanceOf[Path], BeforeValidator(_compiled)]


class TimeWords(Strict):
    """How times are written: ISO 8601, on a wall clock in `zone` where they say no other, or numbers since 1970."""

    zone: Zone = "UTC"
    numbers: Literal["seconds", "milliseconds"] = "seconds"


class MoneyWords(Strict):
    """Whether amounts are in the currency's `major` unit, as 19.90, or in its `minor` unit, as 1990."""

    unit: Literal["major", "minor"] = "major"


class StateRule(Strict):
    """The state of an order for which `when` is something: itself, or what the source's word stands for.

    The first rule that comes to a state decides. A message whose state is `ignored` is none of our business.
    """

    when: Expression | None = None
    state: OrderState | Literal["ignored"] | None = None
    value: Expression | None = None
    words: Annotated[dict[str, OrderState | Literal["ignored"]], Field(max_length=100)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.state is None) == (self.value is None) or bool(self.words) != (self.value is not None):
            raise ValueError("give a state, or a value with the words that it may be")
        return self


class LineRule(Strict):
    """Lines of an order or refund: one for each thing that `each` comes to, or else a single one.

    `amount`, a number or a list of numbers to be added, is for the whole quantity, or for a piece if `per_piece`;
    `minus` is taken off. A service line that comes to nothing is left out; `is_negative` is for
    discounts, which sources write without a sign. Everything is looked up in what `each` came to.
    """

    each: Expression | None = None
    kind: LineKind = LineKind.GOODS
    code: Expression
    sku: Expression | None = None
    name: Expression
    variant: Expression | None = None
    quantity: Expression | None = None
    amount: Expression
    minus: Expression | None = None
    per_piece: bool = False
    is_negative: bool = False

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.kind is LineKind.GOODS and (self.is_negative or self.quantity is None):
            raise ValueError("goods have a quantity, and an amount that isn't negative")
        return self


class OrderWords(Strict):
    """Where an order's parts are. `share` is the code of a link, or an address that has it in `share_parameter`.

    Of a source that rounds line by line, what is left over is a service line named `rounding`: at most a minor unit
    for each line. Without that word, the lines must add up.
    """

    about: Expression | None = None
    number: Expression
    placed_at: Expression
    paid_at: Expression | None = None
    completed_at: Expression | None = None
    amount: Expression
    states: Annotated[list[StateRule], Field(min_length=1, max_length=50)]
    lines: Annotated[list[LineRule], Field(min_length=1, max_length=20)]
    store: Expression | None = None
    customer: Expression | None = None
    city: Expression | None = None
    country: Expression | None = None
    guide: Expression | None = None
    note: Expression | None = None
    share: Expression | None = None
    share_parameter: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    rounding: Annotated[str, Field(min_length=1, max_length=60)] | None = None


class MovedWords(Strict):
    """Messages that say of an order only in which state it is now: those for which `about` is something."""

    about: Expression
    number: Expression
    states: Annotated[list[StateRule], Field(min_length=1, max_length=50)]


class RefundWords(Strict):
    """Where refunds are: one for each thing that `each` comes to, or else the message itself is one.

    They are looked for in messages for which `about` is something. Amounts may be written with or without a sign.
    Without `at`, a refund is dated by the first message that names it. What a refund comes to beyond its lines is a
    service line named `rest`; without that word, the lines must add up. A refund of nothing is left out.
    """

    about: Expression | None = None
    each: Expression | None = None
    number: Expression
    amount: Expression
    at: Expression | None = None
    lines: Annotated[list[LineRule], Field(max_length=20)] = Field(default_factory=list)
    rest: Annotated[str, Field(min_length=1, max_length=60)] | None = None


class HookMapping(Strict):
    """How the messages of a mall become orders and refunds.

    `scheme` is how they are signed. The body is JSON; `unpack` is where a text within it is that is JSON again, and is
    looked at in its place. `about` is something for the messages that matter, `ignore` for tests and the like among
    them. Of several times for `news_at` the latest counts. `currency` is where its three letters are. A message for
    which `order.about` is nothing has no order: it is one of those in `moved`, or of refunds alone, of the order whose
    number is at `refunds_of`.
    """

    name: Annotated[str, Field(pattern=NAME)]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    scheme: Annotated[str, Field(pattern=NAME)]
    channel: Channel = Channel.MINI_MALL
    unpack: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    about: Expression | None = None
    ignore: Expression | None = None
    currency: Expression
    news_at: Expression
    time: TimeWords = TimeWords()
    money: MoneyWords = MoneyWords()
    unknown_customer: Unknown = Unknown.PARK
    unknown_sku: Unknown = Unknown.PARK
    order: OrderWords
    moved: MovedWords | None = None
    refunds: Annotated[list[RefundWords], Field(max_length=10)] = Field(default_factory=list)
    refunds_of: Expression | None = None
