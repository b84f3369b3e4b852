"""Keep the catalogue: many products at once with their SKUs, or one by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlmodel import col

from kernel import bulk, ids
from kernel.errors import NotFound, require_version
from kernel.work import Work
from mall.commands import wares
from mall.models import Change, Product, ProductDetails, ProductNews, Sku
from mall.policy import require_catalogue_keeper
from mall.queries import products, skus

_PRODUCT: dict[str, Any] = {"category": None, "images": [], "listed_on": None, "is_withdrawn": False}
_SKU: dict[str, Any] = {"variant": None, "barcode": None, "price": None, "is_withdrawn": False}


@dataclass(frozen=True, slots=True)
class Put:
    """What became of products and SKUs, by code; and the ids of the products that are new or not as they were."""

    products: Mapping[str, Change]
    skus: Mapping[str, Change]
    changed_ids: Sequence[UUID]


async def put_products(work: Work, news: Sequence[ProductNews]) -> Put:
    """Add 1 to 200 products with their SKUs, or bring them up to date: all of it or nothing.

    The same again changes nothing. A SKU belongs to the product that named it last. A constant number of statements,
    however many they are; several at once take turns in the order of the codes.
    Raises `FORBIDDEN`, and `INVALID` with the place.
    """
    require_catalogue_keeper(work.actor)
    return await put(work, wares.checked_products(news))


async def put_product(
    work: Work,
    *,
    code: str,
    name: str,
    price: int,
    category: str | None = None,
    images: Sequence[str] | None = None,
    listed_on: date | None = None,
    is_withdrawn: bool | None = None,
    expected_version: int | None = None,
) -> Product:
    """Add the product of this code, or bring it up to date; `price` is in the currency's minor unit.

    `listed_on` is the day it came or comes, from 1970 to 2199. Without it, without images and without a word on
    whether it is withdrawn, what is known of that stays. Raises `FORBIDDEN`, `INVALID`, `STALE_VERSION`.
    """
    require_catalogue_keeper(work.actor)
    details = ProductDetails(category=category)
    if images is not None:
        details["images"] = images
    if listed_on is not None:
        details["listed_on"] = listed_on
    if is_withdrawn is not None:
        details["is_withdrawn"] = is_withdrawn
    news = wares.checked_product("", ProductNews(code, name, price, details))
    if expected_version is not None:
        known = await products.lock_by_code(work.session, work.actor, news.code)
        if known is not None:
            require_version(known, expected_version)
    await put(work, [news])
    return await present(work, news.code)


async def put(work: Work, news: Sequence[ProductNews]) -> Put:
    """The same for news that was checked, by whoever may."""
    brought = await _bring(work, Product, {each.code: _product_row(each) for each in news}, _PRODUCT)
    wanted = {sku.code: {"product_id": brought[each.code][0], **sku.details} for each in news for sku in each.skus}
    variants = await _bring(work, Sku, wanted, _SKU)
    await _require_few_skus(work, news, brought, variants)
    changed = [
        brought[each.code][0]
        for each in news
        if any(
            change is not Change.UNCHANGED
            for _, change in (brought[each.code], *(variants[sku.code] for sku in each.skus))
        )
    ]
    return Put(_changes(brought), _changes(variants), changed)


def _product_row(news: ProductNews) -> dict[str, Any]:
    return {"name": news.name, "price": news.price, "is_kept": True, **news.details}


def _changes(brought: Mapping[str, tuple[UUID, Change]]) -> dict[str, Change]:
    return {code: change for code, (_, change) in brought.items()}


async def _bring(
    work: Work, table: type[Product] | type[Sku], wanted: Mapping[str, dict[str, Any]], usual: Mapping[str, Any]
) -> dict[str, tuple[UUID, Change]]:
    """Insert the rows whose codes are new, change those that differ; returns id and change by code."""
    if not wanted:
        return {}
    brand_id = work.actor.brand_id
    known = await skus.known_codes(work.session, work.actor, table, list(wanted))
    # In the order of codes: two that bring the same new ones wait for each other one way only.
    fresh = [
        {"brand_id": brand_id, "id": ids.new(), "code": code, "version": 1, **usual, **wanted[code]}
        for code in sorted(wanted)
        if code not in known
    ]
    added = {key.id for key in await bulk.insert_missing(work.session, table, fresh)}
    found = await skus.lock_by_codes(work.session, work.actor, table, list(wanted))
    differing = [
        row for row in found if row.id not in added and any(getattr(row, n) != v for n, v in wanted[row.code].items())
    ]
    await _update(work, table, differing, wanted, usual)
    changed = {row.id for row in differing}
    return {row.code: (row.id, _change(row.id, added, changed)) for row in found}


def _change(row_id: UUID, added: set[UUID], changed: set[UUID]) -> Change:
    if row_id in added:
        return Change.ADDED
    return Change.CHANGED if row_id in changed else Change.UNCHANGED


async def _update(
    work: Work,
    table: type[Product] | type[Sku],
    rows: Sequence[Any],
    wanted: Mapping[str, dict[str, Any]],
    usual: Mapping[str, Any],
) -> None:
    if not rows:
        return
    names = sorted({*usual, *next(iter(wanted.values()))})
    connection = await work.session.connection()
    await connection.execute(
        update(table.__table__)  # type: ignore[union-attr]  # a table
        .where(col(table.brand_id) == work.actor.brand_id, col(table.id) == bindparam("key"))
        .values(version=table.version + 1, **{name: bindparam(f"new_{name}") for name in names}),
        [
            {"key": row.id, **{f"new_{name}": wanted[row.code].get(name, getattr(row, name)) for name in names}}
            for row in sorted(rows, key=lambda row: row.id)
        ],
    )


async def _require_few_skus(
    work: Work,
    news: Sequence[ProductNews],
    brought: Mapping[str, tuple[UUID, Change]],
    variants: Mapping[str, tuple[UUID, Change]],
) -> None:
    """However many times SKUs were told of, a product has few enough to be shown as a whole."""
    if all(change is Change.UNCHANGED for _, change in variants.values()):
        return
    counted = await skus.count_of(work.session, work.actor, [product_id for product_id, _ in brought.values()])
    for place, product in enumerate(news):
        found = counted.get(brought[product.code][0], 0)
        wares.require_number(f"input.{place}.skus", found, least=0, most=wares.MOST_SKUS, of="in all", of_zh="个 SKU")


async def present(work: Work, code: str) -> Product:
    """The product of this code, as it is by now."""
    found = await products.lock_by_code(work.session, work.actor, code, anew=True)
    if found is None:
        raise NotFound
    return found
