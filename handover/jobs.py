"""What machines do about what the partner tells: arguments in, one command."""

from handover.commands import hearing, listening
from kernel.work import Work


async def hear(work: Work, *, key: str) -> None:
    """Apply an event that is kept, once."""
    news = await listening.take(work, key)
    if news is not None:
        await hearing.hear(work, news)
