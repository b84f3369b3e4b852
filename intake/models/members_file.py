"""Read a file of members: one row, one member; the phone leaves here sealed or not at all."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from customers.errors import BadPhone
from customers.queries import phones
from intake.models.cells import Refused, day_reader, number_reader, time_reader
from intake.models.mapping import MemberMapping
from intake.models.rules import Fields, Place, Placer, named
from kernel.crypto import Vault

AT_ONCE = 500
_LONGEST = {"customer": 64, "name": 60, "tier": 32, "city": 60}


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the file has them. Blank cells are left out of `known`: they say nothing."""

    row: int
    number: str
    known: dict[str, Any]
    store: Place | None
    guide: Place | None

    @property
    def digest(self) -> str:
        """The same for the same row, although a phone is sealed differently each time."""
        told = {key: value for key, value in self.known.items() if key != "phone_sealed"}
        places = [place.code if place else None for place in (self.store, self.guide)]
        return blake2b(orjson.dumps([told, places], option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def members(
    mapping: MemberMapping, vault: Vault, brand_id: UUID, rows: Iterable[tuple[int, Fields]]
) -> Iterator[list[Member]]:
    """Batches of members. Raises `Refused` for the row that was taken last."""
    read = _reader(mapping, vault, brand_id)
    batch: list[Member] = []
    for row, fields in rows:
        batch.append(read(row, fields))
        if len(batch) >= AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _reader(mapping: MemberMapping, vault: Vault, brand_id: UUID) -> Any:
    number, day, instant = number_reader(mapping.numbers), day_reader(mapping.time), time_reader(mapping.time)
    placer = Placer(mapping.values, mapping.stores, mapping.guides, number)
    yes = frozenset(word.upper() for word in mapping.yes)

    def read(row: int, fields: Fields) -> Member:
        for field, longest in _LONGEST.items():
            if len(fields.get(field, "")) > longest:
                raise Refused(f"longer than {longest} characters.", f"超过 {longest} 个字符。", field=field)
        for field in ("customer", "name"):
            if not fields[field]:
                raise Refused("must not be empty.", "不能为空。", field=field)
        known: dict[str, Any] = {field: fields[field] for field in ("name", "tier", "city") if fields.get(field)}
        for field in ("birthday", "tier_until"):
            if fields.get(field):
                known[field] = named(field, day, fields[field]).isoformat()
        if fields.get("joined"):
            known["joined"] = named("joined", instant, fields["joined"])
        if fields.get("do_not_contact", "").upper() in yes:
            known["do_not_contact"] = True
        if fields.get("phone"):
            known |= _phone(vault, brand_id, fields["phone"])
        store, guide = placer.place_if_named(fields)
        return Member(row, fields["customer"], known, store, guide)

    return read


def _phone(vault: Vault, brand_id: UUID, cell: str) -> dict[str, Any]:
    try:
        plain = phones.normalised(cell)
    except BadPhone as error:
        raise Refused("not a phone number.", "不是电话号码。", field="phone") from error
    return {
        "phone_sealed": base64.b64encode(vault.seal(brand_id, plain)).decode(),
        "phone_index": vault.index(brand_id, plain),
        "phone_masked": phones.masked(plain),
    }
