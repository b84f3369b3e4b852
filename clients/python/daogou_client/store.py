"""The phone's local copy: rows, how far the feed was read, and the edits that wait, in one SQLite file.

Whatever comes in one message goes into one transaction together with the place behind it. A phone that dies at
any moment therefore goes on exactly behind what it has.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daogou_client.news import Batch, Gone, Page, Places, Row

_FORMAT = 1
_RELATIONSHIP = "RELATIONSHIP"

# A copy has a generation. A new snapshot is written beside the old copy under the next one, so that the old
# copy can be read until the new one is whole; `shown` says which one is read, `filling` which is written.
_TABLES = """
CREATE TABLE row (
    generation INTEGER NOT NULL,
    entity_type TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    relationship_id TEXT,
    node TEXT NOT NULL,
    PRIMARY KEY (generation, entity_type, id)
) WITHOUT ROWID;
CREATE INDEX row_of_relationship ON row (generation, relationship_id) WHERE relationship_id IS NOT NULL;
CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    shown INTEGER NOT NULL,
    filling INTEGER,
    next_page TEXT,
    cursor TEXT,
    places TEXT NOT NULL DEFAULT '{}',
    selection TEXT
);
INSERT INTO progress (one, shown, filling) VALUES (1, 1, 1);
CREATE TABLE mutation (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL,
    variables TEXT NOT NULL,
    edits TEXT NOT NULL,
    state TEXT NOT NULL,
    first_sent_at REAL,
    failures INTEGER NOT NULL DEFAULT 0,
    places TEXT,
    problem TEXT
);
"""

_UPSERT = """
INSERT INTO row (generation, entity_type, id, version, relationship_id, node) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (generation, entity_type, id) DO UPDATE
SET version = excluded.version, relationship_id = excluded.relationship_id, node = excluded.node
WHERE excluded.version >= row.version
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the copy is. Without a cursor it is being filled, and `next_page` is the page to go on with."""

    shown: int
    filling: int | None
    next_page: str | None
    cursor: str | None
    places: Places


class Store:
    """One person's copy, in a file, or in memory where it is forgotten at the end. Used by one thread."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        # An edit that was made offline is in this file only: it is on the disk before the app says "saved".
        self.db.execute("PRAGMA synchronous = FULL")
        # What is to be forgotten is personal data: it doesn't stay in the free pages of the file.
        self.db.execute("PRAGMA secure_delete = ON")
        with self.transaction():
            self._make_tables()

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    @property
    def progress(self) -> Progress:
        """How far the copy is."""
        [found] = self.db.execute("SELECT shown, filling, next_page, cursor, places FROM progress")
        shown, filling, next_page, cursor, places = found
        return Progress(shown, filling, next_page, cursor, json.loads(places))

    def row(self, entity_type: str, id: str) -> Row | None:
        """One row as the server told it last."""
        found = self.db.execute(
            "SELECT entity_type, id, version, relationship_id, node FROM row "
            "WHERE generation = (SELECT shown FROM progress) AND entity_type = ? AND id = ?",
            (entity_type, id),
        ).fetchone()
        return None if found is None else _row(found)

    def rows(self, entity_type: str) -> list[Row]:
        """All rows of a kind as the server told them last."""
        found = self.db.execute(
            "SELECT entity_type, id, version, relationship_id, node FROM row "
            "WHERE generation = (SELECT shown FROM progress) AND entity_type = ? ORDER BY id",
            (entity_type,),
        )
        return [_row(each) for each in found]

    def versions(self) -> dict[tuple[str, str], int]:
        """Which rows there are, and at which version: for comparing the copy with what the server says."""
        found = self.db.execute(
            "SELECT entity_type, id, version FROM row WHERE generation = (SELECT shown FROM progress)"
        )
        return {(entity_type, id): version for entity_type, id, version in found}

    def take_page(self, page: Page) -> None:
        """Take over one page of a snapshot; after the last one the new copy takes the place of the old one."""
        progress = self.progress
        if progress.filling is None:
            raise ValueError("no snapshot was begun")
        with self.transaction() as db:
            for row in page.rows:
                self._put(progress.filling, row)
            if page.next is not None:
                db.execute("UPDATE progress SET next_page = ?", (page.next,))
                return
            db.execute("DELETE FROM row WHERE generation <> ?", (progress.filling,))
            db.execute(
                "UPDATE progress SET shown = filling, filling = NULL, next_page = NULL, cursor = ?, places = ?",
                (page.cursor, json.dumps(page.places)),
            )

    def take_batch(self, batch: Batch) -> None:
        """Take over what changed, and the cursor behind it."""
        if batch.must_refetch:
            self.start_over()
            return
        progress = self.progress
        if progress.cursor is None:
            raise ValueError("changes go onto a whole snapshot only")
        with self.transaction() as db:
            for change in batch.changes:
                if isinstance(change, Gone):
                    self._forget(progress.shown, change)
                else:
                    self._put(progress.shown, change)
            db.execute("UPDATE progress SET cursor = ?, places = ?", (batch.cursor, json.dumps(batch.places)))

    def start_over(self) -> None:
        """Begin a new snapshot. What there is stays readable until the new copy is whole."""
        with self.transaction():
            self._start_over()

    def select(self, selection: str) -> None:
        """Say what is asked of each row. A copy that was made with another selection is made anew."""
        [[known]] = self.db.execute("SELECT selection FROM progress")
        if known == selection:
            return
        with self.transaction() as db:
            if known is not None:
                self._start_over()
            db.execute("UPDATE progress SET selection = ?", (selection,))

    def forget_everything(self) -> None:
        """Empty the copy and the queue, for when somebody else is going to use this phone."""
        with self.transaction() as db:
            for table in ("DELETE FROM row", "DELETE FROM mutation", "DELETE FROM progress"):
                db.execute(table)
            db.execute("INSERT INTO progress (one, shown, filling) VALUES (1, 1, 1)")

    def _start_over(self) -> None:
        # The rows of a snapshot that was begun and given up: some of them may be gone since.
        self.db.execute("DELETE FROM row WHERE generation <> (SELECT shown FROM progress)")
        self.db.execute(
            "UPDATE progress SET filling = max(shown, coalesce(filling, 0)) + 1, next_page = NULL, cursor = NULL"
        )

    def _put(self, generation: int, row: Row) -> None:
        node = json.dumps(row.node, ensure_ascii=False, separators=(",", ":"))
        self.db.execute(_UPSERT, (generation, row.entity_type, row.id, row.version, row.relationship_id, node))

    def _forget(self, generation: int, gone: Gone) -> None:
        self.db.execute(
            "DELETE FROM row WHERE generation = ? AND entity_type = ? AND id = ?",
            (generation, gone.entity_type, gone.id),
        )
        if gone.entity_type == _RELATIONSHIP:
            self.db.execute("DELETE FROM row WHERE generation = ? AND relationship_id = ?", (generation, gone.id))

    def _make_tables(self) -> None:
        [there] = self.db.execute("PRAGMA user_version").fetchone()
        if there == 0:
            for statement in _TABLES.split(";"):
                self.db.execute(statement)
            self.db.execute("PRAGMA user_version = 1")
        elif there != _FORMAT:
            raise ValueError(f"the file is of format {there}; this client knows {_FORMAT}")


def _row(found: Iterable[Any]) -> Row:
    entity_type, id, version, relationship_id, node = found
    return Row(entity_type, id, version, relationship_id, json.loads(node))
