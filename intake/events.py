"""What happens to imports; of what they bring, one word when it is over."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ImportBegun:
    run_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class ImportMovedOn:
    """It is further than it was when it was last told: in another phase, at its end, or just further."""

    run_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class ImportLeftBehind:
    """Nobody is at it any more, and it is not done."""

    run_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class ImportTakenOver:
    run_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class ImportForgotten:
    """It came to nothing, and is gone."""

    run_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class ImportApplied:
    """A file's content is in the brand's tables, and something of it was new."""

    run_id: UUID
    kind: str
    source: str


ImportEvent = ImportBegun | ImportMovedOn | ImportLeftBehind | ImportTakenOver | ImportForgotten
