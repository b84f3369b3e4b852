"""A handover that is ready to move, and where things are afterwards."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer, Holding
from handover.commands import leasing
from kernel import jobs
from kernel.work import Ground
from mall.models import Order
from server import worker
from tasks.models import Task
from tests.factories import World, build_customer, build_task, build_world, relationship_of, reload
from tests.mall.trading import place


class Scene:
    """A guide who leaves, with customers, a task and an open order each, and a to-do about nobody."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.leaver, self.taker = world.shop.guide, world.shop.other_guide
        self.customers: list[Customer] = []
        self.tasks: list[Task] = []
        self.orders: list[Order] = []
        self.todo: Task


async def build_scene(ground: Ground, customers: int = 3) -> Scene:
    scene = Scene(await build_world(ground))
    for _ in range(customers):
        customer = await build_customer(ground, scene.leaver)
        scene.customers.append(customer)
        scene.tasks.append(await build_task(ground, scene.leaver, customer))
        scene.orders.append(await place(ground, scene.world, customer))
    scene.todo = await build_task(ground, scene.leaver)
    return scene


async def keepers(ground: Ground, scene: Scene) -> list[Any]:
    """Who holds each relationship, keeps each task and serves each order."""
    found: list[Any] = []
    for customer, task, order in zip(scene.customers, scene.tasks, scene.orders, strict=True):
        relationship = await relationship_of(ground, customer)
        kept, served = await reload(ground, task), await reload(ground, order)
        found.append({relationship.holder_id, kept.account_id, served.serving_account_id})
    return found


async def holdings(ground: Ground) -> list[Holding]:
    async with ground.db.read() as session:
        found = await session.scalars(select(Holding).order_by(col(Holding.relationship_id), col(Holding.id)))
        return list(found)


async def work_off(ground: Ground) -> None:
    async with ground.db.read() as session:
        due = await session.scalars(select(jobs.Job).where(col(jobs.Job.name) == leasing.MOVE))
    for job in due:
        await worker.run(ground, job.id)
