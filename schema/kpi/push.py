"""Subscriptions to figures, and what subscribers were told, in GraphQL."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
import strawberry

from kpi.commands import watching as commands
from kpi.commands.watching import Wish
from kpi.models import Days, Grain, PausedBecause, Side, WatchKind
from kpi.models.definitions import Figure
from kpi.models.watching import scale_of
from kpi.models.wording import plain, sentence, usual_range
from kpi.queries import comparing, scoping
from kpi.queries import watching as queries
from kpi.queries.scoping import Asked
from schema.context import Act, Info
from schema.directory import Region, Staff, Store, region_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, given_id, read_id, shown_as
from schema.versioned import Versioned

strawberry.enum(
    WatchKind,
    name="KpiWatchKind",
    description="DAILY, WEEKLY, MONTHLY: a digest of the last day, week or month that is over. THRESHOLD: a figure of "
    "the last day was on the far side of a line; one that only grows also as soon as today's is above it. UNUSUAL: a "
    "figure of the last day is far from the same day of the last 8 weeks: its modified z-score (Iglewicz and Hoaglin "
    "1993, by the median) is beyond 3.5; nothing is said of fewer than 4 weeks. DELETIONS: managers are warned of mass "
    "deletion, see `alerts`.",
)
strawberry.enum(Side, name="KpiSide", description="On which side of its line a figure is told of.")
strawberry.enum(
    PausedBecause,
    name="KpiPausedBecause",
    description="Why a subscription was paused by itself. OUT_OF_SIGHT: what it is about isn't the subscriber's to see "
    "any more.",
)

_UNIT = "money in minor units, times in seconds, shares from 0 to 1"


@strawberry.type(description="What somebody wants to be told of (订阅).")
class KpiWatch(Versioned):
    kind: WatchKind
    side: Side | None = strawberry.field(description="Of a threshold.")
    is_paused: bool
    paused_because: PausedBecause | None = strawberry.field(description="Null where the subscriber paused it.")
    sent_for: date = strawberry.field(description="The last day that was decided on, told of or not.")
    created_at: datetime = strawberry.field(description="In UTC.")
    region_id: strawberry.Private[UUID | None]
    store_id: strawberry.Private[UUID | None]
    of_staff_id: strawberry.Private[UUID | None]

    @field("Its figures, in their order; none of deletions.")
    def figures(self: Any) -> list[Figure]:
        return [Figure(each) for each in self.figures]

    @field(f"Of a threshold: {_UNIT}.")
    def line(self: Any) -> float | None:
        return None if self.line is None else self.line / scale_of([Figure(each) for each in self.figures])

    @field(f"The region that it is about; {OUT_OF_SIGHT}.")
    async def region(self, info: Info) -> Region | None:
        return await region_of(info, self.region_id)

    @field(f"The store that it is about; {OUT_OF_SIGHT}.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field(f"Whom it is about; {OUT_OF_SIGHT}. Without any of the three it is about all that the subscriber sees.")
    async def of_staff(self, info: Info) -> Staff | None:
        return await staff_of(info, self.of_staff_id)


@strawberry.type(description=f"A figure beside what it is held against: {_UNIT}. Null where it is a part of nothing.")
class KpiCompared:
    figure: Figure
    value: float | None
    previous: float | None = strawberry.field(description="Of the month before a month, otherwise of as many days.")
    usual_low: float | None = strawberry.field(description="Below this a day is unusual; null for more than one day.")
    usual_high: float | None = strawberry.field(description="Above this a day is unusual.")
    side: Side | None = strawberry.field(default=None, description="Of a threshold, as it was when it was passed.")
    line: float | None = strawberry.field(default=None, description="The same.")


@strawberry.type(description="What a notice says of one subscription.")
class KpiNoticeLine:
    watch_id: strawberry.ID = strawberry.field(description="The subscription, which may have ended since.")
    sentence: str = strawberry.field(description="In Chinese, or in English where `Accept-Language` prefers it.")
    from_day: date | None = strawberry.field(description="The first day that it is about; null of deletions.")
    until_day: date | None = strawberry.field(description="The last day that it is about.")
    figures: list[KpiCompared]
    query: str = strawberry.field(description="A GraphQL document that reads the same anew.")
    variables: str = strawberry.field(description="Its variables, as JSON.")


@strawberry.type(
    description="What somebody was told of figures: at most one of a kind on each day of theirs. A phone keeps no copy "
    "of it: it is told to ask anew with a change of its owner."
)
class KpiNotice(Versioned):
    kind: WatchKind
    day: date = strawberry.field(description="On which day of the subscriber's it was sent.")
    sent_at: datetime = strawberry.field(description="In UTC.")
    seen_at: datetime | None = strawberry.field(description="When it was looked at, in UTC.")

    @field("One for each subscription that had something to tell.")
    def lines(self: Any, info: Info) -> list[KpiNoticeLine]:
        content = self.content
        return [_line(each, content["currency"], info.context.language) for each in content["lines"]]


@strawberry.type(description="The subscription as it is after the change.")
class KpiWatchChanged:
    watch: KpiWatch | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The notices as they are after the change, by id.")
class KpiNoticesChanged:
    notices: list[KpiNotice]
    places: list[Place] = told()


KpiWatchResult = Annotated[KpiWatchChanged | Problem, strawberry.union("KpiWatchResult")]
KpiNoticesResult = Annotated[KpiNoticesChanged | Problem, strawberry.union("KpiNoticesResult")]


async def watch_of(info: Info, watch_id: UUID) -> KpiWatch | None:
    """The subscription, if it is the viewer's."""
    return shown_as(KpiWatch, await info.context.load(queries.by_ids, watch_id))


