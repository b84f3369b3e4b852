"""How large a demo is, and what is said of it in the end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kernel.actor import Role
from kernel.errors import Conflict, Invalid

PASSWORD = "daogou-demo"  # noqa: S105 - printed for everybody to read; it opens made-up data only

Progress = Callable[[int, int], None]


class DemoExists(Conflict):
    """The demo's brands are in the database already."""

    code = "DEMO_EXISTS"
    en = "This database already has the demo brand {brands}. Use an empty database."
    zh = "数据库里已有演示品牌 {brands}，请换一个空的数据库。"


class DemoTooLarge(Invalid):
    """This size is meant for PostgreSQL."""

    code = "DEMO_TOO_LARGE"
    en = "The demo of size {size} needs PostgreSQL: set DATABASE_URL to a postgresql:// address."
    zh = "{size} 规模的演示数据需要 PostgreSQL，请把 DATABASE_URL 设为 postgresql:// 地址。"


class Size(StrEnum):
    """How much is made up: a screenful, a small chain, a large brand, a giant."""

    S = "s"
    M = "m"
    L = "l"
    XL = "xl"


@dataclass(frozen=True, slots=True)
class Shape:
    """How many of what, over both brands. Shares run from 0 to 1.

    `orders_per_customer` is about the mean and counts the orders of guests as well. `detail` is how
    much is known of a customer besides what they bought; `buying_today` is the share of customers
    who buy on the last day.
    """

    stores: int
    guides: int
    customers: int
    orders_per_customer: float
    detail: float
    buying_today: float
    tasks_per_guide: int


SHAPES = {
    Size.S: Shape(6, 24, 1_500, 5.0, 1.0, 0.04, 14),
    Size.M: Shape(50, 300, 60_000, 3.0, 0.8, 0.015, 18),
    Size.L: Shape(200, 2_000, 1_000_000, 2.0, 0.35, 0.006, 20),
    Size.XL: Shape(900, 30_000, 18_000_000, 2.0, 0.35, 0.006, 20),
}


@dataclass(frozen=True, slots=True)
class DemoSignIn:
    """Somebody to sign in as."""

    brand_code: str
    brand_name: str
    role: Role
    staff_number: str
    name: str
    workplace: str
    password: str


@dataclass(slots=True)
class DemoReport:
    """What was made: rows by table, who can sign in, and whose departure waits for a handover."""

    size: Size
    as_of: datetime
    rows: dict[str, int] = field(default_factory=dict)
    sign_ins: list[DemoSignIn] = field(default_factory=list)
    waiting_for_handover: list[str] = field(default_factory=list)

    def count(self, table: str, rows: int) -> None:
        self.rows[table] = self.rows.get(table, 0) + rows
