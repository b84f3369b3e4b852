"""Find the mapping of a mall by name or path, and say where it is wrong."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from intake.errors import MappingInvalid, MappingUnknown
from intake.models.hook_mapping import HookMapping

SHIPPED = Path(__file__).parent.parent / "hook_mappings"
_LARGEST = 256 * 1024


def shipped() -> dict[str, Path]:
    """The mappings of malls that come with the product, by name."""
    return {path.stem.replace("_", "-"): path for path in sorted(SHIPPED.glob("*.toml"))}


def load(name: str) -> HookMapping:
    """The mapping of that name, or in the TOML file at that path.

    Raises `MAPPING_UNKNOWN`, and `MAPPING_INVALID` with the place that is wrong.
    """
    known = shipped()
    path = known.get(name)
    return _shipped(path) if path is not None else _loaded(name, Path(name), known)


@lru_cache
def _shipped(path: Path) -> HookMapping:
    return _loaded(path.stem, path, {})


def _loaded(name: str, path: Path, known: dict[str, Path]) -> HookMapping:
    if path.suffix != ".toml" or not path.is_file():
        raise MappingUnknown(name=name, known=", ".join(known))
    if path.stat().st_size > _LARGEST:
        raise MappingInvalid(name=name, place="file", reason="is larger than 256 KiB")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise MappingInvalid(name=name, place=f"byte {error.start}", reason="is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise MappingInvalid(name=name, place="file", reason=str(error)) from error
    return parse(name, data)


def parse(name: str, data: dict[str, Any]) -> HookMapping:
    """The mapping in this data. Raises `MAPPING_INVALID` with the place that is wrong."""
    try:
        return HookMapping.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise MappingInvalid(name=name, place=place, reason=first["msg"].removeprefix("Value error, ")) from error
