"""Arrange workbenches: each person their own, headquarters what a role begins with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import select
from sqlmodel import col

from kernel import bulk, clock
from kernel.actor import Role
from kernel.errors import Forbidden, Invalid, require_version
from kernel.work import Work
from tasks.errors import CardLocked, FilterUnfit
from tasks.events import WorkbenchArranged, WorkbenchDefaultSet
from tasks.models import (
    FILTERED,
    STAFF_ROLES,
    PlacedCard,
    WorkbenchDefault,
    WorkbenchLayout,
    laid_out,
    restored,
    stored,
)
from tasks.policy import require_default_keeper
from tasks.queries.workbench import Default, Layout, default_of, layout_of

Kept = TypeVar("Kept", WorkbenchLayout, WorkbenchDefault)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Cards as somebody gives them; what is left out stands where the default has it."""

    cards: Sequence[PlacedCard]

    def checked(self) -> list[PlacedCard]:
        """The cards. Raises `INVALID` for one that is named twice, `FILTER_UNFIT`."""
        if len({each.card for each in self.cards}) < len(self.cards):
            raise Invalid(field="cards", reason="each card once.", reason_zh="每张卡片只能出现一次。")
        for each in self.cards:
            if not set(each.only) <= {*FILTERED.get(each.card, ())}:
                raise FilterUnfit(card=each.card)
        return [replace(each, only=tuple(dict.fromkeys(each.only))) for each in self.cards]


async def arrange(work: Work, cards: Sequence[PlacedCard], *, expected_version: int | None = None) -> Layout:
    """Lay one's own workbench out. Cards that aren't named stand where the default has them.

    Raises `FORBIDDEN`, `INVALID`, `STALE_VERSION`, `CARD_LOCKED`, `FILTER_UNFIT`.
    """
    chosen = [replace(each, is_locked=False) for each in Chosen(cards).checked()]
    return await _keep(work, chosen, expected_version)


async def reset(work: Work, *, expected_version: int | None = None) -> Layout:
    """Take the default again, and whatever it will be. Raises `FORBIDDEN`, `STALE_VERSION`."""
    return await _keep(work, [], expected_version)


async def set_default(
    work: Work, role: Role, cards: Sequence[PlacedCard], *, expected_version: int | None = None
) -> Default:
    """Say what a role begins with in the brand, and which cards nobody of that role can hide.

    Raises `FORBIDDEN`, `INVALID`, `STALE_VERSION`, `FILTER_UNFIT`.
    """
    require_default_keeper(work.actor)
    if role not in STAFF_ROLES:
        raise Invalid(field="role", reason="a role of people.", reason_zh="必须是员工角色。")
    chosen = Chosen(cards).checked()
    if any(each.is_hidden and each.is_locked for each in chosen):
        raise Invalid(field="cards", reason="a fixed card can't be hidden.", reason_zh="固定的卡片不能隐藏。")
    brand_id = work.actor.brand_id
    row = await _locked(work, WorkbenchDefault, role=role)
    require_version(default_of(brand_id, role, row), expected_version)
    if _change(row, chosen):
        work.record(WorkbenchDefaultSet(role=role))
    return default_of(brand_id, role, row)


async def _keep(work: Work, chosen: list[PlacedCard], expected_version: int | None) -> Layout:
    staff_id = work.actor.staff_id
    if staff_id is None:
        raise Forbidden
    row = await _locked(work, WorkbenchLayout, staff_id=staff_id)
    default = await work.session.get(WorkbenchDefault, (work.actor.brand_id, work.actor.role))
    base = default.cards if default else []
    require_version(layout_of(staff_id, row.cards, row.version, base), expected_version)
    _require_shown(chosen, base)
    if _change(row, chosen):
        work.record(WorkbenchArranged(staff_id=staff_id))
    return layout_of(staff_id, row.cards, row.version, base)


def _require_shown(chosen: Sequence[PlacedCard], base: Sequence[Any]) -> None:
    locked = {each.card for each in laid_out((), restored(base)) if each.is_locked}
    for each in chosen:
        if each.is_hidden and each.card in locked:
            raise CardLocked(card=each.card)


async def _locked(work: Work, model: type[Kept], **key: Any) -> Kept:
    """The row, made if there is none: of two who arrange at once the second waits, and finds what the first did."""
    its: dict[str, Any] = {"brand_id": work.actor.brand_id, **key}
    await bulk.insert_missing(work.session, model, [{**its, "cards": [], "edited_at": clock.now(), "version": 0}])
    where = [col(getattr(model, name)) == value for name, value in its.items()]
    found: Kept = (await work.session.scalars(select(model).where(*where).with_for_update())).one()
    return found


def _change(row: WorkbenchLayout | WorkbenchDefault, chosen: Sequence[PlacedCard]) -> bool:
    """Whether anything is other than it was."""
    cards = stored(chosen)
    if row.cards == cards:
        return False
    row.cards, row.edited_at, row.version = cards, clock.now(), row.version + 1
    return True
