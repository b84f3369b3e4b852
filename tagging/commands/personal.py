"""Let a guide's own tags go along with their customers: whoever takes over gets a tag of their own for each."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from kernel import bulk, clock, ids
from kernel.work import Work
from tagging.commands import writing
from tagging.events import TagChanged
from tagging.models import CustomerTag, SetBy, Tag, TagChangeKind
from tagging.queries import carrying, library, personal

MOST_AT_ONCE = 1_000


class Wearer(NamedTuple):
    """A customer who wears somebody's personal tag, and the staff member who is to know of it from now on."""

    customer_id: UUID
    tag_id: UUID
    to_staff_id: UUID


async def carry_over(work: Work, wearers: Sequence[Wearer]) -> int:
    """Let the customers wear the same of the others' own tags, with who set it, when and why; says how many now do.

    At most 1,000 at once. A tag of that name in use is taken as it is; else one is made, of the same colour and
    synonyms, as long as the person has room for it. What is worn already stays as it is. Asks nobody's permission.
    """
    people = await carrying.lock(work.session, work.actor.brand_id, {each.customer_id for each in wearers})
    await personal.lock_owners(work.session, work.actor.brand_id, {each.to_staff_id for each in wearers})
    here = set(people)
    wanted = [each for each in wearers if each.customer_id in here]
    copies = await _copies(work, wanted)
    either = {each.tag_id for each in wanted}.union(copies.values())
    # Nobody else changes what they wear: they are locked.
    worn = await carrying.worn(work.session, work.actor.brand_id, people, either)
    as_worn = {(row.customer_id, row.tag_id): row for row in worn}
    new = {}
    for each in wanted:
        row, tag_id = as_worn.get((each.customer_id, each.tag_id)), copies.get((each.to_staff_id, each.tag_id))
        if row is not None and tag_id is not None and (each.customer_id, tag_id) not in as_worn:
            new[each.customer_id, tag_id] = _row(row, tag_id)
    await bulk.insert_rows(work.session, CustomerTag, list(new.values()))
    await _tell(work, list(new), TagChangeKind.SET)
    return len(new)


async def take_back(work: Work, wearers: Sequence[Wearer]) -> int:
    """Undo `carry_over`: take the tags off that it put on, and retire those it made that nobody wears any more."""
    brand_id = work.actor.brand_id
    people = await carrying.lock(work.session, brand_id, {each.customer_id for each in wearers})
    owners = {each.to_staff_id for each in wearers}
    await personal.lock_owners(work.session, brand_id, owners)
    source = await carrying.worn(work.session, brand_id, people, {each.tag_id for each in wearers})
    as_worn = {(row.customer_id, row.tag_id): row for row in source}
    there = await personal.namesakes(work.session, brand_id, owners, {each.tag_id for each in wearers})
    worn = await carrying.worn(work.session, brand_id, people, set(there.values()))
    copies = {(row.customer_id, row.tag_id): row for row in worn}
    off = []
    for each in wearers:
        row = as_worn.get((each.customer_id, each.tag_id))
        copy = copies.get((each.customer_id, there.get((each.to_staff_id, each.tag_id), each.tag_id)))
        if row is not None and copy is not None and _provenance(row) == _provenance(copy):
            off.append(copy)
    await writing.drop(work, off)
    await _tell(work, [(row.customer_id, row.tag_id) for row in off], TagChangeKind.REMOVED)
    await _retire_unworn(work, {_copy_id(each.to_staff_id, each.tag_id) for each in wearers})
    return len(off)


def _copy_id(staff_id: UUID, tag_id: UUID) -> UUID:
    """By its id a tag is known that was made for somebody after another one's tag."""
    return ids.derived(tag_id, f"of {staff_id}")


async def _copies(work: Work, wanted: Sequence[Wearer]) -> Mapping[tuple[UUID, UUID], UUID]:
    """For each person, and each of the tags that they are to have: their own of that name; made, if there is room."""
    brand_id = work.actor.brand_id
    pairs = dict.fromkeys((each.to_staff_id, each.tag_id) for each in wanted)
    owners = {owner_id for owner_id, _ in pairs}
    tags = await personal.tags(work.session, brand_id, {each.tag_id for each in wanted})
    there = dict(await personal.namesakes(work.session, brand_id, owners, set(tags)))
    if all(each in there for each in pairs if each[1] in tags):
        return there
    in_use = Counter(await personal.in_use(work.session, brand_id, owners))
    made: dict[tuple[UUID, str], Tag] = {}
    taken = await personal.known(work.session, brand_id, {_copy_id(*pair) for pair in pairs})
    for each in pairs:
        owner_id, tag = each[0], tags.get(each[1])
        if tag is None or each in there:
            continue
        namesake = made.get((owner_id, tag.name))
        if namesake is None:
            if in_use[owner_id] >= library.MOST_PERSONAL_TAGS:
                continue
            in_use[owner_id] += 1
            tag_id = _copy_id(owner_id, tag.id)
            namesake = made[owner_id, tag.name] = _tag(
                ids.new() if tag_id in taken else tag_id, owner_id, tag, in_use[owner_id]
            )
        there[each] = namesake.id
    await bulk.insert_missing(work.session, Tag, [tag.model_dump() for tag in made.values()])
    for new in made.values():
        work.record(TagChanged(tag_id=new.id, owner_id=new.owner_id, version=new.version))
    return there


def _tag(tag_id: UUID, owner_id: UUID, like: Any, position: int) -> Tag:
    return Tag(
        brand_id=like.brand_id,
        id=tag_id,
        owner_id=owner_id,
        name=like.name,
        color=like.color,
        synonyms=like.synonyms,
        position=position,
    )


def _row(worn: Any, tag_id: UUID) -> dict[str, Any]:
    return {
        "brand_id": worn.brand_id,
        "customer_id": worn.customer_id,
        "tag_id": tag_id,
        "set_by": worn.set_by,
        "by_staff_id": worn.by_staff_id,
        "rule_id": worn.rule_id,
        "reason": worn.reason,
        "confidence": worn.confidence,
        "set_at": worn.set_at,
        "checked_at": worn.checked_at,
        "valid_until": worn.valid_until,
    }


def _provenance(worn: Any) -> tuple[Any, ...]:
    return worn.set_by, worn.by_staff_id, worn.set_at, worn.reason


async def _tell(work: Work, changed: Sequence[tuple[UUID, UUID]], kind: TagChangeKind) -> None:
    author, at = writing.Author(SetBy.TAKEOVER), clock.now()
    await writing.write(
        work, [writing.line(work, kind, customer_id, tag_id, author, at) for customer_id, tag_id in changed]
    )
    await writing.say(work, {customer_id for customer_id, _ in changed})


async def _retire_unworn(work: Work, tag_ids: Collection[UUID]) -> None:
    """Use no more what was made for the takeover, and nobody wears."""
    for tag in await personal.unworn(work.session, work.actor.brand_id, tag_ids):
        tag.retire(clock.now())
        work.record(TagChanged(tag_id=tag.id, owner_id=tag.owner_id, version=tag.version))
