"""Draw audits, again if wanted, and close them."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from directory.queries import regions, staff, stores
from kernel import bulk, clock, ids
from kernel.actor import Role
from kernel.errors import Conflict, Invalid, NotFound, require_text, require_version
from kernel.work import Work
from tagging.commands.questions import ask_waiting, end_questions, take_back
from tagging.errors import AuditTooWide, NothingToAudit, TooManyAudits
from tagging.events import AuditDrawn
from tagging.models import OPEN_FOR, AuditItem, AuditMethod, AuditScope, Night, TagAudit
from tagging.models.sampling import NOBODY, Cell, Drawn, draw
from tagging.policy import require_auditor
from tagging.queries import audits, library, opinions, population, questions

LONGEST_NAME = 60
SMALLEST, LARGEST = 10, 2_000
MOST_OPEN = 500
MOST_DAILY = 1_000
MOST_TAGS = 2_000_000
LARGEST_SEED = 2**31 - 1
_STORES_AT_ONCE = 20
_CLOSED_AT_ONCE = 20
_BEFORE_ALL_STORES = UUID(int=0)


async def draw_audit(
    work: Work, *, name: str, method: AuditMethod, scope: AuditScope, size: int, seed: int | None = None
) -> TagAudit:
    """Draw tags at random and compare them: with evidence at once, or by asking guides blind for up to 14 days.

    The population is the brand's tags in use on customers, as far as the scope goes; each counts in the store of the
    customer's primary relationship. A store manager audits their store, a regional manager their region or a part
    of it. `size` runs from 10 to 2,000: where there are fewer, all are drawn. The same `seed` (0 to 2^31 − 1, by
    default a new one) over the same population draws the same tags.

    Cost: one pass over the tags in the scope to count them, and one sort of them to find those drawn; at most
    2,000,000, which take seconds on PostgreSQL (`docs/tagging-audits.md` has the figures).
    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `NOTHING_TO_AUDIT`, `AUDIT_TOO_WIDE`, `TOO_MANY_AUDITS`.
    """
    require_auditor(work.actor)
    name = require_text("name", name, longest=LONGEST_NAME)
    _require_within("size", size, SMALLEST, LARGEST)
    _require_within("seed", seed or 0, 0, LARGEST_SEED)
    scope = await _placed(work, scope)
    await _require_known(work, scope)
    await _require_room(work)
    seed = secrets.randbelow(LARGEST_SEED + 1) if seed is None else seed
    strata, rows = await _drawn(work, scope, size, seed)
    at = clock.now()
    audit = TagAudit(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        name=name,
        method=method,
        store_id=scope.store_id,
        region_id=scope.region_id,
        scope=scope.to_json(),
        size=size,
        seed=seed,
        strata=[_kept(stratum) for stratum in strata],
        by_staff_id=work.actor.staff_id,
        drawn_at=at,
        closes_at=at + OPEN_FOR,
    )
    work.session.add(audit)
    await work.session.flush()
    items = [_item(audit, place, rows[at]) for place, stratum in enumerate(strata) for at in stratum.places]
    await _compare(work, audit, items)
    work.record(AuditDrawn(audit.id))
    return audit


async def repeat_audit(work: Work, audit_id: UUID, *, name: str) -> TagAudit:
    """Draw an audit again as it was: method, scope, size and seed; of the same population it draws the same tags.

    Raises `NOT_FOUND`, and as `draw_audit`.
    """
    require_auditor(work.actor)
    audit = await audits.lock(work.session, work.actor, audit_id)
    scope = AuditScope.from_json(audit.scope)
    return await draw_audit(work, name=name, method=audit.method, scope=scope, size=audit.size, seed=audit.seed)


async def close_audit(work: Work, audit_id: UUID, *, expected_version: int | None = None) -> TagAudit:
    """Wait for no more answers: open questions become unknown.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `AUDIT_CLOSED`.
    """
    require_auditor(work.actor)
    audit = await audits.lock(work.session, work.actor, audit_id)
    require_version(audit, expected_version)
    audit.close(clock.now())
    await end_questions(work, audit.id)
    return audit


async def see_to_audits(work: Work, night: Night) -> UUID | None:
    """Once a night: close audits that have all answers or whose time is up, then go through the stores.

    There, questions of guides who have gone wait again, and what waits is asked: so a guide gets at most ten new
    ones a day.
    """
    brand_id, session = work.actor.brand_id, work.session
    await library.lock_library(session, work.actor)
    if night.after_id in (None, _BEFORE_ALL_STORES):
        over = await audits.over(session, brand_id, clock.now(), _CLOSED_AT_ONCE)
        for audit_id in over:
            await close_audit(work, audit_id)
        if len(over) == _CLOSED_AT_ONCE:
            return _BEFORE_ALL_STORES
    some = await questions.stores(session, brand_id, night.after_id, _STORES_AT_ONCE)
    if not some:
        return None
    taken = await take_back(work, some)
    asked = await ask_waiting(work, some, seed=night.day.toordinal())
    night.count(questions_taken_back=taken, questions_asked=asked)
    return some[-1]


async def _placed(work: Work, scope: AuditScope) -> AuditScope:
    """Below HQ, an audit is about what one answers for, if nothing else is said."""
    if scope.store_id is not None and scope.region_id is not None:
        raise Invalid(field="regionId", reason="name a store or a region.", reason_zh="门店和区域只能选一个。")
    if scope.store_id is not None or scope.region_id is not None:
        return scope
    match work.actor.role:
        case Role.STORE_MANAGER:
            return replace(scope, store_id=work.actor.store_id)
        case Role.REGIONAL_MANAGER:
            return replace(scope, region_id=await regions.own(work.session, work.actor))
    return scope


async def _require_known(work: Work, scope: AuditScope) -> None:
    """What the scope names is in sight, and a store manager audits no region."""
    session, actor = work.session, work.actor
    if scope.region_id is not None and actor.role is Role.STORE_MANAGER:
        raise NotFound
    named: list[tuple[Any, UUID | None]] = [
        (stores.by_ids, scope.store_id),
        (regions.by_ids, scope.region_id),
        (staff.by_ids, scope.setter_id),
        (library.groups_by_ids, scope.group_id),
        (library.by_ids, scope.tag_id),
    ]
    for by_ids, key in named:
        if key is not None and not await by_ids(session, actor, [key]):
            raise NotFound


async def _require_room(work: Work) -> None:
    """Also lets only one at a time of a brand draw, or ask."""
    await library.lock_library(work.session, work.actor)
    brand_id, yesterday = work.actor.brand_id, clock.now() - timedelta(days=1)
    open_ = await audits.count_open(work.session, brand_id)
    if open_ >= MOST_OPEN or await audits.count_since(work.session, brand_id, yesterday) >= MOST_DAILY:
        raise TooManyAudits(open=MOST_OPEN, daily=MOST_DAILY)


async def _drawn(
    work: Work, scope: AuditScope, size: int, seed: int
) -> tuple[Sequence[Drawn], Mapping[int, population.DrawnRow]]:
    """The strata, and the tags at the places that were drawn from them."""
    cells = await population.cells(work.session, work.actor.brand_id, scope)
    if not cells:
        raise NothingToAudit
    if sum(cells.values()) > MOST_TAGS:
        raise AuditTooWide(most=MOST_TAGS)
    strata = draw(cells, size, seed)
    places = [place for stratum in strata for place in stratum.places]
    rows = await population.at(work.session, work.actor.brand_id, scope, places)
    for stratum in strata:
        # Somebody may have tagged customers between the two reads.
        if not all(place in rows and _is_of(stratum, rows[place]) for place in stratum.places):
            raise Conflict
    return strata, rows


def _is_of(stratum: Drawn, row: population.DrawnRow) -> bool:
    cell = Cell(row.store_id, row.setter_id, row.tag_id)
    return all(wanted is None or wanted == part for wanted, part in zip(stratum.key, cell, strict=True))


def _item(audit: TagAudit, stratum: int, row: population.DrawnRow) -> AuditItem:
    return AuditItem(
        brand_id=audit.brand_id,
        id=ids.new(),
        audit_id=audit.id,
        stratum=stratum,
        store_id=row.store_id,
        customer_id=row.customer_id,
        relationship_id=row.relationship_id,
        tag_id=row.tag_id,
        setter_id=None if row.setter_id == NOBODY else row.setter_id,
        is_inherited=bool(row.is_inherited),
    )


async def _compare(work: Work, audit: TagAudit, items: Sequence[AuditItem]) -> None:
    brand_id, session = audit.brand_id, work.session
    if audit.method is AuditMethod.EVIDENCE:
        found = await opinions.of_tags(session, brand_id, [(item.customer_id, item.tag_id) for item in items])
        for item in items:
            item.verdict, item.because = found[item.customer_id, item.tag_id]
        audit.close(audit.drawn_at)
        await bulk.insert_rows(session, AuditItem, [item.model_dump() for item in items])
        return
    groups = {
        key: row.group_id
        for key, row in (await library.by_ids(session, work.actor, [item.tag_id for item in items])).items()
    }
    carried = await population.carried(session, brand_id, [item.customer_id for item in items], list(groups.values()))
    for item in items:
        item.carried_ids = [str(tag_id) for tag_id in carried.get((item.customer_id, groups[item.tag_id]), ())]
    await bulk.insert_rows(session, AuditItem, [item.model_dump() for item in items])
    await ask_waiting(work, {item.store_id for item in items}, seed=audit.seed)


def _kept(stratum: Drawn) -> dict[str, Any]:
    key = {name: None if part is None else str(part) for name, part in stratum.key._asdict().items()}
    return key | {"size": stratum.size, "drawn": len(stratum.places)}


def _require_within(field: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise Invalid(
            field=field, reason=f"from {lowest} to {highest}.", reason_zh=f"应在 {lowest} 到 {highest} 之间。"
        )
