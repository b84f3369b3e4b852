"""The commands as somebody types them: real processes, their words and their exit codes."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from kernel.db import Database
from kernel.redis import connect as connect_redis
from kernel.work import Ground
from server import migrating
from server.settings import Settings
from server.sockets import PROTOCOL
from server.tokens import Signer
from server.wiring import wiring
from tests.factories import build_world
from tests.servers import Postgres, Redis
from tests.servers.processes import free_port

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "server.cli"]
PATIENCE = 60


class Shop:
    """A folder to type commands in, with an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DAOGOU_HOME": str(folder / "home"),
            "COLUMNS": "120",
        }

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        with self.output.open("w") as output:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.folder,
                env=self.environment | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.started.append(process)
        return process

    def end_all(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)

    @property
    def output(self) -> Path:
        return self.folder / "output.txt"

    def said(self) -> str:
        """What the process that was started last, and its children, have written so far."""
        return self.output.read_text()

    @property
    def settings(self) -> Settings:
        return Settings(daogou_home=self.folder / "home")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.end_all()


@pytest.fixture
def port() -> int:
    return free_port()


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str], said: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, said()
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)


def wait_until_alive(port: int, process: subprocess.Popen[str], shop: Shop) -> None:
    wait_until(lambda: is_alive(port), process, shop.said)


def is_alive(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def stop_while_connected(process: subprocess.Popen[str], port: int) -> None:
    """Send SIGTERM while somebody is connected: they are sent elsewhere, and the process ends within ten seconds."""
    with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[Subprotocol(PROTOCOL)]) as phone:
        phone.send('{"type": "connection_init"}')
        assert phone.recv(timeout=10) == '{"type":"connection_ack"}'
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            phone.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    process.wait(PATIENCE)
    assert time.monotonic() - began <= 10


def assert_one_sentence(done: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "variables", "sentence"),
    [
        ("serve", {"PORT": "http"}, "PORT must be a whole number"),
        ("serve", {"DATABASE_URL": "mysql://root@localhost/x"}, "use postgresql:// or sqlite:///path"),
        ("serve", {"DATABASE_URL": "somewhere"}, "DATABASE_URL is not a database address."),
        ("serve", {"DATABASE_URL": "postgresql://127.0.0.1:99999/x"}, "DATABASE_URL has no port between"),
        ("serve", {"DATABASE_URL": "postgresql://u@127.0.0.1:1/x"}, "Nothing answers at 127.0.0.1:1"),
        ("serve", {"DATABASE_URL": "postgresql://u@nowhere.invalid/x"}, "'nowhere.invalid' is not known"),
        ("serve", {"DATABASE_URL": "sqlite:////proc/nothing/here.db"}, "/proc/nothing/here.db"),
        ("serve", {"REDIS_URL": "http://localhost"}, "REDIS_URL must start with redis://"),
        ("serve", {"SECRET_KEY": "short"}, "SECRET_KEY must be at least 32 characters"),
        ("serve", {"DATA_KEY": "short"}, "DATA_KEY must be 32 bytes in base64"),
        ("serve", {"DAOGOU_ENV": "production"}, "SECRET_KEY and DATA_KEY must be set in production"),
        ("serve", {"HOST": "198.51.100.1"}, "HOST must be an address of this machine"),
        ("serve", {}, "The database has no tables yet"),
        ("worker", {}, "REDIS_URL must be set for a worker of its own"),
        ("token", {}, "Name either --staff NUMBER or --service NAME"),
        ("check", {"DATABASE_URL": "postgresql://u@127.0.0.1:1/x"}, "Nothing answers at 127.0.0.1:1"),
        ("migrate", {"DATABASE_URL": "sqlite://"}, "DATABASE_URL must name a file"),
    ],
)
def test_what_must_change_first_is_one_sentence_and_exit_code_2(
    shop: Shop, port: int, command: str, variables: dict[str, str], sentence: str
) -> None:
    assert_one_sentence(shop.run(command, **{"PORT": str(port)} | variables), sentence)


