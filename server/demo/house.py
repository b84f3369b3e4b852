"""What a brand consists of before it has customers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from server.demo.brands import Trade
from server.demo.dice import Today

Row = dict[str, Any]
Rows = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Keeper:
    """An account that can hold relationships; without a staff member, the store's public one."""

    account_id: UUID
    staff_id: UUID | None
    is_leaving: bool = False
    personal_tags: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Shop:
    """A store with those who hold its relationships, and a guide who left it some days ago, if any."""

    id: UUID
    index: int
    name: str
    city: str
    manager_id: UUID
    public: Keeper
    guides: tuple[Keeper, ...]
    former: Keeper | None
    former_left: int


@dataclass(frozen=True, slots=True)
class Article:
    """Something in the catalogue; the price is in fen."""

    id: UUID
    code: str
    name: str
    category: str
    color: str
    price: int


@dataclass(frozen=True, slots=True)
class Link:
    """A guide's share link."""

    id: UUID
    made_at: datetime


@dataclass(slots=True)
class House:
    """A brand, laid out: what the customers' part needs to know, and the rows to load first."""

    trade: Trade
    brand_id: UUID
    today: Today
    customers: int
    shops: list[Shop] = field(default_factory=list)
    articles: dict[str, list[Article]] = field(default_factory=dict)
    links: dict[UUID, Link] = field(default_factory=dict)
    tags: dict[str, UUID] = field(default_factory=dict)
    shelf_lives: dict[UUID, int | None] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)

    def add(self, table: str, row: Row) -> Row:
        """Note a row to be loaded, with the brand's id in it."""
        whole = {"brand_id": self.brand_id, **row}
        self.rows.setdefault(table, []).append(whole)
        return whole
