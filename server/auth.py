"""Tell who is calling, and hand out, renew and end what they show for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from directory.commands import passwords
from directory.commands import sign_in as sign_ins
from directory.errors import RefreshReused, SignInEnded, SignInFailed
from directory.queries import actors
from kernel import clock
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from server.attempts import Attempts
from server.callers import Callers
from server.settings import Settings
from server.tokens import Claims, Kind, Signer

_LONGEST_NAME = 64
_AT_ONCE = 4  # passwords that are hashed side by side: 19 MiB and a core each

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who shows an access token, and until when it is good."""

    actor: Actor
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in hands out. The access token goes with every request; the refresh token works once."""

    sign_in_id: UUID
    subject_id: UUID
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Auth:
    """One per process: the key, the counters, and how long things last."""

    ground: Ground
    signer: Signer
    callers: Callers
    attempts: Attempts
    access_lasts: timedelta
    refresh_lasts: timedelta
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def who(self, token: str) -> Caller:
        """The actor behind an access token, as the directory knows them now. Raises `SIGN_IN_ENDED`."""
        claims = self.signer.verify(token)
        if claims.kind is Kind.STAFF:
            actor = await self.callers.staff(claims.brand_id, claims.sign_in_id)
        else:
            async with self.ground.db.read() as session:
                actor = await actors.of_service_sign_in(session, claims.brand_id, claims.sign_in_id)
        if actor.id != claims.subject_id:
            raise SignInEnded
        return Caller(actor, claims.expires_at)

    async def sign_in(self, brand_code: str, number: str, password: str, address: str) -> Tokens:
        """Sign a staff member in. Raises `SIGN_IN_FAILED`, `TOO_MANY_ATTEMPTS`.

        Unknown brand, unknown number, wrong password and closed access are one answer after one length of time.
        """
        brand_code, number = _tidy(brand_code), _tidy(number)
        await self.attempts.count(brand_code, number, address)
        for _ in range(2):  # once more if the password, or only its hash, changed while it was being checked
            opened = await self._try(brand_code, number, password)
            if opened is not None:
                await self.attempts.succeeded(brand_code, number, address)
                return self._tokens(opened)
        raise SignInFailed

    async def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token, which works once. Raises `SIGN_IN_ENDED`, `REFRESH_REUSED`."""
        brand_id = sign_ins.brand_of(refresh_token)
        async with unit_of_work(self.ground, system(brand_id)) as work:
            opened = await sign_ins.refresh(work, refresh_token, self.refresh_lasts)
        if opened is None:
            raise RefreshReused
        return self._tokens(opened)

    async def sign_out(self, actor: Actor) -> None:
        """End the sign-in that the actor came with, and with it all its tokens."""
        async with unit_of_work(self.ground, actor) as work:
            await sign_ins.sign_out(work)

    async def _try(self, brand_code: str, number: str, password: str) -> sign_ins.Opened | None:
        async with self.ground.db.read() as session:
            found = await actors.credentials(session, brand_code, number)
        hashed = found.password_hash if found is not None else None
        same = await self._in_thread(lambda: passwords.matches(hashed, password))
        if found is None or hashed is None or not same or not found.may_sign_in:
            raise SignInFailed
        rehashed = None
        if passwords.is_outdated(hashed):
            rehashed = await self._in_thread(lambda: passwords.hash_password(password))
        async with unit_of_work(self.ground, system(found.brand_id)) as work:
            return await sign_ins.sign_in(work, found, self.refresh_lasts, rehashed)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        async with self._turns:
            return await asyncio.to_thread(work)

    def _tokens(self, opened: sign_ins.Opened) -> Tokens:
        until = min(clock.now() + self.access_lasts, opened.expires_at).replace(microsecond=0)
        claims = Claims(opened.brand_id, opened.subject_id, opened.sign_in_id, Kind.STAFF, until)
        return Tokens(
            sign_in_id=opened.sign_in_id,
            subject_id=opened.subject_id,
            access_token=self.signer.sign(claims),
            access_expires_at=until,
            refresh_token=opened.refresh_token or "",
            refresh_expires_at=opened.expires_at,
        )


def open_auth(ground: Ground, settings: Settings) -> Auth:
    """The process's authority on who is who."""
    return Auth(
        ground=ground,
        signer=Signer(settings.secret_key.get_secret_value()),
        callers=Callers(ground),
        attempts=Attempts(ground.redis),
        access_lasts=timedelta(minutes=settings.access_token_minutes),
        refresh_lasts=timedelta(days=settings.refresh_token_days),
    )


def _tidy(name: str) -> str:
    """A code as it may stand in the database; what can't becomes one that nobody has."""
    name = name.strip()
    is_possible = len(name) <= _LONGEST_NAME and name.isprintable()
    return name if is_possible else ""
