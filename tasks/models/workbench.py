"""How somebody's workbench is laid out: their own arrangement, over what their role has in the brand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from kernel.actor import Role
from kernel.db import Json, UtcDateTime, enum_of, refers
from mall.models import ChurnRisk, OrderState
from tasks.models.tasks import TaskKind

STAFF_ROLES = (Role.GUIDE, Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ)


class Card(StrEnum):
    """What a workbench can show."""

    TASKS = "tasks"
    ESCALATED = "escalated"
    CUSTOMERS_AT_RISK = "customers_at_risk"
    ORDERS = "orders"
    TILES = "tiles"
    CAMPAIGNS = "campaigns"
    BIRTHDAYS = "birthdays"
    TAG_CHECKS = "tag_checks"


FILTERED: Mapping[Card, type[StrEnum]] = {
    Card.TASKS: TaskKind,
    Card.ORDERS: OrderState,
    Card.CUSTOMERS_AT_RISK: ChurnRisk,
}
"""By what a card can be narrowed down; the others are shown whole."""


@dataclass(frozen=True, slots=True)
class PlacedCard:
    """A card where it stands. `only` are words of `FILTERED`; without any everything is shown."""

    card: Card
    is_hidden: bool = False
    is_locked: bool = False
    only: tuple[str, ...] = ()


BUILT_IN = tuple(PlacedCard(card) for card in Card)
"""What everybody has where the brand says nothing."""


class WorkbenchLayout(SQLModel, table=True):
    """One person's cards in their order; none where they have been put back to the default."""

    __tablename__ = "workbench_layout"
    __table_args__ = (refers("staff_id", "staff"),)

    brand_id: UUID = Field(primary_key=True)
    staff_id: UUID = Field(primary_key=True)
    cards: list[dict[str, Any]] = Field(sa_type=Json)
    edited_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class WorkbenchDefault(SQLModel, table=True):
    """The cards that a role begins with in the brand, and which of them nobody can hide."""

    __tablename__ = "workbench_default"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    role: Role = Field(primary_key=True, sa_type=enum_of(Role))
    cards: list[dict[str, Any]] = Field(sa_type=Json)
    edited_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


def laid_out(own: Sequence[PlacedCard], default: Sequence[PlacedCard]) -> list[PlacedCard]:
    """What is shown to somebody with this arrangement of their own, where this is the brand's for their role.

    Each card is there once. One that the own arrangement doesn't name, as it came later, stands where the default has
    it; one that the default locks can't be hidden.
    """
    base = _woven(default, BUILT_IN)
    locked = {placed.card for placed in base if placed.is_locked}
    return [
        replace(placed, is_locked=placed.card in locked, is_hidden=placed.is_hidden and placed.card not in locked)
        for placed in _woven(own, base)
    ]


def _woven(chosen: Sequence[PlacedCard], under: Sequence[PlacedCard]) -> list[PlacedCard]:
    """The chosen cards in their order; each of the others behind the one that stands before it underneath."""
    found = list(chosen)
    for index, placed in enumerate(under):
        cards = [each.card for each in found]
        if placed.card not in cards:
            before = [cards.index(each.card) for each in under[:index]]
            found.insert(max(before, default=-1) + 1, placed)
    return found


def stored(cards: Sequence[PlacedCard]) -> list[dict[str, Any]]:
    """As a table keeps them."""
    return [
        {"card": each.card, "hidden": each.is_hidden, "locked": each.is_locked, "only": list(each.only)}
        for each in cards
    ]


def restored(kept: Sequence[Mapping[str, Any]]) -> list[PlacedCard]:
    """As they were stored; what a newer program wrote and this one doesn't know is left out."""
    found = []
    for each in kept:
        if each["card"] in [*Card]:
            card = Card(each["card"])
            known = FILTERED.get(card, ())
            only = tuple(word for word in each["only"] if word in [*known])
            found.append(PlacedCard(card, each["hidden"], each["locked"], only))
    return found
