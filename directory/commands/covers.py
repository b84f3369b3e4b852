"""Arrange cover for leave: a delegate sees and serves for a while, and the holder stays."""

from datetime import datetime
from uuid import UUID

from directory.errors import AbsentUnfit, CoverChain, CoverOverlaps, DelegateUnfit, OwnCover, TooManyCovers
from directory.events import CoverArranged, CoverDated, CoverEnded, CoverEvent, CoverStarted
from directory.models import Cover, CoverState, Staff, StaffState
from directory.models.covers import require_dates
from directory.policy import require_may_cover
from directory.queries import accounts, covers, staff
from kernel import audit, clock, ids
from kernel.actor import Actor, Role, system
from kernel.errors import require_version
from kernel.work import Work

MOST_AT_ONCE = 10


async def arrange(
    work: Work, *, staff_id: UUID, delegate_id: UUID, ends_at: datetime, starts_at: datetime | None = None
) -> Cover:
    """Let a delegate serve what a guide's account holds, from an instant to another; from now on without a first one.

    A start that is over means now. At most 90 days, and ten covers at a time for one person. The delegate is a guide
    at work in the same store or its manager, and neither is away themselves in that time nor is the one who is away
    a delegate then: covers form no chains. Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_COVER`, `COVER_DATES`,
    `ABSENT_UNFIT`, `DELEGATE_UNFIT`, `COVER_OVERLAPS`, `COVER_CHAIN`, `TOO_MANY_COVERS`.
    """
    people = await _lock_both(work, work.actor, staff_id, delegate_id)
    require_may_cover(work.actor)
    if staff_id == delegate_id:
        raise OwnCover
    now = clock.now()
    begins = now if starts_at is None else max(starts_at, now)
    require_dates(begins, ends_at, now)
    cover = await _draft(work, people[staff_id], people[delegate_id], begins, ends_at, now)
    await _require_room(work, cover)
    work.session.add(cover)
    await work.session.flush()
    await audit.write(work.session, work.actor, "cover.arranged", "cover", cover.id)
    work.record(_said(CoverArranged, cover))
    return cover


async def date(
    work: Work,
    cover_id: UUID,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    expected_version: int | None = None,
) -> Cover:
    """Give a cover other dates; of one that has begun only the end can be another.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `COVER_OVER`, `COVER_UNDER_WAY`, `COVER_DATES`,
    `COVER_OVERLAPS`, `COVER_CHAIN`, `TOO_MANY_COVERS`.
    """
    known = await covers.get(work.session, work.actor, cover_id)
    # Others are kept from arranging anything for the two meanwhile, whether these are in sight still or not.
    await _lock_both(work, system(known.brand_id), known.staff_id, known.delegate_id)
    cover = await covers.lock(work.session, work.actor, cover_id)
    require_may_cover(work.actor)
    require_version(cover, expected_version)
    now = clock.now()
    cover.date(starts_at, ends_at, now)
    await _require_room(work, cover)
    await audit.write(work.session, work.actor, "cover.dated", "cover", cover.id)
    work.record(_said(CoverDated, cover))
    return cover


async def end(work: Work, cover_id: UUID, *, expected_version: int | None = None) -> Cover:
    """End a cover now; one that has not begun is cancelled.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `COVER_OVER`.
    """
    cover = await covers.lock(work.session, work.actor, cover_id)
    require_may_cover(work.actor)
    require_version(cover, expected_version)
    await _end(work, cover)
    await audit.write(work.session, work.actor, "cover.ended", "cover", cover.id)
    return cover


async def note(work: Work, cover_id: UUID) -> None:
    """Tell of a cover that it has begun, or is over; nothing if that was said already.

    It is in force by its dates, whether anybody says so or not.
    """
    cover = await covers.lock(work.session, work.actor, cover_id)
    if cover.note(clock.now()):
        work.record(_said(CoverStarted if cover.state is CoverState.ACTIVE else CoverEnded, cover))


async def end_of_delegate(work: Work, person: Staff) -> None:
    """End what somebody covers who is leaving or goes to work elsewhere. The caller has locked them."""
    for cover in await covers.lock_open_of(work.session, person.brand_id, person.id):
        if cover.delegate_id == person.id:
            await _end(work, cover)


async def end_of(work: Work, person: Staff) -> None:
    """End what somebody covers, and the cover of them: they work elsewhere, or have left. The caller has locked them.

    A leaver is covered for as long as they hold something: their customers need it until the handover.
    """
    for cover in await covers.lock_open_of(work.session, person.brand_id, person.id):
        await _end(work, cover)


async def _end(work: Work, cover: Cover) -> None:
    cover.end(clock.now(), work.actor.staff_id)
    await work.session.flush()
    work.record(_said(CoverEnded, cover))


async def _draft(
    work: Work, absent: Staff, delegate: Staff, starts_at: datetime, ends_at: datetime, now: datetime
) -> Cover:
    """The cover, if the two are fit for it."""
    if absent.role is not Role.GUIDE or absent.store_id is None or absent.state is StaffState.DEPARTED:
        raise AbsentUnfit
    if not delegate.can_cover_in(absent.store_id):
        raise DelegateUnfit
    account = await accounts.of_staff_in(work.session, absent, absent.store_id)
    if account is None:
        raise AbsentUnfit
    return Cover(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        store_id=absent.store_id,
        account_id=account.id,
        staff_id=absent.id,
        delegate_id=delegate.id,
        starts_at=starts_at,
        ends_at=ends_at,
        state=CoverState.ACTIVE if starts_at <= now else CoverState.PLANNED,
        arranged_by_id=work.actor.staff_id,
        arranged_at=now,
    )


async def _require_room(work: Work, cover: Cover) -> None:
    """Refuse what doesn't go with the other covers of the two; both are locked, so that none comes in between."""
    both = (cover.staff_id, cover.delegate_id)
    found = await covers.around(work.session, cover.brand_id, both, cover.starts_at, cover.ends_at)
    others = [each for each in found if each.id != cover.id]
    if any((each.staff_id, each.delegate_id) == both for each in others):
        raise CoverOverlaps
    if any(each.staff_id == cover.delegate_id or each.delegate_id == cover.staff_id for each in others):
        raise CoverChain
    for theirs in (
        [each for each in others if each.delegate_id == cover.delegate_id],
        [each for each in others if each.staff_id == cover.staff_id],
    ):
        if len(theirs) >= MOST_AT_ONCE:
            raise TooManyCovers(most=MOST_AT_ONCE)


async def _lock_both(work: Work, actor: Actor, *people: UUID) -> dict[UUID, Staff]:
    """Both people, locked in the order of their keys. `NOT_FOUND` if the actor doesn't see one."""
    return {key: await staff.lock(work.session, actor, key) for key in sorted(set(people))}


def _said(kind: type[CoverEvent], cover: Cover) -> CoverEvent:
    return kind(cover_id=cover.id, store_id=cover.store_id, staff_id=cover.staff_id, delegate_id=cover.delegate_id)
