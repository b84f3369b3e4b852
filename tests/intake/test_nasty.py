"""Whatever stands in a message where something else should: it is refused with its place, or can be kept as it is."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.errors import PayloadWrong
from intake.models.adapting import adapt
from intake.models.notices import Notice
from intake.queries import hook_mappings
from mall.commands.amounts import MOST_PIECES
from tests.intake.malls import MALLS, PLACED, Payload, Returned, Told

HOUR = timedelta(hours=1)
NUMBERS = (0, -1, -0.0, 0.1, 1.5, 1e15, 1e300, 2**53, 2**63, 2**64, 10**30, 253402300799, -62135596800)
TEXTS = ("", " ", "\x00", "a\x00", "\ud800", "\udfffx", "\u2028", "²", "１２", "1e5", "NaN", "-0", "12.345", "1" * 400)
TIMES = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z", "2026-03-05", "1772690400")
SHAPES: tuple[Any, ...] = (None, True, False, [], {}, [[]], [{}], [None], [0], ["x"], {"a": 1})
NASTY = st.one_of(
    st.sampled_from((*NUMBERS, *TEXTS, *TIMES, *SHAPES)),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)


def told(mall: str) -> Payload:
    """A message with everything in it; that of 有赞 unpacked."""
    refund = Returned("7", 500, PLACED + HOUR)
    said = Told(
        state="completed",
        completed_at=PLACED + HOUR,
        refunds=(refund,),
        discount=100,
        postage=10,
        note="找王芳",
        share="abc",
        guide="G1",
    )
    payload = MALLS[mall](said)
    return payload | {"msg": json.loads(unquote_plus(payload["msg"]))} if mall == "youzan" else payload


def places(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something else may stand."""
    if at:
        yield at
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(value, (*at, key))


def with_(payload: Payload, at: tuple[Any, ...], value: Any) -> bytes:
    said: Any = deepcopy(payload)
    inner = said
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    if isinstance(said.get("msg"), dict):
        said["msg"] = json.dumps(said["msg"])
    return json.dumps(said).encode()


SAID = {mall: told(mall) for mall in MALLS}
PLACES = {mall: list(places(SAID[mall])) for mall in MALLS}


@pytest.mark.parametrize("mall", sorted(MALLS))
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_it_is_refused_or_can_be_kept(mall: str, data: st.DataObject) -> None:
    at, value = data.draw(st.sampled_from(PLACES[mall])), data.draw(NASTY)

    try:
        notice = adapt(hook_mappings.load(mall), with_(SAID[mall], at, value), "mall", currency="CNY")
    except PayloadWrong as refusal:
        assert refusal.facts["place"]
        assert "\x00" not in refusal.say("en")
        return

    if notice is not None:
        _require_keepable(notice)


def _require_keepable(notice: Notice) -> None:
    whole: list[Any] = [notice, *notice.refunds, *([notice.order] if notice.order else [])]
    for said in whole:
        lines = getattr(said, "lines", ())
        assert all(1 <= line.quantity <= MOST_PIECES for line in lines)
        for part in (said, *lines):
            for each in fields(part):
                _require_value(getattr(part, each.name))


def _require_value(value: Any) -> None:
    """PostgreSQL takes neither NUL nor half a character, and no more than 64 bits."""
    if isinstance(value, str):
        assert "\x00" not in value
        assert value.encode()
    elif isinstance(value, datetime):
        assert datetime(2000, 1, 1, tzinfo=UTC) <= value < datetime(2200, 1, 1, tzinfo=UTC)
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
