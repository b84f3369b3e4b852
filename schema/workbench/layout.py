"""How workbenches are laid out, in GraphQL."""

from typing import Annotated, TypeVar
from uuid import UUID

import strawberry

from kernel.actor import Role
from mall.models import ChurnRisk, OrderState
from schema.context import Act, Info
from schema.fields import field, mutation
from schema.payloads import told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import shown_as
from schema.versioned import Versioned
from tasks.commands import workbench as commands
from tasks.models import FILTERED, Card, PlacedCard, TaskKind
from tasks.queries import workbench as queries

Word = TypeVar("Word", TaskKind, OrderState, ChurnRisk)

strawberry.enum(Card, description="What a workbench can show, each under the field of `Workbench` of the same name.")


@strawberry.type(description="A card where it stands.")
class WorkbenchCard:
    card: Card
    is_hidden: bool = strawberry.field(description="Whether the viewer doesn't want to see it.")
    is_locked: bool = strawberry.field(description="Whether headquarters has fixed it: it can be moved, not hidden.")
    only: strawberry.Private[tuple[str, ...]]

    @field("Of `TASKS`: only tasks of these kinds; null for all, and on other cards.")
    async def task_kinds(self) -> list[TaskKind] | None:
        return _words(self, TaskKind)

    @field("Of `ORDERS`: only orders in these states; null for all, and on other cards.")
    async def order_states(self) -> list[OrderState] | None:
        return _words(self, OrderState)

    @field("Of `CUSTOMERS_AT_RISK`: only customers with such a risk; null for all, and on other cards.")
    async def churn_risks(self) -> list[ChurnRisk] | None:
        return _words(self, ChurnRisk)


@strawberry.type(
    description="The viewer's own workbench: their arrangement over what headquarters gave their role. Changes don't "
    "bring it: ask for it when the app opens, and when `changes` tell of the viewer's own `STAFF` or `STORE`."
)
class WorkbenchLayout(Versioned):
    is_own: bool = strawberry.field(description="Whether the viewer has arranged it, or has the default.")
    cards: list[WorkbenchCard] = strawberry.field(description="Every card once, hidden ones too, in their order.")


@strawberry.type(description="What a role's workbench begins with in the brand.")
class WorkbenchDefault(Versioned):
    role: Role
    cards: list[WorkbenchCard] = strawberry.field(description="Every card once, in their order.")


@strawberry.input(description="A card, where it is to stand. An empty list of filters is none.")
class WorkbenchCardInput:
    card: Card
    is_hidden: bool = False
    task_kinds: list[TaskKind] | None = strawberry.field(default=None, description="For `TASKS`.")
    order_states: list[OrderState] | None = strawberry.field(default=None, description="For `ORDERS`.")
    churn_risks: list[ChurnRisk] | None = strawberry.field(default=None, description="For `CUSTOMERS_AT_RISK`.")


@strawberry.input(description="A card of a role's default, where it is to stand.")
class DefaultCardInput(WorkbenchCardInput):
    is_locked: bool = strawberry.field(default=False, description="Whether nobody of the role can hide it.")


@strawberry.type(description="The viewer's workbench as it is after the change.")
class WorkbenchChanged:
    layout: WorkbenchLayout | None = strawberry.field(description="As it is now.")
    places: list[Place] = told()


@strawberry.type(description="The default as it is after the change.")
class WorkbenchDefaultChanged:
    default: WorkbenchDefault | None = strawberry.field(description="As it is now.")
    places: list[Place] = told()


WorkbenchResult = Annotated[WorkbenchChanged | Problem, strawberry.union("WorkbenchResult")]
WorkbenchDefaultResult = Annotated[WorkbenchDefaultChanged | Problem, strawberry.union("WorkbenchDefaultResult")]


async def layout_of(info: Info, staff_id: UUID) -> WorkbenchLayout | None:
    """The viewer's own layout; nobody sees another's."""
    async with info.context.read() as session:
        found = await queries.of_actor(session, info.context.actor)
    return shown_as(WorkbenchLayout, found) if found and found.id == staff_id else None


async def default_of(info: Info, default_id: UUID) -> WorkbenchDefault | None:
    """The default, if it is in sight."""
    async with info.context.read() as session:
        found = await queries.defaults(session, info.context.actor)
    return next((shown_as(WorkbenchDefault, each) for each in found if each.id == default_id), None)


@strawberry.type
class LayoutQueries:
    @field("What each role's workbench begins with; below headquarters, what the viewer's own does.")
    async def workbench_defaults(self, info: Info) -> list[WorkbenchDefault]:
        async with info.context.read() as session:
            found = await queries.defaults(session, info.context.actor)
        return shown_as(list[WorkbenchDefault], found)


@strawberry.type
class LayoutMutations:
    @mutation(
        "Lay one's own workbench out, on all of one's phones: the cards in their order. A card that isn't named stands "
        "where the default has it. `FORBIDDEN`, `INVALID`, `STALE_VERSION`, `CARD_LOCKED`, `FILTER_UNFIT`.",
        edited=(WorkbenchLayout, layout_of),
    )
    async def arrange_workbench(
        self,
        info: Info,
        cards: list[WorkbenchCardInput],
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> WorkbenchResult:
        return await _laid_out(
            info,
            idempotency_key,
            lambda work: commands.arrange(work, [_placed(card) for card in cards], expected_version=expected_version),
        )

    @mutation(
        "Take the default again, and whatever it will be. `FORBIDDEN`, `STALE_VERSION`.",
        edited=(WorkbenchLayout, layout_of),
    )
    async def reset_workbench(
        self, info: Info, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> WorkbenchResult:
        return await _laid_out(
            info, idempotency_key, lambda work: commands.reset(work, expected_version=expected_version)
        )

    @mutation(
        "Say what a role's workbench begins with, and which cards nobody of the role can hide. Who has arranged "
        "theirs keeps the order and the filters. For HQ: `FORBIDDEN`, `INVALID`, `STALE_VERSION`, `FILTER_UNFIT`.",
        edited=(WorkbenchDefault, default_of),
    )
    async def set_workbench_default(
        self,
        info: Info,
        role: Role,
        cards: list[DefaultCardInput],
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> WorkbenchDefaultResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.set_default(
                work,
                role,
                [_placed(card, is_locked=card.is_locked) for card in cards],
                expected_version=expected_version,
            ),
        )
        return WorkbenchDefaultChanged(default=await default_of(info, done.id), places=done.places)


async def _laid_out(info: Info, key: str | None, act: Act) -> WorkbenchChanged:
    done = await info.context.mutate(info, key, act)
    return WorkbenchChanged(layout=await layout_of(info, done.id), places=done.places)


def _placed(given: WorkbenchCardInput, *, is_locked: bool = False) -> PlacedCard:
    words = (*(given.task_kinds or ()), *(given.order_states or ()), *(given.churn_risks or ()))
    return PlacedCard(given.card, given.is_hidden, is_locked, words)


def _words(card: WorkbenchCard, kind: type[Word]) -> list[Word] | None:
    if FILTERED.get(card.card) is not kind or not card.only:
        return None
    return [kind(word) for word in card.only]
