"""Saying by which user id the partner knows an account."""

from typing import Annotated

import strawberry

from directory import commands
from schema.context import Info
from schema.directory.types import Account, account_of
from schema.fields import mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import read_id


@strawberry.type(description="The account as it is after the change.")
class AccountChanged:
    account: Account | None = seen()
    places: list[Place] = told()


AccountResult = Annotated[AccountChanged | Problem, strawberry.union("AccountResult")]


@strawberry.type
class PartnerIdMutations:
    @mutation(
        "Say by which user id of at most 64 characters WeCom (企业微信) knows an account; null for none. Accounts that "
        "one guide has in several stores may have the same. For headquarters: `NOT_FOUND`, `FORBIDDEN`, "
        "`STALE_VERSION`, `INVALID`, `PARTNER_USER_TAKEN`.",
        edited=(Account, account_of),
    )
    async def set_partner_user_id(
        self,
        info: Info,
        account_id: strawberry.ID,
        user_id: str | None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> AccountResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.set_partner_user_id(
                work, read_id(account_id), user_id=user_id, expected_version=expected_version
            ),
        )
        return AccountChanged(account=await account_of(info, done.id), places=done.places)
