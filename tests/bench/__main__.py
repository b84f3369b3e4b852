"""Run the measurements: `make bench`, or `make bench ARGS="workbench --size m"`."""

import argparse
import asyncio

from tests.bench import (
    customer_views,
    handover_closing,
    handover_move,
    handover_plan,
    kpi_ranking,
    kpi_rebuild,
    live,
    mall,
    planning,
    scoring,
    segments,
    storm,
    workbench,
)

BENCHES = {
    "handover_move": handover_move.measure,
    "workbench": workbench.measure,
    "live": live.measure,
    "mall": mall.measure,
    "storm": storm.measure,
    "segments": segments.measure,
    "scoring": scoring.measure,
    "customer_views": customer_views.measure,
    "planning": planning.measure,
    "kpi_ranking": kpi_ranking.measure,
    "handover_plan": handover_plan.measure,
    "handover_closing": handover_closing.measure,
    "kpi_rebuild": kpi_rebuild.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("bench", nargs="*", default=["workbench"], help=f"which: {', '.join(BENCHES)}")
    parser.add_argument("--size", default="l", choices=["s", "m", "l"], help="how much demo data to measure on")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each round lasts")
    parser.add_argument("--rounds", type=int, default=3, help="how often; medians are printed")
    parser.add_argument(
        "--customers",
        nargs="+",
        type=int,
        default=[1_000_000],
        help="how many customers segments or views are counted over, scored, or planned for",
    )
    parser.add_argument("--orders", type=int, default=2_000_000, help="how many a month's figures are counted from")
    parser.add_argument("--people", type=int, default=2000, help="how many come back at once")
    parser.add_argument("--database", help="a database to measure on instead of a new one; filled if it is empty")
    parser.add_argument("--connections", type=int, default=5_000, help="how many sockets at most")
    parser.add_argument("--per-person", type=int, default=10, help="how many of them belong to one person; at most 10")
    parser.add_argument(
        "--writes", type=float, default=100, help="how many a second while it is measured how late news is"
    )
    parser.add_argument("--no-ramp", dest="ramp", action="store_false", help="leave out how much is too much")
    parser.add_argument("--parts", nargs="+", default=live.PARTS, choices=live.PARTS, help="which parts of live")
    chosen = parser.parse_args()
    for name in chosen.bench:
        if name not in BENCHES:
            parser.error(f"there is no measurement {name!r}")
        asyncio.run(BENCHES[name](chosen))


if __name__ == "__main__":
    main()
