"""What a mutation answers that was carried out: what changed, and where the viewer's feeds tell of it."""

from typing import Any

import strawberry


def seen() -> Any:
    """The field for the row that a mutation changed or made."""
    return strawberry.field(
        description="As it is now. Null if it is out of your sight by now: the change has been made all the same."
    )


def told() -> Any:
    """The field `places`."""
    return strawberry.field(
        description="Where the feeds that you follow tell of this change; empty if none does. A stream of `changes` "
        "has brought it once its own `places` have come as far in the feeds of these names."
    )
