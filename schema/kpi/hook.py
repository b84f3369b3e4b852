"""Where a brand's notices are posted to, in GraphQL."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from kernel.actor import Role
from kernel.work import Work
from kpi.commands import hooking as commands
from kpi.queries import hooks as queries
from schema.context import Info
from schema.fields import field, mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import shown_as
from schema.versioned import Versioned


@strawberry.type(description="Where the brand's notices are posted to besides, signed as Standard Webhooks says.")
class KpiHook(Versioned):
    url: str = strawberry.field(description="An https address.")
    is_paused: bool = strawberry.field(description="Whether nothing is posted for the time being.")


@strawberry.type(description="Where notices are posted to after the change.")
class KpiHookChanged:
    hook: KpiHook | None = seen()
    secret: str | None = strawberry.field(
        description="The secret, where this very request made the first one: keep it, for nobody else is told. Null "
        "otherwise."
    )
    places: list[Place] = told()


KpiHookResult = Annotated[KpiHookChanged | Problem, strawberry.union("KpiHookResult")]


async def hook_of(info: Info, _hook_id: UUID | None = None) -> KpiHook | None:
    """Where the brand's notices are posted to, for headquarters."""
    if info.context.actor.role is not Role.HQ:
        return None
    async with info.context.read() as session:
        return shown_as(KpiHook, await queries.row_of(session, info.context.actor.brand_id))


@strawberry.type
class KpiHookQueries:
    @field("Where the brand's notices are posted to besides; null if nowhere, and for everybody but HQ.")
    async def kpi_hook(self, info: Info) -> KpiHook | None:
        return await hook_of(info)


@strawberry.type
class KpiHookMutations:
    @mutation(
        "Post the brand's notices there from now on: an https address of at most 500 characters, out on the internet. "
        "`secret` is `whsec_` and 24 to 64 random bytes in Base64; without it the one there is counts, and the first "
        "one is made here. `expectedVersion` is 0 where there is none yet. `FORBIDDEN` for everybody but HQ; "
        "`STALE_VERSION`; `INVALID` for another address or secret.",
        edited=(KpiHook, hook_of),
    )
    async def set_kpi_hook(
        self,
        info: Info,
        url: str,
        secret: str | None = None,
        is_paused: bool = False,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> KpiHookResult:
        context = info.context

        async def set_it(work: Work) -> Any:
            return await commands.set_hook(
                work,
                context.vault,
                url,
                secret,
                is_paused=is_paused,
                allows_loopback=context.allows_loopback,
                expected_version=expected_version,
            )

        done = await context.mutate(info, idempotency_key, set_it)
        async with context.read() as session:
            hook = await queries.hook_of(session, context.actor.brand_id)
        is_first = secret is None and hook is not None and hook.version == 1
        text = context.vault.open(context.actor.brand_id, hook.sealed) if is_first and hook else None
        return KpiHookChanged(hook=await hook_of(info), secret=text, places=done.places)

    @mutation(
        "Post the brand's notices nowhere any more. `FORBIDDEN` for everybody but HQ; `NOT_FOUND` if they are posted "
        "nowhere; `STALE_VERSION`.",
        edited=(KpiHook, hook_of),
    )
    async def end_kpi_hook(
        self, info: Info, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> KpiHookResult:
        done = await info.context.mutate(
            info, idempotency_key, lambda work: commands.end_hook(work, expected_version=expected_version)
        )
        return KpiHookChanged(hook=await hook_of(info), secret=None, places=done.places)
