"""One invoice from its lines: exact until the end, rounded once."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

SALE, REFUND, IGNORED = "sale", "refund", "ignored"
_QUICKLY = 1


class Line(NamedTuple):
    """A classified line. `amount` is the exact decimal as text, as the file has it; `at` is in seconds since 1970."""

    role: str
    reason: str
    kind: str
    code: str
    name: str
    quantity: int
    amount: str
    at: int
    variant: str = ""

    @property
    def bare(self) -> "Line":
        """Without the variant: what a file says that has no column for it."""
        return self._replace(variant="") if self.variant else self


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a source says of one invoice. `opens` and `ends`: it stood at the edge of a file, and may be cut there."""

    customer: str
    country: str
    store: str
    guide: str
    follows_home: bool
    lines: tuple[Line, ...]
    opens: bool = False
    ends: bool = False

    @property
    def content(self) -> tuple[Any, ...]:
        """All that makes two invoices the same."""
        return (self.customer, self.country, self.store, self.guide, self.follows_home, self.lines)

    @property
    def digest(self) -> str:
        return blake2b(orjson.dumps(self.content, default=_plain), digest_size=16).hexdigest()

    def of(self, role: str) -> list[Line]:
        """The lines that play this role."""
        return [line for line in self.lines if line.role == role]

    @property
    def ordered_at(self) -> int | None:
        """When it was bought: the smallest time of its sale lines."""
        return min((line.at for line in self.lines if line.role == SALE), default=None)

    @property
    def began_at(self) -> int:
        return min(line.at for line in self.lines)

    @property
    def ignored(self) -> Counter[str]:
        """How many lines are left out, by reason."""
        return Counter(line.reason for line in self.lines if line.role == IGNORED)

    def contains(self, other: "Invoice") -> bool:
        """Whether every line of the other is here, as often; where one of them says no variants, without these."""
        if self.has_variants and other.has_variants:
            return not Counter(other.lines) - Counter(self.lines)
        return not Counter(line.bare for line in other.lines) - Counter(line.bare for line in self.lines)

    @property
    def has_variants(self) -> bool:
        """Whether some line says its variant: otherwise the file may have had no column for it."""
        return any(line.variant for line in self.lines)

    def with_variants_of(self, other: "Invoice") -> "Invoice":
        """The same, with the variants that only the other one says."""
        if self.has_variants or not other.has_variants:
            return self
        said: dict[Line, list[Line]] = defaultdict(list)
        for line in reversed(other.lines):
            said[line.bare].append(line)
        return replace(self, lines=tuple(said[line].pop() if said[line] else line for line in self.lines))


def settled(known: Invoice, given: Invoice) -> Invoice:
    """What holds when a file gives an invoice that was known with other content.

    The fuller one, whichever came first: an export that was cut in the middle of an invoice takes
    nothing away, nor does one without a column for variants. Two pieces that a cut has parted are put together.
    Otherwise the newer file is right.
    """
    more, less = known.contains(given), given.contains(known)
    if more and less and known.content[:-1] == given.content[:-1]:
        return min(known, given, key=lambda invoice: (not invoice.has_variants, invoice.lines))
    if more and not less:
        return known.with_variants_of(given)
    if less:
        return given.with_variants_of(known)
    if known.ends and given.opens:
        return _joined(known, given)
    if given.ends and known.opens:
        return _joined(given, known)
    return given


def _joined(head: Invoice, tail: Invoice) -> Invoice:
    overlap = Counter(head.lines)
    rest = []
    for line in tail.lines:
        if overlap[line]:
            overlap[line] -= 1
        else:
            rest.append(line)
    lines = (*head.lines, *rest)
    source = head if any(line.role != IGNORED for line in head.lines) else tail
    return Invoice(
        source.customer or tail.customer,
        source.country,
        source.store,
        source.guide,
        source.follows_home,
        lines,
        head.opens,
        tail.ends,
    )


def _plain(value: Any) -> tuple[Any, ...]:
    """A line without a variant is written as lines were before there were variants: it is the same as it was."""
    parts = tuple(value)
    return parts[:-1] if isinstance(value, Line) and not value.variant else parts


def pack(content: Any) -> bytes:
    """Plain data, small."""
    return zlib.compress(orjson.dumps(content, default=_plain), _QUICKLY)


def unpack(content: bytes) -> Any:
    return orjson.loads(zlib.decompress(content))


def packed(invoice: Invoice) -> bytes:
    return pack((*invoice.content, invoice.opens, invoice.ends))


def unpacked(content: bytes) -> Invoice:
    customer, country, store, guide, follows_home, lines, opens, ends = unpack(content)
    kept = tuple(Line(*line) for line in lines)
    return Invoice(customer, country, store, guide, follows_home, kept, opens, ends)


def minor(amount: Decimal, digits: int) -> int:
    """An exact amount in the currency's minor unit, a half rounded away from zero as tills do."""
    return int(amount.scaleb(digits).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def shared_out(amounts: Sequence[Decimal], digits: int) -> list[int]:
    """Exact amounts in minor units that add up to their rounded sum: what rounding leaves over goes to the next."""
    shares, exact, given = [], Decimal(0), 0
    for amount in amounts:
        exact += amount
        so_far = minor(exact, digits)
        shares.append(so_far - given)
        given = so_far
    return shares
