"""What an import keeps, and the words in which a mapping is written."""

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
