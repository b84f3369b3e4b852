"""The customers and guides a campaign is for, in SQL: who there is, and why somebody is left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, String, and_, case, exists, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Customer, Relationship
from directory.models import Account, AccountKind, Staff
from directory.policy import serves
from kernel import clock
from kernel.actor import Actor, Role
from kernel.db import OneOf
from kernel.errors import NotFound
from mall.models import PurchaseProfile
from tagging.models.expressions import Node, from_json
from tagging.models.facts import Today
from tagging.queries import facts, segment_sql, segments
from tagging.queries.preparing import prepared
from tasks.models import CONTACTS, Campaign, CampaignRecipient, PlanSetting, Task, TaskState, Verdict

STORES = "store_ids"
"""The parameter that names the stores."""

SubjectRow = Row[*tuple[Any, ...]]
Members = tuple[Node | None, Today]
"""What customers have to meet, all where it is nothing, and the day on which it is asked."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What decides in a store who is left in peace: the day that tasks are for, and who was turned to of late.

    Those were turned to at the instant `since` or later, or are claimed for a day behind `last_day`.
    """

    day: date
    since: datetime
    last_day: date


def manner_of(setting: PlanSetting, time_zone: str, due_at: datetime) -> Manner:
    """How a store with that setting and time zone leaves customers in peace, for what is due then."""
    day = clock.store_day(due_at, time_zone)
    last_day = day - timedelta(days=setting.cool_down_days)
    since, _ = clock.day_bounds(last_day + timedelta(days=1), time_zone)
    return Manner(day, since, last_day)


async def members_of(session: AsyncSession, author: Actor, campaign: Campaign) -> Members:
    """What customers have to meet, ready to be asked: as it was when the campaign was sent, or as it is now.

    Raises `NOT_FOUND` for a segment that is out of the author's sight or not in use, `BAD_EXPRESSION` for one that
    can't be counted.
    """
    today = await facts.today_of(session, author.brand_id)
    if campaign.segment_id is None:
        return None, today
    tree = campaign.segment_tree or await tree_of(session, author, campaign.segment_id)
    return await prepared(session, author.brand_id, from_json(tree)), today


async def tree_of(session: AsyncSession, author: Actor, segment_id: UUID) -> dict[str, Any]:
    """What a segment says that the author may use. `NOT_FOUND` otherwise."""
    row = (await segments.by_ids(session, author, [segment_id])).get(segment_id)
    if row is None or row.retired_at is not None:
        raise NotFound
    tree: dict[str, Any] = row.tree
    return tree


def guides_at_work(campaign: Campaign) -> Select[UUID, UUID]:
    """The accounts of guides at work in stores that `store_ids` names."""
    rows = (
        select(col(Account.id), col(Account.store_id))
        .join(Staff, _owns())
        .where(col(Account.brand_id) == campaign.brand_id, OneOf(col(Account.store_id), STORES), _at_work())
        .order_by(col(Account.id))
    )
    return rows.where(col(Staff.id).in_(list(map(UUID, campaign.guide_ids)))) if campaign.guide_ids else rows


async def free_of_store(
    session: AsyncSession,
    campaign: Campaign,
    store_id: UUID,
    manner: Manner,
    who: Members,
    among: Sequence[UUID] | None = None,
) -> Sequence[SubjectRow]:
    """The store's customers who may be turned to and weren't chosen yet, as far down each holder's list as is dealt.

    With `among`, those of these customers.
    """
    free = judged(campaign.brand_id, who, manner).where(*_unchosen(campaign))
    if among is not None:
        free = free.where(col(Customer.id).in_(among))
    people = free.subquery()
    ranked = (
        select(
            people,
            func.row_number()
            .over(partition_by=people.c.holder_id, order_by=(people.c.worth.desc(), people.c.customer_id))
            .label("place"),
        )
        .where(people.c.verdict.is_(None))
        .subquery()
    )
    # Half may be drawn for the control group: so many are enough, and what isn't is for the next chunk.
    deep = 4 * campaign.most_per_guide + 100
    statement = (
        select(ranked)
        .where(ranked.c.place <= deep)
        .order_by(ranked.c.holder_id, ranked.c.worth.desc(), ranked.c.customer_id)
    )
    return (await session.execute(statement, {STORES: [store_id]})).all()


async def left_out_of_store(
    session: AsyncSession,
    campaign: Campaign,
    store_id: UUID,
    manner: Manner,
    who: Members,
) -> dict[str, int]:
    """How many of the store's customers weren't chosen, by why; who might have been was over a guide's measure."""
    people = judged(campaign.brand_id, who, manner).where(*_unchosen(campaign)).subquery()
    left = select(func.coalesce(people.c.verdict, Verdict.OVER_QUOTA.value).label("verdict")).subquery()
    found = await session.execute(select(left.c.verdict, func.count()).group_by(left.c.verdict), {STORES: [store_id]})
    return dict(found.all())


