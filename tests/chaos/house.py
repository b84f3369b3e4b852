"""The product as a brand runs it: its programs on a database and a Redis, with people at work in it."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground
from server import migrating
from server.settings import Settings
from server.wiring import wiring
from tests.chaos.people import People, settle_in
from tests.chaos.programs import Launcher, Program, environment
from tests.servers.processes import free_port

_HIDES = ("operation_failed", "socket_not_opened")


@dataclass
class House:
    """Without `redis_url` there is one program only, which emulates Redis and carries out the jobs too."""

    launcher: Launcher
    folder: Path
    database_url: str
    redis_url: str | None
    webs: list[Program]
    worker: Program | None
    ground: Ground
    people: People
    also: list[Program] = field(default_factory=list)

    @property
    def programs(self) -> list[Program]:
        """All of them; `also` are those that somebody wants beside the usual ones for a while."""
        return [*self.webs, *filter(None, [self.worker]), *self.also]

    @property
    def ports(self) -> list[int]:
        """Where the web programs serve."""
        return [web.port for web in self.webs if web.port is not None]

    @property
    def kills(self) -> int:
        """How often a program was killed."""
        return sum(program.kills for program in self.programs)

    def masked(self) -> list[str]:
        """What was hidden from clients behind INTERNAL."""
        entries = [entry for program in self.programs for entry in program.said() if entry["event"] in _HIDES]
        return [f"{entry['event']}: {_gist(entry.get('exception', ''))}" for entry in entries]

    def forget(self) -> None:
        """Count kills and begin all logs anew."""
        for program in self.programs:
            program.forget()

    async def broken_by(self, mutant: str | None) -> None:
        """Start the web programs again, with one thing broken (see `mutants`) or with nothing."""
        for web in self.webs:
            await asyncio.to_thread(web.end, signal.SIGKILL)
            web.arguments = ["serve"] if mutant is None else [mutant, "serve"]
        await self.up()

    async def up(self) -> None:
        """Start whatever is not running, and return when all answer."""
        for program in self.programs:
            program.start()
        await asyncio.gather(*(program.ready() for program in self.programs))

    def down(self) -> None:
        """End all programs."""
        for program in self.programs:
            program.end(signal.SIGKILL)

    async def carry_out(self, *arguments: str) -> None:
        """One command of the product, to its end."""
        told = environment(self.folder, self.database_url, self.redis_url)
        log = self.folder / "commands.log"
        status = await asyncio.to_thread(self.launcher.run, arguments, told, log)
        if status != 0:
            raise RuntimeError(f"daogou {arguments[0]} ended with {status}\n{log.read_text()[-3000:]}")

    async def killed_now_and_then(self, rng: random.Random, every: float) -> None:
        """Kill one program after another, about so long after all were up, and start it again at once; for ever."""
        while True:
            await self.up()
            await asyncio.sleep(rng.uniform(0.6, 1.4) * every)
            program = rng.choice(self.programs)
            await asyncio.to_thread(program.kill)
            program.start()


@asynccontextmanager
async def house(
    launcher: Launcher,
    folder: Path,
    database_url: str,
    redis_url: str | None,
    *,
    webs: int = 2,
) -> AsyncIterator[House]:
    """A house on an empty database, with all its programs up; they end with the block."""
    settings = Settings(database_url=SecretStr(database_url), redis_url=SecretStr(redis_url) if redis_url else None)
    await migrating.upgrade(settings)
    ground = Ground(Database(database_url), connect(None), wiring)
    made = House(launcher, folder, database_url, redis_url, [], None, ground, await settle_in(ground))
    told = environment(folder, database_url, redis_url)
    made.webs += [
        Program(f"web-{number}", ["serve"], told, folder, launcher, free_port())
        for number in range(1 if redis_url is None else webs)
    ]
    if redis_url is not None:
        made.worker = Program("worker", ["worker"], told, folder, launcher)
    try:
        await made.up()
        yield made
    finally:
        made.down()
        await ground.redis.aclose(close_connection_pool=True)
        await ground.db.close()


def _gist(exception: str) -> str:
    """The line that says what went wrong: below it stand the statement and a link."""
    lines = [line for line in exception.splitlines() if line and line[0] not in " (["]
    return lines[-1] if lines else exception
