"""Many people at work in many shops, made in bulk: somebody has to hold all those sockets."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlmodel import SQLModel

from directory.models import Account, AccountKind, Brand, Region, SignIn, Staff, StaffState, Store
from kernel import clock, feed, ids
from kernel.actor import Role
from kernel.db import Database
from kernel.feed import Entry
from server.tokens import Claims, Kind, Signer
from tasks.models import Task, TaskKind, TaskSource, TaskState

GUIDES_PER_STORE = 10


@dataclass(frozen=True, slots=True)
class Guide:
    """Somebody who holds a socket, and what they show for it."""

    brand_id: UUID
    staff_id: UUID
    store_id: UUID
    account_id: UUID
    token: str


async def gather(database: Database, secret_key: str, people: int) -> list[Guide]:
    """Guides of one brand, ten to a store, each with a sign-in of two hours."""
    at = clock.now()
    brand_id, region_id = ids.new(), ids.new()
    rows: dict[type[SQLModel], list[dict[str, Any]]] = {Store: [], Staff: [], Account: [], SignIn: []}
    guides: list[Guide] = []
    signer = Signer(secret_key)
    until = at + timedelta(hours=2)
    for number in range(people):
        if number % GUIDES_PER_STORE == 0:
            store_id = ids.new()
            rows[Store].append(_store(brand_id, region_id, store_id, number))
        staff_id, account_id, sign_in_id = ids.new(), ids.new(), ids.new()
        rows[Staff].append(_staff(brand_id, staff_id, store_id, number))
        rows[Account].append(
            {
                "brand_id": brand_id,
                "id": account_id,
                "store_id": store_id,
                "kind": AccountKind.GUIDE,
                "staff_id": staff_id,
            }
        )
        rows[SignIn].append(
            {"brand_id": brand_id, "id": sign_in_id, "staff_id": staff_id, "created_at": at, "expires_at": until}
        )
        token = signer.sign(Claims(brand_id, staff_id, sign_in_id, Kind.STAFF, until))
        guides.append(Guide(brand_id, staff_id, store_id, account_id, token))
    async with database.write() as session:
        await session.execute(insert(Brand), [{"id": brand_id, "code": "crowd", "name": "众", "created_at": at}])
        await session.execute(
            insert(Region), [{"brand_id": brand_id, "id": region_id, "code": "cn", "name": "全国", "path": "/cn/"}]
        )
        for table, some in rows.items():
            await session.execute(insert(table), some)
        stores = [row["id"] for row in rows[Store]]
        people_feeds = [feed.of_staff(row["id"]) for row in rows[Staff]]
        await feed.open_feeds(
            session, brand_id, [*people_feeds, *map(feed.of_store, stores), *map(feed.of_desk, stores)]
        )
    return guides


async def give_tasks(database: Database, guides: list[Guide], each: int, **values: Any) -> None:
    """So many new tasks for everybody, told in their feeds; nobody is poked."""
    at = clock.now()
    for start in range(0, len(guides), 500):
        some = guides[start : start + 500]
        rows = [_task(guide, uuid4(), at) | values for guide in some for _ in range(each)]
        entries = [
            Entry(feed.of_staff(guide.staff_id), "task", row["id"], 1)
            for guide, row in zip([guide for guide in some for _ in range(each)], rows, strict=True)
        ]
        async with database.write() as session:
            await session.execute(insert(Task), rows)
            await feed.append(session, some[0].brand_id, entries)


def _store(brand_id: UUID, region_id: UUID, store_id: UUID, number: int) -> dict[str, Any]:
    return {
        "brand_id": brand_id,
        "id": store_id,
        "region_id": region_id,
        "code": f"S{number:05}",
        "name": f"{number} 店",
        "time_zone": "Asia/Shanghai",
        "opening_hours": [["10:00", "22:00"]] * 7,
    }


def _staff(brand_id: UUID, staff_id: UUID, store_id: UUID, number: int) -> dict[str, Any]:
    return {
        "brand_id": brand_id,
        "id": staff_id,
        "number": f"G{number:05}",
        "name": f"导购{number}",
        "role": Role.GUIDE,
        "state": StaffState.ACTIVE,
        "store_id": store_id,
        "hired_at": clock.now(),
    }


def _task(guide: Guide, task_id: UUID, at: Any) -> dict[str, Any]:
    return {
        "brand_id": guide.brand_id,
        "id": task_id,
        "store_id": guide.store_id,
        "account_id": guide.account_id,
        "kind": TaskKind.TODO,
        "title": "整理陈列",
        "due_at": at + timedelta(days=1),
        "state": TaskState.PENDING,
        "source": TaskSource.PERSON,
        "created_at": at,
    }
