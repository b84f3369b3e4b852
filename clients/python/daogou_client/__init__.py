"""A phone's side of the shop guides' backend: a copy that misses no change, and edits that survive being offline."""

from daogou_client.credentials import Credentials, InFile, InMemory, Tokens
from daogou_client.documents import KINDS, Documents, Kind, mutation
from daogou_client.errors import NoSocket, ProtocolBroken, Rejected, SignedOut, TokenRefused, Unreachable
from daogou_client.news import Batch, Gone, Page, Row
from daogou_client.outbox import Edit, Mutation, Outbox, State
from daogou_client.pauses import Patience
from daogou_client.phone import Phone
from daogou_client.store import Store
from daogou_client.sync import Reach
from daogou_client.wire import Http, Server, TokenSource

__all__ = [
    "KINDS",
    "Batch",
    "Credentials",
    "Documents",
    "Edit",
    "Gone",
    "Http",
    "InFile",
    "InMemory",
    "Kind",
    "Mutation",
    "NoSocket",
    "Outbox",
    "Page",
    "Patience",
    "Phone",
    "ProtocolBroken",
    "Reach",
    "Rejected",
    "Row",
    "Server",
    "SignedOut",
    "State",
    "Store",
    "TokenRefused",
    "TokenSource",
    "Tokens",
    "Unreachable",
    "mutation",
]
