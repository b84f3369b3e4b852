"""Grow and reshape the brand's tree of regions."""

import re
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col

from directory.errors import CodeTaken, RegionCycle, RegionTooDeep
from directory.events import RegionAdded, RegionMoved, RegionRenamed
from directory.models import Region
from directory.policy import require_above, require_may_arrange
from directory.queries import regions
from kernel import ids
from kernel.actor import Role
from kernel.db import flush_or_refuse
from kernel.errors import Forbidden, Invalid, require_text, require_version
from kernel.work import Work

LONGEST_NAME = 100
LONGEST_PATH = 400
# Codes stand in paths, and SQLite compares paths without regard to case: so there is only one case.
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


async def add_region(work: Work, *, code: str, name: str, parent_id: UUID | None = None) -> Region:
    """Add a region below another, or at the top of the tree.

    Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `CODE_TAKEN`, `REGION_TOO_DEEP`.
    """
    require_may_arrange(work.actor)
    await regions.lock_tree(work.session, work.actor)
    parent = await _parent(work, parent_id)
    region_code = checked_code(code)
    region = Region(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        parent_id=parent_id,
        code=region_code,
        name=require_text("name", name, longest=LONGEST_NAME),
        path=_path(parent, region_code),
    )
    if len(region.path) > LONGEST_PATH:
        raise RegionTooDeep
    work.session.add(region)
    await flush_or_refuse(work.session, "code", CodeTaken(value=region_code))
    work.record(RegionAdded(region_id=region.id, version=region.version))
    return region


async def rename_region(work: Work, region_id: UUID, *, name: str, expected_version: int | None = None) -> Region:
    """Give a region another name; its code stays.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    region = await regions.lock(work.session, work.actor, region_id)
    require_above(work.actor, region)
    require_version(region, expected_version)
    region.name = require_text("name", name, longest=LONGEST_NAME)
    region.version += 1
    work.record(RegionRenamed(region_id=region.id, version=region.version))
    return region


async def move_region(
    work: Work, region_id: UUID, *, parent_id: UUID | None, expected_version: int | None = None
) -> Region:
    """Hang a region, with all below it, under another one, or at the top of the tree.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `REGION_CYCLE`, `REGION_TOO_DEEP`.
    """
    # One at a time in a brand: two moves, each right by itself, could make a circle together.
    await regions.lock_tree(work.session, work.actor)
    region = await regions.lock(work.session, work.actor, region_id)
    require_above(work.actor, region)
    require_version(region, expected_version)
    parent = await _parent(work, parent_id)
    if region.parent_id == parent_id:
        return region
    if parent is not None and parent.path.startswith(region.path):
        raise RegionCycle
    await _carry_along(work, region, _path(parent, region.code))
    region.parent_id = parent_id
    work.record(RegionMoved(region_id=region.id, version=region.version))
    return region


async def _carry_along(work: Work, region: Region, path: str) -> None:
    """Write the new path into the region and all below it, in one statement."""
    former = region.path
    longest = await regions.longest_path_below(work.session, region)
    if longest - len(former) + len(path) > LONGEST_PATH:
        raise RegionTooDeep
    await work.session.execute(
        update(Region)
        .where(col(Region.brand_id) == region.brand_id, col(Region.path).startswith(former, autoescape=True))
        .values(path=path + func.substr(col(Region.path), len(former) + 1), version=Region.version + 1)
        .execution_options(synchronize_session=False)
    )
    await work.session.refresh(region)


async def _parent(work: Work, parent_id: UUID | None) -> Region | None:
    if parent_id is not None:
        return await regions.get(work.session, work.actor, parent_id)
    if work.actor.role is Role.REGIONAL_MANAGER:
        raise Forbidden
    return None


def _path(parent: Region | None, code: str) -> str:
    return f"{parent.path if parent else '/'}{code}/"


def checked_code(code: str) -> str:
    """A code that may stand in a path, in small letters. Raises `INVALID`."""
    lowered = code.strip().lower()
    if not _CODE.fullmatch(lowered):
        raise Invalid(
            field="code",
            reason="1 to 32 of a-z, 0-9, - and _.",
            reason_zh="应为 1 到 32 位小写字母、数字、- 或 _。",
        )
    return lowered
