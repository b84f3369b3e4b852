"""Phones of people in a test's world, and what the server says that they should hold."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from daogou_client import Documents, Patience, Phone, Row, Server, Store, TokenSource
from kernel.actor import Actor
from tests.serving import Served

# Small enough that a test sees a few failures, long enough that a busy machine isn't taken for a broken one.
BRISK = Patience(
    connect=5.0, answer=5.0, ping=5.0, first_pause=0.02, longest_pause=0.2, poll=0.05, until_next_socket=0.5
)
WITHIN = 15.0


def tokens_of(served: Served, actor: Actor) -> TokenSource:
    """Tokens of one sign-in of the actor's, and a fresh one whenever one is refused."""
    kept: list[str] = []

    async def token(refused: str | None) -> str:
        if not kept or refused == kept[-1]:
            kept.append(await served.token(actor))
        return kept[-1]

    return token


@asynccontextmanager
async def phone_of(
    served: Served,
    actor: Actor,
    url: str | None = None,
    store: Store | None = None,
    tokens: TokenSource | None = None,
    **options: Any,
) -> AsyncIterator[Phone]:
    """The actor's phone, switched on, over a network of the test's choosing."""
    phone = Phone(
        url or f"http://127.0.0.1:{served.port}",
        tokens or tokens_of(served, actor),
        store or Store(),
        **{"patience": BRISK, **options},
    )
    async with phone.running():
        yield phone


async def settled(phone: Phone) -> None:
    """Wait until the phone has sent everything and is up to date."""
    async with asyncio.timeout(WITHIN):
        await phone.settled()


async def truth(served: Served, actor: Actor) -> list[Row]:
    """What a phone would hold that began now."""
    server, documents, store = Server(f"http://127.0.0.1:{served.port}", tokens_of(served, actor)), Documents(), Store()
    while store.progress.cursor is None:
        asked = {"after": store.progress.next_page, "first": 500}
        store.take_page(documents.page(await server.ask(documents.snapshot, asked)))
    await server.aclose()
    return everything(store)


def everything(store: Store) -> list[Row]:
    """All rows of all kinds."""
    return [row for kind in sorted({kind for kind, _ in store.versions()}) for row in store.rows(kind)]


async def agrees(phone: Phone, served: Served, actor: Actor) -> bool:
    """Wait until the phone holds what it should; whether it ever did."""
    expected = await truth(served, actor)
    try:
        async with asyncio.timeout(WITHIN):
            await phone.bell.until(lambda: everything(phone.store) == expected)
    except TimeoutError:
        return False
    return True
