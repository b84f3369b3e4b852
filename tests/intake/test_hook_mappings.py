"""A mapping of a mall is data: whatever can't be meant is said when it is loaded, with its place."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from intake.errors import MappingInvalid, MappingUnknown
from intake.models.adapting import adapt
from intake.models.notices import Unknown
from intake.queries import hook_mappings
from mall.models import OrderState
from tests.intake.malls import PLACED, Told, daogou, sent

DAOGOU = hook_mappings.SHIPPED / "daogou.toml"


def written() -> dict[str, Any]:
    return tomllib.loads(DAOGOU.read_text(encoding="utf-8"))


def refused(data: dict[str, Any]) -> tuple[object, str]:
    with pytest.raises(MappingInvalid) as refusal:
        hook_mappings.parse("mine", data)
    return refusal.value.facts["place"], str(refusal.value.facts["reason"])


def test_what_is_shipped_is_sound_and_named_as_its_file() -> None:
    for name in hook_mappings.shipped():
        assert hook_mappings.load(name).name == name
        assert hook_mappings.load(name) is hook_mappings.load(name)


def test_what_cannot_be_meant_is_refused_with_its_place() -> None:
    assert refused(written() | {"colour": "red"})[0] == "colour"
    assert refused(written() | {"currency": "a["})[0] == "currency"
    assert refused(written() | {"currency": "x" * 501})[0] == "currency"
    assert refused(written() | {"currency": 7})[0] == "currency"
    assert refused(written() | {"unknown_sku": "guess"})[0] == "unknown_sku"
    assert refused(written() | {"time": {"zone": "Peking"}})[0] == "time.zone"
    assert refused({key: value for key, value in written().items() if key != "order"})[0] == "order"
    states = [{"value": "a", "state": "paid"}]
    assert refused(written() | {"order": written()["order"] | {"states": states}})[0] == "order.states.0"
    words = [{"value": "a", "words": {"x": "lost"}}]
    assert str(refused(written() | {"order": written()["order"] | {"states": words}})[0]).startswith("order.states.0")
    goods = [{"code": "a", "name": "b", "amount": "c"}]
    assert refused(written() | {"order": written()["order"] | {"lines": goods}})[0] == "order.lines.0"


def test_a_mapping_is_found_by_its_name_or_its_path(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    copy.write_bytes(DAOGOU.read_bytes())
    assert hook_mappings.load(str(copy)).scheme == "standard-webhooks"

    for name in ("mine", str(tmp_path / "none.toml"), str(tmp_path)):
        with pytest.raises(MappingUnknown):
            hook_mappings.load(name)
    copy.write_bytes(b"\xff")
    with pytest.raises(MappingInvalid):
        hook_mappings.load(str(copy))
    copy.write_text("name =", encoding="utf-8")
    with pytest.raises(MappingInvalid):
        hook_mappings.load(str(copy))
    copy.write_text("#" * 300_000, encoding="utf-8")
    with pytest.raises(MappingInvalid):
        hook_mappings.load(str(copy))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({}, "2026-03-05T06:00:00Z"),
        ({}, "2026-03-05T14:00:00+08:00"),
        ({"zone": "Asia/Shanghai"}, "2026-03-05 14:00:00"),
        ({}, "2026-03-05T06:00:00"),
        ({}, 1_772_690_400),
        ({}, "1772690400"),
        ({"numbers": "milliseconds"}, 1_772_690_400_000),
    ],
)
def test_times_are_read_as_the_mapping_says(words: dict[str, str], text: str | int) -> None:
    mapping = hook_mappings.parse("mine", written() | {"time": words})
    payload = daogou(Told(extra={"placed_at": text, "paid_at": None, "updated_at": text}))

    notice = adapt(mapping, sent(payload), "mall")

    assert notice is not None
    assert notice.order is not None
    assert (notice.order.placed_at, notice.news_at) == (PLACED, PLACED)


def test_states_may_be_decided_by_several_fields() -> None:
    rules = [
        {"when": "data.gone", "state": "cancelled"},
        {"when": "data.sent", "value": "data.state", "words": {"paid": "shipped"}},
        {"value": "data.state", "words": {"paid": "paid", "draft": "ignored"}},
    ]
    mapping = hook_mappings.parse(
        "mine", written() | {"order": written()["order"] | {"states": rules}, "unknown_customer": "take"}
    )

    def state(**extra: Any) -> OrderState | None:
        notice = adapt(mapping, sent(daogou(Told(extra=extra))), "mall")
        assert notice is None or notice.unknown_customer is Unknown.TAKE
        return notice.order.state if notice is not None and notice.order is not None else None

    assert state() is OrderState.PAID
    assert state(sent=True) is OrderState.SHIPPED
    assert state(sent=[]) is OrderState.PAID
    assert state(sent=True, gone="yes") is OrderState.CANCELLED
    assert state(state="draft") is None
