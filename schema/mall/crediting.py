"""Who earned an order, and why, in GraphQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from mall.models import CreditReason
from mall.models.crediting import DECIDING, Why
from mall.models.explaining import said
from schema.context import Info
from schema.directory import Account, Staff, account_of, staff_of
from schema.fields import OUT_OF_SIGHT, field
from schema.scalars import Fen

strawberry.enum(
    CreditReason,
    description="By which rule an order counts for a guide, or for the store alone: `SHARE`, it came through their "
    "link; `NAMED`, it names them; `HOLDER`, they held the relationship when it was paid; `STORE`, nobody else; "
    "`CORRECTED`, a manager said so.",
)


@strawberry.type(
    description="One part of who earned an order (归属): decided when it was paid, and moved by nothing but a "
    "manager's correction."
)
class CreditPart:
    part: int = strawberry.field(description="Its place, from 1 on.")
    reason: CreditReason
    points: int = strawberry.field(description="The part in ten-thousandths; those of an order add up to 10,000.")
    amount: Fen = strawberry.field(description="The part of what the order comes to; all parts add up to it.")
    decided_at: datetime = strawberry.field(description="In UTC.")
    account_id: strawberry.Private[UUID | None]

    @field("The guide's account that earned it; null when it counts for the store alone.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)


@strawberry.type(description="What came of one rule, when an order's credit was decided.")
class CreditStep:
    rule: CreditReason
    is_applied: bool = strawberry.field(description="Whether it decided.")
    says: str = strawberry.field(description="Why it applied, or why not, in the reader's language.")
    account_id: strawberry.Private[UUID | None]

    @field(f"The account that it looked at, if there was one; {OUT_OF_SIGHT}.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)


@strawberry.type(description="Who was to have which part, as it was decided then.")
class DecidedPart:
    reason: CreditReason
    points: int = strawberry.field(description="In ten-thousandths of the order.")
    amount: Fen = strawberry.field(description="Of what the order came to then.")
    account_id: strawberry.Private[UUID | None]

    @field("The guide's account; null for the store.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)


@strawberry.type(description="One decision about who earned an order (归属说明): by the rules, or by a manager.")
class CreditDecision:
    turn: int = strawberry.field(description="Its place, from 1 on.")
    decided_at: datetime = strawberry.field(description="In UTC.")
    words: str | None = strawberry.field(description="Why a manager corrected it, in their words.")
    staff_id: strawberry.Private[UUID | None]
    steps: strawberry.Private[list[Any]]
    parts: strawberry.Private[list[Any]]

    @field(f"Who corrected it; null where the rules decided, and {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)

    @field("What came of each rule, in their order; none of a correction.", graphql_type=list[CreditStep])
    async def rules(self, info: Info) -> list[CreditStep]:
        return [_step(each, info.context.language) for each in self.steps]

    @field("What came of it.", graphql_type=list[DecidedPart])
    async def credits(self, info: Info) -> list[DecidedPart]:
        return [_part(each) for each in self.parts]


def _step(kept: dict[str, Any], language: str) -> CreditStep:
    return CreditStep(
        rule=CreditReason(kept["rule"]),
        is_applied=Why(kept["why"]) in DECIDING,
        says=said(kept, language),
        account_id=_id(kept["account_id"]),
    )


def _part(kept: dict[str, Any]) -> DecidedPart:
    return DecidedPart(
        reason=CreditReason(kept["reason"]),
        points=kept["points"],
        amount=kept["amount"],
        account_id=_id(kept["account_id"]),
    )


def _id(kept: str | None) -> UUID | None:
    return UUID(kept) if kept else None
