"""Take over what a member file says of customers who are known already, many at once."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, bindparam, case, func, or_, select, update
from sqlmodel import col

from customers.models import Customer
from kernel import clock
from kernel.work import Work

TOLD = ("name", "tier", "tier_until", "birthday", "city", "phone_sealed", "phone_index", "phone_masked")


async def update_many(work: Work, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set what is told of each customer; `None` tells nothing, but another tier forgets the last day of the one before.

    Each row has `id`, the columns of `TOLD`, `do_not_contact` and `joined_at`. Who once asked to be left
    alone stays so, and the earlier of two dates of joining holds.
    """
    if not rows:
        return
    table = Customer.__table__  # type: ignore[attr-defined]  # set by SQLModel
    asked = bindparam("new_do_not_contact", type_=Boolean())
    joined = bindparam("new_joined_at", type_=table.c.joined_at.type)
    values: dict[str, Any] = {name: func.coalesce(_new(table.c[name]), table.c[name]) for name in TOLD}
    has_other_tier = values["tier"].is_distinct_from(table.c.tier)
    values["tier_until"] = case((has_other_tier, _new(table.c.tier_until)), else_=values["tier_until"])
    values["do_not_contact"] = or_(table.c.do_not_contact, asked)
    values["do_not_contact_at"] = case(
        (asked, func.coalesce(table.c.do_not_contact_at, clock.now())), else_=table.c.do_not_contact_at
    )
    values["joined_at"] = case((joined < table.c.joined_at, joined), else_=table.c.joined_at)
    connection = await work.session.connection()
    await connection.execute(
        update(table)
        .where(table.c.brand_id == work.actor.brand_id, table.c.id == bindparam("key"))
        .values(version=table.c.version + 1, **values),
        [
            {"key": row["id"]} | {f"new_{name}": row[name] for name in (*TOLD, "do_not_contact", "joined_at")}
            for row in rows
        ],
    )


def _new(column: Any) -> Any:
    return bindparam(f"new_{column.name}", type_=column.type)


async def owners_of_phones(work: Work, indexes: Sequence[str]) -> dict[str, UUID]:
    """Who has these phones, by blind index."""
    found = await work.session.execute(
        select(col(Customer.phone_index), col(Customer.id)).where(
            col(Customer.brand_id) == work.actor.brand_id, col(Customer.phone_index).in_(indexes)
        )
    )
    return {index: customer_id for index, customer_id in found if index is not None}
