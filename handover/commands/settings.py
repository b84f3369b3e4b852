"""Say how a brand hands over, and how many relationships a guide takes on."""

from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.commands.profile import MOST_REVEALS
from directory.commands.staff import require_may_manage
from directory.models import Brand
from directory.queries import staff
from handover.models import HandoverSetting, TakeoverCapacity, Telling
from handover.policy import require_manager
from handover.queries.settings import setting_of
from kernel.actor import Role
from kernel.errors import Forbidden, Invalid, require_version
from kernel.work import Work

MOST_CAPACITY = 50_000
"""The partner's own limit of customers for one member."""

_RANGES = {
    "capacity": ("capacity", 1, MOST_CAPACITY),
    "undo_hours": ("undoHours", 0, 720),
    "welcomes_a_day": ("welcomesADay", 1, 200),
    "reveals_an_hour": ("revealsAnHour", 1, MOST_REVEALS - 1),  # beyond it nobody could ever be warned of
    "exports_a_day": ("exportsADay", 1, 1_000),
    "deletions_an_hour": ("deletionsAnHour", 1, 1_000),
}


class HandoverSettingChanges(TypedDict, total=False):
    """What is to be different; what isn't named stays."""

    capacity: int
    undo_hours: int
    telling: Telling
    welcomes_a_day: int
    reveals_an_hour: int
    exports_a_day: int
    deletions_an_hour: int


async def set_handover_settings(
    work: Work, *, expected_version: int | None = None, **changes: Unpack[HandoverSettingChanges]
) -> HandoverSetting:
    """Hand over differently in what is named; for HQ. `expected_version` is 0 where nobody has said anything yet.

    A capacity is 1 to 50,000; a handover can be undone for 0 to 720 hours; 1 to 200 welcome tasks a day; a
    line is 1 to 59 for reveals, 1 to 1,000 for exports and deletions. Raises `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    if work.actor.role not in (Role.HQ, Role.SYSTEM):
        raise Forbidden
    brand_id = work.actor.brand_id
    # One writer at a time: there is no row to lock before the first one.
    await work.session.execute(select(col(Brand.id)).where(col(Brand.id) == brand_id).with_for_update(key_share=True))
    setting = await setting_of(work.session, brand_id)
    require_version(setting, expected_version)
    checked = _checked(changes)
    if setting.version == 0:
        work.session.add(setting)
    for name, value in checked.items():
        setattr(setting, name, value)
    setting.version += 1
    return setting


async def set_takeover_capacity(
    work: Work, staff_id: UUID, *, capacity: int | None, expected_version: int | None = None
) -> TakeoverCapacity:
    """Let a guide hold at most so many relationships, 0 to 50,000; `None` is as many as everybody.

    For whoever stands above them. `expected_version` is 0 where nothing was said of them yet. Raises `NOT_FOUND`,
    `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    require_manager(work.actor)
    person = await staff.lock(work.session, work.actor, staff_id)
    await require_may_manage(work, person)
    known = await work.session.get(TakeoverCapacity, (person.brand_id, person.id))
    said = known or TakeoverCapacity(brand_id=person.brand_id, staff_id=person.id, capacity=0, version=0)
    require_version(said, expected_version)
    if capacity is None:
        if known is not None:
            await work.session.delete(known)
        return said
    if not 0 <= capacity <= MOST_CAPACITY:
        raise _out_of_range("capacity", 0, MOST_CAPACITY)
    said.capacity = capacity
    said.version += 1
    work.session.add(said)
    return said


def _checked(changes: HandoverSettingChanges) -> dict[str, Any]:
    given: dict[str, Any] = dict(changes)
    for name, (shown, lowest, highest) in _RANGES.items():
        if name in given and not lowest <= given[name] <= highest:
            raise _out_of_range(shown, lowest, highest)
    return given


def _out_of_range(shown: str, lowest: int, highest: int) -> Invalid:
    return Invalid(field=shown, reason=f"from {lowest} to {highest}.", reason_zh=f"请填 {lowest} 到 {highest}。")
