"""Give customers the tags that theirs were merged into, some at a time, by whoever comes first."""

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from kernel import bulk, clock
from kernel.work import Work
from tagging.commands import writing
from tagging.commands.writing import Author
from tagging.models import CustomerTag, SetBy, TagChangeKind
from tagging.queries import carrying


async def catch_up(work: Work, customer_ids: Collection[UUID]) -> set[UUID]:
    """Let these customers, which the caller has locked, carry the tags that theirs were merged into.

    Returns the ids of those that changed; the caller tells of them. Of two that become one, the older says who
    set it and when, and the one checked last until when it is good.
    """
    brand_id = work.actor.brand_id
    rows = await carrying.to_catch_up(work.session, brand_id, customer_ids)
    if not rows:
        return set()
    changed = {row.customer_id for row in rows}
    there = await carrying.worn(work.session, brand_id, changed, {row.into_id for row in rows})
    await writing.drop(work, [*rows, *there])
    await bulk.insert_rows(work.session, CustomerTag, _merged(rows, there))
    at = clock.now()
    writing.settle(work, rows, is_checked=False)
    await writing.write(
        work,
        [
            writing.line(
                work,
                TagChangeKind.MERGED,
                row.customer_id,
                row.tag_id,
                Author(SetBy.GUIDE, row.merged_by_id, confidence=row.confidence),
                at,
                other_tag_id=row.into_id,
            )
            for row in rows
        ],
    )
    return changed


def _merged(rows: Collection[Any], there: Collection[Any]) -> list[dict[str, Any]]:
    """What the customers carry instead of all these."""
    becoming: dict[tuple[UUID, UUID], list[Any]] = defaultdict(list)
    for row in there:
        becoming[row.customer_id, row.tag_id].append(row)
    for row in rows:
        becoming[row.customer_id, row.into_id].append(row)
    shelf_lives = {row.into_id: row.shelf_life_days for row in rows}
    names = CustomerTag.__table__.columns.keys()  # type: ignore[attr-defined]  # set by SQLModel
    found = []
    for (_, into_id), same in becoming.items():
        oldest = min(same, key=lambda row: row.set_at)
        checked_at = max(row.checked_at for row in same)
        days = shelf_lives[into_id]
        # What somebody was asked about the tag that stays is still to be answered, unless it is answered by this.
        asked_at = next((row.asked_at for row in same if row.tag_id == into_id and row.checked_at == checked_at), None)
        found.append(
            {name: getattr(oldest, name) for name in names}
            | {
                "tag_id": into_id,
                "checked_at": checked_at,
                "valid_until": checked_at + timedelta(days=days) if days is not None else None,
                "asked_at": asked_at,
            }
        )
    return found
