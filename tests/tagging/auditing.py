"""Audits to test with: customers with tags that are right or wrong, and what the evidence says of them."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel, col

from customers.models import Customer, Relationship
from kernel import ids
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.models import (
    AuditItem,
    AuditMethod,
    AuditScope,
    Choice,
    CustomerTag,
    SetBy,
    Tag,
    TagAudit,
    Verdict,
)
from tagging.queries import opinions
from tests.factories import NOON, Shop, World
from tests.tagging.labels import build_group, build_tag

EVERYTHING = AuditScope()


async def build_tags(ground: Ground, world: World, count: int = 2, choice: Choice = Choice.MULTI) -> list[Tag]:
    """Some tags of one group."""
    group = await build_group(ground, world, f"组{ids.new().hex[-6:]}", choice)
    return [await build_tag(ground, world, group, f"签{number}") for number in range(count)]


async def build_tagged(
    ground: Ground, shop: Shop, tag: Tag, count: int, *, setter: Actor | None = None, **values: Any
) -> list[UUID]:
    """New customers of the shop's first guide who carry the tag; returns their ids."""
    holder, brand_id = shop.guide, shop.store.brand_id
    usual: dict[str, Any] = {
        "set_by": SetBy.GUIDE,
        "by_staff_id": (setter or holder).staff_id,
        "set_at": NOON,
        "checked_at": NOON,
    }
    people, held, carried = list[SQLModel](), list[SQLModel](), list[SQLModel]()
    for _ in range(count):
        key = ids.new()
        people.append(
            Customer(brand_id=brand_id, id=key, member_number=f"T{key.hex[-12:]}", name="王芳", joined_at=NOON)
        )
        held.append(
            Relationship(
                brand_id=brand_id,
                id=ids.new(),
                customer_id=key,
                store_id=shop.store.id,
                holder_id=holder.account_ids[0],
                is_primary=True,
                created_at=NOON,
            )
        )
        carried.append(CustomerTag(brand_id=brand_id, customer_id=key, tag_id=tag.id, **usual | values))
    async with ground.db.write() as session:
        for rows in (people, held, carried):
            session.add_all(rows)
            await session.flush()
    return [row.id for row in people]  # type: ignore[attr-defined]  # customers


async def draw(
    ground: Ground,
    actor: Actor,
    *,
    method: AuditMethod = AuditMethod.EVIDENCE,
    scope: AuditScope = EVERYTHING,
    size: int = 20,
    seed: int | None = 7,
) -> TagAudit:
    async with unit_of_work(ground, actor) as work:
        return await commands.draw_audit(work, name="三月抽查", method=method, scope=scope, size=size, seed=seed)


async def items(ground: Ground, audit: TagAudit) -> Sequence[AuditItem]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(AuditItem)
            .where(col(AuditItem.brand_id) == audit.brand_id, col(AuditItem.audit_id) == audit.id)
            .order_by(col(AuditItem.id))
        )
        return found.all()


async def drawn(ground: Ground, audit: TagAudit) -> set[tuple[UUID, UUID]]:
    """Which customers and tags the audit drew."""
    return {(item.customer_id, item.tag_id) for item in await items(ground, audit)}


def plant(monkeypatch: pytest.MonkeyPatch, wrong: Collection[UUID], unknown: Collection[UUID] = frozenset()) -> None:
    """Let the evidence know the truth: tags on these customers are wrong, of those nothing is known, others right."""

    async def of_tags(_session: Any, _brand_id: UUID, pairs: Collection[tuple[UUID, UUID]]) -> dict[Any, Any]:
        said = dict.fromkeys(pairs, opinions.Opinion(Verdict.RIGHT, None))
        said |= {pair: opinions.Opinion(Verdict.WRONG, None) for pair in pairs if pair[0] in wrong}
        return said | {pair: opinions.Opinion(Verdict.UNKNOWN, None) for pair in pairs if pair[0] in unknown}

    monkeypatch.setattr(opinions, "of_tags", of_tags)
