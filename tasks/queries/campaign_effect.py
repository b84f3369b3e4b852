"""What those whom campaigns chose bought, beside those whom they left alone; for all campaigns of a page at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Float, and_, case, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import clock
from kernel.actor import Actor
from kernel.db import UtcDateTime
from kernel.errors import Invalid
from mall.models import COUNTED_STATES, Order, Refund
from tagging.models.statistics import Difference
from tasks.models import Campaign, CampaignAim, CampaignRecipient
from tasks.models.effect import Group, difference_of_shares, difference_of_spend
from tasks.policy import campaigns_visible_to, recipients_visible_to

MOST_DAYS = 90


@dataclass(frozen=True, slots=True)
class Effect:
    """Both groups as far as they are in sight, and how they differ, where there are enough to say.

    Orders and refunds count from when a customer was drawn until `until`, so many days after the campaign was sent;
    it `is_complete` once that has passed. `cap` is up to what a customer's spend counts in the comparison.
    """

    until: datetime
    is_complete: bool
    chosen: Group
    left_alone: Group
    cap: int
    of_shares: Difference | None
    of_spend: Difference | None


async def effects(
    session: AsyncSession, actor: Actor, campaign_ids: Sequence[UUID], *, days: int
) -> dict[UUID, Effect]:
    """By campaign, unless it isn't sent or is about guides. `INVALID` for fewer than 1 or more than 90 days."""
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(field="days", reason=f"from 1 to {MOST_DAYS}.", reason_zh=f"应在 1 到 {MOST_DAYS} 之间。")
    ends = await _ends(session, actor, campaign_ids, timedelta(days=days))
    if not ends:
        return {}
    groups: dict[UUID, dict[bool, Group]] = {campaign_id: {} for campaign_id in ends}
    caps = dict.fromkeys(ends, 0)
    for campaign_id, is_control, cap, *figures in await session.execute(_groups(_each(actor, ends))):
        customers, buyers, spent, capped, squares = figures
        groups[campaign_id][bool(is_control)] = Group(customers, int(buyers), int(spent), int(capped), float(squares))
        caps[campaign_id] = int(cap)
    return {campaign_id: _effect(until, caps[campaign_id], groups[campaign_id]) for campaign_id, until in ends.items()}


def _effect(until: datetime, cap: int, groups: dict[bool, Group]) -> Effect:
    chosen, left_alone = groups.get(False, Group()), groups.get(True, Group())
    return Effect(
        until=until,
        is_complete=until <= clock.now(),
        chosen=chosen,
        left_alone=left_alone,
        cap=cap,
        of_shares=difference_of_shares(chosen, left_alone),
        of_spend=difference_of_spend(chosen, left_alone),
    )


async def _ends(
    session: AsyncSession, actor: Actor, campaign_ids: Sequence[UUID], span: timedelta
) -> dict[UUID, datetime]:
    found = await session.execute(
        select(col(Campaign.id), col(Campaign.sent_at)).where(
            campaigns_visible_to(actor),
            col(Campaign.id).in_(campaign_ids),
            col(Campaign.aim) == CampaignAim.CUSTOMERS,
            col(Campaign.sent_at).is_not(None),
        )
    )
    return {campaign_id: sent_at + span for campaign_id, sent_at in found if sent_at is not None}


def _each(actor: Actor, ends: dict[UUID, datetime]) -> CTE:
    """Each recipient's orders, and what they spent net of refunds, from when they were drawn."""
    until = case(
        *((col(CampaignRecipient.campaign_id) == key, literal(end, UtcDateTime())) for key, end in ends.items())
    )
    drawn = (
        select(
            col(CampaignRecipient.campaign_id),
            col(CampaignRecipient.customer_id),
            col(CampaignRecipient.is_control),
            col(CampaignRecipient.at),
            until.label("until"),
        )
        .where(
            recipients_visible_to(actor),
            col(CampaignRecipient.campaign_id).in_(list(ends)),
            col(CampaignRecipient.customer_id).is_not(None),
        )
        .cte("drawn")
    )
    bought = _of_recipients(actor, drawn, Order, col(Order.state).in_(COUNTED_STATES))
    given_back = _of_recipients(actor, drawn, Refund, col(Refund.is_void).is_(False))
    net = func.coalesce(bought.c.amount, 0) - func.coalesce(given_back.c.amount, 0)
    return (
        select(
            drawn.c.campaign_id,
            drawn.c.is_control,
            func.coalesce(bought.c.number, 0).label("orders"),
            net.label("net"),
        )
        .outerjoin(bought, _same(drawn, bought))
        .outerjoin(given_back, _same(drawn, given_back))
        .cte("each_recipient")
    )


def _of_recipients(actor: Actor, drawn: CTE, model: type[Order] | type[Refund], *wanted: Any) -> Any:
    return (
        select(
            drawn.c.campaign_id,
            drawn.c.customer_id,
            func.count().label("number"),
            func.sum(col(model.amount)).label("amount"),
        )
        .join(
            model,
            and_(
                col(model.brand_id) == actor.brand_id,
                col(model.customer_id) == drawn.c.customer_id,
                col(model.placed_at) >= drawn.c.at,
                col(model.placed_at) < drawn.c.until,
                *wanted,
            ),
        )
        .group_by(drawn.c.campaign_id, drawn.c.customer_id)
        .subquery()
    )


def _groups(each: CTE) -> Any:
    """Both groups of each campaign: counts and sums; amounts also up to what 95 of 100 buyers stay within."""
    ranked = (
        select(
            each.c.campaign_id,
            each.c.net,
            func.row_number().over(partition_by=each.c.campaign_id, order_by=each.c.net).label("place"),
            func.count().over(partition_by=each.c.campaign_id).label("buyers"),
        )
        .where(each.c.orders > 0)
        .subquery()
    )
    caps = (
        select(ranked.c.campaign_id, func.max(ranked.c.net).label("cap"))
        .where(ranked.c.place * 20 < ranked.c.buyers * 19 + 20)
        .group_by(ranked.c.campaign_id)
        .subquery()
    )
    cap = case((caps.c.cap > 0, caps.c.cap), else_=0)
    capped = case((each.c.net > cap, cap), (each.c.net < -cap, -cap), else_=each.c.net)
    counted = (
        select(
            each.c.campaign_id,
            each.c.is_control,
            each.c.orders,
            each.c.net,
            cap.label("cap"),
            capped.label("capped"),
            cast(capped, Float).label("amount"),
        )
        .outerjoin(caps, caps.c.campaign_id == each.c.campaign_id)
        .subquery()
    )
    return select(
        counted.c.campaign_id,
        counted.c.is_control,
        func.max(counted.c.cap),
        func.count(),
        func.sum(case((counted.c.orders > 0, 1), else_=0)),
        func.sum(counted.c.net),
        func.sum(counted.c.capped),
        func.sum(counted.c.amount * counted.c.amount),
    ).group_by(counted.c.campaign_id, counted.c.is_control)


def _same(one: Any, other: Any) -> Any:
    return and_(one.c.campaign_id == other.c.campaign_id, one.c.customer_id == other.c.customer_id)
