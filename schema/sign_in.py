"""Signing in and out through GraphQL."""

from datetime import datetime
from typing import Annotated

import strawberry

from schema.context import Info, Tokens
from schema.fields import mutation
from schema.problems import Problem


@strawberry.type(description="What somebody shows for who they are.")
class SignedIn:
    access_token: str = strawberry.field(description="Send it as `Authorization: Bearer …` with every request.")
    access_expires_at: datetime = strawberry.field(description="Until when the access token is good, in UTC.")
    refresh_token: str = strawberry.field(description="Good for one `refreshSession`, which gives a new one.")
    refresh_expires_at: datetime = strawberry.field(description="Until when the refresh token is good, in UTC.")


@strawberry.type(description="The sign-in is over: its tokens are good for nothing any more.")
class SignedOut:
    ended: bool = strawberry.field(description="Always true.", default=True)


SignInResult = Annotated[SignedIn | Problem, strawberry.union("SignInResult")]
SignOutResult = Annotated[SignedOut | Problem, strawberry.union("SignOutResult")]


@strawberry.type
class SignInMutations:
    @mutation("Sign in with a brand's code, a staff number and a password: `SIGN_IN_FAILED`, `TOO_MANY_ATTEMPTS`.")
    async def sign_in(self, info: Info, brand: str, number: str, password: str) -> SignInResult:
        context = info.context
        return _signed_in(await context.auth.sign_in(brand, number, password, context.address))

    @mutation(
        "New tokens for a refresh token. A refresh token works once; one that comes a second time ends the sign-in: "
        "`SIGN_IN_ENDED`, `REFRESH_REUSED`."
    )
    async def refresh_session(self, info: Info, refresh_token: str) -> SignInResult:
        return _signed_in(await info.context.auth.refresh(refresh_token))

    @mutation("End the sign-in that this request came with; its sockets are closed within two seconds.")
    async def sign_out(self, info: Info) -> SignOutResult:
        await info.context.auth.sign_out(info.context.actor)
        return SignedOut()


def _signed_in(tokens: Tokens) -> SignedIn:
    return SignedIn(
        access_token=tokens.access_token,
        access_expires_at=tokens.access_expires_at,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at,
    )
