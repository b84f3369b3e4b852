"""What campaigns are in GraphQL: their figures, customers, stores and effect."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from schema.context import Info
from schema.directory import Account, Region, Staff, Store, account_of, region_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field
from schema.scalars import Fen, shown_as
from schema.versioned import Versioned
from tagging.queries import segments
from tasks.models import CampaignAim, CampaignState, Outcome, TaskState, Verdict
from tasks.queries import campaign_effect, campaign_figures, influence, reach
from tasks.queries import campaigns as queries

if TYPE_CHECKING:
    from schema.tagging.segments import Segment

# A type of a module beside this one.
_SEGMENT = Annotated["Segment", strawberry.lazy("schema.tagging.segments")]
MOST_NAMED = 100

strawberry.enum(CampaignAim, description="A task for each customer, kept by whoever holds them; or one for each guide.")
strawberry.enum(
    CampaignState,
    description="A draft waits for somebody, a scheduled one for its time. `SENDING` hands tasks out, store by store; "
    "`RUNNING` has handed out all. A paused one hands out no more for now, a recalled one took back what was open.",
)


@strawberry.type(description="How many customers get no task, by why.")
class LeftOut:
    do_not_contact: int = strawberry.field(description="Asked to be left alone.")
    task_open: int = strawberry.field(description="Something that turns to them is open already.")
    claimed: int = strawberry.field(description="Somebody else turns to them on that day.")
    cooling_down: int = strawberry.field(description="Were turned to of late, by the store's setting.")
    holder_away: int = strawberry.field(description="Whoever holds them has left, or is leaving.")
    over_quota: int = strawberry.field(description="Behind the last that their guide gets.")


@strawberry.type(description="A guide's share of a campaign.")
class GuideLoad:
    tasks: int
    account_id: strawberry.Private[UUID]

    @field("The guide's account.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)


@strawberry.type(description="What sending a campaign now would come to. Customers come and go until it is sent.")
class CampaignPreview:
    stores: int
    customers: int = strawberry.field(description="How many it selects; 0 where it is about guides.")
    tasks: int
    control: int = strawberry.field(description="How many of the customers would be left alone, to compare with.")
    left_out: LeftOut
    guides: int = strawberry.field(description="How many guides would get tasks.")
    least: int = strawberry.field(description="Tasks of the guide who gets the fewest, among those.")
    median: float
    most: int
    busiest: list[GuideLoad] = strawberry.field(description="The 20 who get the most.")


@strawberry.type(description="How many of the tasks that are done came to what, as far as it was said.")
class OutcomeCounts:
    reached: int
    not_reached: int
    appointment: int
    bought: int
    not_interested: int
    wrong_person: int


@strawberry.type(description="What became of a campaign, as far as it is in the viewer's sight.")
class CampaignFigures:
    sent: int = strawberry.field(description="Tasks that were made.")
    seen: int = strawberry.field(description="Of these, how many the keeper has seen.")
    pending: int
    done: int
    skipped: int
    expired: int
    cancelled: int
    by_outcome: OutcomeCounts


@strawberry.type(description="The customers of a campaign, as far as they are in the viewer's sight.")
class CampaignCustomers:
    stores: int = strawberry.field(description="How many stores it was sent to.")
    stores_done: int = strawberry.field(description="In how many of them all is handed out.")
    chosen: int = strawberry.field(description="How many were chosen for a task.")
    control: int = strawberry.field(description="How many were drawn to be left alone.")
    left_out: LeftOut


@strawberry.type(description="What became of a campaign in a store.")
class CampaignStore:
    is_done: bool = strawberry.field(description="Whether all is handed out there.")
    sent: int
    seen: int
    pending: int
    done: int
    skipped: int
    expired: int
    cancelled: int
    store_id: strawberry.Private[UUID]

    @field("The store.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)


@strawberry.type(
    description="Orders influenced by a campaign's tasks, never caused: as `Task.influence` has it, each order once. "
    "What it brought about is told by `effect`."
)
class CampaignSold:
    tasks: int = strawberry.field(description="How many tasks reached somebody.")
    orders: int
    amount: Fen = strawberry.field(description="What they amount to, less what was given back on them.")
    currency: str


@strawberry.type(description="Those who were chosen, or those who were left alone.")
class EffectGroup:
    customers: int
    buyers: int = strawberry.field(description="How many bought in that time.")
    share: float = strawberry.field(description="The share that bought, 0 to 1.")
    spent: Fen = strawberry.field(description="Orders less refunds, in the currency's minor unit.")


@strawberry.type(
    description="By how much those chosen are ahead; the truth lies from `low` to `high` in 95 of 100 such campaigns."
)
class EffectDifference:
    value: float
    low: float
    high: float
    is_beyond_noise: bool = strawberry.field(description="Whether 0 lies outside.")


@strawberry.type(
    description="What a campaign brought about: all who were chosen, whatever became of their task, against those who "
    "were drawn to be left alone (intention to treat)."
)
class CampaignEffect:
    until: datetime = strawberry.field(description="Orders and refunds count until then, in UTC.")
    is_complete: bool = strawberry.field(description="Whether that has passed.")
    chosen: EffectGroup
    left_alone: EffectGroup
    of_shares: EffectDifference | None = strawberry.field(
        description="Of the shares that bought (Newcombe 1998, method 10); null with fewer than 30 in either group."
    )
    of_spend: EffectDifference | None = strawberry.field(
        description="Of what each spent net of refunds, in the currency's minor unit, each customer up to `cap` (Welch "
        "1947); null with fewer than 30 buyers in either group."
    )
    cap: Fen = strawberry.field(description="What 95 of 100 buyers of both groups stay within.")


@strawberry.type(description="Work that is sent to a selection of guides (总部下发).")
class Campaign(Versioned):
    name: str = strawberry.field(description="1 to 60 characters.")
    aim: CampaignAim
    state: CampaignState
    title: str = strawberry.field(description="Of its tasks, in 1 to 100 characters.")
    reason: str | None
    suggested_words: str | None
    priority: int = strawberry.field(description="From 0 (whenever) to 100 (now).")
    control_percent: int = strawberry.field(
        description="How many of 100 customers are left alone; each is drawn by themselves, so about so many are."
    )
    most_per_guide: int
    send_at: datetime | None = strawberry.field(description="When it is sent, in UTC; null for at once.")
    due_at: datetime = strawberry.field(description="When its tasks are due, in UTC.")
    sent_at: datetime | None
    closed_at: datetime | None = strawberry.field(description="When it ended or was recalled, in UTC.")
    refused: str | None = strawberry.field(description="The code with which sending it at its time was refused.")
    created_at: datetime = strawberry.field(description="In UTC.")
    segment_id: strawberry.Private[UUID | None]
    store_ids: strawberry.Private[list[str]]
    region_ids: strawberry.Private[list[str]]
    guide_ids: strawberry.Private[list[str]]
    created_by_id: strawberry.Private[UUID | None]

    @field(f"The customers it is about; null for all; {OUT_OF_SIGHT}.", graphql_type=_SEGMENT | None)
    async def segment(self, info: Info) -> Any:
        return await info.context.load(segments.by_ids, self.segment_id) if self.segment_id else None

    @field("The first 100 of the stores that it names; none for all in the author's sight, or where regions are named.")
    async def named_stores(self, info: Info) -> list[Store]:
        return await _all(info, store_of, self.store_ids)

    @field("The first 100 of the regions that it names, each with all below it.")
    async def named_regions(self, info: Info) -> list[Region]:
        return await _all(info, region_of, self.region_ids)

    @field("The first 100 of the guides that it names; none for all in its stores.")
    async def named_guides(self, info: Info) -> list[Staff]:
        return await _all(info, staff_of, self.guide_ids)

    @field(f"Who answers for it; {OUT_OF_SIGHT}.")
    async def created_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.created_by_id)

    @field("What became of its tasks.")
    async def figures(self, info: Info) -> CampaignFigures:
        return _figures(await info.context.load(campaign_figures.tasks, _id(self)))

    @field("Whom it chose and whom it left out.")
    async def customers(self, info: Info) -> CampaignCustomers:
        found: campaign_figures.Chosen = await info.context.load(campaign_figures.customers, _id(self))
        return CampaignCustomers(
            stores=found.stores,
            stores_done=found.stores_done,
            chosen=found.chosen,
            control=found.control,
            left_out=shown_as(LeftOut, found),
        )

    @field("What became of it store by store, in the first 100 of its stores in sight.")
    async def by_store(self, info: Info) -> list[CampaignStore]:
        rows: list[CampaignStore] = await info.context.load(campaign_figures.by_store, _id(self))
        return rows

    @field("What was bought after its tasks; null while none has reached anybody, and for who may not read orders.")
    async def sold(self, info: Info) -> CampaignSold | None:
        return shown_as(CampaignSold, await info.context.load(influence.by_campaigns, _id(self)))

    @field("What it brought about within so many days, 1 to 90; null for one that isn't sent, or is about guides.")
    async def effect(self, info: Info, days: int = 14) -> CampaignEffect | None:
        return shown_as(CampaignEffect, await info.context.load(campaign_effect.effects, _id(self), days=days))


async def campaign_of(info: Info, campaign_id: UUID | None) -> Campaign | None:
    """The campaign, if there is one in sight."""
    return shown_as(Campaign, await info.context.load(queries.by_ids, campaign_id)) if campaign_id else None


def left_out_of(found: reach.Preview) -> LeftOut:
    """Who would be left out."""
    return LeftOut(**{verdict.value: found.left_out.get(verdict, 0) for verdict in _REASONS})


_REASONS = (
    Verdict.DO_NOT_CONTACT,
    Verdict.TASK_OPEN,
    Verdict.CLAIMED,
    Verdict.COOLING_DOWN,
    Verdict.HOLDER_AWAY,
    Verdict.OVER_QUOTA,
)


def _figures(found: campaign_figures.Tasks) -> CampaignFigures:
    return CampaignFigures(
        sent=found.sent,
        seen=found.seen,
        by_outcome=OutcomeCounts(**{outcome.value: found.outcomes.get(outcome, 0) for outcome in Outcome}),
        **{state.value: found.states.get(state, 0) for state in TaskState},
    )


def _id(campaign: Campaign) -> UUID:
    return UUID(str(campaign.id))


async def _all(info: Info, thing_of: Callable[[Info, UUID], Awaitable[Any]], named: Sequence[str]) -> list[Any]:
    found = await asyncio.gather(*(thing_of(info, UUID(each)) for each in named[:MOST_NAMED]))
    return [thing for thing in found if thing is not None]
