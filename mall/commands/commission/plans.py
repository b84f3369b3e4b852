"""Write commission plans, let them pay, and end them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from kernel import audit, clock, ids
from kernel.errors import Invalid, optional_text, require_text, require_version
from kernel.jobs import Request
from kernel.work import Work
from mall.commands.amounts import CLOCKS_DIFFER_BY
from mall.commands.commission.catching_up import CATCH_UP
from mall.errors import CommissionPlanOver, CommissionPlansOverlap, TooManyCommissionPlans
from mall.models import CommissionPlan
from mall.models.commissioning import HIGHEST_RATE, Rate
from mall.policy import require_paymaster
from mall.queries.commission import plans, settings

MOST_RATES = 200
ENTITY = "commission_plan"
# By then every order that was taken while the plan was being started has been committed.
_ONCE_MORE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Said:
    """A plan as it is written: both days are its own."""

    name: str
    from_day: date
    until_day: date | None
    rates: Sequence[Rate]


async def save_plan(
    work: Work, said: Said, plan_id: UUID | None = None, *, expected_version: int | None = None
) -> CommissionPlan:
    """Write a new draft, or write one anew. For HQ.

    The name has 1 to 60 characters; 1 to 200 rates from 0 to 5,000 ten-thousandths, one for each role and category.
    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `STALE_VERSION`, `COMMISSION_PLAN_LIVE`, `TOO_MANY_COMMISSION_PLANS`.
    """
    require_paymaster(work.actor)
    plan = await plans.lock(work.session, work.actor, plan_id) if plan_id else None
    if plan is not None:
        require_version(plan, expected_version)
        plan.require_draft()
    name, rates = _checked(said)
    if plan is not None:
        plan.edit(name, said.from_day, said.until_day, rates)
        return plan
    if await plans.count(work.session, work.actor.brand_id) >= plans.MOST_PLANS:
        raise TooManyCommissionPlans(most=plans.MOST_PLANS)
    plan = CommissionPlan(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        name=name,
        from_day=said.from_day,
        until_day=said.until_day,
        rates=rates,
        created_at=clock.now(),
    )
    work.session.add(plan)
    return plan


async def remove_plan(work: Work, plan_id: UUID, *, expected_version: int | None = None) -> CommissionPlan:
    """Take a draft away, or a plan that has not begun. For HQ.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `COMMISSION_PLAN_LIVE`.
    """
    require_paymaster(work.actor)
    await settings.lock(work.session, work.actor.brand_id)
    plan = await plans.lock(work.session, work.actor, plan_id)
    require_version(plan, expected_version)
    _, latest = await settings.days(work.session, plan.brand_id, ahead=CLOCKS_DIFFER_BY)
    if plan.from_day <= latest:
        plan.require_draft()
    await work.session.delete(plan)
    return plan


async def start_plan(work: Work, plan_id: UUID, *, expected_version: int | None = None) -> CommissionPlan:
    """Let a draft pay for orders of its days, also for those that were paid before. For HQ.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `COMMISSION_PLAN_LIVE`, `COMMISSION_PLANS_OVERLAP`.
    """
    require_paymaster(work.actor)
    await settings.lock(work.session, work.actor.brand_id)
    plan = await plans.lock(work.session, work.actor, plan_id)
    require_version(plan, expected_version)
    plan.start(clock.now())
    await _require_alone(work, plan)
    await audit.write(work.session, work.actor, "commission_plan_started", ENTITY, plan.id)
    work.later(CATCH_UP, after=None)
    work.requests.append(Request(CATCH_UP, {"after": None}, _ONCE_MORE))
    return plan


async def end_plan(
    work: Work, plan_id: UUID, until_day: date, *, expected_version: int | None = None
) -> CommissionPlan:
    """Let a plan pay up to that day, today or later; also one that was to end on another. For HQ.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `INVALID`, `COMMISSION_PLAN_DRAFT`, `COMMISSION_PLAN_OVER`,
    `COMMISSION_PLANS_OVERLAP`.
    """
    require_paymaster(work.actor)
    await settings.lock(work.session, work.actor.brand_id)
    plan = await plans.lock(work.session, work.actor, plan_id)
    require_version(plan, expected_version)
    _require_days(plan.from_day, until_day)
    before = plan.until_day
    plan.end(until_day)
    _, latest = await settings.days(work.session, plan.brand_id, ahead=CLOCKS_DIFFER_BY)
    if until_day < latest or (before is not None and before < latest):
        raise CommissionPlanOver
    await _require_alone(work, plan)
    detail = {"until": until_day.isoformat()}
    await audit.write(work.session, work.actor, "commission_plan_ended", ENTITY, plan.id, detail)
    return plan


async def _require_alone(work: Work, plan: CommissionPlan) -> None:
    other = await plans.in_the_way(work.session, plan.brand_id, plan.id, plan.from_day, plan.until_day)
    if other is not None:
        raise CommissionPlansOverlap(name=other.name, from_day=other.from_day, until_day=other.until_day or "…")


def _checked(said: Said) -> tuple[str, list[Any]]:
    name = require_text("name", said.name, longest=60)
    _require_days(said.from_day, said.until_day)
    if not 1 <= len(said.rates) <= MOST_RATES:
        raise Invalid(field="rates", reason=f"1 to {MOST_RATES} rates.", reason_zh=f"应有 1 到 {MOST_RATES} 条费率。")
    rates = [Rate(each.role, optional_text("category", each.category, longest=60), each.rate) for each in said.rates]
    if any(not 0 <= each.rate <= HIGHEST_RATE for each in rates):
        raise Invalid(
            field="rate",
            reason=f"from 0 to {HIGHEST_RATE} ten-thousandths.",
            reason_zh=f"费率应在 0 到 {HIGHEST_RATE}（万分比）之间。",
        )
    if len({(each.role, each.category) for each in rates}) < len(rates):
        raise Invalid(
            field="rates", reason="one for each role and category.", reason_zh="同一岗位和品类只能有一条费率。"
        )
    return name, [{"role": each.role.value, "category": each.category, "rate": each.rate} for each in rates]


def _require_days(from_day: date, until_day: date | None) -> None:
    if until_day is not None and until_day < from_day:
        raise Invalid(field="untilDay", reason="lies before the first day.", reason_zh="结束日期早于开始日期。")
