"""What machines do about messages of malls: arguments in, one command."""

from uuid import UUID

from intake.commands import inbox
from kernel.crypto import Vault
from kernel.work import Work


async def apply_message(vault: Vault, work: Work, *, message_id: str) -> None:
    """Apply a message."""
    await inbox.apply(work, vault, UUID(message_id))


async def look_again(vault: Vault, work: Work, *, message_id: str) -> None:
    """Apply a message that is parked, without anybody's asking."""
    await inbox.look_again(work, vault, UUID(message_id))


async def go_on(work: Work, *, source_id: str, after: str | None = None) -> None:
    """Ask for what a source has sent while it was paused."""
    await inbox.go_on(work, UUID(source_id), UUID(after) if after else None)


async def give_up(work: Work, error: str, *, message_id: str) -> None:
    """Say of a message that it failed every time."""
    await inbox.give_up(work, UUID(message_id), error)
