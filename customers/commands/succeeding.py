"""End relationships with their store and let them go on in another one, many at once; and the way back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, case, select, update
from sqlmodel import col

from customers.models import Customer, Holding, HoldingReason, Note, Relationship, Visit
from customers.policy import is_live
from directory.models import Account, AccountKind
from kernel import bulk, ids
from kernel.db import OneOf
from kernel.work import Work

MOST_AT_ONCE = 1_000
_IDS = "ids"
_SUCCESSOR: Any = col(Relationship.succeeded_by_id)

# Put together once: a closing asks them for each hundred of a hundred thousand.
_BRAND = bindparam("brand_id", type_=Uuid())
_CUSTOMERS = (
    select(col(Customer.id), col(Customer.version))
    .where(
        col(Customer.brand_id) == _BRAND,
        # Which they keep for good: nothing can change between the look and the lock.
        col(Customer.id).in_(
            select(col(Relationship.customer_id)).where(
                col(Relationship.brand_id) == _BRAND, OneOf(col(Relationship.id), _IDS)
            )
        ),
    )
    .order_by(col(Customer.id))
    .with_for_update(key_share=True)
)
_RELATIONSHIPS = (
    select(*Relationship.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
    .where(
        col(Relationship.brand_id) == _BRAND,
        OneOf(col(Relationship.customer_id), "customer_ids"),
        is_live() | OneOf(col(Relationship.id), _IDS) | OneOf(_SUCCESSOR, _IDS),
    )
    .order_by(col(Relationship.id))
    .with_for_update(key_share=True)
)


@dataclass(frozen=True, slots=True)
class Heir:
    """Who goes on where: a relationship that ends, its successor, and the account that holds that one."""

    relationship_id: UUID
    successor_id: UUID
    to_account_id: UUID


@dataclass(frozen=True, slots=True)
class Merged:
    """What a relationship is to say of itself once another one has become part of it."""

    relationship_id: UUID
    remark: str | None
    last_contact_at: datetime | None
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Locked:
    """Relationships by id, and the versions of their customers, as they stay until the commit."""

    rows: Mapping[UUID, Row[*tuple[Any, ...]]]
    versions: Mapping[UUID, int]


async def lock(work: Work, relationship_ids: Collection[UUID]) -> Locked:
    """These relationships, even if they have ended, and all that live of their customers; nobody adds one meanwhile.

    What they have succeeded themselves is among them. The customers first, and each table in the order of its keys, as
    everywhere. At most 1,000 at once.
    """
    if len(relationship_ids) > MOST_AT_ONCE:
        raise ValueError(f"{len(relationship_ids)} relationships at once: at most {MOST_AT_ONCE}")
    named = {"brand_id": work.actor.brand_id, _IDS: list(relationship_ids)}
    customers = await work.session.execute(_CUSTOMERS, named)
    versions: dict[UUID, int] = dict(customers.all())
    found = await work.session.execute(_RELATIONSHIPS, {**named, "customer_ids": list(versions)})
    return Locked({row.id: row for row in found}, versions)


async def end(work: Work, heirs: Mapping[UUID, UUID], at: datetime, *, have_succeeded: bool = True) -> None:
    """End relationships, each with its successor; the public accounts of their stores hold them from then on.

    What they had succeeded themselves, if there is any, goes on where they do.
    """
    successor = bulk.paired(work.session, heirs)
    is_public = [
        col(Account.brand_id) == work.actor.brand_id,
        col(Account.store_id) == col(Relationship.store_id),
        col(Account.kind) == AccountKind.PUBLIC,
    ]
    await _update(
        work,
        [col(Relationship.id) == successor.c.key, *is_public],
        succeeded_by_id=successor.c.value,
        holder_id=col(Account.id),
        ended_at=at,
        is_primary=False,
        version=Relationship.version + 1,
    )
    if have_succeeded:
        await _update(work, [col(Relationship.succeeded_by_id) == successor.c.key], succeeded_by_id=successor.c.value)
    await _end_holdings(work, list(heirs), at)


async def begin(work: Work, rows: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Add relationships, which name all columns but the brand's and the version, held because of a handover."""
    its = {"brand_id": work.actor.brand_id, "version": 1}
    await bulk.insert_rows(work.session, Relationship, [{**its, **row} for row in rows])
    await hold(work, {row["id"]: row["holder_id"] for row in rows}, at)


async def hold(work: Work, holders: Mapping[UUID, UUID], at: datetime) -> None:
    """Begin a line of history for each relationship with the account that holds it from now on."""
    usual = {"brand_id": work.actor.brand_id, "reason": HoldingReason.HANDOVER, "by_actor_id": work.actor.id}
    rows = [
        usual | {"id": ids.new(), "relationship_id": key, "account_id": account_id, "from_at": at}
        for key, account_id in holders.items()
    ]
    await bulk.insert_rows(work.session, Holding, rows)


async def revive(work: Work, holders: Mapping[UUID, UUID], at: datetime) -> None:
    """Let ended relationships live again, each held by that account."""
    holder = bulk.paired(work.session, holders)
    await _update(
        work,
        [col(Relationship.id) == holder.c.key],
        holder_id=holder.c.value,
        ended_at=None,
        succeeded_by_id=None,
        touched_at=at,
        version=Relationship.version + 1,
    )
    await hold(work, holders, at)


