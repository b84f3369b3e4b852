"""Pages of a list, put together, are the list: no row twice, none left out, whatever the cursor's origin."""

import random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from kernel.errors import Invalid
from kernel.pages import BadCursor, Key, Page, paged
from kernel.work import Ground
from schema.paging import page_of
from schema.scalars import Cursor
from tasks.models import Task
from tests.factories import build_task, build_world

MIXED = (Key(col(Task.priority), descending=True), Key(col(Task.due_at)), Key(col(Task.id), descending=True))
RISING = (Key(col(Task.priority)), Key(col(Task.due_at)), Key(col(Task.id)))
FALLING = tuple(Key(key.column, descending=True) for key in RISING)
KEYS = MIXED


@pytest.mark.parametrize("keys", [MIXED, RISING, FALLING], ids=["mixed", "rising", "falling"])
async def test_pages_of_any_size_make_up_the_whole_list(ground: Ground, keys: tuple[Key, ...]) -> None:
    world = await build_world(ground)
    for _ in range(13):
        await build_task(ground, world.shop.guide, priority=random.choice([10, 50, 90]))

    whole = await _walk(ground, keys, 100)

    assert len(whole) == 13
    for size in (1, 2, 5, 13):
        assert await _walk(ground, keys, size) == whole


async def _walk(ground: Ground, keys: tuple[Key, ...], size: int) -> list[object]:
    seen: list[object] = []
    after = None
    while True:
        page = Page(size, after)
        async with ground.db.read() as session:
            rows = (await session.scalars(paged(select(Task), page, *keys))).all()
        seen += [row.id for row in rows[:size]]
        if len(rows) <= size:
            return seen
        last = rows[size - 1]
        after = [last.priority, last.due_at.isoformat(), str(last.id)]


@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
def test_a_page_has_one_to_a_hundred_rows(first: int) -> None:
    with pytest.raises(Invalid) as refusal:
        Page(first)
    assert refusal.value.code == "BAD_PAGE_SIZE"


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_any_text_as_a_cursor_is_refused_in_words(text: str) -> None:
    try:
        paged(select(Task), page_of(20, Cursor(text)), *KEYS)
    except Invalid as refusal:
        assert refusal.code == "BAD_CURSOR"


@given(st.lists(st.none() | st.booleans() | st.integers() | st.text() | st.floats(), max_size=4))
def test_any_values_as_a_place_are_refused_in_words(values: list[object]) -> None:
    try:
        paged(select(Task), Page(20, values), *KEYS)
    except Invalid as refusal:
        assert refusal.code == "BAD_CURSOR"


@pytest.mark.parametrize(
    "place",
    [
        [50, "2026-01-01T00:00:00", str(UUID(int=1))],
        [50, "2026-01-01", str(UUID(int=1))],
        [50, "0001-01-01T00:00:00+10:00", str(UUID(int=1))],
        [2**31, "2026-01-01T00:00:00+00:00", str(UUID(int=1))],
    ],
    ids=["no zone", "no time", "before the first year", "too large"],
)
def test_a_place_where_no_row_can_be_is_refused(place: list[object]) -> None:
    with pytest.raises(BadCursor):
        paged(select(Task), Page(20, place), *KEYS)


def test_a_place_that_the_database_can_not_be_asked_for_is_refused() -> None:
    with pytest.raises(BadCursor):
        paged(select(Task), Page(20, ["a\x00b"]), Key(col(Task.title)))
