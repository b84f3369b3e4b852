"""Put tags on customers and take them off: the one way, for people, rules and imports."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, update
from sqlmodel import col

from kernel import bulk, clock
from kernel.work import Work
from tagging.commands import writing
from tagging.commands.merging import catch_up
from tagging.commands.writing import Author
from tagging.errors import OnlyOneOfGroup
from tagging.models import CERTAIN, Choice, CustomerTag, SetBy, TagChangeKind
from tagging.queries import carrying
from tagging.queries.carrying import TagToPut

A_DAY = timedelta(days=1)

Worn = Row[*tuple[Any, ...]]


class Pair(NamedTuple):
    """A tag for a customer; `reason` is this pair's own, in place of the common one."""

    customer_id: UUID
    tag_id: UUID
    reason: str | None = None


async def put(
    work: Work,
    rows: Sequence[Pair],
    *,
    set_by: SetBy,
    by_staff_id: UUID | None = None,
    rule_id: UUID | None = None,
    reason: str | None = None,
    confidence: int = CERTAIN,
) -> list[UUID]:
    """Put tags on customers, and return the ids of the customers that changed, in order.

    Locks the customers; asks nobody's permission. Up to a few thousand pairs at once; a customer or tag that the
    brand hasn't, and a retired tag, are passed over, and one that was merged counts as the one it was merged into.

    * In a single-choice group the new tag replaces the old one. What a person said, and isn't stale, is replaced
      by persons only: such a pair of a rule's or an import's is passed over.
    * A tag that is there is confirmed: it is good for another shelf life. A person confirms once in 24 hours, a
      machine once in a quarter of the shelf life, and without one never; nothing happens in between. What a
      machine set and a person confirms is the person's from then on.

    Raises `ONLY_ONE_OF_GROUP` for two tags of a single-choice group for one customer, `INVALID` for a reason of
    more than 200 characters.
    """
    author = Author(set_by, by_staff_id, rule_id, reason, confidence)
    people = await carrying.lock(work.session, work.actor.brand_id, {row.customer_id for row in rows})
    tags = await carrying.tags_to_put(work.session, work.actor.brand_id, {row.tag_id for row in rows})
    wanted = _wanted(rows, set(people), tags)
    moved = await catch_up(work, people)
    known = {tag.id: tag for tag in tags.values()}
    there = await carrying.worn_beside(work.session, work.actor.brand_id, people, list(known.values()))
    plan = _planned(wanted, known, there, author, clock.now())
    await plan.carry_out(work)
    return await writing.say(work, moved | plan.changed)


async def confirm(
    work: Work, rows: Sequence[Pair], *, set_by: SetBy, by_staff_id: UUID | None = None, reason: str | None = None
) -> list[UUID]:
    """The same for the tags that the customers carry already; what they don't carry is passed over."""
    people = await carrying.lock(work.session, work.actor.brand_id, {row.customer_id for row in rows})
    moved = await catch_up(work, people)
    tags = await carrying.tags_to_put(work.session, work.actor.brand_id, {row.tag_id for row in rows})
    there = await carrying.worn(work.session, work.actor.brand_id, people, [tag.id for tag in tags.values()])
    carried = {(row.customer_id, row.tag_id) for row in there}
    kept = [row for row in rows if row.tag_id in tags and (row.customer_id, tags[row.tag_id].id) in carried]
    changed = await put(work, kept, set_by=set_by, by_staff_id=by_staff_id, reason=reason)
    return sorted(changed + await writing.say(work, moved - set(changed)))


