"""Shake handovers for long: `make chaos-handover`, or with ARGS="--runs 20 --operations 20000 --seed 7".

The history of each run is written to `var/chaos/handover-<seed>.jsonl`, for this checker and for others. The command
ends with 1 if anything was lost, or can't be explained.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.handing.run import LEAST, Wanted, handing
from tests.chaos.handing.shaking import Shaking
from tests.chaos.house import house
from tests.chaos.mutants import MUTANTS
from tests.chaos.nursery import ROOT, Nursery
from tests.chaos.report import Report
from tests.servers import postgres, redis


def main() -> None:
    chosen = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    nursery = Nursery()
    reports: list[Report] = []
    try:
        for run in range(chosen.runs):
            report = asyncio.run(_one(nursery, chosen, chosen.seed + run))
            sys.stdout.write(f"{report}\n")
            sys.stdout.flush()
            reports.append(report)
    finally:
        nursery.close()
    if not all(report.is_good for report in reports):
        raise SystemExit(1)


async def _one(nursery: Nursery, chosen: argparse.Namespace, seed: int) -> Report:
    with (
        tempfile.TemporaryDirectory(prefix="daogou-chaos-") as folder,
        postgres(durable=True, ours=True) as database,
        redis(ours=True) as cache,
    ):
        url = database.create_database("shaken")
        async with house(nursery, Path(folder), url, cache.url) as made:
            shaking = Shaking(made, database, cache, random.Random(seed), chosen.every, broken=chosen.broken)
            wanted = Wanted(chosen.operations, chosen.customers, LEAST, chosen.minutes * 60)
            return await handing(made, seed, ROOT / "var" / "chaos", shaking, wanted)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos-handover", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1, help="how many, each with the next seed")
    parser.add_argument("--operations", type=int, default=20_000, help="how many in a run")
    parser.add_argument("--customers", type=int, default=60, help="of the shop in which it happens")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two troubles")
    parser.add_argument("--minutes", type=float, default=15.0, help="the longest that a run may take")
    parser.add_argument("--broken", nargs="*", default=[], choices=MUTANTS, metavar="MUTANT", help="to be found")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000), help="for chance")
    return parser.parse_args()


if __name__ == "__main__":
    main()
