"""Tables of handovers, and what changes their states, without I/O."""

from handover.models.alerts import Alert, AlertKind
from handover.models.handovers import (
    IN_FLIGHT,
    LEASE,
    UNDOABLE,
    Handover,
    HandoverAccount,
    HandoverKind,
    HandoverState,
    Strategy,
)
from handover.models.heard import PartnerNews
from handover.models.items import HandoverItem, HeldHere, ItemReason, LinkedThere
from handover.models.ledger import LedgerEntry, LedgerLine, LedgerTotal
from handover.models.partner import PartnerTie
from handover.models.setting import HandoverSetting, TakeoverCapacity, Telling
from handover.models.succession import Merger

__all__ = [
    "IN_FLIGHT",
    "LEASE",
    "UNDOABLE",
    "Alert",
    "AlertKind",
    "Handover",
    "HandoverAccount",
    "HandoverItem",
    "HandoverKind",
    "HandoverSetting",
    "HandoverState",
    "HeldHere",
    "ItemReason",
    "LedgerEntry",
    "LedgerLine",
    "LedgerTotal",
    "LinkedThere",
    "Merger",
    "PartnerNews",
    "PartnerTie",
    "Strategy",
    "TakeoverCapacity",
    "Telling",
]