def test_a_missing_database_on_a_running_server_is_one_sentence(shop: Shop, postgres_server: Postgres) -> None:
    address = postgres_server.url.rpartition("/")[0]

    assert_one_sentence(shop.run("migrate", DATABASE_URL=f"{address}/no_such_db"), "has no database 'no_such_db'")


def test_a_damaged_sqlite_file_is_one_sentence(shop: Shop) -> None:
    (shop.folder / "photo.db").write_bytes(b"GIF89a" * 1000)

    assert_one_sentence(shop.run("up", DATABASE_URL="sqlite:///photo.db"), "is not an SQLite database")


def test_a_newer_schema_is_one_sentence(shop: Shop) -> None:
    asyncio.run(migrating.upgrade(shop.settings))
    with sqlite3.connect(shop.folder / "home" / "daogou.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")

    assert_one_sentence(shop.run("serve"), "install a newer daogou")


def test_a_busy_port_is_one_sentence_and_touches_no_database(shop: Shop) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        number = busy.getsockname()[1]

        assert_one_sentence(shop.run("up", PORT=str(number)), f"Port {number} is in use")

    assert not (shop.folder / "home" / "daogou.db").exists()


def test_one_command_from_nothing_to_an_answer_and_back(shop: Shop, port: int) -> None:
    process = shop.start("up", PORT=str(port))
    wait_until_alive(port, process, shop)
    second = shop.run("serve", PORT=str(free_port()))
    stop_while_connected(process, port)
    said = shop.said()

    assert process.returncode == 0, said
    assert f"http://127.0.0.1:{port}/graphql" in said
    for number in ("G0001", "M0001", "R0001", "H0001"):
        assert number in said
    assert_one_sentence(second, "is in use by another daogou")
    assert not is_listening(port)

    checked = shop.run("check")
    assert checked.returncode == 0, checked.stdout
    assert "✗" not in checked.stdout

    again = shop.start("up", PORT=str(port))
    wait_until_alive(port, again, shop)
    again.send_signal(signal.SIGINT)
    again.wait(PATIENCE)
    said = shop.said()
    assert again.returncode == 0, said
    assert "G0001" in said
    assert "Traceback" not in said


def test_a_damaged_demo_is_found_by_check(shop: Shop) -> None:
    assert shop.run("migrate").returncode == 0
    assert shop.run("demo", "--as-of", "2026-03-02", "--seed", "7").returncode == 0
    with sqlite3.connect(shop.folder / "home" / "daogou.db") as database:
        database.execute("UPDATE feed SET head = head + 1 WHERE feed_id = (SELECT min(feed_id) FROM feed)")

    checked = shop.run("check", "--json")

    assert checked.returncode == 1
    assert '"what": "feeds are without gaps",\n    "is_good": false' in checked.stdout


def test_with_redis_web_and_worker_are_processes_that_end_together(
    shop: Shop, port: int, postgres_server: Postgres, redis_server: Redis
) -> None:
    url = postgres_server.create_database("daogou_cli")
    process = shop.start("up", PORT=str(port), DATABASE_URL=url, REDIS_URL=redis_server.url)
    wait_until_alive(port, process, shop)
    wait_until(lambda: "worker_started" in shop.said(), process, shop.said)
    stop_while_connected(process, port)

    assert process.returncode == 0, shop.said()
    assert "worker_stopping" in shop.said()
    assert "Traceback" not in shop.said()
    assert not is_listening(port)
    postgres_server.drop_database("daogou_cli")


def test_web_and_worker_end_when_whoever_started_them_is_killed(
    shop: Shop, port: int, postgres_server: Postgres, redis_server: Redis
) -> None:
    url = postgres_server.create_database("daogou_orphan")
    process = shop.start("up", PORT=str(port), DATABASE_URL=url, REDIS_URL=redis_server.url)
    wait_until_alive(port, process, shop)
    wait_until(lambda: "worker_started" in shop.said(), process, shop.said)
    process.kill()
    process.wait(PATIENCE)

    deadline = time.monotonic() + PATIENCE
    while is_listening(port) or "worker_stopping" not in shop.said():
        assert time.monotonic() < deadline, shop.said()
        time.sleep(0.1)
    postgres_server.drop_database("daogou_orphan")


