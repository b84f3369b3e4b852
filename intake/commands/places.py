"""Make sure that the brand, its regions, and the stores and guides somebody is at home with, are there."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

import directory.commands
from directory.models import Account, AccountKind, Brand, Region, Staff, StaffState, Store
from intake.models import ImportedPlace, ImportRun, PlaceKind
from intake.models.mapping import Mapping
from kernel import clock, feed, ids
from kernel.actor import Role
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class Home:
    """A store, and the account that holds what is at home there."""

    store_id: UUID
    time_zone: str
    account_id: UUID
    is_guide: bool


async def prepare(work: Work, run: ImportRun, mapping: Mapping) -> None:
    """The brand, its regions and the people whom the mapping names; what is there stays as it is."""
    brand_id = run.brand_id
    if await work.session.get(Brand, brand_id) is None:
        await directory.commands.load(work, brands=[_brand(run, mapping)])
    await _regions(work, brand_id, mapping)
    known = set(await work.session.scalars(select(col(Staff.number)).where(col(Staff.brand_id) == brand_id)))
    people = [rule for rule in mapping.staff if rule.number not in known]
    await _hire(work, [_staff(brand_id, rule.number, rule.name, rule.role, None) for rule in people])


def _brand(run: ImportRun, mapping: Mapping) -> dict[str, Any]:
    return {
        "id": run.brand_id,
        "code": run.brand_code,
        "name": mapping.brand.name,
        "currency": mapping.brand.currency,
        "created_at": clock.now(),
    }


async def _regions(work: Work, brand_id: UUID, mapping: Mapping) -> None:
    found = await work.session.execute(
        select(col(Region.code), col(Region.id), col(Region.path)).where(col(Region.brand_id) == brand_id)
    )
    known = {code: (region_id, path) for code, region_id, path in found}
    rows: list[dict[str, Any]] = []
    for rule in mapping.regions:
        if rule.code in known:
            continue
        parent_id, above = known[rule.parent] if rule.parent else (None, "/")
        known[rule.code] = (ids.new(), f"{above}{rule.code}/")
        region_id, path = known[rule.code]
        rows.append(
            {
                "brand_id": brand_id,
                "id": region_id,
                "parent_id": parent_id,
                "code": rule.code,
                "name": rule.name,
                "path": path,
                "version": 1,
            }
        )
    await directory.commands.load(work, regions=rows)


async def stores(work: Work, codes: Iterable[str]) -> dict[str, tuple[UUID, str, UUID]]:
    """For each code the store's id, time zone and public account; stores that are missing are opened."""
    wanted = set(codes)
    found = await _stores(work, wanted)
    missing = wanted - set(found)
    if missing:
        await _open_stores(work, await _places(work, PlaceKind.STORE, missing))
        found |= await _stores(work, missing)
    return found


async def homes(work: Work, wanted: Iterable[tuple[str, str | None]]) -> dict[tuple[str, str | None], Home]:
    """For each pair of store and guide who holds a relationship there: the guide's account, made if need be.

    A guide who works elsewhere by now, or is gone, holds nothing new: the store's public account does.
    """
    pairs = set(wanted)
    opened = await stores(work, {store for store, _ in pairs})
    accounts = await _guide_accounts(work, {guide for _, guide in pairs if guide})
    missing = {guide for _, guide in pairs if guide} - set(accounts)
    if missing:
        await _hire_guides(work, await _places(work, PlaceKind.GUIDE, missing), opened)
        accounts |= await _guide_accounts(work, missing)
    result = {}
    for store, guide in pairs:
        store_id, zone, public = opened[store]
        holder = accounts.get(guide, {}).get(store_id) if guide else None
        result[store, guide] = Home(store_id, zone, holder or public, holder is not None)
    return result


async def _stores(work: Work, codes: set[str]) -> dict[str, tuple[UUID, str, UUID]]:
    found = await work.session.execute(
        select(col(Store.code), col(Store.id), col(Store.time_zone), col(Account.id))
        .join(
            Account,
            (col(Account.brand_id) == col(Store.brand_id))
            & (col(Account.store_id) == col(Store.id))
            & (col(Account.kind) == AccountKind.PUBLIC),
        )
        .where(col(Store.brand_id) == work.actor.brand_id, col(Store.code).in_(codes))
    )
    return {code: (store_id, zone, public) for code, store_id, zone, public in found}


