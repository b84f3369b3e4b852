"""Why a customer should be contacted, in words, with figures from what that customer really bought."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

from mall.models import OrderState
from server.demo import words
from server.demo.lives import Making, Person, Purchase
from tasks.models import TaskKind

LEAST_PURCHASES = 3
LATE = 1.5
LOST_DAYS = 300
YEAR_DAYS = 365
BIRTHDAY_AHEAD = 7


@dataclass(frozen=True, slots=True)
class Reason:
    """What a task says: `text` quotes figures as of the morning the task was made."""

    kind: TaskKind
    title: str
    text: str
    words: str
    priority: int


def to_revisit(making: Making, person: Person, days_ago: int, at: datetime) -> Reason | None:
    """The reason to contact somebody that a rule would have found at that instant, so many days ago."""
    known = [purchase for purchase in person.purchases if purchase.placed_at < at]
    if not known:
        return None
    since = known[-1].days_ago - days_ago
    spent, visits = _past_year(known, days_ago, at)
    return (
        _birthday(making, person, days_ago, spent, visits, known[-1])
        or _first_time(making, person, known, since)
        or _long_away(making, person, known, since, spent)
    )


def to_follow_up(making: Making, person: Person, purchase: Purchase, days_ago: int) -> Reason:
    """An order that has not arrived yet; the customer shouldn't have to ask."""
    waits = purchase.order["state"] is OrderState.PAID
    days = purchase.days_ago - days_ago
    amount = yuan(purchase.order["amount"])
    where = "还没发货" if waits else "已发货还没签收"
    return Reason(
        TaskKind.ORDER_FOLLOW_UP,
        "跟进小程序订单：待发货" if waits else "跟进小程序订单：运输中",
        f"小程序订单 {purchase.order['number']}，{amount}，{days} 天前付款，{where}",
        _say(making, person, words.PAID_WORDS if waits else words.SHIPPED_WORDS, purchase),
        min(90, 55 + 8 * days) if waits else 50,
    )


def yuan(fen: int) -> str:
    """¥12,400, with two decimals only where there are any."""
    return f"¥{fen // 100:,}" + (f".{fen % 100:02d}" if fen % 100 else "")


def usual_gap(days: list[int]) -> int:
    """The median number of days between purchases on different days, a half rounded up; `days` count backwards."""
    gaps = [earlier - later for earlier, later in pairwise(days)]
    return int(median(gaps) + 0.5)


def _past_year(known: list[Purchase], days_ago: int, at: datetime) -> tuple[int, int]:
    """What was spent in the 365 days up to then, less what was given back by then; and on how many days."""
    recent = [purchase for purchase in known if purchase.days_ago - days_ago < YEAR_DAYS]
    back = sum(purchase.refunded for purchase in recent if purchase.refunded_at and purchase.refunded_at < at)
    return sum(purchase.order["amount"] for purchase in recent) - back, len({p.days_ago for p in recent})


def _long_away(making: Making, person: Person, known: list[Purchase], since: int, spent: int) -> Reason | None:
    days = list(dict.fromkeys(purchase.days_ago for purchase in known))
    if len(days) < LEAST_PURCHASES or since > LOST_DAYS:
        return None
    gap = usual_gap(days)
    if since < LATE * gap:
        return None
    text = f"平时 {gap} 天来一次，已 {since} 天没来；近一年消费 {yuan(spent)}"
    priority = min(95, 50 + min(25, spent // 40_000) + min(20, 5 * (since // gap)))
    return Reason(
        TaskKind.REVISIT, "好久没来了，回访一下", text, _say(making, person, words.LONG_AWAY_WORDS, known[-1]), priority
    )


def _birthday(
    making: Making, person: Person, days_ago: int, spent: int, visits: int, latest: Purchase
) -> Reason | None:
    born = person.customer["birthday"]
    day = making.day(days_ago)
    if born is None or visits == 0:
        return None
    coming = born.replace(year=day.year)
    if coming < day:
        coming = born.replace(year=day.year + 1)
    if (coming - day).days > BIRTHDAY_AHEAD:
        return None
    text = f"{born.month} 月 {born.day} 日生日；近一年来过 {visits} 次，消费 {yuan(spent)}"
    return Reason(TaskKind.REVISIT, "生日关怀", text, _say(making, person, words.BIRTHDAY_WORDS, latest), 80)


def _first_time(making: Making, person: Person, known: list[Purchase], since: int) -> Reason | None:
    if len(known) != 1 or not 5 <= since <= 15:
        return None
    text = f"{since} 天前第一次来，消费 {yuan(known[0].order['amount'])}"
    return Reason(
        TaskKind.REVISIT, "新客回访：问问合不合适", text, _say(making, person, words.FIRST_WORDS, known[0]), 60
    )


def _say(making: Making, person: Person, phrases: tuple[str, ...], purchase: Purchase) -> str:
    hello = person.customer["name"][0] + ("姐" if person.is_woman else "先生")
    article = purchase.article
    return making.dice.one_of(phrases).format(hello=hello, item=article.name, category=article.category)
