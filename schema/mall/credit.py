"""What a guide earned elsewhere, the rules by which credit is given, corrections and answers, in GraphQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from kernel.errors import Invalid
from mall import commands
from mall.models import CreditReason, OrderState
from mall.models.credit_rules import USUAL, Party, Rule, Share, read, written
from mall.queries import crediting as queries
from schema.context import Act, Info
from schema.directory import Account, Store, account_of, store_of
from schema.fields import field, mutation
from schema.mall.mutations import OrderChanged, OrderResult
from schema.mall.types import Order, order_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Fen, given_id, read_id, shown_as
from schema.versioned import Versioned

strawberry.enum(
    Party,
    name="CreditParty",
    description="Who may have a part of an order: `SHARER` made the link that it came through, `NAMED` is named by "
    "it, `HOLDER` held the relationship when it was paid, and the `STORE` is always there.",
)


@strawberry.type(
    description="A part of an order that you earned without holding the customer (我促成的订单): all that you are told "
    "of that order."
)
class Credit(Versioned):
    reason: CreditReason
    points: int = strawberry.field(description="The part in ten-thousandths.")
    amount: Fen = strawberry.field(description="The part of what the order comes to.")
    refunded: Fen = strawberry.field(description="What of the part was given back, from 0.")
    decided_at: datetime = strawberry.field(description="In UTC.")
    order_number: str
    order_amount: Fen = strawberry.field(description="What the whole order comes to.")
    order_state: OrderState
    currency: str
    placed_at: datetime = strawberry.field(description="In UTC.")
    article: str | None = strawberry.field(description="What its first article is called.")
    store_id: strawberry.Private[UUID]
    account_id: strawberry.Private[UUID]
    order_id: strawberry.Private[UUID]

    @field("The store that sold it; null where that isn't your own.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("Your account that earned it; null where it is of a store in which you don't work now.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)

    @field("The order; null while it is out of your sight. It comes into it without the credit's changing.")
    async def order(self, info: Info) -> Order | None:
        return await order_of(info, self.order_id)


@strawberry.type(description="How much a party has where a rule applies.")
class CreditShare:
    party: Party
    points: int = strawberry.field(description="In ten-thousandths; those of a rule add up to 10,000.")


@strawberry.type(description="One rule of who earns an order.")
class CreditRule:
    kind: CreditReason
    days: int | None = strawberry.field(
        description="Of `SHARE`: how many days before the order its link was made or last opened at most."
    )
    shares: list[CreditShare] = strawberry.field(
        description="Its own party first; what one that isn't there would have, goes to that."
    )


@strawberry.type(description="By which rules the brand gives credit (归属规则): the first that applies decides.")
class CreditRules(Versioned):
    edited_at: datetime | None = strawberry.field(description="In UTC; null where nobody has said anything yet.")
    kept: strawberry.Private[list[Any]]

    @field("In their order.")
    async def rules(self) -> list[CreditRule]:
        return [_rule(each) for each in read(self.kept)]


@strawberry.input(description="How much a party is to have.")
class CreditShareInput:
    party: Party
    points: int = strawberry.field(description="From 1 to 10,000.")


@strawberry.input(description="One rule of who is to earn an order.")
class CreditRuleInput:
    kind: CreditReason = strawberry.field(description="`SHARE`, `NAMED`, `HOLDER` or `STORE`.")
    days: int | None = strawberry.field(default=None, description="Of `SHARE`, and only of that: from 1 to 90.")
    shares: list[CreditShareInput] | None = strawberry.field(
        default=None, description="The rule's own party first, adding up to 10,000; by default that has all."
    )


@strawberry.input(description="A part of an order: an account's, or the store's.")
class CreditPartInput:
    points: int = strawberry.field(description="From 1 to 10,000.")
    account_id: strawberry.ID | None = strawberry.field(default=None, description="A guide's account.")
    store: bool = strawberry.field(default=False, description="Instead of an account: the store itself.")


@strawberry.type(description="The rules as they are after the change.")
class CreditRulesChanged:
    credit_rules: CreditRules | None = seen()
    places: list[Place] = told()


CreditRulesResult = Annotated[CreditRulesChanged | Problem, strawberry.union("CreditRulesResult")]


async def _rules_by_id(info: Info, brand_id: UUID) -> CreditRules | None:
    """What HQ has said."""
    return shown_as(CreditRules, await info.context.load(queries.settings_by_ids, brand_id))


async def _rules(info: Info) -> CreditRules:
    """The same, or what is usual."""
    brand_id = info.context.actor.brand_id
    usual = CreditRules(id=strawberry.ID(str(brand_id)), version=0, edited_at=None, kept=written(USUAL))
    return await _rules_by_id(info, brand_id) or usual


def _rule(rule: Rule) -> CreditRule:
    shares = [CreditShare(party=share.party, points=share.points) for share in rule.shares]
    return CreditRule(kind=rule.kind, days=rule.days, shares=shares)


@strawberry.type
class CreditQueries:
    @field("By which rules the brand gives credit, for everybody; `version` is 0 where nobody has said anything yet.")
    async def credit_rules(self, info: Info) -> CreditRules:
        return await _rules(info)


@strawberry.type
class CreditMutations:
    @mutation(
        "Give credit by these 1 to 8 rules from now on, for HQ; what was decided stays. The last is the store's. "
        "`FORBIDDEN`, `STALE_VERSION`, `CREDIT_RULES_WRONG` (with the rule's place in `index`).",
        edited=(CreditRules, _rules_by_id),
    )
    async def change_credit_rules(
        self,
        info: Info,
        rules: list[CreditRuleInput],
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CreditRulesResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.change_credit_rules(work, _given_rules(rules), expected_version=expected_version),
        )
        return CreditRulesChanged(credit_rules=await _rules(info), places=done.places)

    @mutation(
        "Say otherwise who earned an order, and why (2 to 200 characters); for managers who have it in sight, and "
        "HQ. 1 to 8 parts add up to 10,000. `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`, `CREDIT_UNDECIDED`.",
        edited=(Order, order_of),
    )
    async def correct_credit(
        self,
        info: Info,
        order_id: strawberry.ID,
        parts: list[CreditPartInput],
        reason: str,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> OrderResult:
        return await _order(
            info,
            idempotency_key,
            lambda work: commands.correct_credit(
                work, read_id(order_id), _given_parts(parts), reason=reason, expected_version=expected_version
            ),
        )

    @mutation(
        "Say that you have turned to an order: for the guide who holds the customer, and the store's manager. Who did "
        "so first stays. `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`.",
        edited=(Order, order_of),
    )
    async def answer_order(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> OrderResult:
        return await _order(
            info,
            idempotency_key,
            lambda work: commands.answer_order(work, read_id(id), expected_version=expected_version),
        )


async def _order(info: Info, key: str | None, act: Act) -> OrderChanged:
    done = await info.context.mutate(info, key, act)
    return OrderChanged(order=await order_of(info, done.id), places=done.places)


def _given_rules(given: Sequence[CreditRuleInput]) -> list[Rule]:
    return [
        Rule(each.kind, each.days, tuple(Share(share.party, share.points) for share in each.shares or ()))
        for each in given
    ]


def _given_parts(given: Sequence[CreditPartInput]) -> list[commands.Wanted]:
    for place, each in enumerate(given):
        if (each.account_id is None) is not each.store:
            raise Invalid(
                field=f"parts[{place}]", reason="an account, or the store.", reason_zh="请给出账号或门店之一。"
            )
    return [commands.Wanted(given_id(each.account_id), each.points) for each in given]
