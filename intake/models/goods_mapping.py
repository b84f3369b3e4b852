"""How a file of products, or of counts of stock, is written; checked as a whole before a file is opened."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from intake.models.words import FieldName, FileRule, NumberRule, Strict, TimeRule


class GoodsKind(StrEnum):
    """What such a file holds."""

    PRODUCTS = "products"
    STOCK = "stock"


class GoodsMapping(Strict):
    """What both have in common. `columns` says which header a field has; `optional` names headers it may have.

    Of several optional headers the first that the file has is the field's; without any, the file says nothing of it.
    """

    NEEDED: ClassVar[tuple[str, ...]] = ()
    MORE: ClassVar[tuple[str, ...]] = ()

    name: Annotated[str, Field(pattern="^[a-z0-9-]{1,32}$")]
    title: str = ""
    file: FileRule = FileRule()
    columns: Annotated[dict[FieldName, str], Field(max_length=20)]
    optional: Annotated[dict[FieldName, tuple[str, ...]], Field(max_length=20, default_factory=dict)]
    numbers: NumberRule = NumberRule()
    time: TimeRule

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for field in self.NEEDED:
            if field not in self.columns:
                raise ValueError(f"columns: {field} is missing")
        for place, fields in (("columns", self.columns), ("optional", self.optional)):
            for field in fields:
                if field not in (*self.NEEDED, *self.MORE):
                    raise ValueError(f"{place}.{field}: no such field; there are {', '.join(self.NEEDED + self.MORE)}")
        for field in self.optional:
            if field in self.columns:
                raise ValueError(f"optional.{field}: columns has {field} already")
        return self


class ProductMapping(GoodsMapping):
    """One row, one SKU. Without `sku` a product is its own SKU. `yes` lists what counts as yes in `withdrawn`.

    Prices are in the currency's major unit. `images` are addresses with blanks, semicolons or bars between.
    """

    NEEDED = ("product", "name", "price")
    MORE = ("sku", "variant", "barcode", "sku_price", "category", "images", "listed_on", "withdrawn")

    kind: Literal["products"]
    yes: tuple[str, ...] = ("1", "Y", "YES", "TRUE", "是")


class StockMapping(GoodsMapping):
    """One row, one count of a SKU in a store, which are named by their codes.

    Without `counted_at` all of it was counted when the file came. `unknown_skus` says whether a SKU that the catalogue
    lacks makes the file wrong.
    """

    NEEDED = ("store", "sku", "quantity")
    MORE = ("counted_at",)

    kind: Literal["stock"]
    unknown_skus: Literal["refuse", "leave_out"] = "refuse"


AnyGoodsMapping = ProductMapping | StockMapping
