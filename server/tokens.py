"""Sign access tokens, and read the ones that come back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import jwt

from directory.errors import SignInEnded
from kernel import clock

_ALGORITHM = "HS256"
_LONGEST = 2048


class Kind(StrEnum):
    """Whether a person or a machine holds the token."""

    STAFF = "staff"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says; whether its sign-in still counts is in the database."""

    brand_id: UUID
    subject_id: UUID
    sign_in_id: UUID
    kind: Kind
    expires_at: datetime


class Signer:
    """Holds the key, so that nothing else needs it."""

    def __init__(self, secret_key: str) -> None:
        self._key = secret_key.encode()

    def sign(self, claims: Claims) -> str:
        """The access token that says this; good to the second before `expires_at`."""
        return jwt.encode(
            {
                "sub": str(claims.subject_id),
                "brand": str(claims.brand_id),
                "sid": str(claims.sign_in_id),
                "kind": claims.kind.value,
                "iat": int(clock.now().timestamp()),
                "exp": int(claims.expires_at.timestamp()),
            },
            self._key,
            algorithm=_ALGORITHM,
        )

    def verify(self, token: str) -> Claims:
        """What a token of ours says. Raises `SIGN_IN_ENDED` for any other, and for one that has expired."""
        if len(token) > _LONGEST:
            raise SignInEnded
        try:
            # Times are compared below, with our clock; when it was made says nothing, as clocks of servers differ.
            said = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                options={"require": ["sub", "brand", "sid", "kind", "exp"], "verify_exp": False, "verify_iat": False},
            )
            claims = Claims(
                brand_id=UUID(said["brand"]),
                subject_id=UUID(said["sub"]),
                sign_in_id=UUID(said["sid"]),
                kind=Kind(said["kind"]),
                expires_at=datetime.fromtimestamp(said["exp"], UTC),
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
            raise SignInEnded from error
        if claims.expires_at <= clock.now():
            raise SignInEnded
        return claims
