"""Rankings of regions, stores and guides in GraphQL."""

from datetime import date
from uuid import UUID

import strawberry

from kpi.models.definitions import DEFINITIONS, Figure
from kpi.models.exact import shown
from kpi.queries import ranking
from kpi.queries.ranking import Ranked, RankedBy, Wanted, place_of
from schema.context import Info
from schema.directory import Region, Staff, Store, region_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field
from schema.kpi.types import KpiValue, asked_of, days_of, once, values
from schema.mall import Channel
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, shown_as
from tagging.queries import figures as tag_figures

strawberry.enum(RankedBy, name="KpiRankedBy", description="What is ranked: regions, stores, or guides.")


@strawberry.type(description="The same in the period before: the month before a calendar month, else as many days.")
class KpiPrevious:
    position: int | None = strawberry.field(description="From 1 on; null without a value.")
    change: int | None = strawberry.field(description="By how many places it went up since; below 0 it went down.")
    value: float | None = strawberry.field(description="As `KpiRank.value`.")


@strawberry.type(description="How the customers are tagged at this moment, whatever the range: see `tagFigures`.")
class KpiTags:
    coverage: float | None = strawberry.field(description="Share of relationships whose customer is tagged, 0 to 1.")
    stale_share: float | None = strawberry.field(description="Share of tags that are past their date, 0 to 1.")


@strawberry.type(description="A line of a ranking.")
class KpiRank:
    position: int | None = strawberry.field(
        description="From 1 on; those who are the same share one, and the next are as many lower. Null without a value."
    )
    value: float | None = strawberry.field(description="As `KpiValue.value`, of the figure that is ranked by.")
    share: float | None = strawberry.field(
        description="Of what all lines of the ranking add up to, exact to a float: 0 to 1, unless values below 0 are "
        "among them. Null for figures that don't add up, and where the sum isn't above 0."
    )
    sample: int | None = strawberry.field(description="As `KpiValue.sample`.")
    is_small: bool = strawberry.field(description="As `KpiValue.isSmall`.")
    figures: list[KpiValue] = strawberry.field(description="Those named in `also`, in their order.")
    id: strawberry.Private[UUID]
    wanted: strawberry.Private[Wanted]
    line: strawberry.Private[Ranked]

    @field("The period before: read for all lines of the page at once, and only when asked for. Null for newcomers.")
    async def previous(self, info: Info) -> KpiPrevious | None:
        was: Ranked | None = await info.context.load(ranking.previous, self.id, wanted=self.wanted)
        if was is None:
            return None
        change = was.position - self.position if was.position and self.position else None
        return KpiPrevious(
            position=was.position, change=change, value=shown(DEFINITIONS[self.wanted.figure], was.value)
        )

    @field("How their customers are tagged now: read for all lines of the page at once. Null by region.")
    async def tags(self, info: Info) -> KpiTags | None:
        match self.wanted.by:
            case RankedBy.STORE:
                return shown_as(KpiTags, await info.context.load(tag_figures.of_stores, self.id))
            case RankedBy.GUIDE:
                return shown_as(KpiTags, await info.context.load(tag_figures.of_guides, self.id))
            case RankedBy.REGION:
                return None

    @field("The region; null unless by region.")
    async def region(self, info: Info) -> Region | None:
        return await region_of(info, self.id) if self.wanted.by is RankedBy.REGION else None

    @field("The store; null unless by store.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.id) if self.wanted.by is RankedBy.STORE else None

    @field(f"The guide; null unless by guide, for those who work elsewhere by now, and {OUT_OF_SIGHT}.")
    async def guide(self, info: Info) -> Staff | None:
        return await staff_of(info, self.id) if self.wanted.by is RankedBy.GUIDE else None


@strawberry.type
class RankingQueries:
    @field(
        "Regions, stores or guides by one figure, the most first unless `ascending`; those without a value come last, "
        "ties go by code or number. `adjusted` leaves out of guides' figures what came to them by a handover in the "
        "last 30 days: tasks, and orders and refunds of customers whom they took over; by guide only. At most 100 a "
        "page. `also` names other figures to show. All is within the viewer's sight: `regionId` takes in all below "
        "it. By region they are those right below `regionId` (without it, below the topmost in sight), and that one "
        "itself for stores right in it. Days are those of each store's calendar, both included: `INVALID` unless they "
        "are 1 to 366, with a channel or source that a figure isn't told apart by, and for what is `adjusted` and not "
        "by guide. `NOT_FOUND` for what is out of sight; `FORBIDDEN` for guides, who ask `kpiMyPosition`, and for a "
        "machine without `reports:read`; `BAD_PAGE_SIZE`, `BAD_CURSOR`."
    )
    async def kpi_ranking(
        self,
        info: Info,
        by: RankedBy,
        figure: Figure,
        from_day: date,
        until_day: date,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        channel: Channel | None = None,
        source: str | None = None,
        also: list[Figure] | None = None,
        ascending: bool = False,
        adjusted: bool = False,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[KpiRank]:
        page, days = page_of(first, after), days_of(from_day, until_day)
        asked = asked_of(region_id, store_id, None, channel, source)
        wanted = Wanted(by, figure, days, asked, once(also or ()), ascending, adjusted)
        async with info.context.read() as session:
            lines = await ranking.page(session, info.context.actor, page, wanted)
        rows = [_rank(wanted, line) for line in lines]
        return connection(KpiRank, rows, page, lambda row: place_of(row.line))


def _rank(wanted: Wanted, line: Ranked) -> KpiRank:
    definition, sums = DEFINITIONS[wanted.figure], line.sums
    return KpiRank(
        position=line.position,
        value=shown(definition, line.value),
        share=None if line.share is None else float(line.share),
        sample=definition.sample(sums),
        is_small=definition.is_small(sums),
        figures=values(wanted.also, sums),
        id=line.id,
        wanted=wanted,
        line=line,
    )
