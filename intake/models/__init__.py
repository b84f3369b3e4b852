"""What an import keeps, and the words in which a mapping is written."""

from intake.models.hooks import (
    MOST_SECRETS,
    WAITING_FOR_SOMEBODY,
    HookMessage,
    HookMessageState,
    HookRefusal,
    HookSecret,
    HookSource,
)
from intake.models.runs import (
    APPLYING,
    ImportedInvoice,
    ImportedMember,
    ImportedPlace,
    ImportRun,
    Kind,
    Outcome,
    Phase,
    PlaceKind,
    StagedCustomer,
    StagedInvoice,
    StagedMember,
    StagedPiece,
)

__all__ = [
    "APPLYING",
    "MOST_SECRETS",
    "WAITING_FOR_SOMEBODY",
    "HookMessage",
    "HookMessageState",
    "HookRefusal",
    "HookSecret",
    "HookSource",
    "ImportRun",
    "ImportedInvoice",
    "ImportedMember",
    "ImportedPlace",
    "Kind",
    "Outcome",
    "Phase",
    "PlaceKind",
    "StagedCustomer",
    "StagedInvoice",
    "StagedMember",
    "StagedPiece",
]
