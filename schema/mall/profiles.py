"""What a customer's purchases amount to, in GraphQL."""

from datetime import date

import strawberry

from kernel import clock
from mall.models import ChurnBand, ChurnRisk, churn_band
from schema.fields import field
from schema.scalars import Fen

strawberry.enum(
    ChurnBand,
    description="How a customer's silence compares with what is usual for them. `NONE` has bought nothing that stands; "
    "`NEW` bought on one day, less than 60 days ago; `ACTIVE` on several, and not unusually long ago. `AT_RISK` is "
    "silent for twice their median gap or longer, within 30 to 365 days (60 after one day), `LAPSED` for four times, "
    "within 90 to 730 days (180 after one day).",
)

strawberry.enum(
    ChurnRisk,
    description="How likely a customer is to buy nothing within the next 91 days, by how often they bought of late: "
    "`LOW` less than 40 %, `MEDIUM` less than 65 %, `HIGH` more. Show the band and not a percentage.",
)


@strawberry.type(
    description="What a customer's purchases amount to (消费画像), in all stores of the brand, whoever asks. Cancelled "
    "orders don't count, and a refund is no visit. Changes don't tell of it: ask when you show it."
)
class PurchaseProfile:
    orders: int
    purchase_days: int = strawberry.field(description="Days with an order, each on its store's calendar.")
    gross: Fen = strawberry.field(description="What the orders come to.")
    refunds: Fen = strawberry.field(description="What was given back, above zero.")
    net: Fen = strawberry.field(description="Gross less refunds.")
    net_12_months: Fen = strawberry.field(
        name="netLast12Months", description="The same of the days after that a year before `asOf`."
    )
    first_day: date | None = strawberry.field(description="The first purchase day.")
    last_day: date | None = strawberry.field(description="The last purchase day.")
    median_gap_days: float | None = strawberry.field(
        description="The median number of days between purchase days; null before the second. Beside the days since "
        "`lastDay` it explains why a customer is worth a call (usually buys every 28 days, now 61): `churnRisk` is "
        "worked out otherwise."
    )
    recency_score: int | None = strawberry.field(
        description="How recent the last purchase day is among the brand's customers, 1 to 5 (best) by fifths; equal "
        "days have equal scores. As of `scoredOn`; null for who came since, or bought nothing."
    )
    frequency_score: int | None = strawberry.field(description="The same by purchase days.")
    monetary_score: int | None = strawberry.field(description="The same by net.")
    churn_risk: ChurnRisk | None = strawberry.field(
        description="How likely the customer is to stay away. As of `scoredOn`; null for who came since, or bought "
        "nothing, and as long as nobody in the brand bought on two days."
    )
    value_at_risk_score: int | None = strawberry.field(
        description="How much of the last 12 months' net spend is expected to stay away, 1 to 5 (most) by fifths of "
        "the brand's customers; where more was given back than paid, nothing is. As `churnRisk` is."
    )
    scored_on: date | None = strawberry.field(description="The night of the scores; null before the brand's first.")
    as_of: date = strawberry.field(description="The brand's calendar day up to which `netLast12Months` is right.")
    at_risk_from: date | None = strawberry.field(
        description="The day from which the silence is unusual, if nothing is bought."
    )
    lapsed_from: date | None = strawberry.field(description="The day from which it is very unusual.")
    time_zone: strawberry.Private[str | None]

    @field("The band today, on the calendar of most of the brand's stores.")
    async def churn_band(self) -> ChurnBand:
        return churn_band(self, clock.store_day(clock.now(), self.time_zone or "UTC"))
