"""Write down what becomes of the tags of customers, and tell of it: what all who change them share."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from customers import commands as customers
from kernel import bulk, ids
from kernel.errors import Invalid
from kernel.work import Work
from tagging.events import CustomerTagsChanged, TagCheckSettled
from tagging.models import CERTAIN, CustomerTag, SetBy, TagChange, TagChangeKind

LONGEST_REASON = 200

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Author:
    """Who or what changes the tags of customers, and why; what it sets carries `confidence`, from 1 to 100."""

    set_by: SetBy
    staff_id: UUID | None = None
    rule_id: UUID | None = None
    reason: str | None = None
    confidence: int = CERTAIN

    def __post_init__(self) -> None:
        if self.reason is not None and len(self.reason) > LONGEST_REASON:
            raise Invalid(
                field="reason",
                reason=f"at most {LONGEST_REASON} characters.",
                reason_zh=f"最多 {LONGEST_REASON} 个字符。",
            )


def line(
    work: Work,
    kind: TagChangeKind,
    customer_id: UUID,
    tag_id: UUID,
    author: Author,
    at: datetime,
    *,
    reason: str | None = None,
    other_tag_id: UUID | None = None,
) -> Line:
    """One line; `reason` is this line's own, if it has one, instead of the author's."""
    return {
        "brand_id": work.actor.brand_id,
        "id": ids.new(),
        "customer_id": customer_id,
        "tag_id": tag_id,
        "other_tag_id": other_tag_id,
        "kind": kind,
        "set_by": author.set_by,
        "by_staff_id": author.staff_id,
        "rule_id": author.rule_id,
        "reason": reason or author.reason,
        "confidence": author.confidence,
        "at": at,
    }


def by_tag(rows: Iterable[Any]) -> dict[UUID, list[UUID]]:
    """The customers of these rows, by the tag."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for row in rows:
        found[row.tag_id].append(row.customer_id)
    return found


async def drop(work: Work, rows: Iterable[Any]) -> None:
    """Delete these rows of customers' tags, tag by tag."""
    for tag_id, customer_ids in by_tag(rows).items():
        await work.session.execute(
            delete(CustomerTag)
            .where(
                col(CustomerTag.brand_id) == work.actor.brand_id,
                col(CustomerTag.customer_id).in_(customer_ids),
                col(CustomerTag.tag_id) == tag_id,
            )
            .execution_options(synchronize_session=False)
        )


async def write(work: Work, lines: Sequence[Line]) -> None:
    await bulk.insert_rows(work.session, TagChange, lines)


def settle(work: Work, rows: Iterable[Any], *, is_checked: bool) -> None:
    """Whoever was asked to check one of these tags needn't any more: it was checked, or isn't there to be."""
    for row in rows:
        if row.asked_at is not None:
            work.record(TagCheckSettled(row.customer_id, row.tag_id, row.asked_at, is_checked))


async def say(work: Work, changed: Iterable[UUID]) -> list[UUID]:
    """Give these customers, which the caller has locked, a new version, and tell of it; returns them in order."""
    in_order = sorted(set(changed))
    if not in_order:
        return []
    versions = await customers.touch(work, in_order)
    for customer_id in in_order:
        work.record(CustomerTagsChanged(customer_id=customer_id, version=versions[customer_id]))
    return in_order
