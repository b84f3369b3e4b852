"""Begin attempts at the partner, and write down where each goes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlmodel import col

from customers.commands import links
from customers.models import GoneWhy
from customers.queries import links as link_queries
from handover.models import HandoverAttempt, HandoverItem, LinkedThere
from handover.models.settlement import Step
from handover.partner import Course
from handover.queries import settling as queries
from kernel import bulk, clock, ids
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class Wanted:
    """A contact that is to go from one member of the partner's to another."""

    handover_id: UUID
    relationship_id: UUID
    course: Course
    from_account_id: UUID
    to_account_id: UUID
    from_user_id: str
    to_user_id: str
    external_user_id: str
    deadline: datetime
    by_staff_id: UUID | None = None


async def begin(work: Work, wanted: Sequence[Wanted]) -> int:
    """Make an attempt of each, to be asked at once; what another attempt is under way about is left for later.

    Returns how many were made.
    """
    known = await queries.of_customers_there(
        work.session, work.actor.brand_id, {each.external_user_id for each in wanted}
    )
    free = [each for each in wanted if not any(_is_in_the_way(row, each) for row in known[each.external_user_id])]
    at = clock.now()
    attempts = [
        HandoverAttempt(
            brand_id=work.actor.brand_id,
            id=ids.new(),
            handover_id=each.handover_id,
            relationship_id=each.relationship_id,
            course=each.course,
            from_account_id=each.from_account_id,
            to_account_id=each.to_account_id,
            from_user_id=each.from_user_id,
            to_user_id=each.to_user_id,
            external_user_id=each.external_user_id,
            next_at=at,
            is_again=any(_is_of_same_three(row, each) for row in known[each.external_user_id]),
            by_staff_id=each.by_staff_id,
            made_at=at,
            deadline=each.deadline,
        )
        for each in free
    ]
    made = await bulk.insert_missing(work.session, HandoverAttempt, [each.model_dump() for each in attempts])
    new = {row.id for row in made}
    await _name(work, [each for each in attempts if each.id in new])
    return len(new)


async def go_on(work: Work, steps: Sequence[tuple[HandoverAttempt, Step]]) -> None:
    """Let attempts, which the caller has locked, go where the rules say; contacts and items follow."""
    if not steps:
        return
    at = clock.now()
    for attempt, step in steps:
        attempt.take(step, at)
    await work.session.flush()
    await mirror(work, [attempt for attempt, _ in steps])
    await _link(work, [attempt for attempt, _ in steps if attempt.there is LinkedThere.ACCEPTED])


async def mirror(work: Work, attempts: Sequence[HandoverAttempt]) -> None:
    """Say of each relationship what its last attempt says; an older one says nothing any more."""
    alike: dict[LinkedThere, list[HandoverAttempt]] = defaultdict(list)
    for each in attempts:
        alike[each.there].append(each)
    for there, some in sorted(alike.items()):
        await work.session.execute(
            update(HandoverItem)
            .where(
                col(HandoverItem.brand_id) == work.actor.brand_id,
                col(HandoverItem.handover_id).in_({each.handover_id for each in some}),
                col(HandoverItem.relationship_id).in_([each.relationship_id for each in some]),
                col(HandoverItem.attempt_id).in_([each.id for each in some]),
            )
            .values(there=there)
            .execution_options(synchronize_session=False)
        )


async def _name(work: Work, attempts: Sequence[HandoverAttempt]) -> None:
    """Let each relationship have this attempt as its last."""
    if not attempts:
        return
    table = HandoverItem.__table__  # type: ignore[attr-defined]  # set by SQLModel
    statement = (
        update(table)
        .where(
            table.c.brand_id == work.actor.brand_id,
            table.c.handover_id == bindparam("of_handover"),
            table.c.relationship_id == bindparam("of_relationship"),
        )
        .values(there=bindparam("stands"), attempt_id=bindparam("of_attempt"))
    )
    connection = await work.session.connection()
    await connection.execute(
        statement,
        [
            {
                "of_handover": each.handover_id,
                "of_relationship": each.relationship_id,
                "of_attempt": each.id,
                "stands": each.there,
            }
            for each in sorted(attempts, key=lambda each: (each.handover_id, each.relationship_id))
        ],
    )


async def _link(work: Work, accepted: Sequence[HandoverAttempt]) -> None:
    """The takeover account has the contact, and whoever left it has it no more, in any of their stores.

    It counts as of the moment that it was asked for: whatever is told of the time since is newer.
    """
    if not accepted:
        return
    known = await link_queries.where_known(
        work.session,
        work.actor.brand_id,
        {(user, each.external_user_id) for each in accepted for user in (each.from_user_id, each.to_user_id)},
    )
    came: list[links.Contact] = []
    went: list[links.Contact] = []
    for each in accepted:
        since = each.asked_at or each.made_at
        for user, contacts in ((each.to_user_id, came), (each.from_user_id, went)):
            contacts += [
                links.Contact(*ends, each.external_user_id, since) for ends in known[user, each.external_user_id]
            ]
    await links.link(work, came)
    await links.unlink(work, went, GoneWhy.TRANSFERRED)


def _is_in_the_way(row: queries.AttemptRow, wanted: Wanted) -> bool:
    """Whether it is about the same contact, or the one that is to be given away is itself still on its way."""
    return row.todo in queries.OPEN and wanted.from_user_id in (row.from_user_id, row.to_user_id)


def _is_of_same_three(row: queries.AttemptRow, wanted: Wanted) -> bool:
    return row.asked_at is not None and row.from_user_id == wanted.from_user_id and row.to_user_id == wanted.to_user_id
