"""Fields that are computed: each says what it is for, and keeps its type."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types import Info

from kernel.errors import NotSignedIn, Refusal, StaleVersion
from schema.problems import Problem
from schema.versioned import Versioned, node

# Said of what a thing names and a phone may come to know late.
OUT_OF_SIGHT = "null while that is out of sight, and changes don't tell when it comes into it"

Resolver = TypeVar("Resolver", bound=Callable[..., Any])
Edited = tuple[type[Versioned], Callable[[Any, UUID], Awaitable[Any]]]


class Refusals(FieldExtension):
    """Answers a refusal with a `Problem`. Not being signed in stays an error: it concerns the whole request."""

    def __init__(self, edited: Edited | None) -> None:
        self.edited = edited

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info[Any, Any], **kwargs: Any
    ) -> Any:
        try:
            return await next_(source, info, **kwargs)
        except Refusal as refusal:
            if type(refusal) is NotSignedIn:
                raise
            current = await self._current(info, refusal)
            return Problem(
                code=refusal.code,
                message=refusal.say(info.context.language),
                current=current,
                line=_place(refusal, "line"),
                column=_place(refusal, "column"),
                index=refusal.index,
            )

    async def _current(self, info: Info[Any, Any], refusal: Refusal) -> Versioned | None:
        """What somebody edited an older version of, read anew with their own sight."""
        if self.edited is None or not isinstance(refusal, StaleVersion):
            return None
        kind, row_of = self.edited
        row = await row_of(info, refusal.row_id)
        return None if row is None else node(kind, row)


def _place(refusal: Refusal, name: str) -> int | None:
    """Where in a text it is wrong, if the refusal says."""
    found = refusal.facts.get(name)
    return found if isinstance(found, int) else None


def field(description: str, graphql_type: Any = None) -> Callable[[Resolver], Resolver]:
    """A field with a resolver. `graphql_type` names a type of a module further up, which can't be imported."""
    decorator: Callable[[Resolver], Resolver] = strawberry.field(description=description, graphql_type=graphql_type)
    return decorator


def question(description: str) -> Callable[[Resolver], Resolver]:
    """A field of the query root that may refuse what is asked, and answers it with a `Problem` as mutations do."""
    decorator: Callable[[Resolver], Resolver] = strawberry.field(description=description, extensions=[Refusals(None)])
    return decorator


def mutation(description: str, edited: Edited | None = None) -> Callable[[Resolver], Resolver]:
    """A field of the mutation root; the description lists the codes it refuses with.

    `edited` is the type of what it edits and how one is read by its id, for whoever is refused with `STALE_VERSION`.
    """
    decorator: Callable[[Resolver], Resolver] = strawberry.mutation(
        description=description, extensions=[Refusals(edited)]
    )
    return decorator


def subscription(description: str) -> Callable[[Resolver], Resolver]:
    """A field of the subscription root. Refusals stay errors: they end the stream."""
    decorator: Callable[[Resolver], Resolver] = strawberry.subscription(description=description)
    return decorator