async def _guide_accounts(work: Work, numbers: set[str]) -> dict[str, dict[UUID, UUID]]:
    """By staff number: the account in the store where the guide works now; none for who is leaving or gone."""
    found = await work.session.execute(
        select(col(Staff.number), col(Staff.state), col(Staff.store_id), col(Account.store_id), col(Account.id))
        .join(
            Account,
            (col(Account.brand_id) == col(Staff.brand_id)) & (col(Account.staff_id) == col(Staff.id)),
            isouter=True,
        )
        .where(col(Staff.brand_id) == work.actor.brand_id, col(Staff.number).in_(numbers))
    )
    accounts: dict[str, dict[UUID, UUID]] = {}
    for number, state, works_at, store_id, account_id in found:
        mine = accounts.setdefault(number, {})
        if state is StaffState.ACTIVE and account_id is not None and works_at == store_id:
            mine[store_id] = account_id
    return accounts


async def _places(work: Work, kind: PlaceKind, codes: set[str]) -> list[ImportedPlace]:
    """What the files said of these codes, the latest file's word for each."""
    found = await work.session.scalars(
        select(ImportedPlace)
        .where(
            col(ImportedPlace.brand_id) == work.actor.brand_id,
            col(ImportedPlace.kind) == kind,
            col(ImportedPlace.code).in_(codes),
        )
        .order_by(col(ImportedPlace.run_id))
    )
    return list({place.code: place for place in found}.values())


async def _open_stores(work: Work, places: list[ImportedPlace]) -> None:
    brand_id = work.actor.brand_id
    found = await work.session.execute(select(col(Region.code), col(Region.id)).where(col(Region.brand_id) == brand_id))
    regions = dict(found.all())
    rows = [
        {
            "brand_id": brand_id,
            "id": ids.new(),
            "region_id": regions[place.attributes["region"]],
            "code": place.code,
            "name": place.name,
            "city": place.attributes["city"],
            "time_zone": place.attributes["time_zone"],
            "opening_hours": place.attributes["opening_hours"],
            "state": "open",
            "version": 1,
        }
        for place in sorted(places, key=lambda place: place.code)
    ]
    _note_created(places, rows, "code")
    public = [_account(brand_id, row["id"], AccountKind.PUBLIC, None) for row in rows]
    await directory.commands.load(work, stores=rows, accounts=public)
    feeds = [feed_id for row in rows for feed_id in (feed.of_store(row["id"]), feed.of_desk(row["id"]))]
    await feed.open_feeds(work.session, brand_id, feeds)


async def _hire_guides(work: Work, places: list[ImportedPlace], opened: dict[str, tuple[UUID, str, UUID]]) -> None:
    brand_id = work.actor.brand_id
    rows, accounts = [], []
    for place in sorted(places, key=lambda place: place.code):
        store_id = opened[place.attributes["store"]][0]
        rows.append(_staff(brand_id, place.code, place.name, Role.GUIDE, store_id))
        accounts.append(_account(brand_id, store_id, AccountKind.GUIDE, rows[-1]["id"]))
    _note_created(places, rows, "number")
    await _hire(work, rows, accounts)


def _note_created(places: list[ImportedPlace], rows: list[dict[str, Any]], key: str) -> None:
    made = {row[key]: row["id"] for row in rows}
    for place in places:
        place.created_id = made[place.code]


async def _hire(work: Work, rows: list[dict[str, Any]], accounts: list[dict[str, Any]] | None = None) -> None:
    """People without a password: nobody signs in as them before one is set."""
    assignments = [
        {
            "brand_id": row["brand_id"],
            "id": ids.new(),
            "staff_id": row["id"],
            "role": row["role"],
            "store_id": row["store_id"],
            "region_id": None,
            "starts_at": row["hired_at"],
            "ends_at": None,
        }
        for row in rows
    ]
    await directory.commands.load(work, staff=rows, assignments=assignments, accounts=accounts or ())
    await feed.open_feeds(work.session, work.actor.brand_id, [feed.of_staff(row["id"]) for row in rows])


def _staff(brand_id: UUID, number: str, name: str, role: Role, store_id: UUID | None) -> dict[str, Any]:
    return {
        "brand_id": brand_id,
        "id": ids.new(),
        "number": number,
        "name": name,
        "role": role,
        "state": StaffState.ACTIVE,
        "store_id": store_id,
        "region_id": None,
        "password_hash": None,
        "access_closed_at": None,
        "hired_at": clock.now(),
        "version": 1,
    }


def _account(brand_id: UUID, store_id: UUID, kind: AccountKind, staff_id: UUID | None) -> dict[str, Any]:
    return {
        "brand_id": brand_id,
        "id": ids.new(),
        "store_id": store_id,
        "kind": kind,
        "staff_id": staff_id,
        "partner_user_id": None,
        "version": 1,
    }
