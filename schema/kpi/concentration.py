"""What hangs on single guides, in GraphQL."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import strawberry

from kernel.pages import Page
from schema.context import Info
from schema.directory import Staff, staff_of
from schema.fields import OUT_OF_SIGHT, field
from schema.paging import Connection, connection
from schema.scalars import Fen


@strawberry.type(description="The part of a guide's customers who are lost when the guide leaves.")
class LossRate:
    rate: float = strawberry.field(description="0 to 1.")
    low: float = strawberry.field(
        description="Measured, the lower end of Wilson's interval of 95 %; otherwise 0.132, of research on sales "
        "representatives who left (Shi, Sridhar, Grewal and Lilien, Journal of Marketing 81 (2), 2017)."
    )
    high: float = strawberry.field(description="The upper end likewise; otherwise 0.176, from the same source.")
    customers: int = strawberry.field(description="How many customers the brand has to measure it on.")
    is_measured: bool = strawberry.field(
        description="Whether it is the brand's own: of the customers whom handovers moved from guides who left, 180 to "
        "910 days ago, and who had bought in the 365 days before, those who bought nothing in the 180 days after. It "
        "takes 50 of them; until then it is the middle of the range from research."
    )


@strawberry.type(description="What the customers brought whom one guide holds today.")
class GuideShare:
    net: Fen = strawberry.field(
        description="Orders less refunds of the scope in the 12 months, on relationships that the guide holds today: "
        "what a handover moved counts for whoever took it over, whoever earned it."
    )
    share: float | None = strawberry.field(
        description="`net` ÷ the net of the scope, 0 to 1; may be below 0 or above 1 where more was given back to "
        "some than they bought. Null where that isn't above zero."
    )
    customers: int = strawberry.field(description="How many of them bought in the 12 months.")
    a_customers: int = strawberry.field(
        description="How many of these are A, the first 20 % of the scope's customers by net of the 12 months."
    )
    at_stake: Fen = strawberry.field(
        description="What would be lost in the next 12 months if the guide left: `net`, which is what the customers "
        "would bring if they went on as before, × the loss rate; 0 where `net` is below zero."
    )
    at_stake_low: Fen = strawberry.field(description="The same by the low end of the loss rate.")
    at_stake_high: Fen = strawberry.field(description="The same by its high end.")
    staff_id: strawberry.Private[UUID]

    @field(f"Who holds them; {OUT_OF_SIGHT}.")
    async def staff(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)


@strawberry.type(
    description="How much revenue hangs on single guides (人走客走 risk), of the days after `after` up to `on`, today."
)
class Concentration:
    after: date = strawberry.field(description="The same day a year earlier, which isn't counted any more.")
    on: date = strawberry.field(description="The last day that is counted.")
    currency: str = strawberry.field(description="Of all amounts: three letters, ISO 4217.")
    net: Fen = strawberry.field(description="Orders less refunds of the scope, those of guests included.")
    held_net: Fen = strawberry.field(description="What of it comes from customers whom guides hold.")
    held_share: float | None = strawberry.field(
        description="`heldNet` ÷ `net`, 0 to 1; may be below 0 or above 1 where more was given back to some than "
        "they bought. Null where `net` isn't above zero."
    )
    guides: int = strawberry.field(description="How many guides hold customers who bought or got money back.")
    herfindahl: float | None = strawberry.field(
        description="The Herfindahl index of the guides with a net above zero: the sum of the squares of their parts "
        "of what they hold together. 1 if one holds all, 1/n if n hold the same; null without any."
    )
    loss_rate: LossRate = strawberry.field(description="By which `atStake` is worked out.")
    page: strawberry.Private[Page]
    rows: strawberry.Private[Sequence[Any]]

    @field("The guides, those whose customers brought most first.")
    async def shares(self) -> Connection[GuideShare]:
        return connection(GuideShare, self.rows, self.page, lambda row: row.place)
