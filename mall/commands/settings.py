"""Say how a brand runs its mini-mall."""

from typing import Any, TypedDict, Unpack

from sqlalchemy import select
from sqlmodel import col

from directory.models import Brand
from kernel.errors import Invalid, require_version
from kernel.work import Work
from mall.models import MallSetting
from mall.models.templates import COMMON_SLOTS, require_template
from mall.policy import require_mall_keeper
from mall.queries import settings as queries

_TEMPLATES = {
    "product_url": ("productUrl", "product"),
    "page_url": ("pageUrl", "page"),
    "look_url": ("lookUrl", "look"),
}
_RANGES = {"share_days": ("shareDays", 1, 365), "answer_minutes": ("answerMinutes", 0, 1440)}


class MallSettingChanges(TypedDict, total=False):
    """What is to be different; what isn't named stays."""

    product_url: str | None
    page_url: str | None
    look_url: str | None
    share_days: int
    answer_minutes: int
    guides_may_add_products: bool


async def change_mall_setting(
    work: Work, *, expected_version: int | None = None, **changes: Unpack[MallSettingChanges]
) -> MallSetting:
    """Run the mini-mall differently in what is named; for HQ. An address of `None` is taken away.

    Links live for 1 to 365 days; an unanswered order becomes a task after 1 to 1,440 minutes, 0 for never.
    `expected_version` is 0 where nobody has said anything yet. Raises `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    require_mall_keeper(work.actor)
    brand_id = work.actor.brand_id
    # One writer at a time: there is no row to lock before the first one.
    await work.session.execute(select(col(Brand.id)).where(col(Brand.id) == brand_id).with_for_update(key_share=True))
    setting = await queries.setting_of(work.session, brand_id)
    require_version(setting, expected_version)
    checked = _checked(changes)
    if setting.version == 0:
        work.session.add(setting)
    setting.change(checked)
    return setting


def _checked(changes: MallSettingChanges) -> dict[str, Any]:
    given: dict[str, Any] = dict(changes)
    for name, (shown, slot) in _TEMPLATES.items():
        if given.get(name) is not None:
            given[name] = require_template(shown, given[name], (slot, *COMMON_SLOTS))
    for name, (shown, lowest, highest) in _RANGES.items():
        if name in given and not lowest <= given[name] <= highest:
            raise Invalid(field=shown, reason=f"from {lowest} to {highest}.", reason_zh=f"请填 {lowest} 到 {highest}。")
    return given