async def rewrite(work: Work, merged: Sequence[Merged], at: datetime) -> None:
    """Let relationships say something else of themselves."""
    if not merged:
        return
    names = ("remark", "last_contact_at", "is_primary")
    rows = [{"id": row.relationship_id} | {name: getattr(row, name) for name in names} for row in merged]
    new = bulk.listed(work.session, Relationship, rows)
    values = {name: new.c[name] for name in names}
    await _update(
        work,
        [col(Relationship.id) == new.c.id],
        **values,
        touched_at=at,
        version=Relationship.version + 1,
    )


async def rank(work: Work, relationship_ids: Collection[UUID]) -> None:
    """Make these their customers' primary ones, where nothing else is any more; part of reviving them."""
    await work.session.execute(
        update(Relationship)
        .where(col(Relationship.brand_id) == work.actor.brand_id, OneOf(col(Relationship.id), _IDS))
        .values(is_primary=True)
        .execution_options(synchronize_session=False),
        {_IDS: list(relationship_ids)},
    )


async def let_go_on(work: Work, heirs: Mapping[UUID, UUID]) -> None:
    """Let what was succeeded by one relationship be succeeded by that other one; `heirs` are those that had ended."""
    if heirs:
        to = bulk.paired(work.session, heirs)
        await _update(work, [col(Relationship.id) == to.c.key], succeeded_by_id=to.c.value)


async def predecessors(work: Work, relationship_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """What each of these relationships has succeeded."""
    found = await work.session.execute(
        select(_SUCCESSOR, col(Relationship.id)).where(
            col(Relationship.brand_id) == work.actor.brand_id,
            OneOf(_SUCCESSOR, _IDS),
            _SUCCESSOR.is_not(None),  # said for the index's sake: most have succeeded nothing
        ),
        {_IDS: list(relationship_ids)},
    )
    return _listed(found.all())


async def hand_on_records(work: Work, heirs: Mapping[UUID, UUID], kinds: Collection[type]) -> None:
    """Let notes and visits, or what of these is named, hang on the successors; they stay of the store they're from."""
    to = bulk.paired(work.session, heirs)
    for table in (each for each in (Note, Visit) if each in kinds):
        await work.session.execute(
            update(table)
            .where(col(table.brand_id) == work.actor.brand_id, col(table.relationship_id) == to.c.key)
            .values(relationship_id=to.c.value, version=table.version + 1)
            .execution_options(synchronize_session=False)
        )


async def records_of(work: Work, relationship_ids: Collection[UUID]) -> dict[str, dict[UUID, list[UUID]]]:
    """The ids of what is written about these relationships: `notes` and `visits`, by relationship."""
    found: dict[str, dict[UUID, list[UUID]]] = {}
    for name, table in (("notes", Note), ("visits", Visit)):
        rows = await work.session.execute(
            select(col(table.relationship_id), col(table.id)).where(
                col(table.brand_id) == work.actor.brand_id, OneOf(col(table.relationship_id), _IDS)
            ),
            {_IDS: list(relationship_ids)},
        )
        found[name] = _listed(rows.all())
    return found


async def give_back_records(work: Work, notes: Mapping[UUID, UUID], visits: Mapping[UUID, UUID]) -> None:
    """Let these notes and visits hang on the relationships that they came from."""
    for table, back in ((Note, notes), (Visit, visits)):
        if back:
            to = bulk.paired(work.session, back)
            await work.session.execute(
                update(table)
                .where(col(table.brand_id) == work.actor.brand_id, col(table.id) == to.c.key)
                .values(relationship_id=to.c.value, version=table.version + 1)
                .execution_options(synchronize_session=False)
            )


async def note_remarks(work: Work, remarks: Sequence[tuple[UUID, UUID, str]], at: datetime) -> None:
    """Keep remarks as notes: each with its relationship and its store."""
    usual: dict[str, Any] = {"brand_id": work.actor.brand_id, "by_staff_id": None, "at": at, "version": 1}
    rows = [
        usual | {"id": ids.new(), "relationship_id": key, "store_id": store_id, "body": body}
        for key, store_id, body in remarks
    ]
    await bulk.insert_rows(work.session, Note, rows)


async def _update(work: Work, which: Sequence[Any], **values: Any) -> None:
    await work.session.execute(
        update(Relationship)
        .where(col(Relationship.brand_id) == work.actor.brand_id, *which)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def _end_holdings(work: Work, relationship_ids: Sequence[UUID], at: datetime) -> None:
    began = col(Holding.from_at)
    await work.session.execute(
        update(Holding)
        .where(
            col(Holding.brand_id) == work.actor.brand_id,
            OneOf(col(Holding.relationship_id), _IDS),
            col(Holding.until_at).is_(None),
        )
        # Never before it began, whatever the clock of whoever wrote that showed.
        .values(until_at=case((began > at, began), else_=at))
        .execution_options(synchronize_session=False),
        {_IDS: list(relationship_ids)},
    )


def _listed(rows: Sequence[Any]) -> dict[UUID, list[UUID]]:
    listed: dict[UUID, list[UUID]] = {}
    for key, value in rows:
        listed.setdefault(key, []).append(value)
    return listed
