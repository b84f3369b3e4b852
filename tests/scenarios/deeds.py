"""What happens in a brand without anybody's asking for a mutation: jobs, files, and what an operator does."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from intake.commands.directory_file import read
from intake.models import Kind
from kernel import clock, compaction, feed
from kernel.actor import system
from kernel.feed import Feed
from kernel.jobs import Job
from kernel.work import unit_of_work
from server.importing_staff import carry_in
from server.wiring import PREPARATIONS, handlers
from tasks.commands import tending
from tests.asking import VAULT
from tests.intake.carrying import carry, shipped, write
from tests.scenarios.stage import Stage

STAFF_FILE = [
    "kind,code,name,region,store,role,city,time_zone,opening_hours",
    "staff,ours-1-G2,韩梅,,ours-1,guide,,,",
    "staff,F1,文静,,ours-1,guide,,,",
    "store,ours-2,二店,east,,,杭州,Asia/Shanghai,09:00-21:00",
]
MEMBERS_FILE = [
    "会员号,姓名,手机号,生日,等级,城市,入会日期,谢绝联系,门店编码,导购工号",
    "M-li,李娜娜,,1990-02-05,钻石,上海,2020-05-01,,ours-1,ours-1-G1",
    "M-file,孙悦,13612345678,,,,2021-05-01,,ours-1,ours-1-G2",
]
ORDERS_FILE = [
    "订单号,下单时间,会员号,门店编码,导购工号,商品编码,商品名称,数量,金额,类型",
    "F1,2024-03-01 12:00,M-file,ours-1,ours-1-G2,a-1,羊绒大衣,1,2999,销售",
    "F2,2024-03-02 12:00,M-zhou,ours-2,ours-2-G1,a-2,围巾,2,199.9,销售",
    "F3,2024-03-03 12:00,M-file,ours-1,ours-1-G2,a-1,羊绒大衣,-1,-2999,退货",
]


async def carry_out_jobs(stage: Stage) -> None:
    """Whatever was asked for and wasn't done yet."""
    brand_id = stage.world.brand.id
    async with stage.ground.db.read() as session:
        waiting = (await session.scalars(select(Job).where(col(Job.brand_id) == brand_id))).all()
    for job in waiting:
        prepared = {}
        if job.name in PREPARATIONS:
            async with stage.ground.db.read() as session:
                prepared = {"prepared": await PREPARATIONS[job.name](session, brand_id, **job.args)}
        async with unit_of_work(stage.ground, system(brand_id)) as work:
            await handlers(VAULT)[job.name](work, **job.args, **prepared)
            await work.session.delete(await work.session.merge(job))
    assert waiting, "nobody asked for a job"


async def import_staff(stage: Stage) -> None:
    with TemporaryDirectory() as folder:
        tally = await carry_in(stage.ground, read(write(Path(folder) / "staff.csv", STAFF_FILE)), "ours")
    assert (tally.staff.added, tally.staff.changed, tally.stores.changed) == (1, 1, 1)


async def import_members(stage: Stage) -> None:
    await _carry(stage, "members-zh", Kind.MEMBERS, MEMBERS_FILE)


async def import_orders(stage: Stage) -> None:
    await _carry(stage, "orders-zh", Kind.ORDERS, ORDERS_FILE)


async def _carry(stage: Stage, mapping: str, kind: Kind, lines: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = write(Path(folder) / "file.csv", lines)
        report = await carry(stage.ground, path, shipped(mapping, kind), brand_code="ours")
    assert report.counts["invoices"]["new"] == len(lines) - 1


async def tend_tasks(stage: Stage) -> None:
    """What is overdue in eight days comes before the manager, and what has expired in ten is over."""
    brand_id = stage.world.brand.id
    for days in (8, 10):
        with clock.stopped_at(clock.now() + timedelta(days=days)):
            for shop in stage.world.shops:
                async with unit_of_work(stage.ground, system(brand_id)) as work:
                    await tending.tend_store(work, shop.store.id)


async def compact(stage: Stage) -> None:
    """Shorten every feed of the brand."""
    for feed_id in await feeds(stage):
        await compaction.compact(stage.ground.db, stage.world.brand.id, feed_id)


async def start_over(stage: Stage) -> None:
    """As after a backup was put back."""
    async with stage.ground.db.write() as session:
        await feed.new_epoch(session, stage.world.brand.id)


async def feeds(stage: Stage) -> list[UUID]:
    """The brand's feeds, in the order of their ids."""
    async with stage.ground.db.read() as session:
        brands = select(col(Feed.feed_id)).where(col(Feed.brand_id) == stage.world.brand.id)
        return list(await session.scalars(brands.order_by(col(Feed.feed_id))))
