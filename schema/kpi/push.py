"""Subscribe to figures, and see what one was told, in GraphQL."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import strawberry

from kpi.commands import watching as commands
from kpi.commands.watching import Wish
from kpi.models import Grain, Side, WatchKind
from kpi.models.definitions import Figure
from kpi.queries import comparing, scoping
from kpi.queries import watching as queries
from schema.context import Act, Info
from schema.fields import field, mutation
from schema.kpi.push_types import UNIT, KpiCompared, KpiNotice, KpiWatch, compared
from schema.kpi.types import asked_of, days_of
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, read_id, shown_as

_Id = strawberry.ID | None


@strawberry.type(description="The subscription as it is after the change.")
class KpiWatchChanged:
    watch: KpiWatch | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The notices as they are after the change, by id.")
class KpiNoticesChanged:
    notices: list[KpiNotice] = strawberry.field(description="Those that were named.")
    places: list[Place] = told()


KpiWatchResult = Annotated[KpiWatchChanged | Problem, strawberry.union("KpiWatchResult")]
KpiNoticesResult = Annotated[KpiNoticesChanged | Problem, strawberry.union("KpiNoticesResult")]


async def watch_of(info: Info, watch_id: UUID) -> KpiWatch | None:
    """The subscription, if it is the viewer's."""
    return shown_as(KpiWatch, await info.context.load(queries.by_ids, watch_id))


@strawberry.type
class PushQueries:
    @field("What the viewer subscribed to, the oldest first: at most 20; a machine has none.")
    async def kpi_watches(self, info: Info) -> list[KpiWatch]:
        async with info.context.read() as session:
            return [shown_as(KpiWatch, row) for row in await queries.all_of(session, info.context.actor)]

    @field(
        "What the viewer was told of figures, the newest first, with `isSeen` only what was or wasn't looked at; at "
        "most 100 a page: `BAD_PAGE_SIZE`, `BAD_CURSOR`. A machine is told nothing."
    )
    async def kpi_notices(
        self, info: Info, is_seen: bool | None = None, first: int = 20, after: Cursor | None = None
    ) -> Connection[KpiNotice]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.notices(session, info.context.actor, page, is_seen=is_seen)
        return connection(KpiNotice, rows, page, lambda row: (row.sent_at, row.id))

    @field(
        "Figures of 1 to 366 days as a notice tells them, at most 8: of a region with all below it, a store, or a "
        "person; without any of all that the viewer sees. `FORBIDDEN` for a machine without `reports:read`; `INVALID` "
        "for other ranges, and for no figure or more than 8; `NOT_FOUND` for what is out of sight."
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
        days, asked = days_of(from_day, until_day), asked_of(region_id, store_id, staff_id)
        wanted = commands.require_figures(figures)
        async with info.context.read() as session:
            scope = await scoping.scope(session, info.context.actor, asked, Grain.STORE)
            found = await comparing.compared(session, scope, days, wanted)
            usual = {
                each: await comparing.beside_usual(session, scope, from_day, each) if days.count == 1 else None
                for each in wanted
            }
        return [compared(each, usual[each.figure]) for each in found]


@strawberry.type
class PushMutations:
    @mutation(
        "Subscribe to a digest of 1 to 8 figures, to an alert of one figure, or to warnings of mass deletion, which "
        "take no figure: of a region with all below it, a store, or a person; without any of all that the subscriber "
        f"sees. A threshold has a `side` and a `line`: {UNIT}. At most 20 a person. Nothing is sent from 20:00 to 8:00 "
        "by the subscriber's clock: their store's, above stores that of most of the brand's. `FORBIDDEN` for a "
        "machine, and of deletions for guides; `INVALID` for what doesn't go with the kind, and for a line further "
        "from 0 than 10^15, or 10^9 of shares and averages; `NOT_FOUND` for what is out of sight; "
        "`TOO_MANY_KPI_WATCHES`."
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
        of = (region_id, store_id, staff_id)
        return await _watch(
            info, idempotency_key, lambda work: commands.watch(work, kind, _wish(figures, of, side, line))
        )

    @mutation(
        "Say a subscription differently, all of it; its kind stays. `isPaused` keeps it quiet; one that goes on tells "
        "of what isn't over yet. `NOT_FOUND` for another's, and for what is out of sight; `STALE_VERSION`; "
        "`FORBIDDEN` and `INVALID` as with `watchKpi`.",
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
        of = (region_id, store_id, staff_id)
        return await _watch(
            info,
            idempotency_key,
            lambda work: commands.edit_watch(
                work,
                read_id(id),
                _wish(figures, of, side, line),
                is_paused=is_paused,
                expected_version=expected_version,
            ),
        )

    @mutation(
        "Subscribe no more; what was sent stays. `NOT_FOUND` for another's; `STALE_VERSION`.",
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

    @mutation(
        "Note that the viewer has looked at notices, 1 to 100, all or none. `NOT_FOUND` if one is another's; "
        "`INVALID` for none or too many."
    )
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


async def _watch(info: Info, key: str | None, act: Act) -> KpiWatchChanged:
    done = await info.context.mutate(info, key, act)
    return KpiWatchChanged(watch=await watch_of(info, done.id), places=done.places)


def _wish(figures: list[Figure] | None, of: tuple[_Id, _Id, _Id], side: Side | None, line: float | None) -> Wish:
    """Read where the key has been looked at: a key that comes again with another body is refused as such."""
    return Wish(figures or (), asked_of(*of), side, line)