def members(brand_id: UUID, who: Members, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Columns of the primary relationships of stores that `store_ids` names, with customers who are members."""
    node, today = who
    return (
        segment_sql.known(brand_id, *columns)
        .join(
            Relationship,
            and_(
                col(Relationship.brand_id) == col(Customer.brand_id),
                col(Relationship.customer_id) == col(Customer.id),
                col(Relationship.is_primary),
            ),
        )
        .where(
            col(Relationship.brand_id) == brand_id,
            OneOf(col(Relationship.store_id), STORES),
            true() if node is None else segment_sql.condition(node, today),
        )
    )


def judged(brand_id: UUID, who: Members, manner: Manner) -> Select[*tuple[Any, ...]]:
    """The members, with what they spent in 12 months (`worth`), and why they are left out (`verdict`), if they are."""
    about = (col(Task.brand_id) == col(Customer.brand_id), col(Task.customer_id) == col(Customer.id))
    contacts = col(Task.kind).in_(CONTACTS)
    verdict = case(
        (col(Customer.do_not_contact), _word(Verdict.DO_NOT_CONTACT)),
        (exists().where(*about, contacts, col(Task.state) == TaskState.PENDING), _word(Verdict.TASK_OPEN)),
        (exists().where(*about, col(Task.contact_day) == manner.day), _word(Verdict.CLAIMED)),
        (or_(*_turned_to(about, contacts, manner)), _word(Verdict.COOLING_DOWN)),
        (_holder_away(), _word(Verdict.HOLDER_AWAY)),
    )
    return members(
        brand_id,
        who,
        col(Relationship.id).label("relationship_id"),
        col(Relationship.customer_id),
        col(Relationship.holder_id),
        func.coalesce(col(PurchaseProfile.net_12_months), 0).label("worth"),
        verdict.label("verdict"),
    )


def _turned_to(about: Any, contacts: Any, manner: Manner) -> Sequence[Any]:
    """That somebody turned to the customer of late, in whatever store, or a machine planned to."""
    other = aliased(Relationship)
    return (
        exists().where(
            col(other.brand_id) == col(Customer.brand_id),
            col(other.customer_id) == col(Customer.id),
            col(other.last_contact_at) >= manner.since,
        ),
        exists().where(*about, contacts, col(Task.state) == TaskState.DONE, col(Task.closed_at) >= manner.since),
        exists().where(
            *about,
            contacts,
            col(Task.state).not_in((TaskState.CANCELLED, TaskState.EXPIRED)),
            col(Task.contact_day) > manner.last_day,
        ),
    )


def _holder_away() -> Any:
    """That somebody who is shut out holds the relationship; a store's public account is always there."""
    return exists().where(
        col(Account.brand_id) == col(Relationship.brand_id),
        col(Account.id) == col(Relationship.holder_id),
        _owns(),
        ~serves(),
    )


def _owns() -> Any:
    return and_(col(Staff.brand_id) == col(Account.brand_id), col(Staff.id) == col(Account.staff_id))


def _at_work() -> Any:
    """That an account is that of a guide who works in its store."""
    return and_(
        col(Account.kind) == AccountKind.GUIDE,
        col(Staff.store_id) == col(Account.store_id),
        col(Staff.role) == Role.GUIDE,
        serves(),
    )


def _unchosen(campaign: Campaign) -> Sequence[Any]:
    chosen = exists().where(
        col(CampaignRecipient.brand_id) == col(Customer.brand_id),
        col(CampaignRecipient.campaign_id) == campaign.id,
        col(CampaignRecipient.customer_id) == col(Customer.id),
    )
    return (~chosen,)


def _word(verdict: Verdict) -> Any:
    return literal(verdict.value, String())
