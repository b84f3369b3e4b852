"""Open, edit and close stores."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, TypedDict, Unpack
from uuid import UUID
from zoneinfo import available_timezones

from directory.errors import BadOpeningHours, BadTimeZone, CodeTaken, StillHolds, StoreStaffed
from directory.events import StoreEdited, StoreOpened, StoreReopened, StoreShut
from directory.models import Account, AccountKind, Store
from directory.policy import require_may_arrange
from directory.queries import regions, stores
from kernel import feed, ids
from kernel.db import flush_or_refuse
from kernel.errors import Invalid, require_text, require_version
from kernel.work import Work

LONGEST_CODE = 32
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
Hours = Sequence[Sequence[str] | None]


class StoreChanges(TypedDict, total=False):
    """What is to be different; what isn't named stays. A city of `None` is forgotten."""

    name: str
    city: str | None
    time_zone: str
    opening_hours: Hours
    region_id: UUID


async def open_store(
    work: Work,
    *,
    region_id: UUID,
    code: str,
    name: str,
    time_zone: str,
    opening_hours: Hours,
    city: str | None = None,
) -> Store:
    """Open a store, with its public account.

    `time_zone` is an IANA name; `opening_hours` has seven entries from Monday on, each `("10:00", "22:00")`
    or `None`. Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `CODE_TAKEN`, `BAD_TIME_ZONE`, `BAD_OPENING_HOURS`.
    """
    require_may_arrange(work.actor)
    region = await regions.get(work.session, work.actor, region_id)
    store = Store(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        region_id=region.id,
        code=checked_code("code", code),
        name=require_text("name", name, longest=100),
        city=require_text("city", city, longest=60) if city is not None else None,
        time_zone=checked_zone(time_zone),
        opening_hours=checked_hours(opening_hours),
    )
    work.session.add(store)
    await flush_or_refuse(work.session, "code", CodeTaken(value=store.code))
    work.session.add(Account(brand_id=store.brand_id, id=ids.new(), store_id=store.id, kind=AccountKind.PUBLIC))
    await feed.open_feeds(work.session, store.brand_id, (feed.of_store(store.id), feed.of_desk(store.id)))
    work.record(StoreOpened(store_id=store.id, version=store.version))
    return store


async def edit_store(
    work: Work, store_id: UUID, *, expected_version: int | None = None, **changes: Unpack[StoreChanges]
) -> Store:
    """Change what is named, and nothing else.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`, `BAD_TIME_ZONE`, `BAD_OPENING_HOURS`.
    """
    store = await stores.lock(work.session, work.actor, store_id)
    require_may_arrange(work.actor)
    require_version(store, expected_version)
    values: dict[str, Any] = {}
    if "name" in changes:
        values["name"] = require_text("name", changes["name"], longest=100)
    if "city" in changes:
        city = changes["city"]
        values["city"] = require_text("city", city, longest=60) if city is not None else None
    if "time_zone" in changes:
        values["time_zone"] = checked_zone(changes["time_zone"])
    if "opening_hours" in changes:
        values["opening_hours"] = checked_hours(changes["opening_hours"])
    if "region_id" in changes:
        values["region_id"] = (await regions.get(work.session, work.actor, changes["region_id"])).id
    has_moved = values.get("region_id", store.region_id) != store.region_id
    for field, value in values.items():
        setattr(store, field, value)
    store.version += 1
    work.record(StoreEdited(store_id=store.id, version=store.version, has_moved=has_moved))
    return store


async def close_store(work: Work, store_id: UUID, *, holds: int, expected_version: int | None = None) -> Store:
    """Close a store in which nobody works and nothing is held any more.

    `holds` is how many relationships the store still owns; whoever counts them has locked the store before.
    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `STORE_CLOSED`, `STORE_STAFFED`, `STILL_HOLDS`.
    """
    store = await stores.lock(work.session, work.actor, store_id)
    require_may_arrange(work.actor)
    require_version(store, expected_version)
    store.require_open()
    working = await stores.count_staff(work.session, work.actor, store.id)
    if working:
        raise StoreStaffed(count=working)
    if holds:
        raise StillHolds(count=holds)
    store.close()
    work.record(StoreShut(store_id=store.id, version=store.version))
    return store


async def reopen_store(work: Work, store_id: UUID, *, expected_version: int | None = None) -> Store:
    """Trade again in a store that was closed.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `STORE_OPEN`.
    """
    store = await stores.lock(work.session, work.actor, store_id)
    require_may_arrange(work.actor)
    require_version(store, expected_version)
    store.reopen()
    work.record(StoreReopened(store_id=store.id, version=store.version))
    return store


def checked_code(field: str, code: str) -> str:
    """A code or number that people type: printable, without blanks inside."""
    text = require_text(field, code, longest=LONGEST_CODE)
    if not text.isprintable() or any(character.isspace() for character in text):
        raise Invalid(field=field, reason="must not contain blanks.", reason_zh="不能含有空格。")
    return text


def checked_zone(name: str) -> str:
    """The name of an IANA time zone. Raises `BAD_TIME_ZONE`."""
    if name not in _zones():
        raise BadTimeZone(value=name[:40])
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def checked_hours(hours: Hours) -> list[list[str] | None]:
    """Seven days from Monday on. Raises `BAD_OPENING_HOURS`."""
    if len(hours) != 7:
        raise BadOpeningHours
    return [_checked_day(day) for day in hours]


def _checked_day(day: Sequence[str] | None) -> list[str] | None:
    if day is None:
        return None
    if len(day) != 2 or not all(_TIME.fullmatch(time) for time in day) or day[0] >= day[1]:
        raise BadOpeningHours
    return list(day)