@strawberry.type
class PushQueries:
    @field("What the viewer subscribed to, the oldest first: at most 20.")
    async def kpi_watches(self, info: Info) -> list[KpiWatch]:
        async with info.context.read() as session:
            return [shown_as(KpiWatch, row) for row in await queries.all_of(session, info.context.actor)]

    @field("What the viewer was told of figures, the newest first; at most 100 a page.")
    async def kpi_notices(
        self, info: Info, is_seen: bool | None = None, first: int = 20, after: Cursor | None = None
    ) -> Connection[KpiNotice]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.notices(session, info.context.actor, page, is_seen=is_seen)
        return connection(KpiNotice, rows, page, lambda row: (row.sent_at, row.id))

    @field(
        "Figures of 1 to 366 days as a notice tells them, at most 8: of a region with all below it, a store, or a "
        "person; without any of all that the viewer sees. `FORBIDDEN` for a machine without `reports:read`, `INVALID`, "
        "`NOT_FOUND`."
    )
    async def kpi_compared(
        self,
        info: Info,
        figures: list[Figure],
        from_day: date,
        until_day: date,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
    ) -> list[KpiCompared]:
        days = Days(from_day, until_day)
        wanted = commands.require_figures(figures)
        asked = Asked(given_id(region_id), given_id(store_id), given_id(staff_id))
        async with info.context.read() as session:
            scope = await scoping.scope(session, info.context.actor, asked, Grain.STORE)
            found = await comparing.compared(session, scope, days, wanted)
            usual = {
                each: await comparing.beside_usual(session, scope, from_day, each) if days.count == 1 else None
                for each in wanted
            }
        return [_compared(each, usual[each.figure]) for each in found]


