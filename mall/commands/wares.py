"""Products, SKUs and counts as they may come in. Refusals name the place."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast
from urllib.parse import urlsplit

from kernel.errors import Invalid, optional_text, require_text
from mall.commands.amounts import MOST_PIECES, require_amount, require_past
from mall.models import ProductDetails, ProductNews, SkuDetails, SkuNews, StockCount

MOST_PRODUCTS = 200
MOST_SKUS = 200
MOST_SKUS_AT_ONCE = 2_000
MOST_COUNTS = 500
MOST_IMAGES = 9
_LONGEST_IMAGE = 500
_ADDRESS = re.compile(r"https://[^\s\x00-\x20\x7f]+")


def checked_products(news: Sequence[ProductNews]) -> list[ProductNews]:
    """The products, tidied. Raises `INVALID` with the place, such as `input.3.skus.0.price`."""
    require_number("input", len(news), least=1, most=MOST_PRODUCTS)
    told = [checked_product(f"input.{place}.", product) for place, product in enumerate(news)]
    products: set[str] = set()
    skus: set[str] = set()
    for place, product in enumerate(told):
        _require_once(f"input.{place}.code", product.code, products)
        for index, sku in enumerate(product.skus):
            _require_once(f"input.{place}.skus.{index}.code", sku.code, skus)
    require_number("input", len(skus), least=0, most=MOST_SKUS_AT_ONCE, of="SKUs in all", of_zh="SKU")
    return told


def checked_product(place: str, news: ProductNews) -> ProductNews:
    """One product with its SKUs, tidied; `place` stands before the names of what is refused."""
    require_number(f"{place}skus", len(news.skus), least=0, most=MOST_SKUS)
    require_amount(f"{place}price", news.price, least=0)
    return replace(
        news,
        code=require_text(f"{place}code", news.code, longest=64),
        name=require_text(f"{place}name", news.name, longest=200),
        details=_checked_details(place, news.details),
        skus=tuple(_checked_sku(f"{place}skus.{index}.", sku) for index, sku in enumerate(news.skus)),
    )


def checked_counts(counts: Sequence[StockCount]) -> list[StockCount]:
    """The counts, tidied. Raises `INVALID` with the place, such as `rows.3.quantity`."""
    require_number("rows", len(counts), least=1, most=MOST_COUNTS)
    return [checked_count(f"rows.{place}.", count) for place, count in enumerate(counts)]


def checked_count(place: str, count: StockCount) -> StockCount:
    """One count, tidied."""
    require_number(f"{place}quantity", count.quantity, least=0, most=MOST_PIECES, of="pieces", of_zh="件")
    require_past(f"{place}countedAt", count.counted_at)
    if (count.store_id is None) == (count.store_code is None):
        raise Invalid(
            field=f"{place}store", reason="give its id or its code.", reason_zh="请给出门店 id 或门店编码之一。"
        )
    code = count.store_code
    return replace(
        count,
        sku_code=require_text(f"{place}skuCode", count.sku_code, longest=64),
        store_code=require_text(f"{place}storeCode", code, longest=32) if code is not None else None,
    )


def require_number(field: str, found: int, *, least: int, most: int, of: str = "", of_zh: str = "") -> None:
    """Refuse what is fewer or more."""
    if not least <= found <= most:
        raise Invalid(
            field=field,
            reason=f"from {least} to {most} {of}".rstrip() + ".",
            reason_zh=f"应在 {least} 到 {most} {of_zh}".rstrip() + "之间。",
        )


def _require_once(field: str, code: str, seen: set[str]) -> None:
    if code in seen:
        raise Invalid(field=field, reason="is there twice.", reason_zh="重复出现。")
    seen.add(code)


def _checked_details(place: str, given: ProductDetails) -> ProductDetails:
    details: dict[str, Any] = dict(given)
    if "category" in details:
        details["category"] = optional_text(f"{place}category", details["category"], longest=60)
    if "images" in details:
        details["images"] = checked_images(f"{place}images", details["images"])
    if details.get("listed_on") is not None:
        _require_day(f"{place}listedOn", details["listed_on"])
    return cast(ProductDetails, details)


def _checked_sku(place: str, news: SkuNews) -> SkuNews:
    details: dict[str, Any] = dict(news.details)
    for name, longest in (("variant", 100), ("barcode", 32)):
        if name in details:
            details[name] = optional_text(f"{place}{name}", details[name], longest=longest)
    if details.get("price") is not None:
        require_amount(f"{place}price", details["price"], least=0)
    return SkuNews(require_text(f"{place}code", news.code, longest=64), cast(SkuDetails, details))


def checked_images(field: str, images: Sequence[str]) -> list[str]:
    """Up to 9 addresses of up to 500 characters, each in https."""
    require_number(field, len(images), least=0, most=MOST_IMAGES)
    return [_checked_image(f"{field}.{index}", image) for index, image in enumerate(images)]


def _checked_image(field: str, image: str) -> str:
    address = require_text(field, image, longest=_LONGEST_IMAGE)
    if not _ADDRESS.fullmatch(address) or not _has_host(address):
        raise Invalid(field=field, reason="write it as https://….", reason_zh="请写成 https://… 的地址。")
    return address


def _has_host(address: str) -> bool:
    try:
        return bool(urlsplit(address).hostname)
    except ValueError:
        return False


def _require_day(field: str, day: date) -> None:
    if not 1970 <= day.year < 2200:
        raise Invalid(field=field, reason="from 1970 to 2199.", reason_zh="应在 1970 年至 2199 年之间。")
