"""Kill whoever counts figures for long: `make chaos-figures`, or with ARGS="--runs 20 --seconds 60 --seed 7".

The command ends with 1 if a figure isn't as the base rows say.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.figures.run import figures
from tests.chaos.house import house
from tests.chaos.mutants import MUTANTS
from tests.chaos.nursery import Nursery
from tests.chaos.report import Report
from tests.servers import postgres, redis


def main() -> None:
    chosen = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    nursery = Nursery()
    try:
        reports = asyncio.run(_runs(nursery, chosen))
    finally:
        nursery.close()
    if not all(report.is_good for report in reports):
        raise SystemExit(1)


async def _runs(nursery: Nursery, chosen: argparse.Namespace) -> list[Report]:
    reports = []
    with (
        tempfile.TemporaryDirectory(prefix="daogou-chaos-") as folder,
        postgres(durable=True, ours=True) as database,
        redis(ours=True) as cache,
    ):
        url = database.create_database("shaken")
        async with house(nursery, Path(folder), url, cache.url, webs=0) as made:
            for run in range(chosen.runs):
                report = await figures(made, chosen.seed + run, chosen.seconds, chosen.broken)
                sys.stdout.write(f"{report}\n")
                sys.stdout.flush()
                reports.append(report)
    return reports


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos-figures", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1, help="how many, each with the next seed")
    parser.add_argument("--seconds", type=float, default=60.0, help="that business goes on in a run")
    parser.add_argument("--broken", nargs="*", default=[], choices=MUTANTS, metavar="MUTANT", help="to be found")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000), help="for chance")
    return parser.parse_args()


if __name__ == "__main__":
    main()
