"""Load many rows at once, for imports and demo data; says nothing to phones."""

from collections.abc import Mapping, Sequence
from typing import Any

from kernel import bulk, ids
from kernel.work import Work
from tagging.models import CustomerTag, Tag, TagChange, TagChangeKind, TagGroup, TagRule

Rows = Sequence[Mapping[str, Any]]


async def load(
    work: Work,
    *,
    tag_groups: Rows = (),
    tags: Rows = (),
    tag_rules: Rows = (),
    customer_tags: Rows = (),
) -> None:
    """Insert rows as they are, parents first, and the first line of each customer's tag's history.

    The caller answers for their being right and new.

    Nobody's phone is told row by row: whoever loads gives the brand's feeds a new epoch in the end.
    """
    await bulk.insert_rows(work.session, TagGroup, tag_groups)
    await bulk.insert_rows(work.session, Tag, tags)
    await bulk.insert_rows(work.session, TagRule, tag_rules)
    await bulk.insert_rows(work.session, CustomerTag, customer_tags)
    await bulk.insert_rows(work.session, TagChange, [_first_line(row) for row in customer_tags])


def _first_line(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "brand_id": row["brand_id"],
        # The same whenever the same is loaded.
        "id": ids.derived(row["customer_id"], row["tag_id"].hex),
        "customer_id": row["customer_id"],
        "tag_id": row["tag_id"],
        "kind": TagChangeKind.SET,
        "set_by": row["set_by"],
        "by_staff_id": row["by_staff_id"],
        "rule_id": row.get("rule_id"),
        "reason": row.get("reason"),
        "confidence": row["confidence"],
        "at": row["set_at"],
    }
