"""Remember the stores and guides that a file names, with what is needed to create them later."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel, col

from directory.models import Staff, Store
from intake.errors import PlaceUnknown
from intake.models import ImportedPlace, ImportRun, PlaceKind
from intake.models.cells import Refused
from intake.models.mapping import Mapping
from intake.models.rules import Place
from intake.models.words import GuideRule, StoreRule
from kernel import bulk
from kernel.work import Work


@dataclass(slots=True)
class Known:
    """The codes of stores and guides that this import has met, so that each is looked at once."""

    places: set[tuple[PlaceKind, str]] = field(default_factory=set)


async def note_place(
    work: Work, run: ImportRun, mapping: Mapping, known: Known, row: int, store: Place | None, guide: Place | None
) -> None:
    """Remember how to create a store and guide that a row names. Refuses one that must exist and doesn't."""
    if store is None:
        return
    try:
        rows = await _new_places(work, run, mapping, known, store, guide)
    except Refused as refused:
        raise refused.at(run.file_name, row, mapping.columns) from refused
    await bulk.insert_missing(work.session, ImportedPlace, rows)


async def _new_places(
    work: Work, run: ImportRun, mapping: Mapping, known: Known, store: Place, guide: Place | None
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    if (PlaceKind.STORE, store.code) not in known.places:
        if store.must_exist:
            await _require(work, Store, Store.code, store.code, "store", "门店")
        known.places.add((PlaceKind.STORE, store.code))
        rows.append(_place_row(run, PlaceKind.STORE, store, _store_attributes(mapping, mapping.stores[store.rule])))
    if guide is not None and (PlaceKind.GUIDE, guide.code) not in known.places:
        if guide.must_exist:
            await _require(work, Staff, Staff.number, guide.code, "guide", "导购")
        known.places.add((PlaceKind.GUIDE, guide.code))
        rows.append(_place_row(run, PlaceKind.GUIDE, guide, _guide_attributes(mapping.guides[guide.rule], store)))
    return rows


def _place_row(run: ImportRun, kind: PlaceKind, place: Place, attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "brand_id": run.brand_id,
        "run_id": run.id,
        "kind": kind,
        "code": place.code,
        "name": place.name,
        "attributes": attributes,
    }


def _store_attributes(mapping: Mapping, rule: StoreRule) -> dict[str, Any]:
    return {
        "region": rule.region,
        "city": rule.city,
        "opening_hours": [day or None for day in mapping.opening_hours.get(rule.opening_hours or "", [])],
        "time_zone": mapping.time.zone,
        "must_exist": rule.must_exist,
    }


def _guide_attributes(rule: GuideRule, store: Place) -> dict[str, Any]:
    return {"store": store.code, "must_exist": rule.must_exist}


async def _require(work: Work, table: type[SQLModel], key: Any, code: str, what: str, what_zh: str) -> None:
    found = await work.session.scalar(
        select(col(key)).where(col(table.brand_id) == work.actor.brand_id, col(key) == code)  # type: ignore[attr-defined]  # both have it
    )
    if found is None:
        raise Refused(f"there is no {what} of this code.", f"没有该编码的{what_zh}。", PlaceUnknown, field=what)
