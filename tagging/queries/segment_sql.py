"""An expression over facts as SQL: for customers that the bitmaps don't know yet, or don't know any more."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    exists,
    extract,
    false,
    func,
    not_,
    or_,
    select,
    true,
    type_coerce,
)
from sqlmodel import col

from customers.models import Customer, Relationship
from customers.policy import is_live
from directory.models import Store
from mall.models import PurchaseProfile
from tagging.models import CustomerTag
from tagging.models.expressions import Compare, Node, Op
from tagging.models.expressions.tree import All, Not, Some
from tagging.models.facts import AREA, SHAPE_OF, Shape, Today

_LABELS: Mapping[str, Any] = {
    "tier": col(Customer.tier),
    "city": col(Customer.city),
    "birthday_month": extract("month", col(Customer.birthday)),
    "recency_score": col(PurchaseProfile.recency_score),
    "frequency_score": col(PurchaseProfile.frequency_score),
    "monetary_score": col(PurchaseProfile.monetary_score),
    "value_at_risk_score": col(PurchaseProfile.value_at_risk_score),
    "churn_risk": type_coerce(col(PurchaseProfile.churn_risk), String()),
}
_NUMBERS: Mapping[str, Any] = {
    "orders": col(PurchaseProfile.orders),
    "purchase_days": col(PurchaseProfile.purchase_days),
    "spend": col(PurchaseProfile.net),
    "spend_12_months": col(PurchaseProfile.net_12_months),
}
_MIRRORED = {Op.LESS: Op.MORE, Op.AT_MOST: Op.AT_LEAST, Op.MORE: Op.LESS, Op.AT_LEAST: Op.AT_MOST}


def matching(brand_id: UUID, node: Node, today: Today) -> Select[UUID]:
    """The ids of the brand's customers that meet a prepared expression; whoever reads adds their sight."""
    return known(brand_id, col(Customer.id)).where(condition(node, today))


def known(brand_id: UUID, *columns: Any) -> Select[Any]:
    """Columns of the brand's customers, beside what they bought."""
    return (
        select(*columns)
        .select_from(Customer)
        .outerjoin(
            PurchaseProfile,
            and_(
                col(PurchaseProfile.brand_id) == col(Customer.brand_id),
                col(PurchaseProfile.customer_id) == col(Customer.id),
            ),
        )
        .where(col(Customer.brand_id) == brand_id)
    )


def condition(node: Node, today: Today) -> ColumnElement[bool]:
    """The expression over a customer and their purchase profile: always true or false, never unknown."""
    match node:
        case Compare():
            return func.coalesce(_compared(node, today), false())
        case Not(part):
            return not_(condition(part, today))
        case All(parts):
            return and_(true(), *(condition(part, today) for part in parts))
        case Some(parts):
            return or_(false(), *(condition(part, today) for part in parts))


def _compared(compare: Compare, today: Today) -> ColumnElement[Any]:
    found: ColumnElement[Any]
    match SHAPE_OF[compare.word]:
        case Shape.SET:
            return _in_set(compare, today)
        case Shape.LABEL:
            return _ordered(_LABELS[compare.word], compare.op, compare.values)
        case Shape.NUMBER:
            number = func.coalesce(_NUMBERS[compare.word], 0)
            return _ordered(case((number < 0, 0), else_=number), compare.op, compare.values)
        case Shape.DAY:
            return _since(compare, today)
        case Shape.FLAG:
            wants = bool(compare.values[0]) is (compare.op is Op.IS)
            found = _flag(compare.word, today) == (true() if wants else false())
            return found
        case Shape.BAND:
            return _ordered(_band(today), compare.op, compare.values)
        case Shape.SEGMENT:
            raise AssertionError("segments are put in before")


