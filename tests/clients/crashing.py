"""A phone that dies: what its file holds after each statement, and a phone that goes on from there."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daogou_client import Store


@dataclass
class Seen:
    """How many statements a store has begun."""

    count: int = 0


@contextmanager
def dying_at(store: Store, statement: int, into: Path) -> Iterator[Seen]:
    """Copy the store's file as a crash leaves it: before its statement of that number, or else after the last one."""
    [path] = [Path(row[2]) for row in store.db.execute("PRAGMA database_list")]
    seen = Seen()

    def copy(_: str) -> None:
        if seen.count == statement:
            _copy(path, into)
        seen.count += 1

    store.db.set_trace_callback(copy)
    try:
        yield seen
    finally:
        store.db.set_trace_callback(None)
        if seen.count <= statement:
            _copy(path, into)


def contents(store: Store) -> tuple[Any, ...]:
    """Everything that a store holds."""
    return (
        store.db.execute("SELECT * FROM row ORDER BY 1, 2, 3").fetchall(),
        store.db.execute("SELECT * FROM progress").fetchall(),
        store.db.execute("SELECT * FROM mutation ORDER BY 1").fetchall(),
    )


def is_whole(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with a file."""
    db = sqlite3.connect(path)
    [said] = db.execute("PRAGMA integrity_check").fetchone()
    db.close()
    return bool(said == "ok")


def _copy(path: Path, into: Path) -> None:
    for suffix in ("", "-wal"):
        there = path.with_name(path.name + suffix)
        if there.exists():
            shutil.copyfile(there, into.with_name(into.name + suffix))
