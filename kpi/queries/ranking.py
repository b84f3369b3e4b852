"""Rankings of regions, stores or guides by one figure, and where among them somebody stands."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor, Role
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.pages import BadCursor, Page
from kpi.models import Days, Grain
from kpi.models.definitions import DEFINITIONS, Definition, Figure, Sums
from kpi.models.exact import scale
from kpi.models.periods import before
from kpi.policy import require_manager, require_reader
from kpi.queries import adjusting, reading, remembering, scoping, standing, turns
from kpi.queries.reading import Question, Summed
from kpi.queries.scoping import Asked, By, Scope, require_fitting

_Place = tuple[bool, int, str, UUID]
_NOTHING: Sums = {}


class RankedBy(StrEnum):
    """What is ranked."""

    REGION = "region"
    STORE = "store"
    GUIDE = "guide"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is ranked, of which days, by which figure; `also` are figures that are shown with it.

    `is_adjusted`: guides without what came to them by a handover a short while before.
    """

    by: RankedBy
    figure: Figure
    days: Days
    asked: Asked = field(default_factory=Asked)
    also: tuple[Figure, ...] = ()
    ascending: bool = False
    is_adjusted: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    """A line of a ranking. Those who share a position are the same in the figure; without a value there is none.

    `share` is of what all lines add up to; only figures that do add up have one, and only of more than nothing.
    """

    id: UUID
    code: str
    position: int | None
    value: Fraction | None
    share: Fraction | None
    sums: Sums


@dataclass(frozen=True, slots=True)
class Position:
    """Somebody's value, and its place among all who have one."""

    value: Fraction | None
    position: int | None
    of: int


@dataclass(frozen=True, slots=True)
class OwnPosition:
    """How a guide stands in their store, by what was done there, and in the brand by all."""

    in_store: Position
    in_brand: Position


