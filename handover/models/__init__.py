"""Tables of handovers, and what changes their states, without I/O."""

from handover.models.attempts import HandoverAttempt
from handover.models.chats import ChatState, GroupChat, GroupChatMove
from handover.models.handovers import (
    IN_FLIGHT,
    UNDOABLE,
    Handover,
    HandoverAccount,
    HandoverKind,
    HandoverState,
    Strategy,
)
from handover.models.items import HandoverItem, HeldHere, ItemReason, LinkedThere
from handover.models.ledger import LedgerEntry, LedgerLine, LedgerTotal
from handover.models.news import News, NewsKind, NewsReason
from handover.models.partner import PartnerTie
from handover.models.setting import HandoverSetting, TakeoverCapacity, Telling
from handover.models.settlement import Todo

__all__ = [
    "IN_FLIGHT",
    "UNDOABLE",
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
    "News",
    "NewsKind",
    "NewsReason",
    "PartnerTie",
    "Strategy",
    "TakeoverCapacity",
    "Telling",
    "Todo",
]
