"""The phone's copy keeps its rules whatever comes, and however often the phone dies in between."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from daogou_client import Batch, Gone, Page, Row, Store
from daogou_client.news import Places
from tests.clients.crashing import contents, dying_at, is_whole

RELATIONSHIP, TASK, NOTE = "RELATIONSHIP", "TASK", "NOTE"
Key = tuple[str, str]


def row(entity_type: str = TASK, id: str = "t1", version: int = 1, of: str | None = None, **node: Any) -> Row:
    return Row(entity_type, id, version, of, node)


def filled(store: Store, *rows: Row) -> Store:
    """The store with these rows as its snapshot."""
    store.take_page(Page(rows, next=None, cursor="c0", places={"f": 0}))
    return store


def test_a_snapshot_page_can_be_read_at_once_and_the_cursor_comes_with_the_last() -> None:
    store = Store()

    store.take_page(Page((row(id="t1", title="回访"),), next="p2", cursor="c1"))
    begun = store.progress
    store.take_page(Page((row(id="t2"),), next=None, cursor="c1", places={"f": 4}))

    assert (begun.cursor, begun.next_page) == (None, "p2")
    assert [each.id for each in store.rows(TASK)] == ["t1", "t2"]
    assert store.row(TASK, "t1") == Row(TASK, "t1", 1, None, {"title": "回访"})
    assert (store.progress.cursor, store.progress.next_page, store.progress.places) == ("c1", None, {"f": 4})


def test_a_batch_is_taken_over_in_its_order_and_the_cursor_with_it() -> None:
    store = filled(Store(), row(id="t1"), row(id="t2"))

    store.take_batch(Batch((row(id="t1", version=2, n=2), Gone(TASK, "t2"), row(id="t3")), "c1", {"f": 3}))
    store.take_batch(Batch((Gone(TASK, "t3"), row(id="t3", version=2)), "c2", {"f": 5}))

    assert store.versions() == {(TASK, "t1"): 2, (TASK, "t3"): 2}
    assert (store.progress.cursor, store.progress.places) == ("c2", {"f": 5})


def test_an_older_version_never_replaces_a_newer_one_and_the_same_version_does() -> None:
    store = filled(Store(), row(version=3, title="new"))

    store.take_batch(Batch((row(version=2, title="old"),), "c1"))
    kept = store.row(TASK, "t1")
    store.take_batch(Batch((row(version=3, title="same version, other tags"),), "c2"))

    assert kept == row(version=3, title="new")
    assert store.row(TASK, "t1") == row(version=3, title="same version, other tags")


def test_what_is_forgotten_is_forgotten_whatever_its_version_was() -> None:
    store = filled(Store(), row(version=9))

    store.take_batch(Batch((Gone(TASK, "t1"), Gone(TASK, "never known")), "c1"))

    assert store.versions() == {}


def test_a_forgotten_relationship_takes_with_it_all_that_belongs_to_it_and_nothing_else() -> None:
    store = filled(
        Store(), row(RELATIONSHIP, "r1"), row(RELATIONSHIP, "r2"), row(TASK, "t1", of="r1"), row(NOTE, "n1", of="r1"),
        row(TASK, "t2", of="r2"), row(TASK, "t3"), row(TASK, "r1"),
    )  # fmt: skip

    store.take_batch(Batch((Gone(RELATIONSHIP, "r1"),), "c1"))

    assert set(store.versions()) == {(RELATIONSHIP, "r2"), (TASK, "t2"), (TASK, "t3"), (TASK, "r1")}


def test_a_thing_that_moved_to_another_relationship_stays_when_its_old_one_goes() -> None:
    store = filled(Store(), row(RELATIONSHIP, "r1"), row(RELATIONSHIP, "r2"), row(TASK, "t1", of="r1"))

    store.take_batch(Batch((row(TASK, "t1", version=2, of="r2"), Gone(RELATIONSHIP, "r1")), "c1"))

    assert set(store.versions()) == {(RELATIONSHIP, "r2"), (TASK, "t1")}


def test_the_old_copy_can_be_read_until_the_new_snapshot_is_whole_and_is_then_replaced() -> None:
    store = filled(Store(), row(id="old", version=7), row(id="both", version=7))

    store.take_batch(Batch((), "c9", must_refetch=True, is_up_to_date=False))
    store.take_page(Page((row(id="both", version=1),), next="p2", cursor="c20"))
    meanwhile = store.versions(), store.progress.cursor
    store.take_page(Page((row(id="new"),), next=None, cursor="c20", places={"g": 20}))

    assert meanwhile == ({(TASK, "old"): 7, (TASK, "both"): 7}, None)
    # A restored backup may have lower versions: the new copy owes nothing to the old one.
    assert store.versions() == {(TASK, "both"): 1, (TASK, "new"): 1}
    assert (store.progress.cursor, store.progress.places) == ("c20", {"g": 20})


def test_a_snapshot_that_was_given_up_leaves_nothing_behind() -> None:
    store = Store()
    store.take_page(Page((row(id="gone since"),), next="p2", cursor="c1"))

    store.start_over()
    store.take_page(Page((row(id="t1"),), next="p2", cursor="c2"))
    store.start_over()
    store.take_page(Page((row(id="t2"),), next=None, cursor="c3"))

    assert store.versions() == {(TASK, "t2"): 1}


def test_changes_do_not_go_onto_half_a_snapshot_nor_pages_onto_a_whole_one() -> None:
    store = Store()
    with pytest.raises(ValueError, match="whole snapshot"):
        store.take_batch(Batch((row(),), "c1"))
    filled(store)
    with pytest.raises(ValueError, match="no snapshot"):
        store.take_page(Page((row(),), next=None, cursor="c1"))

    assert (store.versions(), store.progress.cursor) == ({}, "c0")


def test_a_copy_that_was_made_with_other_fields_is_made_anew_and_stays_readable_meanwhile() -> None:
    store = Store()
    store.select("title")
    filled(store, row(title="回访"))
    store.select("title")
    same = store.progress.cursor

    store.select("title state")

    assert (same, store.progress.cursor) == ("c0", None)
    assert store.row(TASK, "t1") == row(title="回访")
    filled(store, row(title="回访", state="DONE"))
    store.select("title state")
    assert store.progress.cursor == "c0"


def test_a_file_is_opened_again_where_it_was_left_and_a_foreign_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "phone.db"
    first = filled(Store(path), row(title="中文"))
    first.close()

    again = Store(path)
    assert (again.row(TASK, "t1"), again.progress.cursor) == (row(title="中文"), "c0")
    again.db.execute("PRAGMA user_version = 99")
    again.close()
    with pytest.raises(ValueError, match="format 99"):
        Store(path)


def test_whoever_hands_the_phone_on_leaves_nothing_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "phone.db"
    store = filled(Store(path), row(title="secret-of-the-first-owner"))
    store.take_batch(Batch((row(version=2, title="another-secret"),), "c1"))

    store.forget_everything()
    store.close()

    assert b"secret" not in path.read_bytes()
    again = Store(path)
    assert (again.versions(), again.progress.cursor) == ({}, None)
    filled(again, row())


BATCH = Batch((row(version=2), Gone(TASK, "t2"), row(NOTE, "n1")), "c1", {"f": 3})
PAGE = Page((row(id="t1"), row(id="t2")), next="p2", cursor="c0")


def lives_through(store_class: type[Store], folder: Path, act: Callable[[Store], None], *rows: Row) -> None:
    """Let a phone die at each statement of what it does; whatever is left of it must be all of it or nothing."""
    for statement in range(100):
        path, left = folder / f"{statement}.db", folder / f"{statement}-left.db"
        store = store_class(path)
        if rows:
            filled(store, *rows)
        before = contents(store)
        with dying_at(store, statement, left) as seen:
            act(store)
        after = contents(store)
        store.close()
        assert is_whole(left)
        survivor = store_class(left)
        assert contents(survivor) in (before, after), f"half of it was kept at statement {statement}"
        survivor.close()
        if seen.count <= statement:
            return
    raise AssertionError("it has no end")


def test_a_phone_that_dies_while_it_takes_a_batch_has_all_of_it_or_nothing(tmp_path: Path) -> None:
    lives_through(Store, tmp_path, lambda store: store.take_batch(BATCH), row(), row(id="t2"))


def test_a_phone_that_dies_while_it_takes_a_page_has_all_of_it_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "last").mkdir()
    lives_through(Store, tmp_path, lambda store: store.take_page(PAGE))
    lives_through(Store, tmp_path / "last", lambda store: store.take_page(replace(PAGE, next=None)))


class SavesTheCursorFirst(Store):
    def take_batch(self, batch: Batch) -> None:
        super().take_batch(replace(batch, changes=()))
        super().take_batch(batch)


class SavesThePageFirst(Store):
    def take_page(self, page: Page) -> None:
        if page.next is not None:
            super().take_page(replace(page, rows=()))
        super().take_page(page)


def test_a_store_that_saves_the_place_before_the_rows_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    with pytest.raises(AssertionError, match="half of it was kept"):
        lives_through(SavesTheCursorFirst, tmp_path, lambda store: store.take_batch(BATCH), row())
    with pytest.raises(AssertionError, match="half of it was kept"):
        lives_through(SavesThePageFirst, tmp_path / "page", lambda store: store.take_page(PAGE))


# ---------------------------------------------------------------------------------------------------------------------
# A phone that dies at any statement. The server tells things as they are when it is asked, as the real one does.


class World:
    """What the server knows, and what it answers. Notes hang on a relationship: they leave and come back with it."""

    def __init__(self) -> None:
        self.epoch = 0
        self.known: dict[Key, Row] = {}
        self.away: set[Key] = set()
        self.log: list[Key] = []

    @property
    def rows(self) -> dict[Key, Row]:
        """What is in sight of the phone's owner."""
        return {
            key: held
            for key, held in self.known.items()
            if key not in self.away and (RELATIONSHIP, held.relationship_id) not in self.away
        }

    def put(self, key: Key, of: str | None = None) -> None:
        version = self.known[key].version + 1 if key in self.known else 1
        self.known[key] = Row(*key, version, of, {"n": version})
        self.log.append(key)
        if key in self.away:  # comes back, whole
            self.away.remove(key)
            self.log += [other for other, held in self.known.items() if held.relationship_id == key[1]]

    def forget(self, key: Key) -> None:
        """Of what hangs on a relationship the log doesn't speak when it goes."""
        self.away.add(key)
        self.log.append(key)

    def page(self, after: str | None, first: int) -> Page | None:
        epoch, at, behind = json.loads(after) if after else (self.epoch, len(self.log), ["", ""])
        if epoch != self.epoch:
            return None
        rest = sorted(key for key in self.rows if key > tuple(behind))
        rows = tuple(self.rows[key] for key in rest[:first])
        following = json.dumps([epoch, at, rest[first - 1]]) if len(rest) > first else None
        return Page(rows, following, json.dumps([epoch, at]), self._places(at))

    def batch(self, cursor: str, first: int) -> Batch:
        epoch, at = json.loads(cursor)
        if epoch != self.epoch:
            return Batch((), json.dumps([self.epoch, len(self.log)]), must_refetch=True, is_up_to_date=False)
        end = min(at + first, len(self.log))
        told = self.log[at:end]
        last = [key for number, key in enumerate(told) if key not in told[number + 1 :]]
        changes = tuple(self.rows.get(key) or Gone(*key) for key in last)
        return Batch(changes, json.dumps([epoch, end]), self._places(end), is_up_to_date=end == len(self.log))

    def _places(self, at: int) -> Places:
        return {f"feed{self.epoch}": at}


