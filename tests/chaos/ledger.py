"""What was asked for under which key, and what was answered: the other side of the account that SQL keeps."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from daogou_client.wire import TRANSIENT
from tests.chaos.writes import Deed, Write

_SINGLE = ("note", "visit", "task", "relationship", "tag", "order")


@dataclass
class Ledger:
    """One for each scenario, which `name` tells from the others in the same database.

    `versions` are those that rows had before. `unlike` are keys that were answered differently at different
    times; `broken` is what no phone should meet.
    """

    versions: dict[str, int]
    name: str = field(default_factory=lambda: uuid4().hex[:6])
    writes: dict[str, Write] = field(default_factory=dict)
    answers: dict[str, str | None] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    unlike: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    repeats: int = 0

    def answered(self, key: str, payload: dict[str, Any]) -> str:
        """The server has said that it is done; returns the id of the row, empty if it named none."""
        row_id = next((row["id"] for name in _SINGLE if (row := payload.get(name)) is not None), None)
        known = self.answers.get(key)
        if known is not None and row_id is not None and known != row_id:
            self.unlike.add(key)
        self.answers[key] = known or row_id
        return row_id or ""

    def repeated(self, key: str, payload: dict[str, Any]) -> None:
        """The same was answered to somebody who sent it once more."""
        self.repeats += 1
        if payload["__typename"] != "Problem":
            self.answered(key, payload)
        elif key in self.answers and payload["code"] not in TRANSIENT:
            self.unlike.add(key)

    @property
    def acknowledged(self) -> int:
        """How many writes the server has said it has done."""
        return len(self.answers)

    def orders(self) -> list[str]:
        """The ids of orders that were acknowledged."""
        return [id for key, id in self.answers.items() if self.writes[key].deed is Deed.ORDER and id]

    def undo(self, keys: set[str]) -> None:
        """Whether these have an effect is not known any more: the database that had it was put aside."""
        for key in keys:
            del self.answers[key]