class Ranking:
    """All lines in their order: by value, those without one last; ties by code or number, then by id."""

    def __init__(
        self, definition: Definition, found: Mapping[UUID, Sums], codes: Mapping[UUID, str], *, ascending: bool = False
    ) -> None:
        self._definition = definition
        self._sign = 1 if ascending else -1
        self._found = found
        self._codes = codes
        self._scale = scale(definition)
        self._places = sorted([self._place_of(key) for key in codes])
        self._total = self._sum()

    def __len__(self) -> int:
        return len(self._places)

    def whole(self) -> list[Ranked]:
        """All lines."""
        return [self._line(place) for place in self._places]

    def page(self, page: Page) -> list[Ranked]:
        """The lines behind the page's place, and one more than asked for if there is a next page."""
        begin = 0 if page.after is None else bisect_right(self._places, self._given(page.after))
        return [self._line(place) for place in self._places[begin : begin + page.first + 1]]

    def lines(self, keys: Collection[UUID]) -> dict[UUID, Ranked]:
        """The lines of some, by id; without those that aren't in the ranking."""
        return {key: self._line(self._place_of(key)) for key in keys if key in self._codes}

    def position_of(self, key: UUID) -> Position:
        """Where somebody stands among those who have a value."""
        line = self.lines([key]).get(key)
        valued = bisect_left(self._places, (True,))
        return Position(line.value, line.position, valued) if line else Position(None, None, valued)

    def _place_of(self, key: UUID) -> _Place:
        return self._place(self._definition.parts(self._found.get(key, _NOTHING)), self._codes[key], key)

    def _place(self, parts: tuple[int, int], code: str, key: UUID) -> _Place:
        top, under = parts
        if not under:
            return (True, 0, code, key)
        # Compared many times: whole numbers are much faster at it than fractions.
        return (False, self._sign * ((top << self._scale) // under), code, key)

    def _line(self, place: _Place) -> Ranked:
        is_none, order, code, key = place
        sums = self._found.get(key, _NOTHING)
        value = self._definition.of(sums)
        return Ranked(
            key,
            code,
            None if is_none else bisect_left(self._places, (False, order)) + 1,
            value,
            Fraction(value, self._total) if value is not None and self._total > 0 else None,
            sums,
        )

    def _sum(self) -> int:
        if self._definition.over is not None or self._definition.is_distinct:
            return 0
        return sum(self._sign * order for _, order, _, _ in self._places)

    def _given(self, after: Sequence[Any]) -> _Place:
        """The place that a cursor names; its line may be elsewhere by now, or gone."""
        return self._place(*_told(after, self._scale))


BRANDS = remembering.Memory[Ranking]()
"""All guides of a brand by one figure and days, which phones ask for again whenever figures change."""


def place_of(line: Ranked) -> tuple[int | None, int | None, str, UUID]:
    """What a cursor keeps of a line."""
    if line.value is None:
        return (None, None, line.code, line.id)
    return (line.value.numerator, line.value.denominator, line.code, line.id)


async def whole(session: AsyncSession, actor: Actor, wanted: Wanted) -> list[Ranked]:
    """All lines of the ranking, for a file. Raises what `page` does."""
    return (await _ranking(session, actor, wanted, wanted.days)).whole()


async def page(session: AsyncSession, actor: Actor, page: Page, wanted: Wanted) -> list[Ranked]:
    """A page of the ranking; one line more than asked for if there is a next page.

    Stores that are open and guides who work there are in it, be it with nothing, and whoever else has figures of these
    days. Regions are those right below the one asked for, and this one itself for stores right in it. All figures are
    within sight. Raises `FORBIDDEN` for guides and for a machine that may not read reports, `NOT_FOUND`, `INVALID`,
    `BAD_CURSOR`.
    """
    if page.after is not None:
        _told(page.after, scale(DEFINITIONS[wanted.figure]))  # before anything is read for it
    return (await _ranking(session, actor, wanted, wanted.days)).page(page)


async def previous(session: AsyncSession, actor: Actor, keys: Sequence[UUID], *, wanted: Wanted) -> dict[UUID, Ranked]:
    """The lines of some in the ranking of the period before, by id."""
    return (await _ranking(session, actor, wanted, before(wanted.days))).lines(keys)


async def own(session: AsyncSession, actor: Actor, figure: Figure, days: Days) -> OwnPosition:
    """Where a guide stands among the guides of the brand, and among what is done in their store; nobody is named.

    The brand's ranking is worked out once for all who ask, as long as its figures are at the same revision, and anew
    after `remembering.MOST_AGE`: who begins to work or leaves shows only then. Raises `FORBIDDEN` for everybody else.
    """
    require_reader(actor)
    if actor.role is not Role.GUIDE or actor.staff_id is None:
        raise Forbidden
    wanted, brand = Wanted(RankedBy.GUIDE, figure, days), Scope(actor.brand_id, Grain.ACCOUNT)
    # First: of what it says, all that is read afterwards is a part.
    asked = remembering.Asked(actor.brand_id, (figure, days), await turns.revision(session, actor.brand_id))
    in_store = await _guides(session, replace(brand, store_ids=_own_store(actor)), wanted, days)
    in_brand = await BRANDS.recall(asked, lambda: _guides(session, brand, wanted, days))
    return OwnPosition(in_store.position_of(actor.staff_id), in_brand.position_of(actor.staff_id))


async def _ranking(session: AsyncSession, actor: Actor, wanted: Wanted, days: Days) -> Ranking:
    require_manager(actor)
    require_fitting(wanted.asked, (wanted.figure, *wanted.also))
    if wanted.is_adjusted and wanted.by is not RankedBy.GUIDE:
        raise Invalid(field="adjusted", reason="goes with guides only.", reason_zh="只适用于导购排行。")
    if wanted.by is RankedBy.GUIDE:
        scope = await scoping.scope(session, actor, wanted.asked, Grain.ACCOUNT)
        return await _guides(session, scope, wanted, days)
    stores = await scoping.stores(session, actor, wanted.asked)
    scope = await scoping.of_stores(session, actor, wanted.asked, Grain.STORE, stores)
    found = await reading.sums(session, scope, Question(days, _columns(wanted), By.STORE))
    if wanted.by is RankedBy.REGION:
        regions = await standing.regions_of(session, actor, wanted.asked.region_id, stores)
        codes = {region.id: region.code for region in regions.values()}
        found = _rolled_up(found, {store_id: region.id for store_id, region in regions.items()})
    else:
        listed = (store for store in stores if store.id in found or (store.is_open and scope.account_ids is None))
        codes = {store.id: store.code for store in listed}
    return Ranking(DEFINITIONS[wanted.figure], found, codes, ascending=wanted.ascending)


async def _guides(session: AsyncSession, scope: Scope, wanted: Wanted, days: Days) -> Ranking:
    found = await reading.sums(session, scope, Question(days, _columns(wanted), By.GUIDE))
    if wanted.is_adjusted:
        found = adjusting.less(found, await adjusting.handed(session, scope, days))
    numbers = await standing.numbers(session, scope, found)
    return Ranking(DEFINITIONS[wanted.figure], found, numbers, ascending=wanted.ascending)


def _columns(wanted: Wanted) -> list[str]:
    return sorted({name for figure in (wanted.figure, *wanted.also) for name in DEFINITIONS[figure].columns})


def _rolled_up(found: Mapping[UUID, Sums], into: Mapping[UUID, UUID]) -> Summed:
    """Sums by region: each store counts in one."""
    rolled: dict[UUID, dict[str, int]] = {}
    for store_id, sums in found.items():
        if store_id in into:
            _add(rolled.setdefault(into[store_id], {}), sums.items())
    return rolled


def _add(into: dict[str, int], sums: Iterable[tuple[str, int]]) -> None:
    for name, value in sums:
        into[name] = into.get(name, 0) + value


def _own_store(actor: Actor) -> tuple[UUID, ...]:
    if actor.store_id is None:
        raise NotFound
    return (actor.store_id,)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadCursor
    return value


def _told(after: Sequence[Any], digits: int) -> tuple[tuple[int, int], str, UUID]:
    """Value, code and id in a cursor of `place_of`. Raises `BAD_CURSOR` for what is none."""
    try:
        top, under, code, key = after
        parts = (0, 0) if top is None else (_whole(top), _whole(under))
        if not isinstance(code, str) or parts[1] < (top is not None) or (digits == 0 and parts[1] > 1):
            raise BadCursor
        return parts, code, UUID(key)
    except (TypeError, ValueError, AttributeError) as error:
        raise BadCursor from error
