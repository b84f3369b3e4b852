"""Find a mapping by name or path, and say where it is wrong."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from intake.errors import MappingInvalid, MappingUnknown
from intake.models import Kind
from intake.models.mapping import AnyMapping, MemberMapping, OrderMapping

SHIPPED = Path(__file__).parent.parent / "mappings"
_LARGEST = 256 * 1024
_KINDS: dict[Kind, TypeAdapter[Any]] = {
    Kind.ORDERS: TypeAdapter(OrderMapping),
    Kind.MEMBERS: TypeAdapter(MemberMapping),
}


def shipped() -> dict[str, Path]:
    """The mappings that come with the product, by name."""
    return {path.stem.replace("_", "-"): path for path in sorted(SHIPPED.glob("*.toml"))}


def load(name: str, kind: Kind) -> AnyMapping:
    """The mapping of that name, or in the TOML file at that path.

    Raises `MAPPING_UNKNOWN`, and `MAPPING_INVALID` with the place that is wrong.
    """
    known = shipped()
    path = known.get(name) or Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise MappingUnknown(name=name, known=", ".join(known))
    if path.stat().st_size > _LARGEST:
        raise _wrong(name, "file", "is larger than 256 KiB")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise _wrong(name, f"byte {error.start}", "is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _wrong(name, "file", str(error)) from error
    return parse(name, data, kind)


def parse(name: str, data: dict[str, Any], kind: Kind) -> AnyMapping:
    """The mapping in this data. Raises `MAPPING_INVALID` with the place that is wrong."""
    if data.get("kind") != kind.value:
        raise _wrong(name, "kind", f"this command needs a mapping of kind {kind.value!r}")
    try:
        mapping: AnyMapping = _KINDS[kind].validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        if not place:
            place, _, said = said.partition(": ")
        raise _wrong(name, place, said) from error
    return mapping


def _wrong(name: str, place: str, reason: str) -> MappingInvalid:
    return MappingInvalid(name=name, place=place, reason=reason)
