"""What is remembered of made-up customers while a batch of them is being made."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from kernel.crypto import Vault
from server.demo.dice import Dice, Today
from server.demo.house import Article, House, Keeper, Shop
from server.demo.shape import Shape

Row = dict[str, Any]


@dataclass(slots=True)
class Tie:
    """A relationship: who holds it now, and who held it before it was moved."""

    row: Row
    shop: Shop
    keeper: Keeper
    former: Keeper | None
    moved_at: datetime | None

    def keeper_at(self, moment: datetime) -> Keeper:
        if self.former is not None and self.moved_at is not None and moment < self.moved_at:
            return self.former
        return self.keeper


@dataclass(slots=True)
class Purchase:
    """An order as far as reasons and notes speak of it."""

    days_ago: int
    placed_at: datetime
    order: Row
    article: Article
    tie: Tie
    refunded: int = 0
    refunded_at: datetime | None = None


@dataclass(slots=True)
class Person:
    """A customer with their ties and purchases, the oldest purchase first."""

    customer: Row
    is_woman: bool
    ties: list[Tie]
    likes: str
    purchases: list[Purchase] = field(default_factory=list)
    traits: dict[str, str] = field(default_factory=dict)

    @property
    def tie(self) -> Tie:
        """The primary relationship."""
        return self.ties[0]


@dataclass(slots=True)
class Batch:
    """Some customers of one store with all that hangs on them: rows by table, parents first."""

    customers: list[Row] = field(default_factory=list)
    relationships: list[Row] = field(default_factory=list)
    holdings: list[Row] = field(default_factory=list)
    visits: list[Row] = field(default_factory=list)
    notes: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    order_lines: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    refund_lines: list[Row] = field(default_factory=list)
    refund_charges: list[Row] = field(default_factory=list)
    order_credits: list[Row] = field(default_factory=list)
    share_opens: list[Row] = field(default_factory=list)
    customer_tags: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    campaign_recipients: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Making:
    """Everything that goes into one batch: `serial` counts the orders, `first` is the first customer's number."""

    house: House
    shop: Shop
    shape: Shape
    vault: Vault
    dice: Dice
    first: int
    count: int
    part: int
    parts: int
    batch: Batch = field(default_factory=Batch)
    serial: int = 0
    days: dict[int, date] = field(default_factory=dict)

    @property
    def today(self) -> Today:
        return self.house.today

    def day(self, days_ago: int) -> date:
        """The store's calendar day so many days ago; each is made once."""
        found = self.days.get(days_ago)
        if found is None:
            found = self.days[days_ago] = self.today.day(days_ago)
        return found

    @property
    def neighbour(self) -> Shop | None:
        """The store where a few of this store's customers also buy."""
        shops = self.house.shops
        return shops[(self.shop.index + 1) % len(shops)] if len(shops) > 1 else None
