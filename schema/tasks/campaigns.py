"""Campaigns in GraphQL: written, previewed, sent, steered and followed."""

from datetime import datetime
from typing import Annotated

import strawberry

from schema.context import Act, Info
from schema.fields import field, mutation, question
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, given_id, read_id, sought_id
from schema.tasks.campaign_types import Campaign, CampaignPreview, GuideLoad, campaign_of, left_out_of
from tasks.commands import campaigns as commands
from tasks.models import CampaignAim, CampaignState
from tasks.queries import campaigns as queries
from tasks.queries import reach


@strawberry.input(description="A campaign as it is written. Without stores and regions: all stores in sight.")
class CampaignInput:
    name: str = strawberry.field(description="1 to 60 characters.")
    aim: CampaignAim
    title: str = strawberry.field(description="Of its tasks, in 1 to 100 characters.")
    due_at: datetime
    reason: str | None = strawberry.field(default=None, description="Why, in at most 300 characters.")
    suggested_words: str | None = strawberry.field(default=None, description="In at most 500 characters.")
    priority: int = strawberry.field(default=60, description="From 0 (whenever) to 100 (now).")
    segment_id: strawberry.ID | None = strawberry.field(
        default=None, description="Which customers, in the stores' primary relationships; without it all."
    )
    store_ids: list[strawberry.ID] = strawberry.field(default_factory=list, description="At most 2,000.")
    region_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="At most 200: their stores, and those of all regions below them."
    )
    guide_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Staff, at most 2,000; without any all guides at work in the stores."
    )
    control_percent: int = strawberry.field(default=0, description="From 0 to 50.")
    most_per_guide: int = strawberry.field(default=20, description="From 1 to 200.")
    send_at: datetime | None = strawberry.field(default=None, description="At most 90 days ahead; without it at once.")


@strawberry.type(description="The campaign as it is after the change.")
class CampaignChanged:
    campaign: Campaign | None = seen()
    places: list[Place] = told()


CampaignResult = Annotated[CampaignChanged | Problem, strawberry.union("CampaignResult")]
CampaignPreviewResult = Annotated[CampaignPreview | Problem, strawberry.union("CampaignPreviewResult")]


@strawberry.type
class CampaignQueries:
    @field("The campaigns in sight, newest first; for managers and HQ. At most 100 a page.")
    async def campaigns(
        self, info: Info, states: list[CampaignState] | None = None, first: int = 20, after: Cursor | None = None
    ) -> Connection[Campaign]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page(session, info.context.actor, page, states or ())
        return connection(Campaign, rows, page, queries.place)

    @field("One campaign; null if there is none in sight.")
    async def campaign(self, info: Info, id: strawberry.ID) -> Campaign | None:
        return await campaign_of(info, sought_id(id))

    @question(
        "What sending a campaign now would come to; changes nothing. For its author and HQ: `NOT_FOUND`, `FORBIDDEN`, "
        "`CAMPAIGN_MOVED_ON`, `CAMPAIGN_AUTHOR_AWAY`, `CAMPAIGN_REACHES_NOBODY`, `CAMPAIGN_TOO_LARGE`, "
        "`BAD_EXPRESSION`."
    )
    async def preview_campaign(self, info: Info, id: strawberry.ID) -> CampaignPreviewResult:
        async with info.context.read() as session:
            found = await reach.preview(session, info.context.actor, read_id(id))
        return CampaignPreview(
            stores=found.stores,
            customers=found.customers,
            tasks=found.tasks,
            control=found.control,
            left_out=left_out_of(found),
            guides=found.load.guides,
            least=found.load.least,
            median=found.load.median,
            most=found.load.most,
            busiest=[GuideLoad(account_id=account_id, tasks=tasks) for account_id, tasks in found.load.busiest],
        )


_STEERED = "For HQ and its author, while all that it was sent to is in their sight"


@strawberry.type
class CampaignMutations:
    @mutation(
        "Write a campaign: a draft. For managers, in their stores, and HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, "
        "`CAMPAIGN_DUE_IN_THE_PAST`."
    )
    async def add_campaign(
        self, info: Info, input: CampaignInput, idempotency_key: str | None = None
    ) -> CampaignResult:
        return await _changed(info, idempotency_key, lambda work: commands.save(work, _draft(input)))

    @mutation(
        "Write a campaign anew that isn't sent, all of it; it is a draft again. For its author and HQ: `NOT_FOUND`, "
        "`FORBIDDEN`, `INVALID`, `STALE_VERSION`, `CAMPAIGN_MOVED_ON`, `CAMPAIGN_DUE_IN_THE_PAST`.",
        edited=(Campaign, campaign_of),
    )
    async def edit_campaign(
        self,
        info: Info,
        id: strawberry.ID,
        input: CampaignInput,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CampaignResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.save(work, _draft(input), read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Send a draft, at once or at its time. For its author and HQ: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, "
        "`CAMPAIGN_MOVED_ON`, `CAMPAIGN_DUE_IN_THE_PAST`, `CAMPAIGN_AUTHOR_AWAY`, `CAMPAIGN_REACHES_NOBODY`, "
        "`CAMPAIGN_TOO_LARGE`, `BAD_EXPRESSION`.",
        edited=(Campaign, campaign_of),
    )
    async def send_campaign(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> CampaignResult:
        return await _changed(
            info, idempotency_key, lambda work: commands.send(work, read_id(id), expected_version=expected_version)
        )

    @mutation(
        f"Hand out no more for now; what is handed out stays. {_STEERED}: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, "
        "`CAMPAIGN_MOVED_ON` where nothing is left to hand out.",
        edited=(Campaign, campaign_of),
    )
    async def pause_campaign(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> CampaignResult:
        return await _changed(
            info, idempotency_key, lambda work: commands.pause(work, read_id(id), expected_version=expected_version)
        )

    @mutation(
        f"Go on after a pause. {_STEERED}: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `CAMPAIGN_MOVED_ON`, "
        "`CAMPAIGN_DUE_IN_THE_PAST`.",
        edited=(Campaign, campaign_of),
    )
    async def resume_campaign(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> CampaignResult:
        return await _changed(
            info, idempotency_key, lambda work: commands.resume(work, read_id(id), expected_version=expected_version)
        )

    @mutation(
        f"Take back the tasks that are open, soon; what is done stays. {_STEERED}: `NOT_FOUND`, `FORBIDDEN`, "
        "`STALE_VERSION`, `CAMPAIGN_MOVED_ON`.",
        edited=(Campaign, campaign_of),
    )
    async def recall_campaign(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> CampaignResult:
        return await _changed(
            info, idempotency_key, lambda work: commands.recall(work, read_id(id), expected_version=expected_version)
        )


async def _changed(info: Info, key: str | None, act: Act) -> CampaignChanged:
    done = await info.context.mutate(info, key, act)
    return CampaignChanged(campaign=await campaign_of(info, done.id), places=done.places)


def _draft(given: CampaignInput) -> commands.Draft:
    return commands.Draft(
        name=given.name,
        aim=given.aim,
        title=given.title,
        due_at=given.due_at,
        reason=given.reason,
        suggested_words=given.suggested_words,
        priority=given.priority,
        segment_id=given_id(given.segment_id),
        store_ids=[read_id(each) for each in given.store_ids],
        region_ids=[read_id(each) for each in given.region_ids],
        guide_ids=[read_id(each) for each in given.guide_ids],
        control_percent=given.control_percent,
        most_per_guide=given.most_per_guide,
        send_at=given.send_at,
    )
