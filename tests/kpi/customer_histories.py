"""Made-up purchases of a few customers in a few stores, of which views are asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from customers.models import Customer, Relationship
from kernel import ids
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import WHOLE, Channel, CreditReason, LineKind, OrderState
from tests.factories import NOON, World, first_holding, save
from tests.mall.trading import till

BEGIN = date(2024, 1, 28)
NUMBERS = ("3", "20", "007", "7", "100", "M1", "m1", "客")
MILLIONTHS = 10_000  # in a fen
BOTH, NOBODY = 2, 3


@dataclass(frozen=True)
class Deal:
    """An order, or money given back: by which customer, in which store, on which day, and whose it is."""

    customer: int
    store: int
    earner: int
    day: int
    fen: int
    left: int
    is_refund: bool
    stands: bool

    @property
    def on(self) -> date:
        return BEGIN + timedelta(days=self.day)

    @property
    def exact(self) -> int:
        return (self.fen * MILLIONTHS + self.left) * (-1 if self.is_refund else 1)

    def part_of(self, earner: int) -> int:
        """What the guide has of it, the first with what rounding left over."""
        if self.earner == earner:
            return self.exact
        if self.earner != BOTH:
            return 0
        first = self.fen - self.fen // 2
        part = first * MILLIONTHS + self.left if earner == 0 else self.fen // 2 * MILLIONTHS
        return -part if self.is_refund else part


@dataclass
class Story:
    """Deals, and whose they are by the ids of the tables."""

    deals: Sequence[Deal]
    customers: list[UUID] = field(default_factory=list)
    relationships: dict[tuple[int, int], UUID] = field(default_factory=dict)


DEALS = st.builds(
    Deal,
    customer=st.integers(0, len(NUMBERS) - 1),
    store=st.integers(0, 2),
    earner=st.integers(0, NOBODY),
    day=st.one_of(st.integers(0, 70), st.sampled_from((90, 180, 181, 365, 366, 400))),
    fen=st.sampled_from((1, 100, 100, 500, 90_001)),
    left=st.sampled_from((0, 0, 5_000, -4_999, 3_333)),
    is_refund=st.sampled_from((False, False, False, True)),
    stands=st.sampled_from((True, True, True, False)),
)


def holder(customer: int, store: int) -> int:
    """Which guide of the store holds the customer; 2 is nobody, but the store."""
    return (customer + store) % 3


async def tell(ground: Ground, world: World, deals: Sequence[Deal]) -> Story:
    """Put the deals into the tables, as an import does."""
    story = Story(deals)
    rows: list[Any] = []
    for number in NUMBERS:
        story.customers.append(ids.new())
        rows.append(
            Customer(brand_id=world.brand.id, id=story.customers[-1], member_number=number, name="王芳", joined_at=NOON)
        )
    held = []
    for customer in range(len(NUMBERS)):
        for place, shop in enumerate(world.shops):
            guides = [*shop.guides, shop.manager]
            by = guides[holder(customer, place)]
            relationship = Relationship(
                brand_id=world.brand.id,
                id=ids.new(),
                customer_id=story.customers[customer],
                store_id=shop.store.id,
                holder_id=by.account_ids[0],
                is_primary=place == 0,
                created_at=NOON,
            )
            story.relationships[customer, place] = relationship.id
            held += [relationship]
            rows.append(relationship)
    await save(ground, *rows, *(first_holding(each, world.hq) for each in held))
    await _load(ground, world, story)
    return story


async def _load(ground: Ground, world: World, story: Story) -> None:
    loaded: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("orders", "order_lines", "refunds", "refund_lines", "refund_charges", "order_credits")
    }
    for deal in story.deals:
        key = ids.new()
        row, line = _row(world, story, deal, key), _line(world, deal)
        if deal.is_refund:
            loaded["refunds"].append(row | {"order_id": None, "is_void": not deal.stands})
            loaded["refund_lines"].append(line | {"refund_id": key})
            loaded["refund_charges"] += [
                {"brand_id": world.brand.id, "refund_id": key, "placed_at": row["placed_at"], **part}
                for part in _parts(world, deal)
            ]
        else:
            state = OrderState.COMPLETED if deal.stands else OrderState.CANCELLED
            loaded["orders"].append(
                row | {"state": state, "channel": Channel.FILE, "serving_account_id": None, "country": None}
            )
            loaded["order_lines"].append(line | {"order_id": key, "product_id": None})
            loaded["order_credits"] += [
                {
                    "brand_id": world.brand.id,
                    "id": ids.new(),
                    "order_id": key,
                    "store_id": row["store_id"],
                    "reason": CreditReason.HOLDER,
                    "points": WHOLE if deal.earner != BOTH else WHOLE // 2,
                    "is_elsewhere": False,
                    "decided_at": row["placed_at"],
                    "version": 1,
                    **part,
                }
                for part in _parts(world, deal)
            ]
    async with unit_of_work(ground, till(world)) as work:
        await commands.load(work, **loaded)


def _parts(world: World, deal: Deal) -> list[dict[str, Any]]:
    guides = [guide.account_ids[0] for guide in world.shops[deal.store].guides]
    if deal.earner == BOTH:
        half = deal.fen // 2
        return [
            {"part": 1, "account_id": guides[0], "amount": deal.fen - half},
            {"part": 2, "account_id": guides[1], "amount": half},
        ]
    return [{"part": 1, "account_id": None if deal.earner == NOBODY else guides[deal.earner], "amount": deal.fen}]


def _row(world: World, story: Story, deal: Deal, key: UUID) -> dict[str, Any]:
    return {
        "brand_id": world.brand.id,
        "id": key,
        "source": "file",
        "number": key.hex,
        "store_id": world.shops[deal.store].store.id,
        "customer_id": story.customers[deal.customer],
        "relationship_id": story.relationships[deal.customer, deal.store],
        "amount": deal.fen,
        "currency": "CNY",
        "placed_at": datetime(deal.on.year, deal.on.month, deal.on.day, 4, tzinfo=UTC),
        "day": deal.on,
        "version": 1,
    }


def _line(world: World, deal: Deal) -> dict[str, Any]:
    return {
        "brand_id": world.brand.id,
        "line": 1,
        "product_code": "P1",
        "name": "羊绒衫",
        "kind": LineKind.GOODS,
        "quantity": 1,
        "amount": deal.fen,
        "residue": deal.left or None,
    }
