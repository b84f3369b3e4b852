"""Fields that are computed: each says what it is for, and keeps its type."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types import Info

from kernel.errors import NotSignedIn, Refusal
from schema.problems import Problem

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


class Refusals(FieldExtension):
    """Answers a refusal with a `Problem`. Not being signed in stays an error: it concerns the whole request."""

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info[Any, Any], **kwargs: Any
    ) -> Any:
        try:
            return await next_(source, info, **kwargs)
        except Refusal as refusal:
            if type(refusal) is NotSignedIn:
                raise
            return Problem(code=refusal.code, message=refusal.say(info.context.language))


def field(description: str, graphql_type: Any = None) -> Callable[[Resolver], Resolver]:
    """A field with a resolver. `graphql_type` names a type of a module further up, which can't be imported."""
    decorator: Callable[[Resolver], Resolver] = strawberry.field(description=description, graphql_type=graphql_type)
    return decorator


def mutation(description: str) -> Callable[[Resolver], Resolver]:
    """A field of the mutation root; the description lists the codes it refuses with."""
    decorator: Callable[[Resolver], Resolver] = strawberry.mutation(description=description, extensions=[Refusals()])
    return decorator


def subscription(description: str) -> Callable[[Resolver], Resolver]:
    """A field of the subscription root. Refusals stay errors: they end the stream."""
    decorator: Callable[[Resolver], Resolver] = strawberry.subscription(description=description)
    return decorator
