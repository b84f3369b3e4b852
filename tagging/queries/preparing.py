"""Make an expression ready to be evaluated: put in what it names, as that is now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Region
from tagging.models import Tag
from tagging.models.expressions import Compare, Kind, Node, Not, Op, Place, Some, comparisons, refuse
from tagging.models.expressions.tree import All, replaced
from tagging.models.facts import AREA, FACTS
from tagging.queries import segments

MOST_COMPARISONS = 1_000
MOST_VALUES = 10_000
_SEGMENT, _REGION = "segment", "region"
_MERGES = 10


async def prepared(session: AsyncSession, brand_id: UUID, node: Node) -> Node:
    """The tree without names: segments by what they are, regions by all below them, tags by what they became.

    A retired tag is carried by nobody. Raises `BAD_EXPRESSION` where other segments make it too large.
    """
    [ready] = await all_prepared(session, brand_id, [node])
    return ready


async def all_prepared(session: AsyncSession, brand_id: UUID, nodes: Sequence[Node]) -> Sequence[Node]:
    """The same for several, in their order."""
    named = {segment_id for node in nodes for segment_id in named_segments(node)}
    trees = await segments.trees(session, brand_id, named) if named else {}
    whole: Node = All(tuple(expanded(node, trees) for node in nodes))
    whole = await _with_tags(session, brand_id, await _with_areas(session, brand_id, whole))
    assert isinstance(whole, All)  # noqa: S101 - each comparison was replaced by one
    for node in whole.parts:
        if weight(node) > MOST_VALUES:
            raise refuse(Place(1, 1), f"more than {MOST_VALUES} values in all", f"展开后超过 {MOST_VALUES} 个值")
    return whole.parts


def weight(node: Node) -> int:
    """How many values an expression compares with."""
    return sum(len(compare.values) for compare in comparisons(node))


def named_segments(node: Node) -> set[UUID]:
    """The segments that the expression itself names."""
    return {UUID(str(value)) for each in comparisons(node) if each.word == _SEGMENT for value in each.values}


def expanded(node: Node, trees: Mapping[UUID, Node], own_id: UUID | None = None) -> Node:
    """The expression with other segments' in place of their names.

    Raises `BAD_EXPRESSION` at the name that leads back to a segment on the way (`own_id` is the first of them),
    further than five segments away, or to more than 1,000 comparisons in all.
    """
    measured: dict[UUID, tuple[int, int]] = {}
    total = 0
    for compare in comparisons(node):
        heavy, deep = _measure(compare, trees, (own_id,) if own_id else (), compare.place, measured)
        total += heavy
        if deep > segments.DEEPEST:
            most = segments.DEEPEST
            raise refuse(compare.place, f"segments name each other more than {most} deep", f"分组引用超过 {most} 层")
        if total > MOST_COMPARISONS:
            most = MOST_COMPARISONS
            raise refuse(compare.place, f"more than {most} comparisons in all", f"展开后超过 {most} 个条件")
    return _put_in(node, trees)


def _measure(
    compare: Compare, trees: Mapping[UUID, Node], way: tuple[UUID, ...], place: Place, measured: dict[UUID, Any]
) -> tuple[int, int]:
    """How many comparisons it comes to, and how many segments deep. Each segment is measured once."""
    if compare.word != _SEGMENT:
        return 1, 0
    total = depth = 0
    for segment_id in (UUID(str(value)) for value in compare.values):
        if segment_id in way:
            raise refuse(place, "the segment leads back to itself", "分组循环引用")
        if segment_id not in measured:
            inner = comparisons(trees[segment_id]) if segment_id in trees else ()
            parts = [_measure(part, trees, (*way, segment_id), place, measured) for part in inner]
            measured[segment_id] = sum(part[0] for part in parts), max((part[1] for part in parts), default=0) + 1
        total += measured[segment_id][0]
        depth = max(depth, measured[segment_id][1])
    return total, depth


def _put_in(node: Node, trees: Mapping[UUID, Node]) -> Node:
    match node:
        case Compare(word="segment"):
            parts = [_put_in(trees[UUID(str(value))], trees) for value in node.values]
            joined = parts[0] if len(parts) == 1 else Some(tuple(parts))
            return Not(joined) if node.op in (Op.IS_NOT, Op.NOT_IN) else joined
        case Compare():
            return node
        case Not(part):
            return Not(_put_in(part, trees))
        case All(parts):
            return All(tuple(_put_in(part, trees) for part in parts))
        case Some(parts):
            return Some(tuple(_put_in(part, trees) for part in parts))


async def _with_areas(session: AsyncSession, brand_id: UUID, node: Node) -> Node:
    if not any(each.word == _REGION for each in comparisons(node)):
        return node
    found = await session.execute(select(col(Region.id), col(Region.path)).where(col(Region.brand_id) == brand_id))
    paths = {str(region_id): path for region_id, path in found}

    def areas(compare: Compare) -> Compare:
        if compare.word != _REGION:
            return compare
        roots = tuple(paths[str(value)] for value in compare.values if str(value) in paths)
        below = sorted(region_id for region_id, path in paths.items() if path.startswith(roots))
        return replace(compare, word=AREA, op=_several(compare.op), values=tuple(below))

    return replaced(node, areas)


async def _with_tags(session: AsyncSession, brand_id: UUID, node: Node) -> Node:
    named = {str(value) for each in _of_tags(node) for value in each.values}
    if not named:
        return node
    became = await _became(session, brand_id, named)
    merged = await _merged_into(session, brand_id, {tag for tag in became.values() if tag is not None})

    def tags(compare: Compare) -> Compare:
        if compare.word not in FACTS or FACTS[compare.word].kind is not Kind.TAG:
            return compare
        now = dict.fromkeys(tag for tag in (became[str(value)] for value in compare.values) if tag is not None)
        # Jobs move the customers of a tag that was merged: until then they carry the tag that it was.
        values = tuple(dict.fromkeys(each for tag in now for each in (tag, *merged.get(tag, ()))))
        return replace(compare, op=_several(compare.op), values=values)

    return replaced(node, tags)


async def _merged_into(session: AsyncSession, brand_id: UUID, tags: set[str]) -> Mapping[str, Sequence[str]]:
    """The tags that were merged into each of these."""
    found = await session.execute(
        select(col(Tag.merged_into_id), col(Tag.id))
        .where(col(Tag.brand_id) == brand_id, col(Tag.merged_into_id).in_(sorted(map(UUID, tags))))
        .order_by(col(Tag.id))
    )
    merged: dict[str, list[str]] = defaultdict(list)
    for into, tag in found:
        merged[str(into)].append(str(tag))
    return merged


async def _became(session: AsyncSession, brand_id: UUID, named: set[str]) -> dict[str, str | None]:
    """What each tag is now: itself, the one it was merged into at last, or none when it is retired."""
    known: dict[str, tuple[bool, str | None]] = {}
    wanted = set(named)
    for _ in range(_MERGES):
        if not wanted:
            break
        rows = await session.execute(
            select(col(Tag.id), col(Tag.retired_at), col(Tag.merged_into_id)).where(
                col(Tag.brand_id) == brand_id, col(Tag.id).in_(sorted(map(UUID, wanted)))
            )
        )
        for tag_id, retired_at, into in rows:
            known[str(tag_id)] = (retired_at is not None, str(into) if into else None)
        wanted = {into for _, into in known.values() if into} - known.keys()
    return {tag: _at_last(tag, known) for tag in named}


def _at_last(tag: str, known: Mapping[str, tuple[bool, str | None]]) -> str | None:
    for _ in range(_MERGES):
        is_retired, into = known.get(tag, (True, None))
        if not is_retired:
            return tag
        if into is None:
            return None
        tag = into
    return None


def _of_tags(node: Node) -> Sequence[Compare]:
    return [each for each in comparisons(node) if each.word in FACTS and FACTS[each.word].kind is Kind.TAG]


def _several(op: Op) -> Op:
    return Op.NOT_IN if op in (Op.IS_NOT, Op.NOT_IN) else Op.IN
