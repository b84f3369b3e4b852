"""How a brand runs its mini-mall, in GraphQL."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from mall import commands
from mall.queries import settings
from schema.context import Info
from schema.fields import field, mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import shown_as
from schema.versioned import Versioned

_SLOTS = "the link's code `{share}`, the staff number `{guide}` of who serves it now and the store's code `{store}`"


@strawberry.type(description="How a brand runs its mini-mall (商城设置).")
class MallSetting(Versioned):
    product_url: str | None = strawberry.field(
        description=f"Where links to products lead: an https address with the product's code `{{product}}`, {_SLOTS}, "
        "each URL-encoded and behind the host. Null: to a plain page of our own."
    )
    page_url: str | None = strawberry.field(description="The same for pages, with their path `{page}`.")
    look_url: str | None = strawberry.field(
        description="The same for looks, with the products' codes `{look}` and commas between them."
    )
    share_days: int = strawberry.field(description="How many days a link lives unless it says so itself, 1 to 365.")
    answer_minutes: int = strawberry.field(
        description="After how many minutes an order that nobody has turned to becomes a task, 0 (never) to 1,440."
    )
    guides_may_add_products: bool = strawberry.field(description="Whether guides may enter products by hand.")


@strawberry.input(description="What is to be different. What is left out stays; an address of null is taken away.")
class MallSettingInput:
    product_url: strawberry.Maybe[str | None] = None
    page_url: strawberry.Maybe[str | None] = None
    look_url: strawberry.Maybe[str | None] = None
    share_days: int | None = strawberry.field(default=None, description="1 to 365.")
    answer_minutes: int | None = strawberry.field(default=None, description="0 to 1,440.")
    guides_may_add_products: bool | None = None


@strawberry.type(description="How the mini-mall is run after the change.")
class MallSettingChanged:
    setting: MallSetting | None = seen()
    places: list[Place] = told()


MallSettingResult = Annotated[MallSettingChanged | Problem, strawberry.union("MallSettingResult")]


async def _current(info: Info, _setting_id: UUID) -> Any:
    async with info.context.read() as session:
        return await settings.row_of(session, info.context.actor.brand_id)


@strawberry.type
class MallSettingQueries:
    @field("How the brand runs its mini-mall; `version` is 0 where nobody has said anything yet.")
    async def mall_setting(self, info: Info) -> MallSetting:
        async with info.context.read() as session:
            return shown_as(MallSetting, await settings.setting_of(session, info.context.actor.brand_id))


@strawberry.type
class MallSettingMutations:
    @mutation(
        "Run the mini-mall differently in what is named; for HQ. `expectedVersion` is 0 where nobody has said anything "
        "yet: `FORBIDDEN`, `STALE_VERSION`, `INVALID`.",
        edited=(MallSetting, _current),
    )
    async def change_mall_setting(
        self,
        info: Info,
        input: MallSettingInput,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> MallSettingResult:
        changes = _changes(input)
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.change_mall_setting(work, expected_version=expected_version, **changes),
        )
        async with info.context.read() as session:
            setting = await settings.setting_of(session, info.context.actor.brand_id)
        return MallSettingChanged(setting=shown_as(MallSetting, setting), places=done.places)


def _changes(given: MallSettingInput) -> Any:
    changes: dict[str, Any] = {
        name: value
        for name in ("share_days", "answer_minutes", "guides_may_add_products")
        if (value := getattr(given, name)) is not None
    }
    for name in ("product_url", "page_url", "look_url"):
        if (template := getattr(given, name)) is not None:
            changes[name] = template.value
    return changes
