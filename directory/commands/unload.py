"""Take back stores and guides that an import made and that turned out to be nobody's."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, col

from directory.models import Account, Assignment, Staff, Store
from kernel import feed
from kernel.feed import Feed, FeedEvent
from kernel.work import Work


async def guides(work: Work, staff_ids: Sequence[UUID]) -> None:
    """Remove guides nobody has dealt with: no password, never changed. One who is referred to stays."""
    pristine = await work.session.scalars(
        select(col(Staff.id)).where(
            col(Staff.brand_id) == work.actor.brand_id,
            col(Staff.id).in_(staff_ids),
            col(Staff.version) == 1,
            col(Staff.password_hash).is_(None),
        )
    )
    for staff_id in sorted(pristine):
        parts = ((Assignment, col(Assignment.staff_id)), (Account, col(Account.staff_id)), (Staff, col(Staff.id)))
        await _remove(work, staff_id, parts, [feed.of_staff(staff_id)])


async def stores(work: Work, store_ids: Sequence[UUID]) -> None:
    """Remove stores that were never changed and where nobody works. One that is referred to stays."""
    staffed = select(col(Staff.store_id)).where(
        col(Staff.brand_id) == work.actor.brand_id, col(Staff.store_id).in_(store_ids)
    )
    pristine = await work.session.scalars(
        select(col(Store.id)).where(
            col(Store.brand_id) == work.actor.brand_id,
            col(Store.id).in_(store_ids),
            col(Store.id).not_in(staffed),
            col(Store.version) == 1,
        )
    )
    for store_id in sorted(pristine):
        parts = ((Account, col(Account.store_id)), (Store, col(Store.id)))
        await _remove(work, store_id, parts, [feed.of_store(store_id), feed.of_desk(store_id)])


async def _remove(work: Work, key: UUID, parts: Sequence[tuple[type[SQLModel], Any]], feed_ids: Sequence[UUID]) -> None:
    """All of it or, when some other table refers to it, nothing."""
    try:
        async with work.session.begin_nested():
            for table, column in parts:
                await work.session.execute(
                    delete(table).where(col(table.brand_id) == work.actor.brand_id, column == key)  # type: ignore[attr-defined]  # each has it
                )
            for log in (FeedEvent, Feed):
                await work.session.execute(
                    delete(log).where(col(log.brand_id) == work.actor.brand_id, col(log.feed_id).in_(feed_ids))
                )
    except IntegrityError:
        return
