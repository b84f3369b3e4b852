"""Say how a store plans, and how those of the brand do that have no say of their own."""

import re
from typing import Any, TypedDict, Unpack
from uuid import UUID

from directory.queries import stores
from kernel import ids
from kernel.errors import Invalid, NotFound, require_version
from kernel.work import Work
from tasks.models import PlanSetting
from tasks.policy import require_planner, require_ruler
from tasks.queries import settings as queries

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_TIMES = {"plans_at": "plansAt", "due_by": "dueBy", "quiet_from": "quietFrom", "quiet_until": "quietUntil"}
_RANGES = {
    "quota": ("quota", 0, 50),
    "cool_down_days": ("coolDownDays", 1, 365),
    "escalates_after_hours": ("escalatesAfterHours", 1, 168),
    "expires_after_days": ("expiresAfterDays", 1, 30),
    "influence_days": ("influenceDays", 1, 90),
}
_SAID = ("is_on", *_TIMES, *_RANGES)


class SettingChanges(TypedDict, total=False):
    """What is to be different; what isn't named stays."""

    is_on: bool
    plans_at: str
    due_by: str
    quiet_from: str
    quiet_until: str
    quota: int
    cool_down_days: int
    escalates_after_hours: int
    expires_after_days: int
    influence_days: int


async def set_plan_setting(
    work: Work, store_id: UUID | None, *, expected_version: int | None = None, **changes: Unpack[SettingChanges]
) -> PlanSetting:
    """Say how a store plans, or without one the brand. What isn't named stays as it is for them at present.

    Times of day are `HH:MM`, from 00:00 to 23:59; a quota is 0 to 50, a cool-down 1 to 365 days, escalation 1 to 168
    hours, expiry 1 to 30 days, influence 1 to 90 days. `expected_version` is that of the setting they have at present,
    0 where nobody has said anything yet. Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    await _lock(work, store_id)
    present = await queries.setting_of(work.session, work.actor.brand_id, store_id)
    require_version(present, expected_version)
    checked = _checked(changes)
    if present.version and present.store_id == store_id:
        present.change(checked)
        return present
    said = {name: getattr(present, name) for name in _SAID} | checked
    made = PlanSetting(brand_id=work.actor.brand_id, id=ids.new(), store_id=store_id, **said)
    work.session.add(made)
    return made


async def drop_plan_setting(work: Work, store_id: UUID, *, expected_version: int | None = None) -> PlanSetting:
    """Let a store plan as the brand does again; returns how that is.

    Raises `NOT_FOUND` (also where the store has nothing of its own), `FORBIDDEN`, `STALE_VERSION`.
    """
    await _lock(work, store_id)
    present = await queries.setting_of(work.session, work.actor.brand_id, store_id)
    if present.store_id is None:
        raise NotFound
    require_version(present, expected_version)
    await work.session.delete(present)
    return await queries.setting_of(work.session, work.actor.brand_id, None)


async def _lock(work: Work, store_id: UUID | None) -> None:
    if store_id is None:
        require_ruler(work.actor)
        await queries.lock_brand(work.session, work.actor.brand_id)
    else:
        await stores.lock(work.session, work.actor, store_id)
        require_planner(work.actor)


def _checked(changes: SettingChanges) -> dict[str, Any]:
    given: dict[str, Any] = dict(changes)
    for name, shown in _TIMES.items():
        if name in given and not _TIME.fullmatch(given[name]):
            raise Invalid(
                field=shown,
                reason="a time from 00:00 to 23:59, as in 09:00.",
                reason_zh="请填 00:00 到 23:59 的时间，例如 09:00。",
            )
    for name, (shown, lowest, highest) in _RANGES.items():
        if name in given and not lowest <= given[name] <= highest:
            raise Invalid(field=shown, reason=f"from {lowest} to {highest}.", reason_zh=f"请填 {lowest} 到 {highest}。")
    return given
