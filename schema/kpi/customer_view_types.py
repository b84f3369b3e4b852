"""What the views of customers show."""

from datetime import date
from uuid import UUID

import strawberry

from kpi.queries.customer_views.pyramid import Letter, Worth
from schema.context import Info
from schema.customers.types import Customer, customer_of
from schema.fields import OUT_OF_SIGHT, field
from schema.scalars import Fen

strawberry.enum(
    Letter,
    name="PyramidLetter",
    description="A is the first 20 % of the customers, B those up to 50 %, C the rest; both sizes are rounded up.",
)
strawberry.enum(
    Worth,
    name="PyramidWorth",
    description="GROSS: what customers bought. NET: that less what was given back to them on the same days.",
)


@strawberry.type(
    description="Customers who bought in a calendar month, each once: `active` = `new` + `retained` + `returned`, "
    "always. All is said of the scope that was asked for: who is new to a store may have bought in another one before."
)
class CustomerFlow:
    month: date = strawberry.field(description="The first day of the month.")
    active: int = strawberry.field(description="Customers with an order in the month.")
    new: int = strawberry.field(description="拉新: their first order ever within the scope is in this month.")
    new_to_brand: int = strawberry.field(
        description="Those of the new who had bought nowhere in the brand before; the same as `new` where the scope is "
        "the brand."
    )
    retained: int = strawberry.field(description="留存: they bought in the previous month, too.")
    returned: int = strawberry.field(
        description="回流: they bought in some earlier month, but not in the previous one."
    )
    lapsed_from_previous: int = strawberry.field(
        description="Customers with an order in the previous month and none in this one; no part of `active`."
    )


@strawberry.type(description="Customers whose first order within the scope was in the same month.")
class CustomerCohort:
    month: date = strawberry.field(description="The first day of that month.")
    active: list[int] = strawberry.field(
        description="How many of them bought in that month, one month later, and so on to the last month asked for; "
        "the first is how many there are."
    )


@strawberry.type(description="Customers of one letter.")
class PyramidGroup:
    letter: Letter
    customers: int = strawberry.field(description="How many have it.")
    amount: Fen = strawberry.field(description="What they come to, rounded once.")
    share: float | None = strawberry.field(
        description="Their part of the amount of all, 0 to 1; by net it may be below 0 or above 1, where more was "
        "given back to some than they bought. Null if all come to nothing."
    )


@strawberry.type(
    description="Customers by what they bring (ABC): the first 20 % are A, those up to 50 % B, the rest C. Customers "
    "with an order on the days that were asked for."
)
class Pyramid:
    on: date = strawberry.field(description="The last day that is seen.")
    currency: str = strawberry.field(description="Of all amounts: three letters, ISO 4217.")
    customers: int = strawberry.field(description="How many there are of all three.")
    amount: Fen = strawberry.field(description="What all of them come to.")
    groups: list[PyramidGroup] = strawberry.field(description="A, B and C, always all three.")
    cut_a_b: Fen | None = strawberry.field(
        name="cutAB", description="The amount of the last A; null without customers."
    )
    cut_b_c: Fen | None = strawberry.field(
        name="cutBC", description="The amount of the last B, or of the last A where there is no B."
    )


@strawberry.type(description="A customer and their place in the pyramid.")
class PyramidCustomer:
    amount: Fen = strawberry.field(description="What they come to, gross or net as was asked.")
    rank: int = strawberry.field(
        description="From 1, among all customers of the scope, also those out of sight; the same amount goes by member "
        "number, as a number where it is one."
    )
    customer_id: strawberry.Private[UUID]

    @field(f"Who it is; {OUT_OF_SIGHT}.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.customer_id)


@strawberry.type(description="Customers whose last purchase day is so many days ago.")
class Lapse:
    days: int = strawberry.field(description="30, 60, 90, 180 or 365.")
    more_than: int = strawberry.field(description="More than so many days ago: one on that very day doesn't count.")
    at_least: int = strawberry.field(description="So many days ago or more.")


@strawberry.type(description="For how long customers have bought nothing, on a day. What came after it isn't seen.")
class Lapsed:
    on: date = strawberry.field(description="The last day that is seen.")
    customers: int = strawberry.field(description="All with an order on that day or before.")
    lapses: list[Lapse] = strawberry.field(description="One for each number of days, the fewest first.")


@strawberry.type(description="How many customers bought again (复购).")
class Repeat:
    on: date = strawberry.field(description="The last day that is seen.")
    customers: int = strawberry.field(description="All with an order on that day or before.")
    with_two_orders: int = strawberry.field(description="Customers with two orders or more.")
    with_two_days: int = strawberry.field(description="Customers with orders on two different days or more.")
    rate_by_orders: float | None = strawberry.field(
        description="`withTwoOrders` ÷ `customers`, 0 to 1; null without customers."
    )
    rate_by_days: float | None = strawberry.field(description="`withTwoDays` ÷ `customers`, likewise.")


@strawberry.type(description="Where numbers of days lie; all null where there are none.")
class DaySpread:
    count: int = strawberry.field(description="How many there are.")
    mean: float | None = strawberry.field(description="In days, as are the others.")
    median: float | None = strawberry.field(description="Of an even number the mean of the middle two.")
    p25: float | None = strawberry.field(description="The first quartile, interpolated between neighbours.")
    p75: float | None = strawberry.field(description="The third quartile, likewise.")


@strawberry.type(description="How many days pass between consecutive purchase days of a customer (购买间隔).")
class PurchaseGaps:
    on: date = strawberry.field(description="The last day that is seen.")
    pooled: DaySpread = strawberry.field(description="All gaps: who buys often counts often.")
    customer_medians: DaySpread = strawberry.field(
        description="The median gap of each customer who bought on two days or more: each counts once."
    )
