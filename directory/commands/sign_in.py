"""Begin, continue and end sign-ins of people and machines.

A refresh token works once. Whoever presents it again has a copy, or lost the answer; the two can't be
told apart, so the whole sign-in ends. Of two that come at once, one is continued and then ended by the other.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.errors import (
    NobodyToSignIn,
    ServiceAccountClosed,
    ServiceAccountScopes,
    SignInEnded,
    SignInFailed,
    UnknownSignIn,
)
from directory.models import RefreshToken, ServiceAccount, SignIn, Staff, StaffState
from directory.queries.actors import Credentials
from kernel import audit, clock, crypto, ids
from kernel.actor import Scope
from kernel.errors import Invalid, require_text
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class Opened:
    """A sign-in that was begun or continued; `refresh_token` is told once and not stored."""

    brand_id: UUID
    sign_in_id: UUID
    subject_id: UUID
    expires_at: datetime
    refresh_token: str | None = None


async def sign_in(work: Work, found: Credentials, lasting: timedelta, rehashed: str | None = None) -> Opened | None:
    """Begin the sign-in of somebody whose password was right a moment ago; `None` if it was changed since.

    `rehashed` replaces a hash that was made with outdated parameters. Raises `SIGN_IN_FAILED`.
    """
    person = await _lock_staff(work, col(Staff.id) == found.staff_id)
    if person is None:
        raise SignInFailed
    if person.password_hash != found.password_hash:
        return None
    if rehashed is not None:
        person.password_hash = rehashed
    begun = _begin(work, lasting, staff_id=person.id)
    await work.session.flush()
    return Opened(
        begun.brand_id, begun.id, person.id, begun.expires_at, _next_refresh_token(work, begun.id, begun.expires_at)
    )


async def refresh(work: Work, refresh_token: str, lasting: timedelta) -> Opened | None:
    """Continue a sign-in for another `lasting`; `None` if the token was used before, and then the sign-in is ended.

    The caller commits before it refuses: the ending must outlive the refusal. Raises `SIGN_IN_ENDED`.
    """
    at = clock.now()
    digest = crypto.digest(refresh_token)
    begun = await _lock_sign_in_of(work, digest)
    if begun is None or begun.revoked_at is not None or begun.expires_at <= at or begun.staff_id is None:
        raise SignInEnded
    used = await work.session.scalar(
        update(RefreshToken)
        .where(
            col(RefreshToken.brand_id) == work.actor.brand_id,
            col(RefreshToken.digest) == digest,
            col(RefreshToken.used_at).is_(None),
        )
        .values(used_at=at)
        .returning(col(RefreshToken.digest))
    )
    if used is None:
        begun.revoked_at = at
        return None
    begun.expires_at = at + lasting
    token = _next_refresh_token(work, begun.id, begun.expires_at)
    return Opened(begun.brand_id, begun.id, begun.staff_id, begun.expires_at, token)


async def sign_out(work: Work) -> None:
    """End the actor's own sign-in; doing it twice is no error."""
    await _revoke(work, col(SignIn.id) == work.actor.sign_in_id)


async def revoke(work: Work, sign_in_id: UUID) -> None:
    """End somebody's sign-in at once. Raises `UNKNOWN_SIGN_IN`."""
    known = await work.session.scalar(
        select(col(SignIn.id)).where(col(SignIn.brand_id) == work.actor.brand_id, col(SignIn.id) == sign_in_id)
    )
    if known is None:
        raise UnknownSignIn
    await _revoke(work, col(SignIn.id) == sign_in_id)
    await audit.write(work.session, work.actor, "sign_in.revoked", "sign_in", sign_in_id)


async def end_all_of(work: Work, staff_id: UUID, *, but: UUID | None = None) -> None:
    """End every sign-in of a staff member, for a new password or closed access; `but` one that may stay."""
    await _revoke(work, col(SignIn.staff_id) == staff_id, *([col(SignIn.id) != but] if but is not None else []))


async def issue_to_staff(work: Work, number: str, lasting: timedelta) -> Opened:
    """A sign-in that an operator hands to a staff member: it ends after `lasting` and can't be continued."""
    person = await _lock_staff(work, col(Staff.number) == number)
    if person is None:
        raise NobodyToSignIn(number=number)
    begun = _begin(work, lasting, staff_id=person.id)
    await _say_issued(work, begun, "staff", person.id)
    return Opened(begun.brand_id, begun.id, person.id, begun.expires_at)


async def issue_to_service(work: Work, name: str, scopes: Iterable[str], lasting: timedelta) -> Opened:
    """A sign-in for a machine, whose account is made the first time with these scopes.

    Later calls name the same scopes or none. Raises `SERVICE_ACCOUNT_CLOSED`, `SERVICE_ACCOUNT_SCOPES`, `INVALID`.
    """
    account = await _service_account(work, require_text("service", name, longest=60), _known(scopes))
    begun = _begin(work, lasting, service_account_id=account.id)
    await _say_issued(work, begun, "service_account", account.id)
    return Opened(begun.brand_id, begun.id, account.id, begun.expires_at)


