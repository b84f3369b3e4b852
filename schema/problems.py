"""The one shape in which a mutation says no."""

import strawberry

from schema.versioned import Versioned


@strawberry.type(description="Why a mutation changed nothing.")
class Problem:
    code: str = strawberry.field(description="For the app: a stable word in capitals, such as `TASK_CLOSED`.")
    message: str = strawberry.field(
        description="For the person: one sentence, in Chinese, or in English where `Accept-Language` prefers it."
    )
    current: Versioned | None = strawberry.field(
        default=None,
        description="With `STALE_VERSION`, the thing as it is now, if it is in your sight; null with any other code.",
    )
    line: int | None = strawberry.field(
        default=None,
        description="With `BAD_EXPRESSION`, the line that can't be read, from 1; null with any other code.",
    )
    column: int | None = strawberry.field(default=None, description="And the column in it, from 1.")
    index: int | None = strawberry.field(
        default=None,
        description="Where several things were named, the place of the one that all were refused for, from 0.",
    )
