"""Find a mapping by name or path, and say where it is wrong."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from intake.errors import MappingInvalid, MappingUnknown
from intake.models import Kind
from intake.models.goods_mapping import AnyGoodsMapping, GoodsKind, ProductMapping, StockMapping
from intake.models.mapping import AnyMapping, MemberMapping, OrderMapping

SHIPPED = Path(__file__).parent.parent / "mappings"
_LARGEST = 256 * 1024
_KINDS: dict[Kind, TypeAdapter[Any]] = {
    Kind.ORDERS: TypeAdapter(OrderMapping),
    Kind.MEMBERS: TypeAdapter(MemberMapping),
}
_GOODS: dict[GoodsKind, TypeAdapter[Any]] = {
    GoodsKind.PRODUCTS: TypeAdapter(ProductMapping),
    GoodsKind.STOCK: TypeAdapter(StockMapping),
}


def shipped() -> dict[str, Path]:
    """The mappings that come with the product, by name."""
    return {path.stem.replace("_", "-"): path for path in sorted(SHIPPED.glob("*.toml"))}


def load(name: str, kind: Kind) -> AnyMapping:
    """The mapping of that name, or in the TOML file at that path.

    Raises `MAPPING_UNKNOWN`, and `MAPPING_INVALID` with the place that is wrong.
    """
    return parse(name, _data(name), kind)


def load_goods(name: str, kind: GoodsKind) -> AnyGoodsMapping:
    """The same for files of products and stock."""
    mapping: AnyGoodsMapping = _checked(name, _data(name), kind, _GOODS[kind])
    return mapping


def _data(name: str) -> dict[str, Any]:
    known = shipped()
    path = known.get(name) or Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise MappingUnknown(name=name, known=", ".join(known))
    if path.stat().st_size > _LARGEST:
        raise _wrong(name, "file", "is larger than 256 KiB")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise _wrong(name, f"byte {error.start}", "is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _wrong(name, "file", str(error)) from error


def parse(name: str, data: dict[str, Any], kind: Kind) -> AnyMapping:
    """The mapping in this data. Raises `MAPPING_INVALID` with the place that is wrong."""
    mapping: AnyMapping = _checked(name, data, kind, _KINDS[kind])
    return mapping


def _checked(name: str, data: dict[str, Any], kind: Kind | GoodsKind, adapter: TypeAdapter[Any]) -> Any:
    if data.get("kind") != kind.value:
        raise _wrong(name, "kind", f"this command needs a mapping of kind {kind.value!r}")
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        if not place:
            place, _, said = said.partition(": ")
        raise _wrong(name, place, said) from error


def _wrong(name: str, place: str, reason: str) -> MappingInvalid:
    return MappingInvalid(name=name, place=place, reason=reason)
