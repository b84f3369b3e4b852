"""What machines do about what the partner tells: arguments in, one command."""

from handover.commands import listening
from kernel.work import Work


async def hear(work: Work, *, key: str) -> None:
    """Apply an event that is kept, once."""
    await listening.take(work, key)
