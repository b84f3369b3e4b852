"""Reads of a handover's ledger: where each thing is now that was held at its start, or came since."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import SQLModel, col

from customers.models import Note, Relationship
from customers.policy import is_live
from directory.models import Account, AccountKind
from handover.models import GroupChat, HeldHere, LedgerEntry, LedgerLine, LedgerTotal
from handover.queries import holdings, wearers
from handover.queries.holdings import Whose
from kernel import clock
from mall.models import OPEN_STATES, CommissionEntry, Order, Share
from tagging.models import Tag
from tasks.models import Campaign, CampaignState, Task, TaskState


class Whereabouts(StrEnum):
    """Where a thing is: each is in exactly one place. `missing` has no row any more, which no part of the product does.

    `paid`: its period is closed. `closed`: an order or task that came to its end, a relationship that ended with its
    store and goes on in another, a tag that was retired, a message that is no longer scheduled, a chat that was
    dismissed.
    """

    WITH_LEAVER = "with_leaver"
    WITH_TAKEOVER = "with_takeover"
    WITH_STORE = "with_store"
    CLOSED = "closed"
    EXPIRED = "expired"
    PAID = "paid"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class LineNow:
    """A line of the ledger. `amount` is in minor units: what was unpaid at the start, and what of that is there now."""

    line: LedgerLine
    at_start: int
    arrived: int
    places: Mapping[Whereabouts, int]
    amount: int
    amount_now: int

    @property
    def missing(self) -> int:
        return self.places.get(Whereabouts.MISSING, 0)

    @property
    def adds_up(self) -> bool:
        """Whether all that was there, or came, is somewhere, and nothing is missing."""
        total = self.at_start + self.arrived == sum(self.places.values())
        return total and not self.missing and self.amount == self.amount_now


async def lines(session: AsyncSession, handover: Whose) -> list[LineNow]:
    """Each line of the ledger as it is now, counted from the tables themselves, in nine statements."""
    totals = await session.scalars(
        select(LedgerTotal).where(
            col(LedgerTotal.brand_id) == handover.brand_id, col(LedgerTotal.handover_id) == handover.id
        )
    )
    known = {total.line: total for total in totals}
    there = _there(handover)
    return [await _line(session, handover, known[line], where) for line, where in there.items() if line in known]


@dataclass(frozen=True, slots=True)
class _There:
    """Where the things of a line are found, and what says where each one is."""

    table: type[SQLModel]
    place: Any
    joins: Sequence[tuple[Any, ColumnElement[bool]]] = ()
    amount: Any = None


async def _line(session: AsyncSession, handover: Whose, total: LedgerTotal, there: _There) -> LineNow:
    table: Any = there.table
    things = _things(handover, total.line)
    place = case((col(table.id).is_(None), Whereabouts.MISSING.value), else_=there.place)
    amount = func.sum(there.amount) if there.amount is not None else literal(0)
    statement = select(things.c.is_new, place.label("place"), func.count().label("number"), amount.label("amount"))
    statement = statement.select_from(things).outerjoin(
        there.table, and_(col(table.brand_id) == handover.brand_id, col(table.id) == things.c.id)
    )
    for target, condition in there.joins:
        statement = statement.outerjoin(target, condition)
    places: Counter[Whereabouts] = Counter()
    arrived = amount_now = 0
    for row in await session.execute(statement.group_by(things.c.is_new, place)):
        places[Whereabouts(row.place)] += row.number
        arrived += row.number if row.is_new else 0
        amount_now += 0 if row.is_new else int(row.amount or 0)
    return LineNow(
        line=total.line,
        at_start=total.count,
        arrived=arrived,
        places=dict(places),
        amount=total.amount,
        amount_now=amount_now,
    )


def _things(handover: Whose, line: LedgerLine) -> Any:
    """The ids of a line's things: those of the start, and those that came since."""
    entries = select(col(LedgerEntry.entity_id)).where(
        col(LedgerEntry.brand_id) == handover.brand_id,
        col(LedgerEntry.handover_id) == handover.id,
        col(LedgerEntry.line) == line,
    )
    started = entries.subquery()
    parts: list[Select[Any]] = [select(started.c.entity_id.label("id"), literal(0).label("is_new"))]
    arrived = holdings.arrived(handover).get(line)
    if arrived is not None:
        found = arrived.subquery()
        key = found.c[0]
        parts.append(select(key.label("id"), literal(1).label("is_new")).where(key.not_in(entries)))
    return union_all(*parts).subquery("things")


