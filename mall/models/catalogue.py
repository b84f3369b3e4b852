"""What is sold: products, their SKUs, and how many of them a store has."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, index_where, refers


class Product(SQLModel, table=True):
    """Something that is sold. `price` is in the currency's minor unit; `listed_on` is the day it came.

    `images` are addresses, the first of which stands for the product. What is withdrawn is sold no more, and stays.
    `is_kept` once the catalogue was told of it; a product that is only known from an imported order follows the last
    sale in name and price.
    """

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("brand_id", "code"),)

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    code: str = Field(max_length=64)
    name: str = Field(max_length=200)
    category: str | None = Field(default=None, max_length=60)
    price: int = Field(sa_type=BigInteger)
    images: list[str] = Field(default_factory=list, sa_type=Json)
    listed_on: date | None = None
    is_withdrawn: bool = False
    is_kept: bool = False
    version: int = 1


class Sku(SQLModel, table=True):
    """One kind of a product that is counted by itself, as a size in a colour. Without a price, the product's."""

    __tablename__ = "sku"
    __table_args__ = (
        refers("product_id", "product"),
        UniqueConstraint("brand_id", "code"),
        Index("ix_sku_product", "brand_id", "product_id"),
        index_where("ix_sku_barcode", "brand_id", "barcode", where="barcode IS NOT NULL"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    product_id: UUID
    code: str = Field(max_length=64)
    variant: str | None = Field(default=None, max_length=100)
    barcode: str | None = Field(default=None, max_length=32)
    price: int | None = Field(default=None, sa_type=BigInteger)
    is_withdrawn: bool = False
    version: int = 1


class Stock(SQLModel, table=True):
    """How many pieces of a SKU a store has, as counted at `counted_at`: an older count never overwrites a newer one."""

    __tablename__ = "stock"
    __table_args__ = (refers("store_id", "store"), refers("sku_id", "sku"), Index("ix_stock_sku", "brand_id", "sku_id"))

    brand_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    sku_id: UUID = Field(primary_key=True)
    quantity: int
    counted_at: datetime = Field(sa_type=UtcDateTime)
