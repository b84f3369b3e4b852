"""Revisit rules: whom to see again and when, written as data; and how a store plans."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers, unique_where
from tasks.errors import RuleIsLive, RuleNotLive, RuleRetired
from tasks.models.tasks import TaskKind


class Trigger(StrEnum):
    """What makes a customer somebody to see again."""

    FIRST_PURCHASE = "first_purchase"
    DELIVERY = "delivery"
    REFUND = "refund"
    BIRTHDAY_MONTH = "birthday_month"
    TIER_LAPSE = "tier_lapse"
    STALE_TAG = "stale_tag"
    NEW_ARRIVALS = "new_arrivals"
    NO_CONTACT = "no_contact"
    CHURN = "churn"
    HANDOVER = "handover"


KIND_OF: dict[Trigger, TaskKind] = {
    Trigger.CHURN: TaskKind.RETENTION,
    Trigger.HANDOVER: TaskKind.WELCOME,
}
"""What a rule's tasks are; revisits, where nothing is said."""


class RevisitRuleState(StrEnum):
    """A draft is tried out only; a live rule plans; a paused one doesn't for now; a retired one never again."""

    DRAFT = "draft"
    LIVE = "live"
    PAUSED = "paused"
    RETIRED = "retired"


class RevisitRule(SQLModel, table=True):
    """Which customers a store's guides are to turn to, and what is said about it.

    `days` and `window_days` mean what the trigger says they do. `weight` (1 to 10) is the rule's share of a guide's
    day among the rules that have candidates. `tag_ids` and `category` narrow new arrivals and stale tags;
    `segment_id` narrows any rule to the members of a segment.
    """

    __tablename__ = "revisit_rule"
    __table_args__ = (
        refers("segment_id", "segment"),
        unique_where("uq_revisit_rule_name", "brand_id", "name", where="state <> 'retired'"),
        Index("ix_revisit_rule_state", "brand_id", "state"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=60)
    trigger: Trigger = Field(sa_type=enum_of(Trigger))
    state: RevisitRuleState = Field(default=RevisitRuleState.DRAFT, sa_type=enum_of(RevisitRuleState))
    days: int = 0
    window_days: int = 3
    category: str | None = Field(default=None, max_length=60)
    tag_ids: list[str] = Field(default_factory=list, sa_type=Json)
    segment_id: UUID | None = None
    title: str = Field(max_length=100)
    suggested_words: str | None = Field(default=None, max_length=500)
    priority: int = 50
    weight: int = 1
    by_staff_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    live_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    def edit(self, said: Mapping[str, Any]) -> None:
        """Say it differently. It is a draft again: what nobody has looked at doesn't plan."""
        self._require_in_use()
        for name, value in said.items():
            setattr(self, name, value)
        self.state, self.live_at = RevisitRuleState.DRAFT, None
        self.version += 1

    def go_live(self, at: datetime) -> None:
        """Plan from now on."""
        self._require_in_use()
        if self.state is RevisitRuleState.LIVE:
            raise RuleIsLive
        self.state, self.live_at = RevisitRuleState.LIVE, at
        self.version += 1

    def pause(self) -> None:
        """Plan nothing for now."""
        self._require_in_use()
        if self.state is not RevisitRuleState.LIVE:
            raise RuleNotLive
        self.state, self.live_at = RevisitRuleState.PAUSED, None
        self.version += 1

    def retire(self, at: datetime) -> None:
        """Plan never again. The tasks that it made stay."""
        self._require_in_use()
        self.state, self.live_at, self.retired_at = RevisitRuleState.RETIRED, None, at
        self.version += 1

    def _require_in_use(self) -> None:
        if self.state is RevisitRuleState.RETIRED:
            raise RuleRetired


class PlanSetting(SQLModel, table=True):
    """How a store plans: the brand's row has no store, a store's own row is used instead of it.

    Times of day are `HH:MM` on the store's clock. Pushes are quiet from `quiet_from` to `quiet_until`, which may lie
    behind midnight. `quota` is what a guide gets a day at most; a customer who was turned to is left in peace for
    `cool_down_days`. What is made is due by `due_by`, escalates `escalates_after_hours` after that, and expires
    `expires_after_days` after its day. Orders within `influence_days` of a task count as influenced by it.
    """

    __tablename__ = "plan_setting"
    __table_args__ = (
        refers("store_id", "store"),
        unique_where("uq_plan_setting_brand", "brand_id", where="store_id IS NULL"),
        unique_where("uq_plan_setting_store", "brand_id", "store_id", where="store_id IS NOT NULL"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    store_id: UUID | None = None
    is_on: bool = True
    plans_at: str = Field(default="06:00", max_length=5)
    due_by: str = Field(default="18:00", max_length=5)
    quiet_from: str = Field(default="21:00", max_length=5)
    quiet_until: str = Field(default="09:00", max_length=5)
    quota: int = 8
    cool_down_days: int = 14
    escalates_after_hours: int = 24
    expires_after_days: int = 3
    influence_days: int = 14
    version: int = 1

    def change(self, changes: Mapping[str, Any]) -> None:
        """Plan differently in what is named."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.version += 1
