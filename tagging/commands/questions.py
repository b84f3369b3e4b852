"""Ask guides blind about customers, and take their answers."""

import random
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.work import Work
from tagging.errors import OnlyOneOfGroup, TagRetired
from tagging.events import TagQuestionAsked, TagQuestionClosed
from tagging.models import AuditItem, Choice, Verdict
from tagging.queries import library, population, questions

UNANSWERED = "没有等到回答"
_LONGEST_MERGING = 20


async def answer_question(
    work: Work, question_id: UUID, *, tag_ids: Sequence[UUID] | None = None, cannot_say: bool = False
) -> AuditItem:
    """Say which tags of the group fit the customer, none of them perhaps, or that one can't say.

    Raises `NOT_FOUND` for a question that is somebody else's or closed, `INVALID`, `TAG_RETIRED`, `ONLY_ONE_OF_GROUP`.
    """
    item = await questions.lock(work.session, work.actor, question_id)
    if cannot_say is (tag_ids is not None):
        raise Invalid(
            field="tagIds",
            reason="name tags, or say that you can't say.",
            reason_zh="请选择标签，或选择“说不准”。",
        )
    drawn = (await library.by_ids(work.session, work.actor, [item.tag_id]))[item.tag_id]
    chosen = None if tag_ids is None else await _chosen(work, drawn.group_id, tag_ids)
    item.answer(clock.now(), chosen, await _meaning(work, item.tag_id))
    work.record(TagQuestionClosed(question_id=item.id, staff_id=work.actor.id, is_answered=True))
    return item


async def ask_waiting(work: Work, store_ids: Collection[UUID], *, seed: int | str) -> int:
    """Ask the guides of these stores what waits to be asked; returns how many were. Lock the library first.

    Whoever set the tag is not asked, nor is anybody who holds the customer, for they see the tag. The least busy of
    the others is, at most ten questions each; the seed decides among equals. What finds nobody goes on waiting.
    """
    brand_id, session = work.actor.brand_id, work.session
    waiting = await questions.waiting(session, brand_id, store_ids)
    if not waiting:
        return 0
    guides = await questions.guides(session, brand_id, store_ids)
    holders = await population.holders(session, brand_id, {row.customer_id for row in waiting})
    source = random.Random(f"{seed}:asked")  # noqa: S311 - to be repeated, not to be secret
    at = clock.now()
    asked = []
    for row in waiting:
        busy = guides.get(row.store_id, {})
        staff_id = _least_busy(busy, {row.setter_id} | holders.get(row.customer_id, set()), source)
        if staff_id is not None:
            busy[staff_id] += 1
            asked.append({"brand_id": brand_id, "id": row.id, "asked_id": staff_id, "asked_at": at})
            work.record(TagQuestionAsked(question_id=row.id, staff_id=staff_id, store_id=row.store_id))
    if asked:
        await session.execute(update(AuditItem), asked)
    return len(asked)


async def take_back(work: Work, store_ids: Collection[UUID]) -> int:
    """Let questions in these stores wait again whose guide has left, or works elsewhere; returns how many."""
    gone = await questions.misplaced(work.session, work.actor.brand_id, store_ids)
    if gone:
        await work.session.execute(
            update(AuditItem)
            .where(col(AuditItem.brand_id) == work.actor.brand_id, col(AuditItem.id).in_([row.id for row in gone]))
            .where(col(AuditItem.verdict).is_(None))
            .values(asked_id=None, asked_at=None, version=AuditItem.version + 1)
            .execution_options(synchronize_session=False)
        )
    for row in gone:
        work.record(TagQuestionClosed(question_id=row.id, staff_id=row.asked_id, is_answered=False))
    return len(gone)


async def end_questions(work: Work, audit_id: UUID) -> None:
    """Wait for no more answers in an audit: what is open becomes unknown."""
    ended = await work.session.execute(
        update(AuditItem)
        .where(
            col(AuditItem.brand_id) == work.actor.brand_id,
            col(AuditItem.audit_id) == audit_id,
            col(AuditItem.verdict).is_(None),
        )
        .values(verdict=Verdict.UNKNOWN, because=UNANSWERED, version=AuditItem.version + 1)
        .returning(col(AuditItem.id), col(AuditItem.asked_id))
        .execution_options(synchronize_session=False)
    )
    for question_id, staff_id in ended.all():
        if staff_id is not None:
            work.record(TagQuestionClosed(question_id=question_id, staff_id=staff_id, is_answered=False))


def _least_busy(busy: Mapping[UUID, int], but: Collection[UUID | None], source: random.Random) -> UUID | None:
    free = [staff_id for staff_id, count in busy.items() if staff_id not in but and count < questions.MOST_OPEN]
    if not free:
        return None
    fewest = min(busy[staff_id] for staff_id in free)
    equals = sorted(staff_id for staff_id in free if busy[staff_id] == fewest)
    return equals[int(source.random() * len(equals))]


async def _chosen(work: Work, group_id: UUID, tag_ids: Sequence[UUID]) -> list[UUID]:
    """The named tags, which have to be in use and of the group."""
    chosen = sorted(set(tag_ids))
    rows = await library.by_ids(work.session, work.actor, chosen)
    if len(rows) != len(chosen):
        raise NotFound
    if any(row.group_id != group_id for row in rows.values()):
        raise Invalid(
            field="tagIds", reason="name tags of the group asked for.", reason_zh="请选择所问标签组中的标签。"
        )
    if any(row.retired_at for row in rows.values()):
        raise TagRetired
    group = (await library.groups_by_ids(work.session, work.actor, [group_id]))[group_id]
    if group.choice is Choice.SINGLE and len(chosen) > 1:
        raise OnlyOneOfGroup(group=group.name)
    return chosen


async def _meaning(work: Work, tag_id: UUID) -> set[UUID]:
    """The tag in use that says today what this one said when it was drawn; none if it was retired since."""
    for _ in range(_LONGEST_MERGING):
        tag = (await library.by_ids(work.session, work.actor, [tag_id]))[tag_id]
        if tag.retired_at is None:
            return {tag_id}
        if tag.merged_into_id is None:
            return set()
        tag_id = tag.merged_into_id
    return set()
