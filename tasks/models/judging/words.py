"""Put reasons into words that a guide understands."""

from collections.abc import Sequence
from datetime import date

from mall.models import minor_digits
from tasks.models.subjects import Day, Subject

_LONGEST_NAME = 20
_MOST_NAMES = 3
_SIGNS = {"CNY": "¥", "JPY": "¥", "GBP": "£", "USD": "$", "EUR": "€", "HKD": "HK$", "TWD": "NT$"}


def reason(*parts: str) -> str:
    """The parts that there are, as one sentence: names in them are few and short, so that 300 characters do."""
    return "；".join(part for part in parts if part)


def money(amount: int, currency: str) -> str:
    """An amount in minor units as people say it: in whole units, with the currency's sign, or its code."""
    return f"{_SIGNS.get(currency, currency + ' ')}{amount // 10 ** minor_digits(currency):,}"


def spent(subject: Subject, day: Day) -> str:
    """What was spent in the last twelve months; nothing, if nothing was."""
    return f"近一年消费 {money(subject.net_12_months, day.currency)}" if subject.net_12_months > 0 else ""


def ago(days: int) -> str:
    """So many days ago."""
    return "今天" if days == 0 else "昨天" if days == 1 else f"{days} 天前"


def ahead(days: int) -> str:
    """In so many days."""
    return "今天" if days == 0 else "明天" if days == 1 else f"{days} 天后"


def month_and_day(day: date) -> str:
    return f"{day.month} 月 {day.day} 日"


def named(names: Sequence[str]) -> str:
    """At most three names, the long ones shortened; and how many there are, if more."""
    shown = "、".join(_short(name) for name in names[:_MOST_NAMES])
    return f"{shown} 等 {len(names)} 个" if len(names) > _MOST_NAMES else shown


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
