"""A mapping is checked as a whole when it is loaded, and the refusal names the place."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from intake.errors import MappingInvalid, MappingUnknown
from intake.models import Kind
from intake.models.mapping import OrderMapping, as_data
from intake.queries import mappings


def online_retail() -> dict[str, Any]:
    return tomllib.loads(mappings.shipped()["online-retail"].read_text(encoding="utf-8"))


def changed(**values: Any) -> dict[str, Any]:
    """The shipped mapping with some keys replaced; `None` takes a key out, `a__b` reaches into a table."""
    data = online_retail()
    for path, value in values.items():
        *above, last = path.split("__")
        place: Any = data
        for part in above:
            place = place[int(part) if part.isdigit() else part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return data


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("kind", {"kind": "members"}, "kind of another command"),
    ("source", {"source": None}, "missing"),
    ("columns", {"columns__number": None}, "a needed column"),
    ("columns", {"columns__amount": "Total"}, "price and amount"),
    ("lines.0.becomes", {"lines__0__becomes": "sold"}, "not a word"),
    ("lines.0", {"lines__0__reason": "why"}, "a reason for a sale"),
    ("lines.0.when.0", {"lines__0__when": [{"field": "number"}]}, "no test"),
    ("lines.0.when.0", {"lines__0__when": [{"field": "number", "equals": "1", "matches": "2"}]}, "two tests"),
    ("lines.0.when.0.matches", {"lines__0__when": [{"field": "number", "matches": "("}]}, "a broken pattern"),
    ("lines.0.when.0", {"lines__0__when": [{"field": "colour", "equals": "red"}]}, "an unknown field"),
    ("lines.5", {"lines__5__when": [{"field": "number", "blank": True}]}, "no rule for the rest"),
    ("values.0.field", {"values__0__field": "shoe"}, "an unknown field"),
    ("values.0.mod", {"values__0__mod": 0}, "division by zero"),
    ("values.2", {"values__2__part": "[0-9]+"}, "no group"),
    ("values.1.name", {"values__1__name": "uk_store"}, "a name twice"),
    ("regions.1", {"regions__1__code": "UK"}, "a region twice"),
    ("regions.0.parent", {"regions__0__parent": "Overseas"}, "a parent further down"),
    ("stores", {"stores": []}, "no store rule"),
    ("stores.0.region", {"stores__0__region": "Mars"}, "an unknown region"),
    ("stores.0", {"stores__0__region": None}, "a store that can't be created"),
    ("stores.0.opening_hours", {"stores__0__opening_hours": "never"}, "unknown hours"),
    ("stores.0.code", {"stores__0__code": "{nothing}"}, "an unknown slot"),
    ("stores.0.code", {"stores__0__code": "{customer.__class__}"}, "a slot that reaches into an object"),
    ("stores.0.code", {"stores__0__code": "UK-{uk_store"}, "a brace without its partner"),
    ("opening_hours.mail_order", {"opening_hours__mail_order": [["09:00", "18:00"]]}, "six days missing"),
    ("opening_hours.mail_order.0", {"opening_hours__mail_order": [["18:00", "09:00"]] * 7}, "closing before opening"),
    ("time.zone", {"time__zone": "Europe/Atlantis"}, "no such zone"),
    ("time.formats", {"time__formats": []}, "no format"),
    ("time", {"time__formats": ["%H:%M"]}, "no day"),
    ("file.encoding", {"file__encoding": "utf-16"}, "not bytewise"),
    ("file.encoding", {"file__encoding": "klingon"}, "no such encoding"),
    ("numbers", {"numbers__grouping": "."}, "one character for two things"),
    ("brand.currency", {"brand__currency": "pounds"}, "no currency"),
    ("customer.name", {"customer__name": "{country}"}, "a name that isn't the customer's"),
    ("surprise", {"surprise": 1}, "an unknown key"),
]


@pytest.mark.parametrize(("place", "values", "why"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_mapping_is_refused_and_the_place_named(place: str, values: dict[str, Any], why: str) -> None:
    with pytest.raises(MappingInvalid) as refused:
        mappings.parse("mine", changed(**values), Kind.ORDERS)

    assert str(refused.value.facts["place"]).startswith(place)
    assert refused.value.facts["reason"]
    assert "mine" in refused.value.say("zh")


@pytest.mark.parametrize("name", [name for name in mappings.shipped() if not name.startswith(("products", "stock"))])
def test_a_shipped_mapping_is_sound_and_survives_being_kept(name: str) -> None:
    kind = Kind.MEMBERS if name.startswith("members") else Kind.ORDERS

    mapping = mappings.load(name, kind)

    assert mapping.name == name
    assert mappings.parse(name, as_data(mapping), kind) == mapping


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(MappingUnknown) as refused:
        mappings.load("offline-retail", Kind.ORDERS)

    assert "online-retail" in str(refused.value)


def test_a_mapping_may_lie_in_a_file_of_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_bytes(mappings.shipped()["online-retail"].read_bytes())

    assert isinstance(mappings.load(str(mine), Kind.ORDERS), OrderMapping)


def test_a_file_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("kind = orders\n", encoding="utf-8")

    with pytest.raises(MappingInvalid) as refused:
        mappings.load(str(mine), Kind.ORDERS)

    assert "line 1" in str(refused.value)
