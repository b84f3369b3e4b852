"""The one shape in which a mutation says no."""

import strawberry


@strawberry.type(description="Why a mutation changed nothing.")
class Problem:
    code: str = strawberry.field(description="For the app: a stable word in capitals, such as `TASK_CLOSED`.")
    message: str = strawberry.field(
        description="For the person: one sentence, in Chinese, or in English where `Accept-Language` prefers it."
    )
