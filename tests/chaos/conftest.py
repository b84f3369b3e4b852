"""One house for all short scenarios, on servers that may be stopped: to build it takes longer than most of them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.chaos.house import House, house
from tests.chaos.nursery import Nursery
from tests.servers import Postgres, Redis, postgres, redis


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Starts programs quickly, whose leases are short: with those of a minute, a kill may cost a test a minute."""
    made = Nursery("waits-less")
    yield made
    made.close()


@pytest.fixture(scope="session")
def shaken_postgres() -> Iterator[Postgres]:
    """A PostgreSQL that may be stopped; whoever stops it starts it again."""
    with postgres(durable=True, ours=True) as server:
        yield server


@pytest.fixture(scope="session")
def shaken_redis() -> Iterator[Redis]:
    """A Redis that may be stopped; whoever stops it starts it again."""
    with redis(ours=True) as server:
        yield server


@pytest.fixture(scope="session")
async def only_house(
    nursery: Nursery,
    shaken_postgres: Postgres,
    shaken_redis: Redis,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[House]:
    url = shaken_postgres.create_database("shaken")
    async with house(nursery, tmp_path_factory.mktemp("house"), url, shaken_redis.url) as made:
        yield made


@pytest.fixture
async def brand(only_house: House) -> AsyncIterator[House]:
    """Two web programs and a worker on PostgreSQL and Redis, in good order before and after each test."""
    await only_house.up()
    yield only_house
    if any(web.arguments != ["serve"] for web in only_house.webs):
        await only_house.broken_by(None)


@pytest.fixture
async def single_shop(nursery: Nursery, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[House]:
    """One program that does everything, on SQLite."""
    async with house(nursery, tmp_path, f"sqlite:///{tmp_path}/daogou.db", None) as made:
        yield made
