"""The truth about a file of online-retail lines, straight from the CSV in exact decimals.

Deliberately shares no code with the product and is written the long way round: what it says and what
the product says were worked out twice.
"""

import bisect
import csv
import gzip
import math
import sys
from collections import OrderedDict
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

SERVICES = {"POST", "DOT", "C2", "M", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS", "ADJUST"}
SERVICES |= {"ADJUST2", "TEST001", "TEST002", "GIFT", "SP1002"}
CENT = Decimal("0.01")


def open_text(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def is_service(code: str) -> bool:
    upper = code.strip().upper()
    return upper in SERVICES or upper.startswith("GIFT_")


def pence(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def read(paths: list[Path]) -> tuple[dict[str, list[dict[str, str]]], int]:
    """All invoices; one that several files hold is taken from the first."""
    invoices: dict[str, list[dict[str, str]]] = {}
    for path in paths:
        for number, lines in _read(path, path.stat().st_mtime_ns).items():
            invoices.setdefault(number, lines)
    return invoices, sum(len(lines) for lines in invoices.values())


# A test asks the same file again and again. Two at most: the real one fills some hundred MB.
@lru_cache(2)
def _read(path: Path, _changed_at: int) -> dict[str, list[dict[str, str]]]:
    invoices: dict[str, list[dict[str, str]]] = {}
    with open_text(path) as text:
        for row in csv.DictReader(text):
            clean = {key: value.strip() for key, value in row.items()}
            invoices.setdefault(clean["InvoiceNo"], []).append(clean)
    return invoices


def truth(paths: list[Path], until: date | None = None, spots: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every figure, under the same keys as the product's, money as Decimal with two places."""
    invoices, _ = read(paths)
    orders: list[dict[str, Any]] = []
    refunds: list[dict[str, Any]] = []
    ignored = 0
    goods = {"sold": Decimal(0), "back": Decimal(0)}
    by_product: dict[str, list[Any]] = {}
    for number, lines in invoices.items():
        if number.startswith("C"):
            moment = min(datetime.fromisoformat(line["InvoiceDate"]) for line in lines)
            money = Decimal(0)
            goods_money = Decimal(0)
            for line in lines:
                value = Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])
                money -= value
                if not is_service(line["StockCode"]):
                    goods_money -= value
            refunds.append(
                {"at": moment, "money": money, "goods": goods_money, "who": lines[0]["CustomerID"], "lines": lines}
            )
            continue
        sale_lines = []
        for line in lines:
            if number[0] in "0123456789" and int(line["Quantity"]) > 0 and Decimal(line["UnitPrice"]) > 0:
                sale_lines.append(line)
            else:
                ignored += 1
        if sale_lines:
            orders.append(
                {
                    "number": number,
                    "at": min(datetime.fromisoformat(line["InvoiceDate"]) for line in sale_lines),
                    "money": sum((Decimal(s["Quantity"]) * Decimal(s["UnitPrice"]) for s in sale_lines), Decimal(0)),
                    "who": sale_lines[0]["CustomerID"],
                    "country": sale_lines[0]["Country"],
                    "lines": sale_lines,
                }
            )
    end = until or max(paper["at"].date() for paper in orders + refunds)
    orders = [order for order in orders if order["at"].date() <= end]
    refunds = [refund for refund in refunds if refund["at"].date() <= end]
    for order in orders:
        for line in order["lines"]:
            if not is_service(line["StockCode"]):
                value = Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])
                goods["sold"] += value
                entry = by_product.setdefault(line["StockCode"].upper(), [Decimal(0), set()])
                entry[0] += value
                if order["who"]:
                    entry[1].add(order["who"])
    for refund in refunds:
        goods["back"] += refund["goods"]

    gross = sum((order["money"] for order in orders), Decimal(0))
    returned = sum((refund["money"] for refund in refunds), Decimal(0))
    known = [order for order in orders if order["who"]]
    people: dict[str, dict[str, Any]] = {}
    for order in sorted(known, key=lambda o: (o["at"], o["number"])):
        person = people.setdefault(
            order["who"],
            {"orders": 0, "days": set(), "gross": Decimal(0), "back": Decimal(0), "home": order["country"]},
        )
        person["orders"] += 1
        person["days"].add(order["at"].date())
        person["gross"] += order["money"]
    for refund in refunds:
        if refund["who"] in people:
            people[refund["who"]]["back"] += refund["money"]
    for who, person in people.items():
        mod = int(who) % 12
        person["store"] = f"UK-{mod:02d}" if person["home"] == "United Kingdom" else person["home"]
        person["guide"] = f"{person['store']}-G{int(who) // 12 % 4}"
        person["days"] = sorted(person["days"])
    months = month_list(orders + refunds)
    best = sorted(by_product.items(), key=lambda item: (-item[1][0], item[0]))[:15]
    letters = {}
    shapes = {}
    for name, worth in (
        ("pyramid_gross", {who: p["gross"] for who, p in people.items()}),
        ("pyramid_net", {who: p["gross"] - p["back"] for who, p in people.items()}),
    ):
        shapes[name], letters[name] = pyramid(worth)
    if not spots:
        spots = tuple(sorted(people, key=lambda who: -people[who]["gross"])[:5])
    return {
        "scope": {"from": min(o["at"] for o in orders).date().isoformat(), "to": end.isoformat()},
        "currency": "GBP",
        "orders": len(orders),
        "guest_orders": len(orders) - len(known),
        "refund_count": len(refunds),
        "gross": pence(gross),
        "refunds": pence(returned),
        "net": pence(gross - returned),
        "customers": len(people),
        "ignored_lines": ignored,
        "goods_gross": pence(goods["sold"]),
        "goods_refunds": pence(goods["back"]),
        "goods_net": pence(goods["sold"] - goods["back"]),
        "off_hours": {"share_all": off_hours(orders), "share_identified": off_hours(known)},
        "repeat_rate_orders": ratio(sum(p["orders"] >= 2 for p in people.values()), len(people)),
        "repeat_rate_days": ratio(sum(len(p["days"]) >= 2 for p in people.values()), len(people)),
        "monthly": monthly(orders, refunds, people, months),
        "cohorts": cohorts(people, months),
        **shapes,
        "gaps_days": gaps(people),
        "lapsed": lapsed(people, end),
        "spot_customers": {who: spot(people[who], letters["pyramid_gross"][who], end) for who in spots},
        "country_rank_by_gross": countries(orders),
        "store_rank_suggested": ranking(people, "store"),
        "guide_rank_suggested_top20": ranking(people, "guide")[:20],
        "top15_goods_by_gross": [[code, pence(money), len(buyers)] for code, (money, buyers) in best],
    }


