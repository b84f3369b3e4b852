"""Count in SQL what each key has brought about: one effect if it was answered, one or none if it was not."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import col

from customers.models import Note, Visit
from kernel.feed import Feed
from kernel.idempotency import ClientMutation
from kernel.jobs import LEASE, Job, JobState
from kernel.work import Ground
from mall.models import Order
from tasks.models import Task
from tests.chaos.ledger import Ledger
from tests.chaos.writes import ADDING, EDITING


@dataclass(frozen=True, slots=True)
class Effects:
    """What is wrong, a line each."""

    lost: list[str]
    doubled: list[str]


async def changes(ground: Ground) -> int:
    """How many changes all feeds together tell of."""
    async with ground.db.read() as session:
        return int(await session.scalar(select(func.sum(col(Feed.head)))) or 0)


async def versions(ground: Ground) -> dict[str, int]:
    """The version of each row that may be edited. A row that is not there yet will be made with version 1."""
    async with ground.db.read() as session:
        notes = (await session.execute(select(col(Note.id), col(Note.version)))).all()
        tasks = (await session.execute(select(col(Task.id), col(Task.version)))).all()
    return {str(row.id): row.version for row in (*notes, *tasks)}


async def jobs_done(ground: Ground) -> None:
    """Return when no job waits any more, or too long: one whose worker was killed waits for a minute."""
    until = time.monotonic() + 2 * LEASE.total_seconds()
    waiting = select(func.count()).select_from(Job).where(col(Job.state) == JobState.WAITING.value)
    while time.monotonic() < until:
        async with ground.db.read() as session:
            if not await session.scalar(waiting):
                return
        await asyncio.sleep(0.2)


async def count(ground: Ground, ledger: Ledger) -> Effects:
    """Compare the ledger with the tables."""
    async with ground.db.read() as session:
        texts = [
            *await session.scalars(select(col(Note.body))),
            *await session.scalars(select(col(Visit.remark))),
            *await session.scalars(select(col(Task.title))),
            *await session.scalars(select(col(Order.number))),
        ]
        followed_up = set(await session.scalars(select(col(Task.source_key))))
        known = set(await session.scalars(select(col(ClientMutation.key))))
    lost, doubled = _added(ledger, Counter(map(_mark, texts)))
    for key in ledger.answers.keys() - known:
        lost.append(f"nothing is known of {key}, {ledger.writes[key].deed}")
    lost += [f"nobody follows up the order {id}" for id in ledger.orders() if f"order:{id}" not in followed_up]
    _edited(ledger, await versions(ground), lost, doubled)
    doubled += [f"{key} was answered in different ways" for key in ledger.unlike]
    return Effects(lost, doubled)


def _added(ledger: Ledger, marks: Counter[str]) -> tuple[list[str], list[str]]:
    lost: list[str] = []
    doubled: list[str] = []
    for key, write in ledger.writes.items():
        if write.deed not in ADDING:
            continue
        if marks[write.mark] == 0 and key in ledger.answers:
            lost.append(f"{write.deed} {write.mark}")
        if marks[write.mark] > 1:
            doubled += [f"{write.deed} {write.mark}"] * (marks[write.mark] - 1)
    return lost, doubled


def _edited(ledger: Ledger, now: dict[str, int], lost: list[str], doubled: list[str]) -> None:
    """A row has one version for being made and one for each edit."""
    answered: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for key, write in ledger.writes.items():
        if write.deed in EDITING:
            asked[write.edits[0].id] += 1
            answered[write.edits[0].id] += key in ledger.answers
    for row_id, count in asked.items():
        edits = now.get(row_id, 1) - ledger.versions.get(row_id, 1)
        lost += [f"edits of {row_id}"] * max(0, answered[row_id] - edits)
        doubled += [f"edits of {row_id}"] * max(0, edits - count)


def _mark(text: str | None) -> str:
    words = (text or "").split()
    return words[0] if words else ""
