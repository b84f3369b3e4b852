"""A customer's facts as terms: the names of the bitmaps in which the customer's number is found.

A label is a term of its own (`tier:gold`). A quantity is a slice per binary digit (`spend:0` … `spend:39`), and
a day besides is known or not (`last?`). Days are counted from 1900, not back from today: nothing changes overnight.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from tagging.models.facts import Facts

EVERYBODY = "all"
DO_NOT_CONTACT = "dnc"

DAY_DIGITS = 17  # to the year 2258
_FIRST_DAY = date(1900, 1, 1).toordinal()

# By the word of an expression: the name that its slices have, and how many there are.
NUMBERS = {"orders": 20, "purchase_days": 20, "spend": 40, "spend_12_months": 40}
DAYS = {
    "days_since_purchase": "last",
    "days_since_first_purchase": "first",
    "days_since_joined": "joined",
    "days_since_contact": "contact",
}
OPEN_LABELS = ("tier", "city")  # of any text: what is not one of them needs to know who has any
_LABELS = (
    *OPEN_LABELS,
    "birthday_month",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "value_at_risk_score",
    "churn_risk",
)
AT_RISK, LAPSED = "risk", "lapsed"
ONE_DAY = "once"  # bought on one day only

Kept = Sequence[Any]
"""As it is stored beside the customer: labels are texts, quantities `[name, number]`."""


def day_number(day: date) -> int:
    """The days since the first one that slices can hold; what lies outside is the nearest that they can."""
    return min(max(day.toordinal() - _FIRST_DAY, 0), (1 << DAY_DIGITS) - 1)


def kept(facts: Facts) -> list[Any]:
    """What a customer is found by, in one order for the same facts."""
    labels = [f"tag:{tag_id}" for tag_id in facts.tags]
    labels += [f"store:{store_id}" for store_id in facts.stores]
    labels += [f"area:{region_id}" for region_id in facts.areas]
    for name in _LABELS:
        value = getattr(facts, name)
        if value is not None:
            labels.append(f"{name}:{value}")
    if facts.do_not_contact:
        labels.append(DO_NOT_CONTACT)
    if facts.purchase_days == 1:
        labels.append(ONE_DAY)
    return sorted(labels) + sorted([*_numbers(facts), *_days(facts)])


def terms_of(stored: Kept) -> set[str]:
    """The terms under which a customer is found who is kept so."""
    terms = {EVERYBODY}
    for each in stored:
        if isinstance(each, str):
            terms.add(each)
            word = each.partition(":")[0]
            if word in OPEN_LABELS:
                terms.add(known(word))
            continue
        name, number = each
        if name not in NUMBERS:
            terms.add(known(name))
        terms.update(f"{name}:{digit}" for digit in range(number.bit_length()) if number >> digit & 1)
    return terms


def known(name: str) -> str:
    """The term of whoever has such a label or day at all."""
    return f"{name}?"


def slices(name: str, digits: int) -> list[str]:
    """The terms of a quantity, from the lowest digit up."""
    return [f"{name}:{digit}" for digit in range(digits)]


def _numbers(facts: Facts) -> Iterable[list[Any]]:
    for name, digits in NUMBERS.items():
        number = min(max(getattr(facts, name), 0), (1 << digits) - 1)
        if number:
            yield [name, number]


def _days(facts: Facts) -> Iterable[list[Any]]:
    days = {
        "last": facts.last_purchase,
        "first": facts.first_purchase,
        "joined": facts.joined,
        "contact": facts.contact,
        AT_RISK: facts.at_risk_from,
        LAPSED: facts.lapsed_from,
    } | {f"until:{tag_id}": until for tag_id, until in facts.tags.items()}
    for name, day in days.items():
        if day is not None:
            yield [name, day_number(day)]
