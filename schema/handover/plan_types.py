"""What a plan says of itself in total, and of each relationship."""

from typing import Any
from uuid import UUID

import strawberry

from schema.context import Info
from schema.directory import Account, account_of
from schema.fields import field


@strawberry.type(description="What a plan comes to for one account.")
class PlannedAccount:
    held: int = strawberry.field(description="Relationships that its guide holds when the plan is made.")
    given: int = strawberry.field(description="Relationships that the plan gives it; those known to it don't count.")
    after: int = strawberry.field(description="Held and given together.")
    open_tasks: int = strawberry.field(description="That it keeps when the plan is made.")
    capacity: int | None = strawberry.field(description="Relationships that its guide holds at most; null is any.")
    account_id: strawberry.Private[UUID]

    @field("The takeover account; null while it is out of sight.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)


@strawberry.type(description="A plan in total. Costs are in customers: one to whom nothing ties anybody costs 1.")
class HandoverPlan:
    relationships: int
    overflow: int = strawberry.field(description="For whom no guide had room: they go to the store's public account.")
    merged: int = strawberry.field(description="Known in a store that takes over: they go to who holds them there.")
    unplaced: int = strawberry.field(description="For whom a person has to say who takes over.")
    edited: int = strawberry.field(description="Given to others by hand since the plan was made.")
    objective: float | None = strawberry.field(description="What it costs; for AFFINITY, before it was edited.")
    bound: float | None = strawberry.field(description="What no plan under the same capacities costs less than.")
    gap: float | None = strawberry.field(description="By what part of its cost it may be worse than the best, at most.")
    is_exact: bool | None = strawberry.field(description="Whether it is proved to be the best.")
    seconds: float = strawberry.field(description="How long it took to make.")
    accounts: list[PlannedAccount] = strawberry.field(description="Who could take over; at most 200, and the stores'.")


@strawberry.type(description="What spoke for the takeover account, in numbers; what did not count is 0 or null.")
class HandoverBecause:
    orders: int = strawberry.field(description="Of this customer that are credited to its guide.")
    visits: int = strawberry.field(description="Of this customer that its guide noted.")
    tasks: int = strawberry.field(description="About this customer that its guide carried out.")
    shared_tags: int = strawberry.field(description="Tags of the customer that its guide's own customers carry, too.")
    tag_overlap: int = strawberry.field(
        description="How many of its guide's own customers carry them, on average, in thousandths."
    )
    language_overlap: int = strawberry.field(description="The same for tags of a group named 语言 or language.")
    load: int | None = strawberry.field(description="Relationships and open tasks of its guide before the plan.")
    is_known: bool = strawberry.field(description="Whether it holds the customer already, in a store that takes over.")
    has_arrived: bool = strawberry.field(description="Whether the customer came after the plan was made.")
    next_score: int | None = strawberry.field(description="The affinity of who came next, in thousandths.")
    next_id: strawberry.Private[UUID | None]

    @field("Who else could have taken over, by affinity.")
    async def next_account(self, info: Info) -> Account | None:
        return await account_of(info, self.next_id)


def plan_of(said: dict[str, Any]) -> HandoverPlan | None:
    """The plan as it was kept; none while it is being made."""
    if not said:
        return None
    given = {name: value for name, value in said.items() if name not in ("accounts",)}
    return HandoverPlan(**given, accounts=[_account(each) for each in said["accounts"]])


def because_of(said: dict[str, Any]) -> HandoverBecause:
    """The explanation as it was kept."""
    return HandoverBecause(
        **{name: said.get(name, 0) for name in ("orders", "visits", "tasks", "shared_tags")},
        **{name: said.get(name, 0) for name in ("tag_overlap", "language_overlap")},
        load=said.get("load"),
        is_known=said.get("is_known", False),
        has_arrived=said.get("has_arrived", False),
        next_score=said.get("next_score"),
        next_id=UUID(said["next_id"]) if "next_id" in said else None,
    )


def _account(said: dict[str, Any]) -> PlannedAccount:
    return PlannedAccount(
        held=said["held"],
        given=said["given"],
        after=said["held"] + said["given"],
        open_tasks=said["open_tasks"],
        capacity=said["capacity"],
        account_id=UUID(said["account_id"]),
    )