def _ordered(fact: Any, op: Op, values: tuple[Any, ...]) -> ColumnElement[Any]:
    match op:
        case Op.IS:
            found: ColumnElement[Any] = fact == values[0]
        case Op.IS_NOT:
            found = fact != values[0]
        case Op.IN:
            found = fact.in_(values)
        case Op.NOT_IN:
            found = fact.not_in(values)
        case Op.LESS:
            found = fact < values[0]
        case Op.AT_MOST:
            found = fact <= values[0]
        case Op.MORE:
            found = fact > values[0]
        case _:
            found = fact >= values[0]
    return found


def _in_set(compare: Compare, today: Today) -> ColumnElement[Any]:
    ids = [UUID(str(value)) for value in compare.values]
    if compare.word in ("store", AREA):
        found = _related(compare.word, ids)
    else:
        found = exists().where(
            col(CustomerTag.brand_id) == col(Customer.brand_id),
            col(CustomerTag.customer_id) == col(Customer.id),
            col(CustomerTag.tag_id).in_(ids),
            *([col(CustomerTag.valid_until) < today.begins(today.day)] if compare.word == "stale_tag" else []),
        )
    return not_(found) if compare.op in (Op.IS_NOT, Op.NOT_IN) else found


def _related(word: str, ids: list[UUID]) -> ColumnElement[bool]:
    found = exists().where(
        col(Relationship.brand_id) == col(Customer.brand_id),
        col(Relationship.customer_id) == col(Customer.id),
        is_live(),
    )
    if word == "store":
        return found.where(col(Relationship.store_id).in_(ids))
    return found.where(
        col(Store.brand_id) == col(Relationship.brand_id),
        col(Store.id) == col(Relationship.store_id),
        col(Store.region_id).in_(ids),
    )


def _since(compare: Compare, today: Today) -> ColumnElement[Any]:
    """So many days since a day: the later the day, the fewer."""
    day, op = today.day - timedelta(days=int(compare.values[0])), _MIRRORED.get(compare.op, compare.op)
    match compare.word:
        case "days_since_purchase":
            return _ordered(col(PurchaseProfile.last_day), op, (day,))
        case "days_since_first_purchase":
            return _ordered(col(PurchaseProfile.first_day), op, (day,))
        case "days_since_joined":
            return _on_day(col(Customer.joined_at), op, day, today)
    latest = (
        select(func.max(col(Relationship.last_contact_at)))
        .where(
            col(Relationship.brand_id) == col(Customer.brand_id),
            col(Relationship.customer_id) == col(Customer.id),
            is_live(),
        )
        .correlate(Customer)
        .scalar_subquery()
    )
    return _on_day(latest, op, day, today)


def _on_day(instant: Any, op: Op, day: date, today: Today) -> ColumnElement[Any]:
    """An instant compared with a day of the brand."""
    begins, ends = today.begins(day), today.begins(day + timedelta(days=1))
    compared: dict[Op, Any] = {
        Op.IS: and_(instant >= begins, instant < ends),
        Op.IS_NOT: or_(instant < begins, instant >= ends),
        Op.LESS: instant < begins,
        Op.AT_MOST: instant < ends,
        Op.MORE: instant >= ends,
        Op.AT_LEAST: instant >= begins,
    }
    found: ColumnElement[Any] = compared[op]
    return found


def _flag(word: str, today: Today) -> Any:
    if word == "do_not_contact":
        return col(Customer.do_not_contact)
    return extract("month", col(Customer.birthday)) == today.day.month


def _band(today: Today) -> ColumnElement[str]:
    """As `mall` has it: past the day from which the silence is very unusual, past that from which it is unusual."""
    at_risk: Any = col(PurchaseProfile.at_risk_from)
    lapsed: Any = col(PurchaseProfile.lapsed_from)
    return case(
        (or_(at_risk.is_(None), lapsed.is_(None)), "none"),
        (lapsed <= today.day, "lapsed"),
        (at_risk <= today.day, "at_risk"),
        (col(PurchaseProfile.purchase_days) == 1, "new"),
        else_="active",
    )
