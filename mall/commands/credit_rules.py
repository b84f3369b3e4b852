"""Say by which rules a brand gives credit."""

from collections.abc import Sequence

from kernel import clock
from kernel.errors import require_version
from kernel.work import Work
from mall.models import CreditSetting
from mall.models.credit_rules import Rule, checked, written
from mall.policy import require_credit_ruler
from mall.queries import crediting as queries


async def change_credit_rules(
    work: Work, rules: Sequence[Rule], *, expected_version: int | None = None
) -> CreditSetting:
    """Give credit by these rules from now on, for HQ; what was decided stays.

    The first rule that applies decides; the last is the store's. `expected_version` is 0 where nothing was said yet.
    Raises `FORBIDDEN`, `STALE_VERSION`, `CREDIT_RULES_WRONG`.
    """
    require_credit_ruler(work.actor)
    await queries.lock_brand(work.session, work.actor.brand_id)
    setting = await queries.setting_or_usual(work.session, work.actor.brand_id)
    require_version(setting, expected_version)
    setting.rules = written(checked(rules))
    setting.edited_at = clock.now()
    setting.version += 1
    work.session.add(setting)
    return setting
