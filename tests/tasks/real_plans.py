"""Plans of all stores of an imported file as of a past day, and what must hold of them, worked out from the file."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer, Relationship
from directory.models import Account, Brand, Staff
from kernel.actor import system
from kernel.work import Ground
from tasks.models import RevisitRule, Trigger, Verdict
from tasks.models.choosing import KEPT, Choice
from tasks.queries import planning
from tasks.queries.planning import Draft
from tests.oracle_online_retail import pence, read

QUOTA = 8
SILENT = 21  # days, of the rule of churn that brands begin with


@dataclass
class Paper:
    """The plans of all stores of a day, with what customers and guides are called."""

    day: date
    drafts: dict[str, Draft]
    numbers: dict[UUID, str]
    guides: dict[UUID, str]
    primaries: set[tuple[UUID, UUID, UUID]]
    churn_id: UUID

    def chosen(self) -> list[Choice]:
        return [choice for draft in self.drafts.values() for choice in draft.of(Verdict.CHOSEN)]

    def broken(self) -> list[str]:
        """Which promises the plans break."""
        found = []
        chosen = self.chosen()
        if max(Counter(each.subject.account_id for each in chosen).values()) > QUOTA:
            found.append("a guide has more than the quota")
        if len({each.subject.customer_id for each in chosen}) < len(chosen):
            found.append("a customer is chosen twice")
        for store, draft in self.drafts.items():
            for each in draft.choices:
                who = (each.subject.customer_id, draft.store_id, each.subject.account_id)
                if who not in self.primaries:
                    found.append(f"{store}: {self.numbers[each.subject.customer_id]} isn't theirs first of all")
            kept = Counter(each.subject.account_id for each in draft.choices)
            if max(kept.values(), default=0) > QUOTA + KEPT:
                found.append(f"{store}: too many are kept")
        return found

    def at_risk(self, store: str) -> dict[str, list[str]]:
        """Whom the churn rule speaks for in a store, by guide and in their order."""
        by_guide: dict[str, list[str]] = {}
        for each in self.drafts[store].choices:
            if each.match.rule_id == self.churn_id:
                mine = by_guide.setdefault(self.guides[each.subject.account_id], [])
                mine.append(self.numbers[each.subject.customer_id])
        return by_guide

    def figures(self) -> dict[str, Any]:
        """What is pinned: how many customers met each verdict, and how many are chosen by each rule."""
        met: Counter[str] = Counter()
        for draft in self.drafts.values():
            met.update({verdict.value: count for verdict, count in draft.counts.items()})
        known = {rule.id: rule for draft in self.drafts.values() for rule in draft.rules.values()}
        by_trigger = Counter(known[each.match.rule_id].trigger.value for each in self.chosen())
        return {"stores": len(self.drafts), **dict(sorted(met.items())), "by": dict(sorted(by_trigger.items()))}


async def on_paper(ground: Ground, day: date) -> Paper:
    async with ground.db.read() as session:
        [brand_id] = await session.scalars(select(col(Brand.id)))
        stores = await planning.stores_of(session, brand_id)
        people = await session.execute(
            select(col(Account.id), col(Staff.number))
            .join(Staff, col(Staff.id) == col(Account.staff_id))
            .where(col(Account.brand_id) == brand_id, col(Staff.brand_id) == brand_id)
        )
        customers = await session.execute(
            select(col(Customer.id), col(Customer.member_number)).where(col(Customer.brand_id) == brand_id)
        )
        held = await session.execute(
            select(col(Relationship.customer_id), col(Relationship.store_id), col(Relationship.holder_id)).where(
                col(Relationship.brand_id) == brand_id, col(Relationship.is_primary)
            )
        )
        [churn_id] = await session.scalars(
            select(col(RevisitRule.id)).where(
                col(RevisitRule.brand_id) == brand_id, col(RevisitRule.trigger) == Trigger.CHURN
            )
        )
        guides, numbers = dict(people.all()), dict(customers.all())
        primaries = {(row[0], row[1], row[2]) for row in held}
    drafts = await planning.previews(ground.db, system(brand_id), stores, day)
    by_code = {store.id: store.code for store in stores}
    return Paper(day, {by_code[each.store_id]: each for each in drafts}, numbers, guides, primaries, churn_id)


def silent_and_worth_most(path: Path, day: date, store: str) -> dict[str, list[str]]:
    """By guide the customers of a British store who stay away for three weeks or more, by what is at risk with them.

    From the file alone: nothing of the product is used.
    """
    bought, spent, homes = _purchases(path, day)
    e = {who: 365 - 365 * math.exp((days[0] - day.toordinal()) / 365) for who, days in bought.items()}
    s = {who: math.fsum(math.exp((at - day.toordinal()) / 365) for at in days[1:]) for who, days in bought.items()}
    a = math.fsum(e.values()) / math.fsum(s.values())
    by_guide: dict[str, list[tuple[int, str]]] = {}
    for who, days in bought.items():
        silent, worth = day.toordinal() - days[-1], int(pence(spent[who]) * 100)
        chance = ((a + e[who]) / (a + e[who] + 91)) ** (1 + s[who])
        if homes[who] == store and silent >= SILENT and worth > 0 and chance >= 0.4:
            by_guide.setdefault(f"{store}-G{int(who) // 12 % 4}", []).append((-int(chance * worth), who))
    return {guide: [who for _, who in sorted(found)] for guide, found in by_guide.items()}


@cache
def _purchases(path: Path, day: date) -> tuple[dict[str, list[int]], dict[str, Decimal], dict[str, str]]:
    """By customer the purchase days until a day, what was spent in the year that ends with it, less refunds; and the
    store, which follows the country of the first order.
    """
    days: dict[str, set[int]] = {}
    first: dict[str, tuple[str, str, str]] = {}
    spent: dict[str, Decimal] = {}
    for number, lines in read([path])[0].items():
        who, when = lines[0]["CustomerID"], min(line["InvoiceDate"] for line in lines)
        at = date.fromisoformat(when[:10])
        if not who or at > day:
            continue
        values = [(int(line["Quantity"]), Decimal(line["UnitPrice"])) for line in lines]
        sold = sum((count * price for count, price in values if count > 0 and price > 0), Decimal(0))
        is_purchase = number[0].isdigit() and sold > 0
        if is_purchase:
            days.setdefault(who, set()).add(at.toordinal())
            order = (when, number, lines[0]["Country"])
            first[who] = min(first.get(who, order), order)
        money = sold if is_purchase else sum((n * p for n, p in values), Decimal(0)) if number[0] == "C" else Decimal(0)
        if at.toordinal() > day.toordinal() - 365:
            spent[who] = spent.get(who, Decimal(0)) + money
    british = {who: f"UK-{int(who) % 12:02}" for who, order in first.items() if order[2] == "United Kingdom"}
    homes = {who: british.get(who, order[2]) for who, order in first.items()}
    return {who: sorted(on) for who, on in days.items()}, dict.fromkeys(days, Decimal(0)) | spent, homes


def out_of_order(paper: Paper, path: Path, stores: Sequence[str]) -> list[str]:
    """Stores whose guides' customers at risk aren't those that the file names, in its order."""
    wrong = []
    for store in stores:
        true, ours = silent_and_worth_most(path, paper.day, store), paper.at_risk(store)
        for guide, mine in ours.items():
            if mine != true[guide][: len(mine)]:
                wrong.append(f"{guide}: {mine[:12]} instead of {true[guide][:12]}")
        if set(ours) != set(true):
            wrong.append(f"{store}: {sorted(set(ours) ^ set(true))}")
    return wrong
