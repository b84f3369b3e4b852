"""Who hears of imports: nobody of each one, because an import sends every phone of the brand back to the start."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import feed


async def seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[Any]) -> list[feed.Entry]:
    """No entries: `feed.new_epoch` has been called in the same commit."""
    return []