async def build_brands(shop: Shop) -> None:
    await migrating.upgrade(shop.settings)
    ground = Ground(Database(shop.settings.database), connect_redis(None), wiring)
    for code in ("qinghe", "zhenxi"):
        await build_world(ground, code)
    await ground.db.close()


async def test_tokens_are_handed_out_listed_and_revoked(shop: Shop) -> None:
    await build_brands(shop)

    async def token(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(shop.run, "token", *arguments)

    assert_one_sentence(await token("--staff", "qinghe-1-G1"), "Name one of the brands with --brand: qinghe, zhenxi.")
    issued = await token("--brand", "qinghe", "--staff", "qinghe-1-G1", "--ttl", "8h")
    machine = await token("--brand", "qinghe", "--service", "till", "--scopes", "orders:write", "--ttl", "30d")
    listed = (await token("list", "--brand", "qinghe")).stdout

    keys = json.loads((shop.folder / "home" / "keys.json").read_text())
    signer = Signer(keys["SECRET_KEY"])
    mine, tills = signer.verify(issued.stdout.strip()), signer.verify(machine.stdout.strip())
    assert str(mine.sign_in_id) in issued.stderr
    assert "staff qinghe-1-G1" in listed
    assert "service till" in listed

    assert (await token("revoke", str(mine.sign_in_id), "--brand", "qinghe")).stdout == "Revoked.\n"
    left = (await token("list", "--brand", "qinghe")).stdout
    assert str(mine.sign_in_id) not in left
    assert str(tills.sign_in_id) in left

    unknown = await token("revoke", str(mine.sign_in_id), "--brand", "zhenxi")
    assert (unknown.returncode, unknown.stderr) == (1, "There is no such sign-in.\n")
    nobody = await token("--brand", "qinghe", "--staff", "nobody")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert_one_sentence(await token("--staff", "qinghe-1-G1", "--ttl", "400d"), "--ttl must be like")


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("up",),
        ("serve",),
        ("worker",),
        ("migrate",),
        ("demo",),
        ("token",),
        ("check",),
        ("segments",),
        ("backup",),
        ("restore",),
    ],
)
def test_help_shows_examples(shop: Shop, command: tuple[str, ...]) -> None:
    told = shop.run(*command, "--help")

    assert told.returncode == 0
    if command:
        assert "Examples" in told.stdout
        assert f"daogou {command[0]}" in told.stdout
    assert not (shop.folder / "home").exists()


async def test_a_rebuild_of_the_bitmaps_is_asked_for_in_one_brand(shop: Shop) -> None:
    await build_brands(shop)
    assert_one_sentence(
        await asyncio.to_thread(shop.run, "segments", "rebuild"),
        "Name one of the brands with --brand: qinghe, zhenxi.",
    )

    asked = await asyncio.to_thread(shop.run, "segments", "rebuild", "--brand", "qinghe")

    assert (asked.returncode, asked.stdout[:16]) == (0, "It is asked for:")


async def test_migrate_check_finds_a_difference(shop: Shop) -> None:
    await asyncio.to_thread(shop.run, "migrate")
    assert (await asyncio.to_thread(shop.run, "migrate", "--check")).returncode == 0
    db = Database(shop.settings.database)
    async with db.write() as session:
        await (await session.connection()).exec_driver_sql("ALTER TABLE note ADD COLUMN colour TEXT")
    await db.close()

    found = await asyncio.to_thread(shop.run, "migrate", "--check")

    assert found.returncode == 1
    assert "colour" in found.stderr


def test_settings_of_another_database_do_not_leak_a_password(shop: Shop) -> None:
    done = shop.run("serve", DATABASE_URL="postgresql://daogou:hunter2@127.0.0.1:1/x")

    assert_one_sentence(done, "Nothing answers at 127.0.0.1:1")
    assert "hunter2" not in done.stderr
    assert "hunter2" not in repr(Settings(database_url=SecretStr("postgresql://daogou:hunter2@127.0.0.1:1/x")))
