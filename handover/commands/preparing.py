"""Decide of each relationship that has moved here what there is to ask of the partner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from customers.queries import links
from directory.models import StaffState
from handover.commands import attempting
from handover.commands.attempting import Wanted
from handover.models import Handover, HandoverItem, HandoverKind, HandoverState, LinkedThere
from handover.models.settlement import INHERITABLE_FOR
from handover.partner import Course
from handover.queries import handovers
from handover.queries import preparing as moved
from handover.queries import settling as queries
from kernel import clock
from kernel.work import Work

AT_A_TIME = 100
ON_JOB_FOR = timedelta(days=120)
"""Longer than the 90 days in which a customer may be handed over twice; then nobody waits for it any more."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of those who are concerned: accounts with their owners, contacts, and what is under way."""

    ends: Mapping[UUID, Any]
    contacts: Mapping[UUID, Sequence[Any]]
    attempts: Mapping[str, Sequence[Any]]

    def contact(self, relationship_id: UUID, account_id: UUID) -> Any | None:
        return next((each for each in self.contacts[relationship_id] if each.account_id == account_id), None)

    def is_under_way(self, row: Any) -> bool:
        """Whether an attempt that isn't settled takes the contact from one of the two, or brings it to one."""
        users = {self.ends[row.from_account_id].user_id, self.ends[row.holder_id].user_id} - {None}
        names = {each.external_user_id for each in self.contacts[row.relationship_id]}
        return any(
            each.todo in queries.OPEN and users & {each.from_user_id, each.to_user_id}
            for name in names
            for each in self.attempts[name]
        )

    def was_declined(self, wanted: Wanted) -> bool:
        """Whether the customer has declined to go from that member to another before, in whichever handover."""
        return any(
            each.there is LinkedThere.REFUSED and each.from_user_id == wanted.from_user_id
            for each in self.attempts[wanted.external_user_id]
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """How many attempts were begun, and the last relationship that was seen to; none when there are no more."""

    begun: int = 0
    last: UUID | None = None


async def prepare(work: Work, handover_id: UUID, after: UUID | None = None) -> Prepared:
    """See to the next 100 relationships of a handover that is settling.

    Whoever holds it by now is to have the contact, also where that was changed since. An attempt that is under way
    about the same contact comes first: then it is decided when that is settled. Who declined before stays `refused`:
    only people ask again.
    """
    handover = await handovers.lock(work.session, work.actor, handover_id)
    if handover.state is not HandoverState.SETTLING:
        return Prepared()
    rows = await moved.unprepared(work.session, work.actor.brand_id, handover_id, after, AT_A_TIME)
    if not rows:
        return Prepared()
    known = await known_of(work, rows)
    wanted: list[Wanted] = []
    settled: dict[LinkedThere, list[UUID]] = {}
    for row in rows:
        if known.is_under_way(row):
            continue
        verdict = decided(handover, row, known)
        if isinstance(verdict, Wanted) and known.was_declined(verdict):
            verdict = LinkedThere.REFUSED
        if isinstance(verdict, Wanted):
            wanted.append(verdict)
        else:
            settled.setdefault(verdict, []).append(row.relationship_id)
    begun = await attempting.begin(work, wanted)
    for there, relationship_ids in settled.items():
        await _settle(work, handover_id, relationship_ids, there)
    return Prepared(begun, rows[-1].relationship_id)


async def prepare_others(work: Work, handover_id: UUID) -> bool:
    """Begin attempts for contacts of the leaver's whom others hold, some at a time; true if there may be more."""
    handover = await handovers.lock(work.session, work.actor, handover_id)
    if handover.state is not HandoverState.SETTLING or handover.undoes_id is not None:
        return False
    rows = await moved.others_linked(work.session, work.actor.brand_id, handover_id, AT_A_TIME)
    if not rows:
        return False
    known = await known_of(work, rows)
    verdicts = [decided(handover, row, known) for row in rows]
    made = await attempting.begin(work, [each for each in verdicts if isinstance(each, Wanted)])
    return made == AT_A_TIME


def course_of(handover: Handover, leaver: Any) -> Course:
    """Whether the partner is asked for what a former member left behind, or for what somebody at work gives away."""
    if handover.undoes_id is None and handover.kind is HandoverKind.RESIGNATION:
        return Course.RESIGNED
    is_gone = leaver.access_closed_at is not None or leaver.state is StaffState.DEPARTED
    return Course.RESIGNED if is_gone else Course.ON_JOB


def deadline_of(handover: Handover, course: Course, leaver: Any) -> datetime:
    """Until when it can be handed over: for a year after somebody left."""
    if course is Course.RESIGNED:
        return (leaver.access_closed_at or handover.started_at) + INHERITABLE_FOR
    return clock.now() + ON_JOB_FOR


def decided(handover: Handover, row: Any, known: Known) -> Wanted | LinkedThere:
    """What to ask for, or how it stands without asking."""
    leaver, taker = known.ends[row.from_account_id], known.ends[row.holder_id]
    of_taker = known.contact(row.goes_on_id, taker.id)
    if leaver.id == taker.id or (of_taker is not None and of_taker.gone_at is None):
        return LinkedThere.ALREADY_LINKED
    of_leaver = known.contact(row.relationship_id, leaver.id)
    if of_leaver is None or leaver.user_id is None or taker.user_id is None:
        return LinkedThere.INELIGIBLE
    if of_leaver.gone_at is not None:
        return LinkedThere.LOST if of_leaver.gone_at >= handover.started_at else LinkedThere.INELIGIBLE
    if leaver.user_id == taker.user_id:
        return LinkedThere.ALREADY_LINKED
    course = course_of(handover, leaver)
    return Wanted(
        handover_id=handover.id,
        relationship_id=row.relationship_id,
        course=course,
        from_account_id=leaver.id,
        to_account_id=taker.id,
        from_user_id=leaver.user_id,
        to_user_id=taker.user_id,
        external_user_id=of_leaver.external_user_id,
        deadline=deadline_of(handover, course, leaver),
    )


async def known_of(work: Work, rows: Sequence[Any]) -> Known:
    brand_id = work.actor.brand_id
    accounts = {each for row in rows for each in (row.from_account_id, row.holder_id)}
    relationships = {each for row in rows for each in (row.relationship_id, row.goes_on_id)}
    contacts = await links.of_relationships(work.session, brand_id, relationships)
    names = {each.external_user_id for found in contacts.values() for each in found}
    return Known(
        await moved.ends(work.session, brand_id, accounts),
        contacts,
        await queries.of_customers_there(work.session, brand_id, names),
    )


async def _settle(work: Work, handover_id: UUID, relationship_ids: Sequence[UUID], there: LinkedThere) -> None:
    await work.session.execute(
        update(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == work.actor.brand_id,
            col(HandoverItem.handover_id) == handover_id,
            col(HandoverItem.relationship_id).in_(relationship_ids),
        )
        .values(there=there)
        .execution_options(synchronize_session=False)
    )
