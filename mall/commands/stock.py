"""Keep the stores' stock: counts by machines, many at once, or of one SKU by hand. The newest count stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from kernel import clock
from kernel.errors import Forbidden, NotFound
from kernel.work import Work
from mall.commands import wares
from mall.errors import SkuUnknown, StoreUnknown
from mall.models import Stock, StockCount
from mall.policy import require_catalogue_keeper, require_shelf_keeper
from mall.queries import skus, stock


@dataclass(frozen=True, slots=True)
class Counted:
    """A count that stands now: of which SKU in which store. `id` is the SKU's."""

    id: UUID
    store_id: UUID


async def put_stock(work: Work, counts: Sequence[StockCount]) -> list[Counted]:
    """Take 1 to 500 counts, all of them or none; returns those that are newer than what was known.

    An older count never overwrites a newer one; of two of the same moment the smaller stands. So they may come in any
    order, and as often as they like. Raises `FORBIDDEN`, `STORE_UNKNOWN`, `SKU_UNKNOWN`, and `INVALID` with the place.
    """
    require_catalogue_keeper(work.actor)
    told = wares.checked_counts(counts)
    store_ids = await _stores(work, told)
    known = await skus.places_of_codes(work.session, work.actor, [count.sku_code for count in told])
    unknown = [place for place, count in enumerate(told) if count.sku_code not in known]
    if unknown:
        raise SkuUnknown.of(f"rows.{unknown[0]}.skuCode", (told[place].sku_code for place in unknown))
    keys = ((store, known[count.sku_code].id) for store, count in zip(store_ids, told, strict=True))
    return await _take(work, list(zip(keys, told, strict=True)))


async def set_stock(work: Work, sku_id: UUID, *, quantity: int, counted_at: datetime | None = None) -> Counted:
    """Say how many pieces of a SKU there are in one's own store, by default now; 0 to 1,000,000.

    For the store's manager, and for its guides where the brand lets them. An older count than the one that stands
    changes nothing. Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`.
    """
    if sku_id not in await skus.by_ids(work.session, work.actor, [sku_id]):
        raise NotFound
    store_id = await own_store(work)
    counted = StockCount("-", quantity, counted_at or clock.now(), store_id=store_id)
    await _take(work, [((store_id, sku_id), wares.checked_count("", counted))])
    return Counted(sku_id, store_id)


async def own_store(work: Work) -> UUID:
    """The store whose shelves the actor may keep by hand. Raises `FORBIDDEN`."""
    require_shelf_keeper(work.actor, guides_may=await stock.guides_may_keep(work.session, work.actor))
    if work.actor.store_id is None:
        raise Forbidden
    return work.actor.store_id


async def _stores(work: Work, counts: Sequence[StockCount]) -> list[UUID]:
    ids, codes = await stock.stores_named(
        work.session,
        work.actor,
        [count.store_id for count in counts if count.store_id],
        [count.store_code for count in counts if count.store_code],
    )
    found: list[UUID] = []
    for place, count in enumerate(counts):
        store_id = count.store_id if count.store_id in ids else codes.get(count.store_code or "")
        if store_id is None:
            raise StoreUnknown(field=f"rows.{place}.store", store=count.store_code or count.store_id)
        found.append(store_id)
    return found


async def _take(work: Work, counts: Sequence[tuple[tuple[UUID, UUID], StockCount]]) -> list[Counted]:
    newest: dict[tuple[UUID, UUID], StockCount] = {}
    for key, count in counts:
        if key not in newest or _is_newer(count, newest[key]):
            newest[key] = count
    rows = [
        {
            "brand_id": work.actor.brand_id,
            "store_id": store_id,
            "sku_id": sku_id,
            "quantity": newest[store_id, sku_id].quantity,
            "counted_at": newest[store_id, sku_id].counted_at,
        }
        for store_id, sku_id in sorted(newest)
    ]
    taken = await work.session.execute(_upsert(work), rows)
    return [Counted(sku_id, store_id) for store_id, sku_id in taken]


def _is_newer(count: StockCount, known: StockCount) -> bool:
    return (count.counted_at, -count.quantity) > (known.counted_at, -known.quantity)


def _upsert(work: Work) -> Any:
    """Insert counts, or let them take the place of older ones; rows in the order of their keys never deadlock."""
    dialect = sqlite if work.session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Stock.__table__)  # type: ignore[attr-defined]  # a table
    told, known = statement.excluded, Stock.__table__.c  # type: ignore[attr-defined]  # the same
    is_newer = or_(
        told.counted_at > known.counted_at,
        and_(told.counted_at == known.counted_at, told.quantity < known.quantity),
    )
    return statement.on_conflict_do_update(
        index_elements=["brand_id", "store_id", "sku_id"],
        set_={"quantity": told.quantity, "counted_at": told.counted_at},
        where=is_newer,
    ).returning(col(Stock.store_id), col(Stock.sku_id))
