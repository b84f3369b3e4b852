"""What audits found, and figures about tags, in GraphQL."""

from uuid import UUID

import strawberry

from schema.context import Info
from schema.directory import Account, Staff, Store, account_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field
from schema.tagging.library import Tag, TagGroup, group_of, tag_of
from tagging.models.statistics import Standing
from tagging.queries.figures import FiguresBy

strawberry.enum(
    Standing, description="Where a part lies against the whole: within noise as long as its interval holds the whole."
)
strawberry.enum(FiguresBy, description="What each line of the figures is about; by guide, each account of a store.")


@strawberry.type(
    description="Where the true value lies in 95 of 100 samples drawn in the same way. Shares run from 0 to 1."
)
class Interval:
    low: float
    high: float


@strawberry.type(
    description="The share of right tags among those drawn, taken for all: Σ W·p, each stratum at its weight. The "
    "interval is Wilson's (1927) at the number of simple draws that would say as much (Kish 1965)."
)
class TagAccuracy:
    population: float = strawberry.field(
        description="How many tags it is about; estimated where a part cuts across the strata of the sample."
    )
    drawn: int = strawberry.field(description="How many were drawn of them.")
    known: int = strawberry.field(description="How many of those drawn were found right or wrong.")
    right: int
    unknown: int = strawberry.field(
        description="Drawn, and not to be judged: too little behaviour, no rule, no answer. Counted as neither."
    )
    estimate: float | None = strawberry.field(description="0 to 1, among those that can be judged; null without any.")
    interval: Interval | None = strawberry.field(description="Of the estimate, at 95 %; null without one.")
    lowest: float | None = strawberry.field(description="The estimate if all that is unknown were wrong.")
    highest: float | None = strawberry.field(description="The estimate if all that is unknown were right.")
    represented: float = strawberry.field(description="The share of the population in whose strata something is known.")
    is_small: bool = strawberry.field(
        description="Too little to judge people by: fewer than 30 known, or wider than ±10 points."
    )


@strawberry.type(
    description="Cohen's κ of two people's tags, which takes off what chance alone brings about: 1 is full agreement, "
    "0 none beyond chance. Error after Fleiss, Cohen & Everitt (1969)."
)
class TagAgreement:
    pairs: int = strawberry.field(description="How many judgements were compared.")
    observed: float = strawberry.field(description="The share of pairs that agree, chance included.")
    kappa: float = strawberry.field(description="From −1 to 1.")
    interval: Interval = strawberry.field(description="Of κ, at 95 %.")


@strawberry.type(description="What changed when customers came to another holder.")
class TagDrift:
    value: float = strawberry.field(
        description="Accuracy of inherited tags less that of tags whose customer stayed: below 0 they got worse."
    )
    interval: Interval = strawberry.field(description="Of the difference, at 95 % (Newcombe 1998, method 10).")
    is_beyond_noise: bool = strawberry.field(description="Whether 0 lies outside of the interval.")


@strawberry.type
class _Line:
    accuracy: TagAccuracy
    standing: Standing = strawberry.field(
        description="Against the whole audit, judged more strictly the more parts are compared (Bonferroni)."
    )
    rank: int | None = strawberry.field(
        description="1 plus how many are better beyond noise; null for what can't be told from any other."
    )
    id: strawberry.Private[UUID | None]


@strawberry.type(description="The tags that one person set.")
class GuideAudited(_Line):
    @field(f"Who set them; null for tags that rules and imports set, and {OUT_OF_SIGHT}.")
    async def guide(self, info: Info) -> Staff | None:
        return await staff_of(info, self.id)


@strawberry.type(description="The tags on customers of one store.")
class StoreAudited(_Line):
    @field(f"The store; {OUT_OF_SIGHT}.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.id)


@strawberry.type(description="The tags of one group.")
class GroupAudited(_Line):
    agreement: TagAgreement | None = strawberry.field(
        description="Of those who set the tags and those who were asked blind; null for evidence, without answers, "
        "and where both only ever named one thing."
    )

    @field("The group.")
    async def group(self, info: Info) -> TagGroup | None:
        return await group_of(info, self.id)


@strawberry.type(description="One tag of the library.")
class TagAudited(_Line):
    @field("The tag.")
    async def tag(self, info: Info) -> Tag | None:
        return await tag_of(info, self.id)


@strawberry.type(description="What came of an audit. Each list holds the 200 parts of which most was drawn.")
class TagAuditResult:
    overall: TagAccuracy
    open: int = strawberry.field(description="How many still wait for an answer; until then they count as unknown.")
    by_guide: list[GuideAudited]
    by_store: list[StoreAudited]
    by_group: list[GroupAudited]
    by_tag: list[TagAudited]
    own: TagAccuracy = strawberry.field(description="Of tags set or confirmed since the customer has this holder.")
    inherited: TagAccuracy = strawberry.field(description="Of tags from before the customer came to this holder.")
    drift: TagDrift | None = strawberry.field(description="Null as long as one of the two is unknown.")


@strawberry.type(
    description="How much is tagged, and how fresh: counted exactly, within the viewer's sight. The unit is the "
    "relationship: a customer of two stores counts in each."
)
class TagFigures:
    held: int = strawberry.field(description="Relationships.")
    covered: int = strawberry.field(description="Relationships whose customer carries at least one such tag.")
    coverage: float | None = strawberry.field(description="`covered / held`, 0 to 1; null without relationships.")
    tags: int = strawberry.field(description="The brand's tags in use on their customers.")
    stale: int = strawberry.field(description="Of these, past their date (`validUntil`).")
    stale_share: float | None = strawberry.field(description="`stale / tags`, 0 to 1; null without tags.")
    confirmed: int = strawberry.field(description="Of these, set or confirmed within the last 90 days.")
    confirmed_share: float | None = strawberry.field(description="`confirmed / tags`, 0 to 1; null without tags.")
    id: strawberry.Private[UUID]
    store_id: strawberry.Private[UUID | None]
    staff_id: strawberry.Private[UUID | None]
    group_id: strawberry.Private[UUID | None]

    @field("The store of the line; null by group.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("The account that holds the relationships; null unless by guide.")
    async def account(self, info: Info) -> Account | None:
        return None if self.group_id or self.id == self.store_id else await account_of(info, self.id)

    @field(f"The guide whose account it is; null for a store's public account, unless by guide, and {OUT_OF_SIGHT}.")
    async def guide(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)

    @field("The group of the line; null unless by group.")
    async def group(self, info: Info) -> TagGroup | None:
        return await group_of(info, self.group_id)
