"""Stores that plan, to test with."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel, col

from customers.models import Customer
from kernel import clock, ids
from kernel.actor import Actor
from kernel.jobs import Job
from kernel.work import Ground
from server import chores
from server.worker import Worker
from tasks.models import PlanCandidate, PlanRun, PlanSetting, RevisitRule, Task, TaskSource, Trigger
from tests.factories import NOON, World, build_customer, save
from tests.tasks.revisiting import TODAY, build_rule


async def build_customers(ground: Ground, guide: Actor, count: int, **values: Any) -> list[Customer]:
    return [await build_customer(ground, guide, f"顾客{number}", **values) for number in range(count)]


async def everybody(ground: Ground, world: World, **values: Any) -> RevisitRule:
    """A rule that always speaks for everybody."""
    return await build_rule(ground, world, Trigger.NO_CONTACT, **values)


async def set_up(ground: Ground, world: World, **values: Any) -> PlanSetting:
    """How the whole brand plans: at midnight, and otherwise as is usual."""
    setting = PlanSetting(**{"brand_id": world.brand.id, "id": ids.new(), "plans_at": "00:00", **values})
    await save(ground, setting)
    return setting


async def plan_all(ground: Ground, moment: datetime = NOON) -> None:
    """Let a worker see to all that is due at that moment, until nothing is."""
    with clock.stopped_at(moment):
        await chores.begin_plans(ground)
        await carry_out(ground)


async def carry_out(ground: Ground) -> None:
    """Carry out the jobs that are due, and what they ask for."""
    worker = Worker(ground)
    while await worker.sweep_once():
        pass


async def rows(ground: Ground, world: World, table: type[SQLModel], *order: str) -> Sequence[Any]:
    columns: Any = table
    async with ground.db.read() as session:
        found = await session.scalars(
            select(table)
            .where(columns.brand_id == world.brand.id)
            .order_by(*(col(getattr(columns, name)) for name in order))
        )
        return found.all()


async def planned(ground: Ground, world: World, day: date = TODAY) -> Sequence[Task]:
    """The tasks that rules made for a day, in the order in which they were made."""
    found = await rows(ground, world, Task, "id")
    return [task for task in found if task.source is TaskSource.RULE and task.contact_day == day]


async def runs(ground: Ground, world: World) -> Sequence[PlanRun]:
    return await rows(ground, world, PlanRun, "day", "store_id")


async def candidates(ground: Ground, world: World) -> Sequence[PlanCandidate]:
    return await rows(ground, world, PlanCandidate, "day", "account_id", "place")


async def plan_jobs(ground: Ground, world: World) -> Sequence[Job]:
    return [job for job in await rows(ground, world, Job, "id") if job.name == "tasks.plan_store"]


def customers_of(found: Iterable[Task | PlanCandidate]) -> set[Any]:
    return {each.customer_id for each in found}
