"""What expressions name: ids for names as they are read, and names for ids as they are written down."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Region, Store
from directory.policy import regions_visible_to, stores_visible_to
from kernel.actor import Actor
from tagging.models import Segment, Tag, TagGroup
from tagging.models.expressions import Kind, Node, Vocabulary, comparisons
from tagging.models.expressions.checking import Named, Reference
from tagging.models.expressions.words import REFERENCES
from tagging.models.expressions.writing import Names
from tagging.policy import segments_visible_to, visible_to
from tagging.queries import segments


async def named(session: AsyncSession, actor: Actor, references: Sequence[Reference]) -> Named:
    """The ids of what is in the actor's sight under these names; what has none, or several, is left out.

    A tag is `group/name`, a personal one `/name`; its name alone does where only one has it.
    """
    by_kind: dict[Kind, set[str]] = {}
    for reference in references:
        by_kind.setdefault(reference.kind, set()).add(reference.name)
    found: dict[tuple[Kind, str], UUID] = {}
    for kind, names in by_kind.items():
        match kind:
            case Kind.TAG:
                ids = await _tags(session, actor, names)
            case Kind.STORE:
                ids = await _coded(session, Store, stores_visible_to(actor), names)
            case Kind.REGION:
                ids = await _coded(session, Region, regions_visible_to(actor), names)
            case _:
                ids = await segments.by_names(session, actor, names)
        found |= {(kind, name): each for name, each in ids.items()}
    return found


async def names_of(session: AsyncSession, actor: Actor, nodes: Iterable[Node], vocabulary: Vocabulary) -> Names:
    """What those things are called now that the expressions name, and that are in the actor's sight."""
    by_kind: dict[Kind, set[UUID]] = {}
    for compare in (each for node in nodes for each in comparisons(node)):
        kind = vocabulary[compare.word].kind
        if kind in REFERENCES:
            by_kind.setdefault(kind, set()).update(UUID(str(value)) for value in compare.values)
    names: dict[tuple[Kind, str], str] = {}
    for kind, ids in by_kind.items():
        wanted = sorted(ids)
        match kind:
            case Kind.TAG:
                rows = await session.execute(_labels(actor).where(col(Tag.id).in_(wanted)))
                names |= {(kind, str(tag_id)): f"{group or ''}/{name}" for tag_id, name, group in rows}
            case Kind.STORE:
                stores = select(col(Store.id), col(Store.code)).where(stores_visible_to(actor))
                found = await session.execute(stores.where(col(Store.id).in_(wanted)))
                names |= {(kind, str(each)): code for each, code in found}
            case Kind.REGION:
                regions = select(col(Region.id), col(Region.code)).where(regions_visible_to(actor))
                found = await session.execute(regions.where(col(Region.id).in_(wanted)))
                names |= {(kind, str(each)): code for each, code in found}
            case _:
                kept = select(col(Segment.id), col(Segment.name)).where(segments_visible_to(actor))
                found = await session.execute(kept.where(col(Segment.id).in_(wanted)))
                names |= {(kind, str(each)): name for each, name in found}
    return names


async def _coded(
    session: AsyncSession, model: type[Store] | type[Region], sight: object, codes: set[str]
) -> dict[str, UUID]:
    statement = select(col(model.code), col(model.id)).where(sight, col(model.code).in_(sorted(codes)))  # type: ignore[arg-type]
    return dict((await session.execute(statement)).all())


async def _tags(session: AsyncSession, actor: Actor, texts: set[str]) -> dict[str, UUID]:
    # A group's name or a tag's may hold a stroke itself: all ways to read it are looked up.
    possible = {text[cut:] for text in texts for cut in _cuts(text)}
    rows = await session.execute(
        _labels(actor).where(col(Tag.retired_at).is_(None), col(Tag.name).in_(sorted(possible)))
    )
    exact: dict[str, list[UUID]] = {}
    alone: dict[str, list[UUID]] = {}
    for tag_id, name, group in rows:
        exact.setdefault(f"{group or ''}/{name}", []).append(tag_id)
        alone.setdefault(name, []).append(tag_id)
    found = {text: exact.get(text) or alone.get(text, []) for text in texts}
    return {text: ids[0] for text, ids in found.items() if len(ids) == 1}


def _cuts(text: str) -> list[int]:
    return [0, *(index + 1 for index, letter in enumerate(text) if letter == "/")]


def _labels(actor: Actor):  # type: ignore[no-untyped-def]  # a statement of three columns
    return (
        select(col(Tag.id), col(Tag.name), col(TagGroup.name))
        .outerjoin(TagGroup, and_(col(TagGroup.brand_id) == col(Tag.brand_id), col(TagGroup.id) == col(Tag.group_id)))
        .where(visible_to(actor))
    )
