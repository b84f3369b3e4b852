"""What is told of the catalogue and of stock: plain data, whichever way it comes in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypedDict
from uuid import UUID


class ProductDetails(TypedDict, total=False):
    """What may be left out of news of a product: then it stays as it is."""

    category: str | None
    images: Sequence[str]
    listed_on: date | None
    is_withdrawn: bool


class SkuDetails(TypedDict, total=False):
    """What may be left out of news of a SKU: then it stays as it is."""

    variant: str | None
    barcode: str | None
    price: int | None
    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class SkuNews:
    """A SKU as it is to be."""

    code: str
    details: SkuDetails = field(default_factory=SkuDetails)


@dataclass(frozen=True, slots=True)
class ProductNews:
    """A product as it is to be; SKUs that are not named stay as they are. `price` is in minor units."""

    code: str
    name: str
    price: int
    details: ProductDetails = field(default_factory=ProductDetails)
    skus: Sequence[SkuNews] = ()


@dataclass(frozen=True, slots=True)
class StockCount:
    """How many pieces of a SKU a store had at `counted_at`. The store is named by id or by code."""

    sku_code: str
    quantity: int
    counted_at: datetime
    store_id: UUID | None = None
    store_code: str | None = None


class Change(StrEnum):
    """What became of a row that was told of."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
