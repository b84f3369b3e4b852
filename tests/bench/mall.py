"""From a mall's webhook to a guide's phone, and how many webhooks a second are kept.

The product with its worker on PostgreSQL and Redis, a thousand phones of as many people, and a mall that reports
paid orders. Beside each figure stands one of the same run that has nothing to do with webhooks: read the ratios.
"""

import argparse
import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from intake.commands import hooks, inbox
from intake.queries import hooks as queries
from kernel import jobs
from kernel.crypto import Vault
from kernel.work import unit_of_work
from server.keys import decode_data_key
from tests.bench.live import stage as stages
from tests.bench.live.figures import Round, say, show_rounds
from tests.bench.live.measuring import MANY, Place, open_sockets, prepare
from tests.bench.live.orders import program
from tests.bench.live.scene import Scene, scene
from tests.bench.programs import DAOGOU, environment, serving
from tests.servers import postgres, redis

RATE = 50.0
SECONDS = 20.0
_FLOOD_SECONDS = 5.0
_SENDERS = 16
_PATIENCE = 120.0


async def measure(_chosen: argparse.Namespace) -> None:
    """Print how late orders are on phones beside edits at the same rate, and how many webhooks are kept a second."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="daogou-mall-")))
        database = stack.enter_context(postgres(durable=True)).create_database("daogou_mall")
        values = environment(DATABASE_URL=database, REDIS_URL=stack.enter_context(redis()).url)
        place = await prepare(values, MANY, folder)
        source_id, mall = await _connect(place)
        values = place.values | {"LIVE_STAGE": str(place.file)}
        server = stack.enter_context(serving([*DAOGOU, "serve"], int(values["PORT"]), values))
        stack.enter_context(_working(values))
        async with program("callers", **values) as callers, scene(server, callers) as there:
            mall["port"] = server.port
            say(f"load of the machine before: {_load()}")
            await _keeping(there, mall, place, source_id)
            await open_sockets(there, place, MANY, 1)
            edits = await there.round("remarks", RATE, SECONDS)
            orders = await there.round("webhooks", RATE, SECONDS, **mall)
            _show(edits, orders, await callers.ask("answers"))
            say(f"load of the machine after: {_load()}")


async def _keeping(there: Scene, mall: dict[str, Any], place: Place, source_id: UUID) -> None:
    """How many are kept a second while nothing is applied, and how many requests of no consequence are answered."""
    await _pause(place, source_id, is_paused=True)
    flood = {"seconds": _FLOOD_SECONDS, "side_by_side": _SENDERS, "port": mall["port"]}
    idle = await there.writes.ask("flood", **flood, path="", secret=mall["secret"])
    kept = await there.writes.ask("flood", **flood, path=mall["path"], secret=mall["secret"])
    await _jobs_done(place)  # as long as the source is paused they have nothing to do
    await _pause(place, source_id, is_paused=False)
    per_second, bare = kept["taken"] / kept["seconds"], idle["taken"] / idle["seconds"]
    say(
        f"kept, not applied, {_SENDERS} senders with a connection for each message: {per_second:.0f}/s of "
        f"{kept['all']} in {kept['seconds']:.1f} s, p50 {kept['p50']:.0f} ms, p99 {kept['p99']:.0f} ms; "
        f"/healthz the same way: {bare:.0f}/s ({bare / max(per_second, 1):.1f} times as many)"
    )


def _show(edits: Round, orders: Round, answers: dict[str, Any]) -> None:
    show_rounds(
        f"{MANY} phones, {RATE:g} a second for {SECONDS:g} s",
        [("edits: commit to phone", [edits]), ("orders: webhook sent to phone", [orders])],
    )
    say(
        f"webhooks answered: {answers['taken']} of {answers['all']} with 2xx, p50 {answers['p50']:.0f} ms, "
        f"p99 {answers['p99']:.0f} ms; orders are {orders.p50 / max(edits.p50, 0.1):.1f} times as late as edits (p50)"
    )


async def _connect(place: Place) -> tuple[UUID, dict[str, Any]]:
    """A mall of the brand, and what it needs to call."""
    ground, vault = stages.open_ground(place.values), Vault(decode_data_key(place.values["DATA_KEY"]))
    actor = place.stage.librarian
    async with unit_of_work(ground, actor) as work:
        source = await hooks.add_source(work, "mall", "商城", "daogou")
    async with unit_of_work(ground, actor) as work:
        secret = await hooks.add_secret(work, vault, source.id)
    await stages.close_ground(ground)
    text = vault.open(actor.brand_id, secret.sealed)
    return source.id, {"path": f"/hooks/mall/{source.slug}", "secret": text}


async def _pause(place: Place, source_id: UUID, *, is_paused: bool) -> None:
    ground, actor = stages.open_ground(place.values), place.stage.librarian
    async with unit_of_work(ground, actor) as work:
        source = await queries.lock_source(work.session, actor, source_id)
        # Without the command: what was kept meanwhile stays so, for it is not what is timed.
        source.is_paused = is_paused
    await stages.close_ground(ground)


async def _jobs_done(place: Place) -> None:
    ground = stages.open_ground(place.values)
    async with asyncio.timeout(_PATIENCE):
        while True:
            async with ground.db.read() as session:
                if not await jobs.waiting(session, place.stage.librarian.brand_id, inbox.APPLY):
                    break
            await asyncio.sleep(0.5)
    await stages.close_ground(ground)


@contextmanager
def _working(values: dict[str, str]) -> Iterator[None]:
    """A worker beside the server."""
    process = subprocess.Popen([*DAOGOU, "worker"], env=values)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
