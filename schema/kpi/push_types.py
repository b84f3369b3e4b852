"""Subscriptions to figures, and what subscribers were told, as they are shown."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
import strawberry

from kpi.models import PausedBecause, Side, WatchKind
from kpi.models.definitions import DEFINITIONS, Figure
from kpi.models.exact import shown
from kpi.models.watching import scale_of
from kpi.models.wording import sentence, usual_range
from kpi.queries import comparing
from schema.context import Info
from schema.directory import Region, Staff, Store, region_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field
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

UNIT = "money in minor units, times in seconds, shares from 0 to 1, counts as they are"


@strawberry.type(description="What somebody wants to be told of (订阅).")
class KpiWatch(Versioned):
    kind: WatchKind
    side: Side | None = strawberry.field(description="Of a threshold; null of other kinds.")
    is_paused: bool = strawberry.field(description="Whether nothing is told of it for the time being.")
    paused_because: PausedBecause | None = strawberry.field(description="Null where the subscriber paused it.")
    sent_for: date = strawberry.field(description="The last day that was decided on, told of or not.")
    created_at: datetime = strawberry.field(description="In UTC.")
    region_id: strawberry.Private[UUID | None]
    store_id: strawberry.Private[UUID | None]
    of_staff_id: strawberry.Private[UUID | None]

    @field("Its figures, in their order; none of deletions.")
    def figures(self: Any) -> list[Figure]:
        return [Figure(each) for each in self.figures]

    @field(f"Of a threshold: {UNIT}; null of other kinds.")
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


@strawberry.type(description=f"A figure beside what it is held against: {UNIT}. Null where it is a part of nothing.")
class KpiCompared:
    figure: Figure
    value: float | None = strawberry.field(description="Of the days that it is about.")
    previous: float | None = strawberry.field(
        description="Of the month before a month, otherwise of as many days; null of alerts."
    )
    usual_low: float | None = strawberry.field(description="Below this a day is unusual; null for more than one day.")
    usual_high: float | None = strawberry.field(description="Above this a day is unusual; likewise.")
    side: Side | None = strawberry.field(default=None, description="Of a threshold, as it was when it was passed.")
    line: float | None = strawberry.field(default=None, description="The line, likewise; null of other kinds.")


@strawberry.type(description="What a notice says of one subscription.")
class KpiNoticeLine:
    watch_id: strawberry.ID = strawberry.field(description="The subscription, which may have ended since.")
    sentence: str = strawberry.field(description="In Chinese, or in English where `Accept-Language` prefers it.")
    from_day: date | None = strawberry.field(description="The first day that it is about; null of deletions.")
    until_day: date | None = strawberry.field(description="The last day that it is about; likewise.")
    figures: list[KpiCompared] = strawberry.field(description="In the order of the subscription; none of deletions.")
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
    seen_at: datetime | None = strawberry.field(description="When it was looked at, in UTC; null until then.")

    @field("One for each subscription that had something to tell.")
    def lines(self: Any, info: Info) -> list[KpiNoticeLine]:
        content = self.content
        return [_line(each, content["currency"], info.context.language) for each in content["lines"]]


def compared(found: comparing.Compared, beside: comparing.Compared | None) -> KpiCompared:
    """A figure beside the period before, and beside what is usual for a day."""
    definition = DEFINITIONS[found.figure]
    low, high = usual_range(found.figure, beside.usual) if beside and beside.usual else (None, None)
    return KpiCompared(
        figure=found.figure,
        value=shown(definition, found.value),
        previous=shown(definition, found.previous),
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