class Dying(RuleBasedStateMachine):
    """A server where things happen, and a phone that follows and dies."""

    store_class: type[Store] = Store

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.folder = tempfile.TemporaryDirectory()
        self.lives = 0
        self.store = self.store_class(self._path())
        self.old_copy: dict[Key, int] | None = None

    def teardown(self) -> None:
        self._catch_up()
        self._matches()
        self.store.close()
        self.folder.cleanup()

    @rule(number=st.integers(0, 1))
    def relationship_changes_or_comes(self, number: int) -> None:
        self.world.put((RELATIONSHIP, f"r{number}"))

    @rule(number=st.integers(0, 5))
    def task_changes(self, number: int) -> None:
        self.world.put((TASK, f"t{number}"))

    @precondition(lambda self: (RELATIONSHIP, "r0") in self.world.rows)
    @rule(number=st.integers(0, 2))
    def note_changes(self, number: int) -> None:
        self.world.put((NOTE, f"n{number}"), of="r0")

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data())
    def thing_goes(self, data: st.DataObject) -> None:
        leaving = [key for key in self.world.rows if key[0] != NOTE]
        self.world.forget(data.draw(st.sampled_from(leaving)))

    @rule()
    def backup_is_restored(self) -> None:
        self.world.epoch += 1
        self.world.known = {key: replace(held, version=1, node={"n": 1}) for key, held in self.world.known.items()}
        self.world.log = []

    @rule(size=st.integers(1, 3), dies_at=st.none() | st.integers(0, 7))
    def phone_asks(self, size: int, dies_at: int | None) -> None:
        progress = self.store.progress
        if progress.cursor is not None:
            batch = self.world.batch(progress.cursor, size)
            if batch.must_refetch:
                self.old_copy = self.store.versions()
            self._do(lambda store: store.take_batch(batch), dies_at)
            return
        page = self.world.page(progress.next_page, size)
        if page is None:
            self._do(lambda store: store.start_over(), dies_at)
        else:
            self._do(lambda store: store.take_page(page), dies_at)

    @invariant()
    def an_up_to_date_copy_is_what_the_server_has(self) -> None:
        if self.store.progress.cursor == json.dumps([self.world.epoch, len(self.world.log)]):
            self._matches()

    @invariant()
    def the_old_copy_is_readable_until_it_is_replaced(self) -> None:
        progress = self.store.progress
        if self.old_copy is not None and progress.filling is not None and progress.filling != progress.shown:
            assert self.store.versions() == self.old_copy

    def _do(self, act: Any, dies_at: int | None) -> None:
        """Do it, and if it dies at one of its statements, go on with what was on the disk then."""
        if dies_at is None:
            act(self.store)
            return
        before = contents(self.store)
        self.lives += 1
        with dying_at(self.store, dies_at, self._path()):
            act(self.store)
        after = contents(self.store)
        self.store.close()
        assert is_whole(self._path())
        self.store = self.store_class(self._path())
        assert contents(self.store) in (before, after), "half of it was kept"

    def _catch_up(self) -> None:
        for _ in range(1_000):
            if self.store.progress.cursor == json.dumps([self.world.epoch, len(self.world.log)]):
                return
            self.phone_asks(2, None)
        raise AssertionError("the phone gets no further")

    def _matches(self) -> None:
        held = {key: self.store.row(*key) for key in self.store.versions()}
        assert held == self.world.rows

    def _path(self) -> Path:
        return Path(self.folder.name) / f"life{self.lives}.db"


