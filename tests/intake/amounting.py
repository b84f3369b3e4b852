"""What imported rows amount to, against the file itself: each customer's purchases, and what keywords speak of."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from customers.models import Customer
from directory.models import Brand
from intake.queries import ledger
from kernel.work import Ground
from kpi.queries.basis import scale_of
from kpi.queries.figures import figures
from mall.models import LineKind, Order, OrderLine, OrderState, PurchaseProfile
from mall.queries.churn_evaluation import evaluate
from server.worker import Worker
from tagging.models.expressions import pattern
from tests.oracle_online_retail import churn, differences, truth

KEYWORDS = "category_keywords.json"
_FACTS = ("orders", "purchase_days", "gross", "refunds", "net", "first", "last", "median_gap")
GOODS_CODE = "^[0-9]{5}"


async def wrong_figures(ground: Ground, *paths: Path) -> list[str]:
    """Figures of the whole brand that are not what the files say."""
    async with ground.db.read() as session:
        brand = await ledger.brand_of(session, "online-retail")
        assert brand
        ours = await figures(session, brand)
    return differences(ours, truth(list(paths)))


async def wrong_profiles(ground: Ground, path: Path) -> list[str]:
    """Customers whose profile is not what the file says, once the jobs of the import are done."""
    while await Worker(ground).sweep_once():
        pass
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(Customer.member_number), PurchaseProfile)
            .join(
                PurchaseProfile,
                (col(PurchaseProfile.brand_id) == col(Customer.brand_id))
                & (col(PurchaseProfile.customer_id) == col(Customer.id)),
            )
            .where(col(PurchaseProfile.orders) > 0)
        )
        ours = {number: _facts(profile) for number, profile in found}
    everything = truth([path], spots=tuple(ours))
    true = {number: tuple(spot[name] for name in _FACTS) for number, spot in everything["spot_customers"].items()}
    wrong = [number for number in ours if ours[number] != true[number]]
    return wrong if len(ours) == everything["customers"] else [*wrong, f"{len(ours)} customers"]


async def wrong_churn(ground: Ground, path: Path, cut: date) -> dict[str, tuple[Any, Any]]:
    """Where rankings of who was about to leave don't do what the file says they did.

    To a millionth: whether two like customers are ahead of each other may hang on the last digit.
    """
    async with ground.db.read() as session:
        [brand_id] = await session.scalars(select(col(Brand.id)))
        ours = await evaluate(session, brand_id, cut)
    true = churn([path], cut)
    found: dict[str, Any] = {"customers": ours.customers, "lost": ours.lost, "a": ours.patience_days}
    expected = {name: true[name] for name in found}
    for each in ours.rated:
        place = f"{each.ranking} × {each.times}"
        found[place] = (each.auc, each.gross_share, each.net_share)
        expected[place] = true["rated"][each.ranking, each.times]
    assert len(found) == 12
    return {
        name: (found[name], expected[name])
        for name in expected
        if found[name] != pytest.approx(expected[name], rel=1e-6)
    }


def _facts(profile: PurchaseProfile) -> tuple[Any, ...]:
    assert profile.first_day
    assert profile.last_day
    return (
        profile.orders,
        profile.purchase_days,
        *(Decimal(amount) / 100 for amount in (profile.gross, profile.refunds, profile.net)),
        profile.first_day.isoformat(),
        profile.last_day.isoformat(),
        profile.median_gap_days,
    )


@dataclass
class Covered:
    """Lines, exact revenue in millionths, and distinct descriptions."""

    lines: int = 0
    revenue: int = 0
    names: set[str] = field(default_factory=set)

    def add(self, name: str, lines: int, revenue: int) -> None:
        self.lines += lines
        self.revenue += revenue
        self.names.add(name)


async def wrong_coverage(ground: Ground, path: Path) -> dict[str, tuple[Any, Any]]:
    """Where the imported lines, labelled by the keywords beside the file, are not what the keywords' file states.

    What it measured, found by trying: of sale lines whose stock code begins with five digits, a line is covered by a
    keyword that stands in its description with no letter right before or after it; digits may touch it, as in
    20LIGHT. `products` counts distinct descriptions, in capitals and without surrounding blanks. Shares are of all
    such lines, by number and by exact revenue, to four decimals.
    """
    stated = orjson.loads((path.parent / KEYWORDS).read_bytes())
    goods = await _goods(ground)
    total = Covered()
    for name, lines, revenue in goods:
        total.add(name, lines, revenue)
    found = {"goods_lines": total.lines, "goods_revenue_gbp": round(total.revenue / 1_000_000, 2)}
    expected = {name: stated[name] for name in found}
    for title, group in stated["groups"].items():
        words = {tag: _whole_words(rule["keywords"]) for tag, rule in group["tags"].items()}
        covered, of_tag = Covered(), {tag: Covered() for tag in words}
        for name, lines, revenue in goods:
            tags = [tag for tag, word in words.items() if word.search(name)]
            if tags:
                covered.add(name, lines, revenue)
            for tag in tags:
                of_tag[tag].add(name, lines, revenue)
        found |= _shares(title, covered, total, ("covered_lines", "covered_revenue"))
        expected |= {f"{title}.{fact}": group[fact] for fact in ("covered_lines", "covered_revenue")}
        for tag, rule in group["tags"].items():
            place = f"{title}.{tag}"
            found |= _shares(place, of_tag[tag], total, ("share_of_lines", "share_of_revenue"))
            found |= {f"{place}.lines": of_tag[tag].lines, f"{place}.products": len(of_tag[tag].names)}
            facts = ("share_of_lines", "share_of_revenue", "lines", "products")
            expected |= {f"{place}.{fact}": rule[fact] for fact in facts}
    return {place: (found[place], expected[place]) for place in expected if found[place] != expected[place]}


def _whole_words(keywords: list[str]) -> Any:
    """RE2 looks neither ahead nor back: what is no letter is matched."""
    return pattern(f"(?:^|[^A-Z])(?:{'|'.join(keywords)})(?:[^A-Z]|$)")


def _shares(place: str, part: Covered, total: Covered, names: tuple[str, str]) -> dict[str, Any]:
    lines, revenue = names
    return {
        f"{place}.{lines}": round(part.lines / total.lines, 4),
        f"{place}.{revenue}": round(part.revenue / total.revenue, 4),
    }


async def _goods(ground: Ground) -> list[tuple[str, int, int]]:
    """Descriptions of goods with their lines and exact revenue, in millionths."""
    code, scale = pattern(GOODS_CODE), scale_of("GBP")
    exact = func.sum(col(OrderLine.amount)) * scale + func.coalesce(func.sum(col(OrderLine.residue)), 0)
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(OrderLine.product_code), col(OrderLine.name), func.count(), exact)
            .join(Order, (col(Order.brand_id) == col(OrderLine.brand_id)) & (col(Order.id) == col(OrderLine.order_id)))
            .where(col(OrderLine.kind) == LineKind.GOODS, col(Order.state) != OrderState.CANCELLED)
            .group_by(col(OrderLine.product_code), col(OrderLine.name))
        )
        rows = found.all()
    lines, revenue = Counter[str](), Counter[str]()
    for product_code, name, count, amount in rows:
        if code.search(product_code):
            lines[name.strip().upper()] += count
            revenue[name.strip().upper()] += int(amount)
    return [(name, lines[name], revenue[name]) for name in lines]
