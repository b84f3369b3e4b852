"""A backup is put back: what came after it is gone, every phone is told so, and all agree again."""

import asyncio
import signal

from daogou_client import Server
from tests.chaos.crowd import Crowd, crowd
from tests.chaos.ear import Ear
from tests.chaos.handset import PATIENCE
from tests.chaos.house import House
from tests.chaos.judging import judged
from tests.chaos.report import Report

_QUERY = "query ($after: Cursor) { changes(after: $after) { mustRefetch } }"
_WITHIN = 15.0


async def restored(house: House, seed: int, *, seconds: float) -> Report:
    """Write, back up, write more, put the backup back, and write on: so many seconds each time."""
    file = house.folder / "monday.backup"
    async with crowd(house, seed) as people:
        await people.work(people.until(seconds))
        await people.calm_down(_WITHIN)
        kept = set(people.ledger.answers)
        await house.carry_out("backup", str(file))
        await people.work(people.until(seconds))
        await people.calm_down(_WITHIN)
        copies = {each.name: each.store.progress.shown for each in people.handsets}
        future = [(ear, ear.cursor) for ear in people.ears]

        await _put_back(house, str(file))
        people.ledger.undo(set(people.ledger.answers) - kept)
        await people.work(people.until(seconds))
        report = await judged(people, "restore", refetches=1)
        report.broken += [line for ear, cursor in future for line in await _trusted(house, ear, cursor)]
        report.broken += _not_renewed(people, copies)
    return report


async def _put_back(house: House, file: str) -> None:
    for program in house.programs:
        await asyncio.to_thread(program.end, signal.SIGTERM)
    await house.carry_out("restore", file, "--yes")
    await house.up()


async def _trusted(house: House, ear: Ear, cursor: str | None) -> list[str]:
    """A cursor from before the restore, of what is no more, must not be taken for one of now."""
    server = Server(house.webs[0].url, ear.person, PATIENCE)
    try:
        said = (await server.ask(_QUERY, {"after": cursor}))["changes"]
    finally:
        await server.aclose()
    return [] if said["mustRefetch"] else [f"{ear.name}: a cursor from before the restore is still good"]


def _not_renewed(people: Crowd, copies: dict[str, int]) -> list[str]:
    return [
        f"{each.name} has not taken a new copy"
        for each in people.handsets
        if each.store.progress.shown <= copies[each.name]
    ]
