"""`daogou check`: is everything reachable, and does the database keep what it promises?"""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from directory.queries import actors
from handover.queries import succession
from kernel import clock
from kernel.crypto import Unreadable, Vault
from kernel.jobs import JobState
from kernel.work import Ground
from mall.queries import profiles
from server import migrating
from server.ground import standing
from server.reaching import why_no_redis
from server.settings import Settings
from server.tables import METADATA
from tagging.queries import verifying
from tasks.queries import plans

STUCK_AFTER = timedelta(minutes=5)
_EXAMPLES = 3
_MOST_STORES = 10_000

# By name, words too: these statements join the tables of every domain, and only read them.
_table = METADATA.tables
_account, _customer, _feed, _feed_event = (_table["account"], _table["customer"], _table["feed"], _table["feed_event"])
_holding, _job, _order = _table["holding"], _table["job"], _table["mall_order"]
_message, _source = _table["hook_message"], _table["hook_source"]
_relationship, _staff, _task = _table["relationship"], _table["staff"], _table["task"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One question and its answer; `detail` says what was found, with a few ids where something is wrong."""

    what: str
    is_good: bool
    detail: str
    brand: str | None = None


async def check(settings: Settings, *, only_ready: bool = False) -> AsyncIterator[Finding]:
    """Findings as they come. Raises `CannotStart` when the database can't be reached at all."""
    there = await migrating.version(settings)
    yield Finding("schema", there == migrating.head(), f"{there or 'none'}; this program needs {migrating.head()}")
    async with standing(settings) as ground:
        yield await _redis(ground, settings)
        if only_ready or there != migrating.head():
            return
        vault = Vault(settings.data_key_bytes)
        async with ground.db.read() as session:
            for brand in await actors.brands(session):
                yield await _phones(session, vault, brand.id, brand.code)
                for what, wrong in PROMISES.items():
                    yield await _promise(session, what, wrong(brand.id), brand.code)
                yield await _segments(session, brand.id, brand.code)
                yield await _plans(session, brand.id, brand.code)
                # Of a large brand a sample: the customers of the latest 2,000 orders, and 2,000 more.
                wrong_profiles = await profiles.disagreeing(session, brand.id)
                yield await _promise(session, "purchase profiles say what the orders say", wrong_profiles, brand.code)


async def all_of(settings: Settings, *, only_ready: bool = False) -> list[Finding]:
    """All findings at once."""
    return [finding async for finding in check(settings, only_ready=only_ready)]


def show(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings: a table to read, or JSON for a machine."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(findings, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return
    table = Table("", "Brand", "What", "Found")
    for finding in findings:
        mark = "[green]✓[/green]" if finding.is_good else "[red]✗[/red]"
        table.add_row(mark, finding.brand or "", finding.what, finding.detail)
    Console().print(table)


async def _redis(ground: Ground, settings: Settings) -> Finding:
    if settings.redis is None:
        return Finding("redis", True, "emulated in the process")
    problem = await why_no_redis(ground.redis, settings.redis)
    return Finding("redis", problem is None, problem or "answers")


async def _phones(session: AsyncSession, vault: Vault, brand_id: UUID, brand: str) -> Finding:
    sealed = await session.scalar(
        select(_customer.c.phone_sealed)
        .where(_customer.c.brand_id == brand_id, _customer.c.phone_sealed.is_not(None))
        .limit(1)
    )
    what = "phones can be opened"
    if sealed is None:
        return Finding(what, True, "there are none", brand)
    try:
        vault.open(brand_id, sealed)
    except Unreadable:
        return Finding(what, False, "DATA_KEY is not the key that they were sealed with", brand)
    return Finding(what, True, "with this DATA_KEY", brand)


async def _promise(session: AsyncSession, what: str, wrong: Select[Any], brand: str) -> Finding:
    count = await session.scalar(select(func.count()).select_from(wrong.subquery())) or 0
    if not count:
        return Finding(what, True, "", brand)
    found: Sequence[Any] = (await session.scalars(wrong.limit(_EXAMPLES))).all()
    return Finding(what, False, f"{count} not, such as {', '.join(map(str, found))}", brand)


async def _segments(session: AsyncSession, brand_id: UUID, brand: str) -> Finding:
    what = "segments' bitmaps say what the tables say"
    found = await verifying.verify(session, brand_id)
    if found is None:
        return Finding(what, True, "being built: SQL counts meanwhile", brand)
    looked_at = f"{found.looked_at} of {found.of} customers looked at"
    if not found.wrong:
        return Finding(what, True, looked_at, brand)
    if found.is_under_way:
        return Finding(what, True, f"{looked_at}; the night under way looks at all of them again", brand)
    examples = ", ".join(map(str, found.wrong[:_EXAMPLES]))
    return Finding(what, False, f"{looked_at}, {len(found.wrong)} not, such as {examples}", brand)


async def _plans(session: AsyncSession, brand_id: UUID, brand: str) -> Finding:
    late = await plans.unplanned(session, brand_id, clock.now(), _MOST_STORES)
    what = "stores are planned today, in time"
    if not late:
        return Finding(what, True, "", brand)
    return Finding(what, False, f"{len(late)} not, such as {', '.join(map(str, late[:_EXAMPLES]))}", brand)


def _without_its_holding(brand_id: UUID) -> Select[Any]:
    open_one = and_(
        _holding.c.brand_id == brand_id,
        _holding.c.relationship_id == _relationship.c.id,
        _holding.c.until_at.is_(None),
    )
    return (
        select(_relationship.c.id)
        .outerjoin(_holding, open_one)
        .where(
            _relationship.c.brand_id == brand_id,
            # Who holds one that ended with its store is nobody: it has no open holding.
            _holding.c.account_id.is_distinct_from(
                case((_relationship.c.ended_at.is_(None), _relationship.c.holder_id), else_=None)
            ),
        )
    )


def _held_by_nobody(brand_id: UUID) -> Select[Any]:
    return (
        select(_relationship.c.id)
        .join(_account, and_(_account.c.brand_id == brand_id, _account.c.id == _relationship.c.holder_id))
        .outerjoin(_staff, and_(_staff.c.brand_id == brand_id, _staff.c.id == _account.c.staff_id))
        .where(
            _relationship.c.brand_id == brand_id,
            _account.c.kind != "public",
            or_(_staff.c.id.is_(None), _staff.c.state == "departed"),
        )
    )


def _tasks_elsewhere(brand_id: UUID) -> Select[Any]:
    return _not_with_holder(
        _task.c.id,
        _task.c.account_id,
        _task.c.relationship_id,
        brand_id,
        _task.c.brand_id == brand_id,
        _task.c.state == "pending",
    )


def _orders_elsewhere(brand_id: UUID) -> Select[Any]:
    return _not_with_holder(
        _order.c.id,
        _order.c.serving_account_id,
        _order.c.relationship_id,
        brand_id,
        _order.c.brand_id == brand_id,
        _order.c.state.in_(("paid", "shipped")),
    )


def _not_with_holder(
    thing: Any, account: Any, relationship: Any, brand_id: UUID, *which: ColumnElement[bool]
) -> Select[Any]:
    return (
        select(thing)
        .join(_relationship, and_(_relationship.c.brand_id == brand_id, _relationship.c.id == relationship))
        .where(*which, account.is_distinct_from(_relationship.c.holder_id))
    )


def _without_one_primary(brand_id: UUID) -> Select[Any]:
    primaries = func.sum(case((_relationship.c.is_primary, 1), else_=0))
    return (
        select(_relationship.c.customer_id)
        .where(_relationship.c.brand_id == brand_id)
        .group_by(_relationship.c.customer_id)
        .having(primaries != 1)
    )


def _feeds_with_gaps(brand_id: UUID) -> Select[Any]:
    """Above what was compacted each position is there, up to the head."""
    dense_from = case((_feed.c.compacted > _feed.c.floor, _feed.c.compacted), else_=_feed.c.floor)
    kept = func.count(_feed_event.c.seq)
    newest = func.coalesce(func.max(_feed_event.c.seq), dense_from)
    behind = and_(
        _feed_event.c.brand_id == brand_id,
        _feed_event.c.feed_id == _feed.c.feed_id,
        _feed_event.c.seq > dense_from,
    )
    return (
        select(_feed.c.feed_id)
        .outerjoin(_feed_event, behind)
        .where(_feed.c.brand_id == brand_id)
        .group_by(_feed.c.feed_id, _feed.c.head, _feed.c.floor, _feed.c.compacted)
        .having(or_(kept != _feed.c.head - dense_from, newest != _feed.c.head))
    )


def _told_wrongly(brand_id: UUID) -> Select[Any]:
    """What a person's feed said last of a relationship: to forget it, if and only if they don't hold it."""
    place = func.row_number().over(
        partition_by=(_feed_event.c.feed_id, _feed_event.c.entity_id), order_by=_feed_event.c.seq.desc()
    )
    last = (
        select(_feed_event.c.feed_id, _feed_event.c.entity_id, _feed_event.c.op, place.label("place"))
        .join(_feed, and_(_feed.c.brand_id == brand_id, _feed.c.feed_id == _feed_event.c.feed_id))
        .join(_staff, and_(_staff.c.brand_id == brand_id, _staff.c.id == _feed_event.c.feed_id))
        .where(
            _feed_event.c.brand_id == brand_id,
            _feed_event.c.entity_type == "relationship",
            _feed_event.c.seq > _feed.c.floor,
        )
        .subquery()
    )
    holder = and_(_account.c.brand_id == brand_id, _account.c.id == _relationship.c.holder_id)
    holds = _account.c.staff_id.is_not_distinct_from(last.c.feed_id)
    return (
        select(_relationship.c.id)
        .join(last, last.c.entity_id == _relationship.c.id)
        .join(_account, holder)
        .where(_relationship.c.brand_id == brand_id, last.c.place == 1, holds == (last.c.op == "del"))
    )


def _stuck_jobs(brand_id: UUID) -> Select[Any]:
    late = and_(_job.c.state == JobState.WAITING.value, _job.c.run_at < clock.now() - STUCK_AFTER)
    return select(_job.c.id).where(_job.c.brand_id == brand_id, or_(late, _job.c.state == JobState.FAILED.value))


def _messages_of_malls(brand_id: UUID) -> Select[Any]:
    """Those that wait for somebody, and those that nobody has applied in five minutes though their source goes on."""
    late = and_(
        _message.c.state == "received",
        _message.c.state_at < clock.now() - STUCK_AFTER,
        _source.c.is_paused.is_(False),
    )
    return (
        select(_message.c.id)
        .join(_source, and_(_source.c.brand_id == brand_id, _source.c.id == _message.c.source_id))
        .where(_message.c.brand_id == brand_id, or_(late, _message.c.state.in_(("parked", "given_up"))))
    )


PROMISES: dict[str, Callable[[UUID], Select[Any]]] = {
    "relationships are held as their history says": _without_its_holding,
    "relationships are held by somebody who works here": _held_by_nobody,
    "customers have one primary relationship": _without_one_primary,
    **succession.PROMISES,
    "pending tasks are with the customer's holder": _tasks_elsewhere,
    "open orders are with the customer's holder": _orders_elsewhere,
    "feeds are without gaps": _feeds_with_gaps,
    "feeds say who holds a relationship": _told_wrongly,
    "jobs are carried out in time": _stuck_jobs,
    "what malls sent is applied, and nothing waits for somebody": _messages_of_malls,
}
