"""Make identifiers: UUIDv7, so that new rows land at the end of an index."""

from uuid import UUID, uuid5

from uuid_utils.compat import uuid7


def new() -> UUID:
    """A new identifier, ordered by the time it was made."""
    return uuid7()


def derived(parent: UUID, name: str) -> UUID:
    """The identifier that belongs to a parent under a name; the same each time."""
    return uuid5(parent, name)
