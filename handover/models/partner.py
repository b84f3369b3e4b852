"""How a brand is tied to the partner (WeCom, 企业微信)."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime


class PartnerTie(SQLModel, table=True):
    """A brand's own corp at the partner. Secrets are sealed; `corp_id` and nothing else of it is shown.

    The token and key are those of the address that the partner calls. While it is paused nothing is asked.
    """

    __tablename__ = "partner_tie"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    corp_id: str = Field(max_length=64)
    secret_sealed: bytes
    callback_token_sealed: bytes
    callback_key_sealed: bytes
    is_paused: bool = False
    tied_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    @property
    def id(self) -> UUID:
        """A brand has one: it goes by the brand's id."""
        return self.brand_id