async def take_off(
    work: Work,
    rows: Sequence[Pair],
    *,
    set_by: SetBy,
    by_staff_id: UUID | None = None,
    rule_id: UUID | None = None,
    reason: str | None = None,
) -> list[UUID]:
    """Take tags off customers, retired ones too, and return the ids of the customers that changed, in order.

    Locks the customers; asks nobody's permission. What they don't carry is passed over, and a rule takes off only
    what it put on itself. Raises `INVALID` for a reason of more than 200 characters.
    """
    author = Author(set_by, by_staff_id, rule_id, reason)
    people = await carrying.lock(work.session, work.actor.brand_id, {row.customer_id for row in rows})
    moved = await catch_up(work, people)
    now_called = await carrying.resolved(work.session, work.actor.brand_id, {row.tag_id for row in rows})
    reasons = {(row.customer_id, now_called.get(row.tag_id, row.tag_id)): row.reason for row in rows}
    there = await carrying.worn(work.session, work.actor.brand_id, people, {tag_id for _, tag_id in reasons})
    off = [row for row in there if (row.customer_id, row.tag_id) in reasons and _may_take_off(author, row)]
    at = clock.now()
    await writing.drop(work, off)
    writing.settle(work, off, is_checked=True)
    lines = [
        writing.line(
            work,
            TagChangeKind.REMOVED,
            row.customer_id,
            row.tag_id,
            author,
            at,
            reason=reasons[row.customer_id, row.tag_id],
        )
        for row in off
    ]
    await writing.write(work, lines)
    return await writing.say(work, moved | {row.customer_id for row in off})


@dataclass(slots=True)
class _Plan:
    """What is to happen to the tags of some customers."""

    author: Author
    at: datetime
    known: Mapping[UUID, TagToPut]
    new: list[Pair] = field(default_factory=list)
    confirmed: list[tuple[Worn, str | None]] = field(default_factory=list)
    replaced: list[tuple[Worn, UUID]] = field(default_factory=list)

    @property
    def changed(self) -> set[UUID]:
        there: list[Worn] = [*(row for row, _ in self.confirmed), *(row for row, _ in self.replaced)]
        return {pair.customer_id for pair in self.new} | {row.customer_id for row in there}

    def valid_until(self, tag_id: UUID) -> datetime | None:
        days = self.known[tag_id].shelf_life_days
        return None if days is None else self.at + timedelta(days=days)

    async def carry_out(self, work: Work) -> None:
        await writing.drop(work, [row for row, _ in self.replaced])
        await bulk.insert_rows(work.session, CustomerTag, [self._row(work, pair) for pair in self.new])
        await self._renew(work)
        writing.settle(work, [row for row, _ in (*self.replaced, *self.confirmed)], is_checked=True)
        await writing.write(work, self._lines(work))

    def _row(self, work: Work, pair: Pair) -> dict[str, Any]:
        return {
            "brand_id": work.actor.brand_id,
            "customer_id": pair.customer_id,
            "tag_id": pair.tag_id,
            "set_by": self.author.set_by,
            "by_staff_id": self.author.staff_id,
            "rule_id": self.author.rule_id,
            "reason": pair.reason or self.author.reason,
            "confidence": self.author.confidence,
            "set_at": self.at,
            "checked_at": self.at,
            "valid_until": self.valid_until(pair.tag_id),
        }

    async def _renew(self, work: Work) -> None:
        alike: dict[tuple[UUID, bool, str | None], list[UUID]] = defaultdict(list)
        for row, own_reason in self.confirmed:
            # A machine that agrees with a person puts no words in their mouth.
            reason = (
                own_reason or self.author.reason if self.author.set_by.is_person or not row.set_by.is_person else None
            )
            alike[row.tag_id, _takes_over(self.author, row), reason].append(row.customer_id)
        for (tag_id, takes_over, reason), customer_ids in alike.items():
            values: dict[str, Any] = {"checked_at": self.at, "valid_until": self.valid_until(tag_id), "asked_at": None}
            if takes_over:
                values |= {"set_by": self.author.set_by, "by_staff_id": self.author.staff_id, "rule_id": None}
                values |= {"reason": reason, "confidence": self.author.confidence}
            elif reason is not None:
                values["reason"] = reason
            await work.session.execute(
                update(CustomerTag)
                .where(
                    col(CustomerTag.brand_id) == work.actor.brand_id,
                    col(CustomerTag.customer_id).in_(customer_ids),
                    col(CustomerTag.tag_id) == tag_id,
                )
                .values(values)
                .execution_options(synchronize_session=False)
            )

    def _lines(self, work: Work) -> list[writing.Line]:
        def line(kind: TagChangeKind, row: Any, reason: str | None = None, by: UUID | None = None) -> writing.Line:
            return writing.line(
                work, kind, row.customer_id, row.tag_id, self.author, self.at, reason=reason, other_tag_id=by
            )

        return [
            *(line(TagChangeKind.REPLACED, row, by=by) for row, by in self.replaced),
            *(line(TagChangeKind.SET, pair, pair.reason) for pair in self.new),
            *(line(TagChangeKind.CONFIRMED, row, reason) for row, reason in self.confirmed),
        ]