@strawberry.type
class PushMutations:
    @mutation(
        "Subscribe to a digest of 1 to 8 figures, to an alert of one figure, or to warnings of mass deletion, which "
        "take no figure: of a region with all below it, a store, or a person; without any of all that the subscriber "
        f"sees. A threshold has a `side` and a `line`: {_UNIT}. At most 20 a person. Nothing is sent from 20:00 to "
        "8:00 by the subscriber's clock: their store's, above stores that of most of the brand's. `FORBIDDEN`, "
        "`INVALID`, `NOT_FOUND`, `TOO_MANY_KPI_WATCHES`."
    )
    async def watch_kpi(
        self,
        info: Info,
        kind: WatchKind,
        figures: list[Figure] | None = None,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
        side: Side | None = None,
        line: float | None = None,
        idempotency_key: str | None = None,
    ) -> KpiWatchResult:
        asked = (region_id, store_id, staff_id)
        return await _watch(
            info, idempotency_key, lambda work: commands.watch(work, kind, _wish(figures, asked, side, line))
        )

    @mutation(
        "Say a subscription differently, all of it; its kind stays. `isPaused` keeps it quiet; one that goes on tells "
        "of what isn't over yet. `NOT_FOUND`, `STALE_VERSION`, `FORBIDDEN`, `INVALID`.",
        edited=(KpiWatch, watch_of),
    )
    async def edit_kpi_watch(
        self,
        info: Info,
        id: strawberry.ID,
        figures: list[Figure] | None = None,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
        side: Side | None = None,
        line: float | None = None,
        is_paused: bool = False,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> KpiWatchResult:
        asked = (region_id, store_id, staff_id)
        return await _watch(
            info,
            idempotency_key,
            lambda work: commands.edit_watch(
                work,
                read_id(id),
                _wish(figures, asked, side, line),
                is_paused=is_paused,
                expected_version=expected_version,
            ),
        )

    @mutation(
        "Subscribe no more; what was sent stays. `NOT_FOUND`, `STALE_VERSION`.",
        edited=(KpiWatch, watch_of),
    )
    async def end_kpi_watch(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> KpiWatchResult:
        return await _watch(
            info,
            idempotency_key,
            lambda work: commands.end_watch(work, read_id(id), expected_version=expected_version),
        )

    @mutation("Note that the viewer has looked at notices, 1 to 100, all or none. `NOT_FOUND`, `INVALID`.")
    async def see_kpi_notices(
        self, info: Info, notice_ids: list[strawberry.ID], idempotency_key: str | None = None
    ) -> KpiNoticesResult:
        async def see(work: Any) -> list[UUID]:
            return [each.id for each in await commands.see_notices(work, [read_id(each) for each in notice_ids])]

        done = await info.context.mutate_many(info, idempotency_key, see)
        async with info.context.read() as session:
            rows = await queries.notices_by_ids(session, info.context.actor, done.ids)
        return KpiNoticesChanged(
            notices=[shown_as(KpiNotice, rows[each]) for each in done.ids if each in rows], places=done.places
        )


def _wish(
    figures: Sequence[Figure] | None, asked: Sequence[strawberry.ID | None], side: Side | None, line: float | None
) -> Wish:
    region_id, store_id, staff_id = (given_id(each) for each in asked)
    return Wish(figures or (), Asked(region_id, store_id, staff_id), side, line)


async def _watch(info: Info, key: str | None, act: Act) -> KpiWatchChanged:
    done = await info.context.mutate(info, key, act)
    return KpiWatchChanged(watch=await watch_of(info, done.id), places=done.places)


def _compared(found: comparing.Compared, beside: comparing.Compared | None) -> KpiCompared:
    low, high = usual_range(found.figure, beside.usual) if beside and beside.usual else (None, None)
    return KpiCompared(
        figure=found.figure,
        value=plain(found.figure, found.value),
        previous=plain(found.figure, found.previous),
        usual_low=low,
        usual_high=high,
    )


def _line(line: dict[str, Any], currency: str, language: str) -> KpiNoticeLine:
    return KpiNoticeLine(
        watch_id=strawberry.ID(line["watch_id"]),
        sentence=sentence(line, currency, language),
        from_day=_day(line.get("from_day")),
        until_day=_day(line.get("until_day")),
        figures=[
            KpiCompared(
                figure=Figure(each["figure"]),
                value=each["value"],
                previous=each.get("previous"),
                usual_low=each.get("usual_low"),
                usual_high=each.get("usual_high"),
                side=Side(each["side"]) if "side" in each else None,
                line=each.get("line"),
            )
            for each in line["figures"]
        ],
        query=line["query"],
        variables=orjson.dumps(line["variables"]).decode(),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
