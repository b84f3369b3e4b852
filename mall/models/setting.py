"""How a brand runs its mini-mall."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel


class MallSetting(SQLModel, table=True):
    """Without a row, the defaults. `product_url`, `page_url` and `look_url` are where links lead to in the mall.

    They are templates: `{product}` is a product's code, `{page}` a path, `{look}` product codes with commas between,
    `{share}` the link's code, `{guide}` the staff number of who serves it now, `{store}` the store's code. A new link
    lives for `share_days`. An order of the mini-mall that nobody has turned to within `answer_minutes` becomes a task;
    0 for never.
    """

    __tablename__ = "mall_setting"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    product_url: str | None = Field(default=None, max_length=500)
    page_url: str | None = Field(default=None, max_length=500)
    look_url: str | None = Field(default=None, max_length=500)
    share_days: int = 30
    answer_minutes: int = 30
    guides_may_add_products: bool = False
    version: int = 1

    @property
    def id(self) -> UUID:
        """There is one for each brand."""
        return self.brand_id

    def change(self, changes: Mapping[str, Any]) -> None:
        """Run it differently in what is named."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.version += 1
