"""What was asked and what came of it, one JSON object a line, in the order in which one process saw them.

An operation that nobody knows the end of (`info`) ends the life of whoever asked: they go on under a new number.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

Line = dict[str, Any]


class History:
    """Written as it happens, so that a run that is cut off leaves what it has seen."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("w", encoding="utf-8")
        self._numbers = 0
        self.path = path
        self.invoked = 0
        self.known = 0

    def newcomer(self) -> int:
        """A number that nobody has had."""
        self._numbers += 1
        return self._numbers

    def invoke(self, process: int, op: str, **asked: Any) -> None:
        """Somebody asks for something: before it is sent."""
        self.invoked += 1
        self._write({"e": "invoke", "p": process, "op": op, **asked})

    def end(self, process: int, outcome: str, **told: Any) -> None:
        """`ok`, `fail` (surely not done) or `info` (nobody knows)."""
        self.known += outcome != "info"
        self._write({"e": outcome, "p": process, **told})

    def close(self) -> None:
        self._file.close()

    def _write(self, line: Line) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()


def read(path: Path) -> Iterator[Line]:
    """The lines of a history."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