async def forget_ended(session: AsyncSession, before: datetime) -> None:
    """Delete sign-ins that expired before that instant, and refresh tokens that did."""
    gone = select(col(SignIn.id)).where(col(SignIn.expires_at) < before)
    await session.execute(
        delete(RefreshToken).where(or_(col(RefreshToken.expires_at) < before, col(RefreshToken.sign_in_id).in_(gone)))
    )
    await session.execute(
        delete(SignIn).where(
            col(SignIn.expires_at) < before,
            ~exists().where(
                col(RefreshToken.brand_id) == col(SignIn.brand_id), col(RefreshToken.sign_in_id) == col(SignIn.id)
            ),
        )
    )


def brand_of(refresh_token: str) -> UUID:
    """The brand that a refresh token belongs to; whether it is any good is found out later. Raises `SIGN_IN_ENDED`."""
    try:
        raw = base64.urlsafe_b64decode(refresh_token.partition(".")[0] + "==")
        return UUID(bytes=raw)
    except (binascii.Error, ValueError) as error:
        raise SignInEnded from error


def _begin(
    work: Work, lasting: timedelta, *, staff_id: UUID | None = None, service_account_id: UUID | None = None
) -> SignIn:
    at = clock.now()
    begun = SignIn(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        staff_id=staff_id,
        service_account_id=service_account_id,
        created_at=at,
        expires_at=at + lasting,
    )
    work.session.add(begun)
    return begun


def _next_refresh_token(work: Work, sign_in_id: UUID, expires_at: datetime) -> str:
    # The brand stands in front, so that every look-up can name it.
    brand = base64.urlsafe_b64encode(work.actor.brand_id.bytes).decode().rstrip("=")
    token = f"{brand}.{crypto.new_secret()}"
    work.session.add(
        RefreshToken(
            digest=crypto.digest(token), brand_id=work.actor.brand_id, sign_in_id=sign_in_id, expires_at=expires_at
        )
    )
    return token


async def _lock_staff(work: Work, which: ColumnElement[bool]) -> Staff | None:
    found: Staff | None = await work.session.scalar(
        select(Staff)
        .where(
            col(Staff.brand_id) == work.actor.brand_id,
            which,
            col(Staff.state) != StaffState.DEPARTED,
            col(Staff.access_closed_at).is_(None),
        )
        .with_for_update(key_share=True)
    )
    return found


async def _lock_sign_in_of(work: Work, digest: str) -> SignIn | None:
    # The sign-in is locked before its token is looked at: two that come at once take turns here.
    owner = select(col(RefreshToken.sign_in_id)).where(
        col(RefreshToken.brand_id) == work.actor.brand_id,
        col(RefreshToken.digest) == digest,
        col(RefreshToken.expires_at) > clock.now(),
    )
    found: SignIn | None = await work.session.scalar(
        select(SignIn)
        .join(Staff, and_(col(Staff.brand_id) == col(SignIn.brand_id), col(Staff.id) == col(SignIn.staff_id)))
        .where(
            col(SignIn.brand_id) == work.actor.brand_id,
            col(SignIn.id) == owner.scalar_subquery(),
            col(Staff.state) != StaffState.DEPARTED,
            col(Staff.access_closed_at).is_(None),
        )
        .with_for_update(key_share=True, of=SignIn)
    )
    return found


async def _revoke(work: Work, *which: ColumnElement[bool]) -> None:
    await work.session.execute(
        update(SignIn)
        .where(
            col(SignIn.brand_id) == work.actor.brand_id,
            *which,
            col(SignIn.revoked_at).is_(None),
        )
        .values(revoked_at=clock.now())
    )


async def _service_account(work: Work, name: str, scopes: list[str]) -> ServiceAccount:
    account: ServiceAccount | None = await work.session.scalar(
        select(ServiceAccount)
        .where(col(ServiceAccount.brand_id) == work.actor.brand_id, col(ServiceAccount.name) == name)
        .with_for_update(key_share=True)
    )
    if account is None:
        if not scopes:
            raise Invalid(field="scopes", reason="name at least one.", reason_zh="至少需要一项。")
        account = ServiceAccount(
            brand_id=work.actor.brand_id, id=ids.new(), name=name, scopes=scopes, created_at=clock.now()
        )
        work.session.add(account)
        await work.session.flush()
    if account.closed_at is not None:
        raise ServiceAccountClosed(name=name)
    if scopes and scopes != account.scopes:
        raise ServiceAccountScopes(name=name, scopes=", ".join(account.scopes))
    return account


def _known(scopes: Iterable[str]) -> list[str]:
    try:
        return sorted({Scope(scope.strip()).value for scope in scopes if scope.strip()})
    except ValueError as error:
        known = ", ".join(Scope)
        raise Invalid(
            field="scopes", reason=f"choose from {known}.", reason_zh=f"请从以下选项中选择：{known}。"
        ) from error


async def _say_issued(work: Work, begun: SignIn, kind: str, subject_id: UUID) -> None:
    await work.session.flush()
    await audit.write(work.session, work.actor, "sign_in.issued", kind, subject_id, {"sign_in_id": str(begun.id)})