def ratio(part: int, whole: int) -> float:
    return round(part / whole, 6)


def month_list(papers: list[dict[str, Any]]) -> list[str]:
    first, last = min(paper["at"] for paper in papers), max(paper["at"] for paper in papers)
    months = []
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        months.append(f"{year:04d}-{month:02d}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return months


def off_hours(orders: list[dict[str, Any]]) -> float:
    off = 0
    for order in orders:
        seconds = order["at"].hour * 3600 + order["at"].minute * 60 + order["at"].second
        if seconds < 9 * 3600 or seconds >= 18 * 3600:
            off += 1
    return ratio(off, len(orders))


def monthly(orders: Any, refunds: Any, people: Any, months: list[str]) -> list[dict[str, Any]]:
    rows = []
    for index, month in enumerate(months):
        previous = months[index - 1] if index else None
        row: dict[str, Any] = {"month": month, "active": 0, "new": 0, "retained": 0, "returned": 0}
        row["lapsed_from_prev"] = 0
        for person in people.values():
            seen = {day.isoformat()[:7] for day in person["days"]}
            if month in seen:
                row["active"] += 1
                if min(seen) == month:
                    row["new"] += 1
                elif previous in seen:
                    row["retained"] += 1
                else:
                    row["returned"] += 1
            elif previous in seen:
                row["lapsed_from_prev"] += 1
        mine = [o for o in orders if o["at"].isoformat()[:7] == month]
        row["orders"] = len(mine)
        row["gross"] = pence(sum((o["money"] for o in mine), Decimal(0)))
        row["refunds"] = pence(sum((r["money"] for r in refunds if r["at"].isoformat()[:7] == month), Decimal(0)))
        rows.append(row)
    return rows


def cohorts(people: Any, months: list[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = OrderedDict()
    for index, month in enumerate(months):
        members = [
            {day.isoformat()[:7] for day in person["days"]}
            for person in people.values()
            if person["days"][0].isoformat()[:7] == month
        ]
        if members:
            rows[month] = [sum(later in seen for seen in members) for later in months[index:]]
    return rows


def pyramid(worth: dict[str, Decimal]) -> tuple[dict[str, Any], dict[str, str]]:
    ranked = sorted(worth, key=lambda who: (-worth[who], int(who)))
    count = len(ranked)
    top = math.ceil(Fraction(2, 10) * count)
    half = math.ceil(Fraction(5, 10) * count)
    total = sum(worth.values(), Decimal(0))
    shape: dict[str, Any] = {}
    letters = {}
    for letter, group in (("A", ranked[:top]), ("B", ranked[top:half]), ("C", ranked[half:])):
        money = sum((worth[who] for who in group), Decimal(0))
        shape[letter] = {"customers": len(group), "amount": pence(money), "share": round(float(money / total), 6)}
        for who in group:
            letters[who] = letter
    shape["cut_A_B"] = pence(worth[ranked[top - 1]])
    shape["cut_B_C"] = pence(worth[ranked[half - 1]])
    return shape, letters


def middle(values: list[Any]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def spread(values: list[Any]) -> dict[str, Any]:
    if not values:
        return {"count": 0, "mean": None, "median": None, "p25": None, "p75": None}
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        below, above = math.floor(place), math.ceil(place)
        return float(ordered[below] * (1 - (place - below)) + ordered[above] * (place - below))

    return {
        "count": len(ordered),
        "mean": round(sum(ordered) / len(ordered), 6),
        "median": middle(ordered),
        "p25": at(0.25),
        "p75": at(0.75),
    }


def between(days: list[date]) -> list[int]:
    return [days[i].toordinal() - days[i - 1].toordinal() for i in range(1, len(days))]


def gaps(people: Any) -> dict[str, Any]:
    every: list[int] = []
    medians: list[float] = []
    for person in people.values():
        found = between(person["days"])
        every.extend(found)
        if found:
            medians.append(middle(found))
    return {"pooled": spread(every), "customer_medians": spread(medians)}


def lapsed(people: Any, end: date) -> dict[str, Any]:
    row: dict[str, Any] = {"date": end.isoformat(), "customers": len(people)}
    for limit in (30, 60, 90, 180, 365):
        row[f"gt_{limit}"] = 0
        row[f"ge_{limit}"] = 0
        for person in people.values():
            days = end.toordinal() - person["days"][-1].toordinal()
            if days > limit:
                row[f"gt_{limit}"] += 1
            if days >= limit:
                row[f"ge_{limit}"] += 1
    return row


def spot(person: dict[str, Any], letter: str, end: date) -> dict[str, Any]:
    found = between(person["days"])
    return {
        "orders": person["orders"],
        "purchase_days": len(person["days"]),
        "gross": pence(person["gross"]),
        "refunds": pence(person["back"]),
        "net": pence(person["gross"] - person["back"]),
        "first": person["days"][0].isoformat(),
        "last": person["days"][-1].isoformat(),
        "days_since_last": end.toordinal() - person["days"][-1].toordinal(),
        "median_gap": middle(found) if found else None,
        "abc": letter,
    }


def countries(orders: Any) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for order in orders:
        row = rows.setdefault(order["country"], {"gross": Decimal(0), "orders": 0, "customers": set()})
        row["gross"] += order["money"]
        row["orders"] += 1
        if order["who"]:
            row["customers"].add(order["who"])
    ranked = sorted(rows.items(), key=lambda item: (-item[1]["gross"], item[0]))
    return [
        {"country": name, "gross": pence(r["gross"]), "orders": r["orders"], "customers": len(r["customers"])}
        for name, r in ranked
    ]


def ranking(people: Any, title: str) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for person in people.values():
        row = rows.setdefault(person[title], {"customers": 0, "orders": 0, "gross": Decimal(0), "back": Decimal(0)})
        row["customers"] += 1
        row["orders"] += person["orders"]
        row["gross"] += person["gross"]
        row["back"] += person["back"]
    ranked = sorted(rows.items(), key=lambda item: (-item[1]["gross"], item[0]))
    return [
        {
            title: name,
            "customers": r["customers"],
            "orders": r["orders"],
            "gross": pence(r["gross"]),
            "refunds": pence(r["back"]),
            "net": pence(r["gross"] - r["back"]),
        }
        for name, r in ranked
    ]


def churn(paths: list[Path], cut: date) -> dict[str, Any]:
    """Rankings of who will stay away, as of the end of a day: AUC and what the top tenth catches, from the file."""
    invoices, _ = read(paths)
    days: dict[str, set[date]] = {}
    spent: dict[str, dict[str, Decimal]] = {"gross": {}, "net": {}}
    came_back = set()
    year = date.fromordinal(cut.toordinal() - 364)
    for number, lines in invoices.items():
        who, day = lines[0]["CustomerID"], min(line["InvoiceDate"] for line in lines)[:10]
        values = [(int(line["Quantity"]), Decimal(line["UnitPrice"])) for line in lines]
        sold = sum((count * price for count, price in values if count > 0 and price > 0), Decimal(0))
        back = -sum((count * price for count, price in values), Decimal(0)) if number[0] == "C" else Decimal(0)
        bought = number[0].isdigit() and sold > 0
        at = date.fromisoformat(day)
        if not who or at.toordinal() > cut.toordinal() + 91:
            continue
        if at > cut:
            came_back.update([who] if bought else [])
            continue
        if bought:
            days.setdefault(who, set()).add(at)
        if year <= at:
            spent["gross"][who] = spent["gross"].get(who, Decimal(0)) + (sold if bought else 0)
            spent["net"][who] = spent["net"].get(who, Decimal(0)) + (sold if bought else 0) - back
    s: dict[str, float] = {}
    e: dict[str, float] = {}
    for who, on in days.items():
        first, *later = sorted(on)
        s[who] = math.fsum(math.exp((day.toordinal() - cut.toordinal()) / 365) for day in later)
        e[who] = 365 - 365 * math.exp((first.toordinal() - cut.toordinal()) / 365)
    a = math.fsum(e.values()) / math.fsum(s.values())
    silent = {who: cut.toordinal() - max(on).toordinal() for who, on in days.items()}
    rankings: dict[str, dict[str, float]] = {
        "rule_90_days": {who: 1.0 if days > 90 else 0.0 for who, days in silent.items()},
        "days_since_last": {who: float(days) for who, days in silent.items()},
        "stays_away": {who: ((a + e[who]) / (a + e[who] + 91)) ** (1 + s[who]) for who in days},
    }
    worth = {name: {who: max(float(pence(Decimal(of.get(who, 0)))), 0.0) for who in days} for name, of in spent.items()}
    lost = {who for who in days if who not in came_back}
    rated = {}
    for ranking, chance in rankings.items():
        for times in ("nothing", "gross", "net"):
            value = {who: chance[who] * (worth[times][who] if times in worth else 1.0) for who in days}
            shares = [caught(value, lost, worth[name]) for name in ("gross", "net")]
            rated[ranking, times] = (auc(value, lost), *shares)
    return {"customers": len(days), "lost": len(lost), "a": a, "rated": rated}


def auc(value: dict[str, float], lost: set[str]) -> float:
    """How many of the pairs of a lost customer and another one are in the right order; equals count half."""
    others = sorted(value[who] for who in value if who not in lost)
    right = 0.0
    for who in lost:
        right += (bisect.bisect_left(others, value[who]) + bisect.bisect_right(others, value[who])) / 2
    return right / (len(lost) * len(others))


def caught(value: dict[str, float], lost: set[str], worth: dict[str, float]) -> float:
    """The first tenth's share of what all lost customers are worth; equals at its end have an equal part in it."""
    room = -(-len(value) // 10)
    border = sorted(value.values(), reverse=True)[room - 1]
    surely = [who for who in value if value[who] > border]
    perhaps = [who for who in value if value[who] == border]
    part = (room - len(surely)) / len(perhaps)
    found = math.fsum(worth[who] for who in surely if who in lost)
    found += part * math.fsum(worth[who] for who in perhaps if who in lost)
    return found / math.fsum(worth[who] for who in lost)


def differences(ours: Any, true: Any, place: str = "") -> list[str]:
    """Where two sets of figures differ: money to the penny, everything else exactly."""
    if isinstance(true, Decimal):
        same = isinstance(ours, int | float) and Decimal(repr(ours)).quantize(CENT) == true
        return [] if same else [f"{place}: {ours} instead of {true}"]
    if isinstance(true, dict) and isinstance(ours, dict):
        found = [f"{place}: keys {sorted(set(ours) ^ set(true))}"] if set(ours) != set(true) else []
        return found + [d for key in true if key in ours for d in differences(ours[key], true[key], f"{place}.{key}")]
    if isinstance(true, list) and isinstance(ours, list):
        found = [f"{place}: {len(ours)} instead of {len(true)} rows"] if len(ours) != len(true) else []
        pairs = enumerate(zip(ours, true, strict=False))
        return found + [d for i, (mine, theirs) in pairs for d in differences(mine, theirs, f"{place}[{i}]")]
    return [] if ours == true else [f"{place}: {ours} instead of {true}"]


if __name__ == "__main__":
    print(truth([Path(name) for name in sys.argv[1:]]))  # noqa: T201 - run by hand
