"""Tables of handovers, and what changes their states, without I/O."""

from handover.models.alerts import Alert, AlertKind
from handover.models.attempts import HandoverAttempt
from handover.models.chats import ChatState, GroupChat, GroupChatMove
from handover.models.handovers import (
    IN_FLIGHT,
    LEASE,
    UNDOABLE,
    UNSETTLED,
    Handover,
    HandoverAccount,
    HandoverKind,
    HandoverState,
    Strategy,
)
from handover.models.heard import PartnerNews
from handover.models.items import HAS_GONE, HandoverItem, HeldHere, ItemReason, LinkedThere
from handover.models.ledger import LedgerEntry, LedgerLine, LedgerTotal
from handover.models.news import News, NewsKind, NewsReason
from handover.models.partner import PartnerTie
from handover.models.setting import HandoverSetting, TakeoverCapacity, Telling
from handover.models.settlement import Todo
from handover.models.succession import Merger

__all__ = [
    "HAS_GONE",
    "IN_FLIGHT",
    "LEASE",
    "UNDOABLE",
    "UNSETTLED",
    "Alert",
    "AlertKind",
    "ChatState",
    "GroupChat",
    "GroupChatMove",
    "Handover",
    "HandoverAccount",
    "HandoverAttempt",
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
    "News",
    "NewsKind",
    "NewsReason",
    "PartnerNews",
    "PartnerTie",
    "Strategy",
    "TakeoverCapacity",
    "Telling",
    "Todo",
]
