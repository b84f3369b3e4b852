"""Sign in, and keep the sign-in alive: a refresh token works once, so its successor is written down before use."""

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from daogou_client.errors import ProtocolBroken, Rejected, SignedOut, Unreachable
from daogou_client.news import Json
from daogou_client.wire import TRANSIENT, Http

_ANSWER = "{ __typename ... on SignedIn { accessToken refreshToken } ... on Problem { code message } }"
_SIGN_IN = (
    "mutation ($brand: String!, $number: String!, $password: String!) "
    f"{{ signIn(brand: $brand, number: $number, password: $password) {_ANSWER} }}"
)
_REFRESH = f"mutation ($refreshToken: String!) {{ refreshSession(refreshToken: $refreshToken) {_ANSWER} }}"
_SIGN_OUT = "mutation { signOut { __typename } }"
_ENDED = {"SIGN_IN_ENDED", "REFRESH_REUSED"}


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in handed out."""

    access: str
    refresh: str


class Keeper(Protocol):
    """Where tokens outlive the app: on a phone its key chain."""

    def load(self) -> Tokens | None:
        """The tokens that were saved last."""

    def save(self, tokens: Tokens | None) -> None:
        """Keep these instead. They are safe when it returns."""


class InMemory:
    """Keeps tokens until the app ends."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    def load(self) -> Tokens | None:
        """The tokens that were saved last."""
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        """Keep these instead."""
        self._tokens = tokens


class InFile:
    """Keeps tokens in a file that only its owner reads."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def load(self) -> Tokens | None:
        """The tokens that were saved last."""
        try:
            said = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return Tokens(**said) if said is not None else None

    def save(self, tokens: Tokens | None) -> None:
        """Keep these instead: the file holds the old ones or the new ones, never half of them."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(None if tokens is None else asdict(tokens), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


class Credentials:
    """One person's sign-in. Call it for an access token, with the one that was refused if one was."""

    def __init__(self, http: Http, keeper: Keeper) -> None:
        self._http = http
        self._keeper = keeper
        self._renewal: asyncio.Task[None] | None = None

    @property
    def is_signed_in(self) -> bool:
        """Whether there is a sign-in; whether the server still honours it shows when it is used."""
        return self._keeper.load() is not None

    async def sign_in(self, brand: str, number: str, password: str) -> None:
        """Begin a sign-in. Raises `Rejected` (`SIGN_IN_FAILED`, `TOO_MANY_ATTEMPTS`) and `Unreachable`."""
        data = await self._http.post(_SIGN_IN, {"brand": brand, "number": number, "password": password})
        self._keeper.save(_tokens(data))

    async def sign_out(self) -> None:
        """End the sign-in, here and at the server. Raises `Unreachable`, and then nothing has ended."""
        tokens = self._keeper.load()
        if tokens is not None:
            await self._http.post(_SIGN_OUT, {}, tokens.access)
            self._keeper.save(None)

    async def __call__(self, refused: str | None = None) -> str:
        """An access token. Raises `SignedOut` when only a password helps, and `Unreachable`."""
        if self._present() == refused:
            if self._renewal is None:
                self._renewal = asyncio.create_task(self._renew())
                self._renewal.add_done_callback(self._renewed)
            # Shielded: whoever asked may be stopped, but an answer that is not heard would end the sign-in.
            await asyncio.shield(self._renewal)
        return self._present()

    def _present(self) -> str:
        tokens = self._keeper.load()
        if tokens is None:
            raise SignedOut("SIGNED_OUT", "Nobody is signed in.")
        return tokens.access

    async def _renew(self) -> None:
        tokens = self._keeper.load()
        if tokens is None:
            return
        try:
            fresh = _tokens(await self._http.post(_REFRESH, {"refreshToken": tokens.refresh}))
        except SignedOut:
            self._keeper.save(None)
            raise
        self._keeper.save(fresh)

    def _renewed(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # whoever still waits is told


def _tokens(data: Json) -> Tokens:
    [answer] = data.values()
    match answer:
        case {"accessToken": str(access), "refreshToken": str(refresh)}:
            return Tokens(access, refresh)
        case {"code": str(code), "message": str(message)}:
            if code in _ENDED:
                raise SignedOut(code, message)
            raise Unreachable(message, code) if code in TRANSIENT else Rejected(code, message)
        case _:
            raise ProtocolBroken("an answer to a sign-in that can't be read")
