"""Where a link leads to at present."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mall.models.sharing import ShareKind
from mall.models.templates import filled


@dataclass(frozen=True, slots=True)
class Shown:
    """A product as a link shows it. `price` is in the currency's minor unit, `image` an address or nothing."""

    code: str
    name: str
    price: int
    image: str | None


@dataclass(frozen=True, slots=True)
class Landing:
    """A link with all that its visitors are to be shown; `guide` is the staff number of who serves it now, if any."""

    brand_id: UUID
    share_id: UUID
    code: str
    kind: ShareKind
    title: str
    page: str | None
    expires_at: datetime
    store_code: str
    guide: str | None
    currency: str
    template: str | None
    products: Sequence[Shown]

    @property
    def address(self) -> str | None:
        """The address in the mall; none where the brand has named none for links of this kind."""
        if self.template is None:
            return None
        codes = [product.code for product in self.products]
        return filled(
            self.template,
            {
                "product": "".join(codes[:1]),
                "look": ",".join(codes),
                "page": self.page or "",
                "share": self.code,
                "guide": self.guide or "",
                "store": self.store_code,
            },
        )