def _wanted(rows: Sequence[Pair], people: set[UUID], tags: Mapping[UUID, TagToPut]) -> dict[tuple[UUID, UUID], Pair]:
    """Each pair that can be, once. Two of a single-choice group for one customer are refused."""
    wanted: dict[tuple[UUID, UUID], Pair] = {}
    chosen: dict[tuple[UUID, UUID], UUID] = {}
    for row in rows:
        tag = tags.get(row.tag_id)
        if tag is None or row.customer_id not in people:
            continue
        place = (row.customer_id, tag.group_id or tag.id)
        if tag.choice is Choice.SINGLE and chosen.setdefault(place, tag.id) != tag.id:
            raise OnlyOneOfGroup(group=tag.group)
        wanted[row.customer_id, tag.id] = row._replace(tag_id=tag.id)
    return wanted


def _planned(
    wanted: Mapping[tuple[UUID, UUID], Pair],
    known: Mapping[UUID, TagToPut],
    there: Sequence[Worn],
    author: Author,
    at: datetime,
) -> _Plan:
    plan = _Plan(author, at, known)
    by_pair = {(row.customer_id, row.tag_id): row for row in there}
    by_customer: dict[UUID, list[Worn]] = defaultdict(list)
    for row in there:
        by_customer[row.customer_id].append(row)
    for key, pair in wanted.items():
        tag = known[pair.tag_id]
        others = [row for row in by_customer[pair.customer_id] if row.tag_id != tag.id and row.group_id == tag.group_id]
        if tag.choice is Choice.SINGLE:
            if not all(_may_replace(author, row, at) for row in others):
                continue
            plan.replaced += [(row, tag.id) for row in others]
        worn = by_pair.get(key)
        if worn is None:
            plan.new.append(pair)
        elif _is_news(author, worn, tag, pair.reason or author.reason, at):
            plan.confirmed.append((worn, pair.reason))
    return plan


def _may_replace(author: Author, row: Worn, at: datetime) -> bool:
    return author.set_by.is_person or not row.set_by.is_person or _is_stale(row, at) or row.retired_at is not None


def _may_take_off(author: Author, row: Worn) -> bool:
    return author.set_by is not SetBy.RULE or (row.set_by is SetBy.RULE and row.rule_id == author.rule_id)


def _takes_over(author: Author, row: Worn) -> bool:
    """What a person says outweighs what a machine found."""
    return author.set_by.is_person and not row.set_by.is_person


def _is_stale(row: Worn, at: datetime) -> bool:
    return bool(row.valid_until is not None and row.valid_until <= at)


def _is_news(author: Author, row: Worn, tag: TagToPut, reason: str | None, at: datetime) -> bool:
    """Whether confirming a tag that is there changes anything."""
    if _is_stale(row, at):
        return True
    if author.set_by.is_person:
        says_more = reason is not None and reason != row.reason
        # Whoever was asked about it, and says so at once, has answered.
        was_asked = row.asked_at is not None
        return bool(was_asked or says_more or _takes_over(author, row) or at - row.checked_at >= A_DAY)
    if tag.shelf_life_days is None:
        return False
    return bool(at - row.checked_at >= max(A_DAY, timedelta(days=tag.shelf_life_days) / 4))
