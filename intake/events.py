"""What happened in bulk; said once, when it is over."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ImportApplied:
    """A file's content is in the brand's tables, and something of it was new."""

    run_id: UUID
    kind: str
    source: str