def _there(handover: Whose) -> dict[LedgerLine, _There]:
    """For each line its table, and where a row of it is."""
    brand_id, ours = handover.brand_id, holdings.accounts(handover)
    holder, keeper, server, owner = (aliased(Account) for _ in range(4))
    of_note = aliased(Relationship)

    def account(alias: Any, key: Any) -> tuple[Any, ColumnElement[bool]]:
        return alias, and_(col(alias.brand_id) == brand_id, col(alias.id) == key)

    def with_whom(alias: Any) -> Any:
        return case(
            (col(alias.id).in_(ours), Whereabouts.WITH_LEAVER.value),
            (col(alias.kind) == AccountKind.PUBLIC, Whereabouts.WITH_STORE.value),
            else_=Whereabouts.WITH_TAKEOVER.value,
        )

    closed, with_leaver = Whereabouts.CLOSED.value, Whereabouts.WITH_LEAVER.value
    return {
        LedgerLine.RELATIONSHIPS: _There(
            Relationship,
            case((is_live(), with_whom(holder)), else_=closed),
            [account(holder, col(Relationship.holder_id))],
        ),
        LedgerLine.OPEN_TASKS: _There(
            Task,
            case(
                (col(Task.state) == TaskState.PENDING, with_whom(keeper)),
                (col(Task.state) == TaskState.EXPIRED, Whereabouts.EXPIRED.value),
                else_=closed,
            ),
            [account(keeper, col(Task.account_id))],
        ),
        LedgerLine.OPEN_ORDERS: _There(
            Order,
            case((col(Order.state).in_(OPEN_STATES), with_whom(server)), else_=closed),
            [account(server, col(Order.serving_account_id))],
        ),
        LedgerLine.UNPAID_COMMISSION: _There(
            CommissionEntry,
            case((holdings.is_unpaid(), with_leaver), else_=Whereabouts.PAID.value),
            amount=col(CommissionEntry.amount),
        ),
        LedgerLine.SHARES: _There(
            Share, case((col(Share.expires_at) > clock.now(), with_leaver), else_=Whereabouts.EXPIRED.value)
        ),
        LedgerLine.NOTES: _There(
            Note,
            case((col(of_note.id).is_(None), Whereabouts.MISSING.value), else_=with_whom(holder)),
            [
                (of_note, and_(col(of_note.brand_id) == brand_id, col(of_note.id) == col(Note.relationship_id))),
                account(holder, col(of_note.holder_id)),
            ],
        ),
        LedgerLine.PERSONAL_TAGS: _There(Tag, _of_tag(handover)),
        LedgerLine.SCHEDULED_MESSAGES: _There(
            Campaign,
            case(
                (col(Campaign.state) != CampaignState.SCHEDULED, closed),
                (col(Campaign.created_by_id).in_(holdings.owners(handover)), with_leaver),
                else_=Whereabouts.WITH_TAKEOVER.value,
            ),
        ),
        LedgerLine.GROUP_CHATS: _There(
            GroupChat,
            case((col(GroupChat.gone_at).is_not(None), closed), else_=with_whom(owner)),
            [account(owner, col(GroupChat.account_id))],
        ),
    }


def _of_tag(handover: Whose) -> Any:
    """A tag has gone along once everybody who moved and wears it wears the takeover guide's, too."""
    worn = [
        wearers.wearing(handover.brand_id, handover.id, HeldHere.MOVED, is_copied=is_copied).order_by(None).subquery()
        for is_copied in (True, False)
    ]
    copied, waiting = (exists().where(each.c.tag_id == col(Tag.id)) for each in worn)
    return case(
        (col(Tag.retired_at).is_not(None), Whereabouts.CLOSED.value),
        (and_(copied, ~waiting), Whereabouts.WITH_TAKEOVER.value),
        else_=Whereabouts.WITH_LEAVER.value,
    )


async def left_out(session: AsyncSession, handover: Whose, most: int = 100) -> Sequence[str]:
    """The names of the leaver's own tags that somebody who has moved wears, and no takeover guide knows of."""
    waiting = wearers.wearing(handover.brand_id, handover.id, HeldHere.MOVED).order_by(None).subquery()
    found = await session.scalars(
        select(col(Tag.name))
        .where(col(Tag.brand_id) == handover.brand_id, col(Tag.id).in_(select(waiting.c.tag_id)))
        .order_by(col(Tag.name))
        .distinct()
        .limit(most)
    )
    return found.all()
