"""The servers that the tests run on are found, started and ended as promised."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis as Client
from redis.exceptions import ConnectionError as ConnectionLost
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.servers import ServerMissing, postgres, redis, redis_server
from tests.servers.debian import redis_of_debian
from tests.servers.postgresql import (
    copied_wheel,
    execute,
    postgres_account,
    postgres_of_system,
    postgres_of_wheel,
    postgres_on_path,
    postgres_programs,
)
from tests.servers.processes import Account, guarded_folder
from tests.servers.redis_server import redis_of_wheel, redis_on_path, redis_program

ROOT = Path(__file__).resolve().parents[1]
POSTGRES = list(dict.fromkeys(filter(None, (postgres_on_path(), postgres_of_system(), postgres_of_wheel()))))


async def ask(url: str, statement: str) -> object:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        return await connection.scalar(text(statement))


async def answers(url: str) -> bool:
    async with Client.from_url(url) as client:
        return bool(await client.ping())


@pytest.fixture(autouse=True)
def no_address_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    monkeypatch.delenv("TEST_REDIS_URL", raising=False)


@pytest.mark.parametrize("programs", POSTGRES)
async def test_postgres_runs_from_every_place_where_this_machine_has_it(programs: Path) -> None:
    with postgres(programs=programs) as server:
        assert await ask(server.url, "SELECT 1") == 1


async def test_redis_runs_from_wherever_it_is_found() -> None:
    for program in {redis_on_path(), redis_of_wheel(), redis_program()} - {None}:
        with redis(program) as server:
            assert await answers(server.url)


def test_postgres_on_the_path_comes_before_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundled = postgres_of_wheel()
    assert bundled is not None
    monkeypatch.setenv("PATH", str(bundled), prepend=os.pathsep)
    assert postgres_programs(Account(), tmp_path) == bundled


def test_the_newest_of_several_installed_postgres_is_taken(tmp_path: Path) -> None:
    for release in ("9.6", "15", "17"):
        programs = tmp_path / release / "bin"
        programs.mkdir(parents=True)
        (programs / "initdb").touch()
    assert postgres_of_system(tmp_path) == tmp_path / "17" / "bin"


async def test_redis_runs_from_debians_package_unpacked(tmp_path: Path) -> None:
    program = redis_of_debian(tmp_path)
    if program is None:
        pytest.skip("apt-get is not on this machine, or reaches no packages")
    assert [path.name for path in tmp_path.iterdir()] == ["redis"]
    with redis(program) as server:
        assert await answers(server.url)


def test_the_wheels_programs_are_copied_where_their_own_folder_is_closed(tmp_path: Path) -> None:
    bundled, account = postgres_of_wheel(), postgres_account()
    assert bundled is not None
    closed = copied_wheel(bundled, tmp_path)  # pytest's folders are open to their owner only
    assert account.may_run(closed / "postgres") is (account.name is None)

    with guarded_folder("postgres", account, "TERM") as (folder, _):
        assert account.may_run(copied_wheel(closed, folder) / "postgres")


async def test_an_address_in_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POSTGRES_URL", "postgresql://somebody:secret@db.example/tests")
    monkeypatch.setenv("TEST_REDIS_URL", "redis://cache.example/1")
    with postgres() as database, redis() as cache:
        assert database.url == "postgresql+asyncpg://somebody:secret@db.example/tests"
        assert cache.url == "redis://cache.example/1"
        with pytest.raises(RuntimeError, match="not for the tests to stop"):
            database.stop()


def test_a_missing_redis_is_one_sentence_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(redis_server, "redis_of_wheel", lambda: None)
    monkeypatch.setattr(redis_server, "redis_of_debian", lambda: redis_of_debian(Path("/nowhere")))
    with pytest.raises(ServerMissing, match="apt install redis-server"), redis():
        pass


async def test_databases_are_made_copied_and_removed() -> None:
    with postgres() as server:
        original = server.create_database("original")
        execute(original, "CREATE TABLE thing (id integer)", "INSERT INTO thing VALUES (7)")
        copy = server.create_database("copy", template="original")
        assert await ask(copy, "SELECT id FROM thing") == 7

        server.drop_database("copy")
        names = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"
        assert await ask(server.url, names) == "daogou original postgres"


async def test_the_role_of_the_tests_is_bound_by_row_level_security() -> None:
    with postgres() as server:
        unbound = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert await ask(server.url, unbound) is False
        assert await ask(server.admin_url, unbound) is True


@pytest.mark.parametrize("durable", [False, True])
async def test_committed_work_outlives_a_kill(durable: bool) -> None:
    with postgres(durable=durable) as server:
        execute(server.url, "CREATE TABLE thing (id integer)", "INSERT INTO thing VALUES (7)")
        first = server.pid
        server.kill()
        with pytest.raises(OSError, match="onnect"):
            await ask(server.url, "SELECT 1")
        server.start()
        assert server.pid != first
        assert await ask(server.url, "SELECT id FROM thing") == 7
        assert await ask(server.url, "SHOW fsync") == ("on" if durable else "off")


async def test_a_server_ended_by_its_pid_can_be_started_again() -> None:
    with postgres() as server:
        os.kill(server.pid, signal.SIGKILL)
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
        server.start()
        assert await ask(server.url, "SELECT 1") == 1


async def test_redis_comes_back_empty() -> None:
    with redis() as server:
        async with Client.from_url(server.url) as client:
            await client.set("key", "value")
            server.kill()
            with pytest.raises(ConnectionLost):
                await client.get("key")
            server.start()
            assert await client.get("key") is None


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_servers_and_their_folders_end_with_the_test_run(ending: signal.Signals) -> None:
    run = subprocess.Popen([sys.executable, "-m", "tests.servers"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    database, cache = (run.stdout.readline().strip().partition("=")[2] for _ in range(2))
    assert await ask(database, "SELECT 1") == 1
    async with Client.from_url(cache) as client:
        folder = Path((await client.config_get("dir"))["dir"])
    assert folder.is_dir()

    run.send_signal(ending)
    run.wait()

    deadline = time.monotonic() + 10
    while folder.exists() or await answers_at_all(database, cache):
        assert time.monotonic() < deadline
    run.stdout.close()


async def answers_at_all(database: str, cache: str) -> bool:
    for asking in (ask(database, "SELECT 1"), answers(cache)):
        try:
            await asking
        except (OSError, ConnectionLost):
            continue
        return True
    return False