TestDying = Dying.TestCase
TestDying.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


class KeepsWhatBelongedToARelationship(Store):
    def _forget(self, generation: int, gone: Gone) -> None:
        self.db.execute(
            "DELETE FROM row WHERE generation = ? AND entity_type = ? AND id = ?",
            (generation, gone.entity_type, gone.id),
        )


class DropsTheOldCopyAtOnce(Store):
    def _start_over(self) -> None:
        super()._start_over()
        self.db.execute("DELETE FROM row")


class FillsIntoTheOldCopy(Store):
    def _start_over(self) -> None:
        super()._start_over()
        self.db.execute("UPDATE progress SET filling = shown")


class NeverForgets(Store):
    def _forget(self, generation: int, gone: Gone) -> None:
        return


@pytest.mark.parametrize(
    "broken",
    [
        KeepsWhatBelongedToARelationship,
        DropsTheOldCopyAtOnce,
        FillsIntoTheOldCopy,
        NeverForgets,
    ],
)
def test_a_store_that_breaks_a_rule_is_found_out(broken: type[Store]) -> None:
    class Broken(Dying):
        store_class = broken

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Broken,
            settings=settings(
                max_examples=100, stateful_step_count=30, deadline=None, derandomize=True, phases=[Phase.generate]
            ),
        )
