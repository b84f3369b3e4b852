"""Prove for long what `make test` proves in short: `python -m tests.scenarios wander --seeds 20 --steps 10000`.

Ends with 1 if a copy differed anywhere, or the reader of a race lost or doubled a change.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy.ext.asyncio import create_async_engine

from kernel.db import Database, parse_url, prepare_sqlite
from kernel.redis import connect
from kernel.work import Ground
from server.tables import METADATA
from server.wiring import wiring
from tests.kernel import racing
from tests.scenarios import telling, wandering
from tests.servers import postgres

ENGINES = ("sqlite", "postgres")


async def story(ground: Ground, _chosen: argparse.Namespace) -> bool:
    """The whole story, and everybody looks after each step."""
    told = await telling.run(ground)
    _say(f"story: {told.checked} changes, {len(told.differences)} differences", *told.differences, *told.left_out)
    return not told.differences and not told.left_out


async def wander(ground: Ground, chosen: argparse.Namespace) -> bool:
    """Flaky phones, as many times as there are seeds."""
    good = True
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        come_of = await wandering.run(ground, seed, chosen.steps, most_differences=10)
        good = good and not come_of.differences
        _say(
            f"seed {seed}: {come_of.steps} steps, {come_of.changes} changes, {come_of.refetched} starts, "
            f"{come_of.compared} comparisons, {len(come_of.differences)} differences",
            *come_of.differences,
        )
    return good


async def race(ground: Ground, chosen: argparse.Namespace) -> bool:
    """Writers against a reader; and the same with numbers from a sequence, which ought to lose some."""
    raced = await racing.run(ground, chosen.writers, chosen.changes)
    _say(f"race: {raced.written} changes, {raced.lost} lost, {raced.doubled} doubled")
    mutant = await racing.run(ground, chosen.writers, chosen.changes // 10, racing.from_a_sequence())
    _say(f"from a sequence: {mutant.written} changes, {mutant.lost} lost")
    return raced.lost == raced.doubled == 0 and (ground.db.is_sqlite or mutant.lost > 0)


PROOFS: dict[str, Callable[[Ground, argparse.Namespace], Awaitable[bool]]] = {
    "story": story,
    "wander": wander,
    "race": race,
}


def main() -> None:
    chosen = _arguments()
    good = [asyncio.run(_prove(proof, engine, chosen)) for engine in chosen.engines for proof in chosen.proofs]
    if not all(good):
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios", description=__doc__.partition("\n")[0])
    parser.add_argument("proofs", nargs="*", choices=[*PROOFS, []], default=list(PROOFS), metavar="PROOF")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--seeds", type=int, default=20, help="how many walks")
    parser.add_argument("--steps", type=int, default=10_000, help="of each walk")
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--changes", type=int, default=100_000)
    return parser.parse_args()


async def _prove(proof: str, engine: str, chosen: argparse.Namespace) -> bool:
    with _database(engine) as url:
        async with _ground(url) as ground:
            return await PROOFS[proof](ground, chosen)


@contextmanager
def _database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="daogou-") as folder:
            yield f"sqlite:///{folder}/daogou.db"
    else:
        with postgres() as server:
            yield server.create_database("proved")


@asynccontextmanager
async def _ground(url: str) -> AsyncIterator[Ground]:
    engine = create_async_engine(parse_url(url))
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine.sync_engine)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()
    db, client = Database(url), connect(None)
    yield Ground(db, client, wiring)
    await client.aclose(close_connection_pool=True)
    await db.close()


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
