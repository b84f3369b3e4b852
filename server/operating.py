"""What an operator does from a terminal: hand out tokens, end sign-ins."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from directory.commands import sign_in as sign_ins
from directory.models import Brand
from directory.queries import actors
from kernel.actor import system
from kernel.work import Ground, Work, unit_of_work
from server import migrating
from server.errors import CannotStart
from server.ground import standing
from server.settings import Settings
from server.tokens import Claims, Kind, Signer
from tagging.commands import folding


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was handed out; `sign_in_id` is what ends it."""

    token: str
    sign_in_id: UUID
    expires_at: datetime


async def issue_to_staff(settings: Settings, brand: str | None, number: str, lasting: timedelta) -> Issued:
    """A token for a staff member, without a password. Raises `NOBODY_TO_SIGN_IN`."""
    async with _in_brand(settings, brand) as work:
        return _issued(settings, await sign_ins.issue_to_staff(work, number, lasting), Kind.STAFF)


async def issue_to_service(
    settings: Settings, brand: str | None, name: str, scopes: Iterable[str], lasting: timedelta
) -> Issued:
    """A token for a machine, whose account is made the first time."""
    async with _in_brand(settings, brand) as work:
        return _issued(settings, await sign_ins.issue_to_service(work, name, scopes, lasting), Kind.SERVICE)


async def revoke(settings: Settings, brand: str | None, sign_in_id: UUID) -> None:
    """End a sign-in. Raises `UNKNOWN_SIGN_IN`."""
    async with _in_brand(settings, brand) as work:
        await sign_ins.revoke(work, sign_in_id)


async def open_sign_ins(settings: Settings, brand: str | None) -> Sequence[Any]:
    """The sign-ins that still count; see `directory.queries.actors`."""
    async with ready(settings) as ground:
        chosen = await brand_of(ground, brand)
        async with ground.db.read() as session:
            return await actors.open_sign_ins(session, chosen.id)


async def rebuild_segments(settings: Settings, brand: str | None) -> None:
    """Ask for the bitmaps of segments to be written anew."""
    async with _in_brand(settings, brand) as work:
        await folding.rebuild(work)


@asynccontextmanager
async def ready(settings: Settings) -> AsyncIterator[Ground]:
    """A ground whose database can be reached and has the right schema. Raises `CannotStart`."""
    await migrating.require_current(settings)
    async with standing(settings) as ground:
        yield ground


@asynccontextmanager
async def _in_brand(settings: Settings, code: str | None) -> AsyncIterator[Work]:
    async with ready(settings) as ground:
        brand = await brand_of(ground, code)
        async with unit_of_work(ground, system(brand.id)) as work:
            yield work


async def brand_of(ground: Ground, code: str | None) -> Brand:
    """The brand with that code; without one, the only brand there is. Raises `CannotStart`."""
    async with ground.db.read() as session:
        known = await actors.brands(session)
    chosen = [brand for brand in known if code in (None, brand.code)]
    if len(chosen) == 1:
        return chosen[0]
    if not known:
        raise CannotStart("There is no brand yet: load the demo or import orders first.")
    codes = ", ".join(brand.code for brand in known)
    raise CannotStart(f"Name one of the brands with --brand: {codes}.")


def _issued(settings: Settings, opened: sign_ins.Opened, kind: Kind) -> Issued:
    expires_at = opened.expires_at.replace(microsecond=0)
    claims = Claims(opened.brand_id, opened.subject_id, opened.sign_in_id, kind, expires_at)
    signer = Signer(settings.secret_key.get_secret_value())
    return Issued(signer.sign(claims), opened.sign_in_id, expires_at)
