"""What changed for a reader behind a position, resolved with the reader's own sight, all from one snapshot."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import feed
from kernel.actor import Actor
from kernel.feed import EntryRow, FeedRow, Op
from schema import positions
from schema.live.entities import ENTITIES, EntityType, coming_with
from schema.live.walking import stretch
from schema.positions import Inside, Position, Step

log = logging.getLogger(__name__)

Key = tuple[str, UUID]
Passed = tuple[EntryRow, Position]  # an entry, and the position behind it

_SINGLES = "-"  # the step of entries that tell of one thing each


@dataclass(frozen=True, slots=True)
class News:
    """One thing is to be taken over, or forgotten if it has no row; `behind` is where to go on after it."""

    kind: str
    id: UUID
    version: int
    at: datetime
    row: Any | None
    behind: Position


@dataclass(frozen=True, slots=True)
class Batch:
    """Some news, and the position behind them."""

    news: Sequence[News]
    position: Position
    is_last: bool
    is_lost: bool = False


async def behind(session: AsyncSession, actor: Actor, position: Position | None, most: int) -> Batch:
    """The next news behind a position, at most so many; `is_lost` where the reader has to start over."""
    feeds = await positions.heads(session, actor)
    ends = Position(positions.ends(feeds))
    if position is None or is_lost(feeds, position):
        return Batch((), ends, is_last=False, is_lost=True)
    news: list[News] = []
    while position != ends and len(news) < most:
        more, position = await _next(session, actor, position, ends, most - len(news))
        news += more
    return Batch(_latest(news), position, is_last=position == ends)


async def _next(
    session: AsyncSession, actor: Actor, position: Position, ends: Position, most: int
) -> tuple[list[News], Position]:
    """The next stretch: entries that tell of one thing each, or entries of one feed some of which tell of more."""
    if position.inside is not None:
        return await _inside(session, actor, position, position.inside, most)
    grown = {feed_id: place.seq for feed_id, place in position.places.items() if place != ends.places[feed_id]}
    entries = await feed.after(session, actor.brand_id, grown, most)
    if not entries:
        return [], ends
    whole = next((entry.feed_id for entry in entries if entry.op == Op.WHOLE), None)
    if whole != entries[0].feed_id:
        singles = list(takewhile(lambda each: each.feed_id != whole, entries))
        passed, position = places_behind(singles, position)
        return await _each(session, actor, passed), position
    until = max(entry.seq for entry in entries if entry.feed_id == whole)
    return await _inside(session, actor, position, Inside(whole, until, Step(EntityType.RELATIONSHIP)), most)


def places_behind(entries: Sequence[EntryRow], position: Position) -> tuple[list[Passed], Position]:
    """The position behind each of these entries, and the one behind them all."""
    places = dict(position.places)
    passed: list[Passed] = []
    for entry in entries:
        places[entry.feed_id] = replace(places[entry.feed_id], seq=entry.seq)
        passed.append((entry, Position(dict(places))))
    return passed, Position(places)


async def _inside(
    session: AsyncSession, actor: Actor, position: Position, inside: Inside, most: int
) -> tuple[list[News], Position]:
    """What entries of one feed tell, some of which tell of a relationship whole.

    First the relationships and, kind by kind, what hangs on them; then what the other entries tell.
    """
    place = position.places[inside.feed_id]
    entries = await feed.between(session, actor.brand_id, inside.feed_id, place.seq, inside.until)
    news, step = await _wholes(session, actor, entries, position, inside, most)
    if step.kind != _SINGLES:
        return news, _at(position, inside, step)
    told = step.last.int if step.last is not None else 0
    singles = [entry for entry in entries if entry.op != Op.WHOLE and entry.seq > told]
    some = [(entry, _at(position, inside, _behind(entry))) for entry in singles[: most - len(news)]]
    news += await _each(session, actor, some)
    if len(some) < len(singles):
        return news, some[-1][1] if some else _at(position, inside, step)
    return news, Position({**position.places, inside.feed_id: replace(place, seq=inside.until)})


async def _wholes(
    session: AsyncSession, actor: Actor, entries: Sequence[EntryRow], position: Position, inside: Inside, most: int
) -> tuple[list[News], Step]:
    """The relationships that entries tell of whole with what hangs on them, from a step on; and the next step.

    One that has left again is passed over: a later entry of the same feed says so.
    """
    wholes = {entry.entity_id: entry.at for entry in entries if entry.op == Op.WHOLE}
    if inside.step.kind == _SINGLES or not wholes:
        return [], inside.step if inside.step.kind == _SINGLES else Step(_SINGLES)
    found, step = await stretch(session, actor, coming_with(list(wholes)), inside.step, most)
    at = max(wholes.values())
    news = [News(kind, row.id, row.version, at, row, _at(position, inside, Step(kind, row.id))) for kind, row in found]
    return news, step or Step(_SINGLES)


async def _each(session: AsyncSession, actor: Actor, passed: Sequence[Passed]) -> list[News]:
    return each_once(passed, await rows_of(session, actor, keys_of(entry for entry, _ in passed)))


def each_once(passed: Sequence[Passed], rows: Mapping[Key, Any]) -> list[News]:
    """Each thing once, at its last entry, as its row in the actor's sight is now.

    What an entry says was to be done is not looked at: one feed may drop what another feed of the same
    reader brings. Whether the thing is in sight at this moment decides, and lets nobody see more than that.
    """
    last = {(entry.entity_type, entry.entity_id): entry for entry, _ in passed}
    news: list[News] = []
    for entry, position in passed:
        key = (entry.entity_type, entry.entity_id)
        if last[key] is entry and entry.entity_type in ENTITIES:
            row = rows.get(key)
            news.append(News(*key, entry.entity_ver if row is None else row.version, entry.at, row, position))
    return news


def keys_of(entries: Iterable[EntryRow]) -> set[Key]:
    """The things that entries tell of."""
    return {(entry.entity_type, entry.entity_id) for entry in entries}


async def rows_of(session: AsyncSession, actor: Actor, keys: Iterable[Key]) -> dict[Key, Any]:
    """Those of the things that are in the actor's sight, as they are now."""
    by_kind: dict[str, list[UUID]] = {}
    for kind, entity_id in keys:
        by_kind.setdefault(kind, []).append(entity_id)
    found: dict[Key, Any] = {}
    for kind, entity_ids in by_kind.items():
        entity = ENTITIES.get(kind)
        if entity is None:
            # Written by a newer program beside this one, or a line is missing in the table of entities.
            log.error("unknown_entity_type", extra={"entity_type": kind})
            continue
        rows = await entity.by_ids(session, actor, entity_ids)
        found.update({(kind, entity_id): row for entity_id, row in rows.items()})
    return found


def _latest(news: Sequence[News]) -> list[News]:
    """Each thing once: what comes with a relationship may have changed by itself as well."""
    last = {(each.kind, each.id): each for each in news}
    return [each for each in news if last[each.kind, each.id] is each]


def _at(position: Position, inside: Inside, step: Step) -> Position:
    return replace(position, inside=replace(inside, step=step))


def _behind(entry: EntryRow) -> Step:
    return Step(_SINGLES, UUID(int=entry.seq))


def is_lost(feeds: Mapping[UUID, FeedRow], position: Position) -> bool:
    """Whether the reader has to start over: also when they follow other feeds now than they did then."""
    return (
        feeds.keys() != position.places.keys()
        or any(feed.must_refetch(feeds[feed_id], place) for feed_id, place in position.places.items())
        or (position.inside is not None and not _is_inside(feeds, position.inside))
    )


def _is_inside(feeds: Mapping[UUID, FeedRow], inside: Inside) -> bool:
    return (
        inside.feed_id in feeds
        and inside.until <= feeds[inside.feed_id].head
        and inside.step.kind in (*coming_with(()), _SINGLES)
    )
