"""Rules, subjects and days to test with."""

from datetime import date
from typing import Any
from uuid import UUID

from kernel import ids
from kernel.work import Ground
from tasks.models import PlanSetting, RevisitRule, RevisitRuleState, Trigger
from tasks.models.subjects import Day, Match, Miss, Subject
from tests.factories import NOON, World, save

TODAY = date(2026, 3, 2)  # of NOON, in Shanghai
NOBODY = UUID(int=0)


def rule(trigger: Trigger, days: int = 0, window_days: int = 1, **values: Any) -> RevisitRule:
    """A live rule that is in no table."""
    usual: dict[str, Any] = {
        "brand_id": NOBODY,
        "id": ids.new(),
        "name": f"规则{ids.new()}",
        "state": RevisitRuleState.LIVE,
        "title": "回访",
        "created_at": NOON,
    }
    return RevisitRule(trigger=trigger, days=days, window_days=window_days, **usual | values)


async def build_rule(ground: Ground, world: World, trigger: Trigger, **values: Any) -> RevisitRule:
    """A live rule of the brand."""
    made = rule(trigger, brand_id=world.brand.id, **values)
    await save(ground, made)
    return made


def subject(**values: Any) -> Subject:
    """A customer whom nothing is known of, held by somebody at work since yesterday."""
    usual: dict[str, Any] = {
        "customer_id": UUID(int=1),
        "relationship_id": UUID(int=2),
        "account_id": UUID(int=3),
        "is_primary": True,
        "holder_works": True,
        "do_not_contact": False,
        "is_open": False,
        "turned_to": None,
        "since": date(2026, 3, 1),
    }
    return Subject(**usual | values)


def day(at: date = TODAY, **values: Any) -> Day:
    usual: dict[str, Any] = {"currency": "CNY", "patience_days": 120.0}
    return Day(day=at, **usual | values)


def setting(**values: Any) -> PlanSetting:
    return PlanSetting(brand_id=NOBODY, id=NOBODY, **values)


def match(found: Match | Miss) -> Match:
    assert isinstance(found, Match), found
    return found


def miss(found: Match | Miss) -> Miss:
    assert isinstance(found, Miss), found
    return found
