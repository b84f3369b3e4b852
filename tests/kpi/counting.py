"""Let figures be counted as a worker does, and look whether they are as they should be."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlmodel import SQLModel, col

from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from kpi.commands import recounting
from kpi.models import KpiMark, KpiSales, KpiStore, KpiWork
from server import chores
from tests.factories import Shop, World
from tests.kpi.oracle import Figures, kept, truth

Wrong = dict[tuple[object, ...], tuple[object, object]]


async def count_marked(ground: Ground, brand_id: UUID) -> None:
    """What a worker does within two seconds."""
    await chores.begin_days(ground)
    while True:
        async with unit_of_work(ground, system(brand_id)) as work:
            if not await recounting.follow_marks(work):
                return


async def wrong(ground: Ground, brand_id: UUID) -> Wrong:
    """Rows that aren't as the base rows say: what there is, and what there should be."""
    there, should = await kept(ground, brand_id), await truth(ground, brand_id)
    return {key: (there.get(key), should.get(key)) for key in {*there, *should} if there.get(key) != should.get(key)}


async def from_nothing(ground: Ground, brand_id: UUID) -> Figures:
    """The rows counted anew after all that was counted has been taken away."""
    async with ground.db.write() as session:
        for table in (KpiSales, KpiWork, KpiMark, KpiStore):
            await session.execute(delete(table).where(col(table.brand_id) == brand_id))
    await count_marked(ground, brand_id)
    return await kept(ground, brand_id)


async def marks(ground: Ground, brand_id: UUID) -> int:
    """How many there are."""
    async with ground.db.read() as session:
        found = await session.scalar(select(func.count()).select_from(KpiMark).where(col(KpiMark.brand_id) == brand_id))
    return int(found or 0)


async def change(ground: Ground, model: type[SQLModel], brand_id: UUID, row_id: UUID, **values: object) -> None:
    """Set columns of a row as they are given, as no command would."""
    async with ground.db.write() as session:
        row = await session.get_one(model, (brand_id, row_id))
        for name, value in values.items():
            setattr(row, name, value)


@dataclass(frozen=True)
class Counted:
    """All rows there are, which are as they should be."""

    rows: Figures

    def of(self, place: Shop | Actor, day: str, span: str = "day", shop: Shop | None = None) -> dict[str, int]:
        """What a store's row says, or that of a guide in their store or in another: over all channels and sources."""
        is_store = isinstance(place, Shop)
        whose = place.public.id if isinstance(place, Shop) else place.account_ids[0]
        where = place.store.id if isinstance(place, Shop) else shop.store.id if shop else place.store_id
        wanted = (span, "store" if is_store else "account", date.fromisoformat(day), where, whose)
        found = Counter[str]()
        for key, values in self.rows.items():
            if key[1:6] == wanted:
                found.update(values)
        return dict(found)


async def counted(ground: Ground, world: World) -> Counted:
    """All that is marked, counted; no row may differ from the truth."""
    await count_marked(ground, world.brand.id)
    assert await wrong(ground, world.brand.id) == {}
    return Counted(await kept(ground, world.brand.id))


def at(moment: str) -> datetime:
    """An instant, as it is written with its offset."""
    return datetime.fromisoformat(moment)
