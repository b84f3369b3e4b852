"""Somebody is leaving, stays after all, is reported to have left, and is hired again."""

from pathlib import Path
from tempfile import TemporaryDirectory

from handover.commands import watching
from handover.models import AlertKind
from intake.commands.directory_file import read
from kernel import clock
from kernel.actor import system
from kernel.work import unit_of_work
from mall.commands.commission import exporting as commission_exporting
from mall.queries.commission import exporting as commission
from server.importing_staff import carry_in
from tagging.commands import exporting
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Step, person, thing
from tests.scenarios.writes_departing import next_week

FILE = "kind,code,name,state,last_day\nstaff,ours-1-G2,韩梅,待离职,{day}\nstaff,N1,新人,离职,\n"


async def import_departures(stage: Stage) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "staff.csv"
        path.write_text(FILE.format(day=next_week()), encoding="utf-8")
        tally = await carry_in(stage.ground, read(path), stage.world.brand.code)
    assert tally.leaving == 2


async def burst(stage: Stage) -> None:
    """Headquarters takes a file away, and a guide more than they may."""
    ground, world = stage.ground, stage.world
    async with unit_of_work(ground, world.hq) as work:
        read = ground.db.read
        await commission_exporting.note_export(work, await commission.begin(read, world.hq, clock.now().date()))
    for _ in range(4):
        async with unit_of_work(ground, world.shop.guide) as work:
            await exporting.note_export(work, world.brand.id)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        alert = await watching.raise_alert(work, world.shop.guide.id, AlertKind.EXPORTS)
    assert alert
    stage.things["alert"] = str(alert.id)


DEPARTING: list[Step | Deed] = [
    Step("markLeaving", "manager", person("colleague", lastDay=next_week())),
    Step("markLeaving", "hq", person("colleague")),
    Step("withdrawLeaving", "regional", person("colleague")),
    Deed("the staff file says who leaves", import_departures),
    Step("withdrawLeaving", "manager", person("colleague")),
    Step("reopenAccess", "manager", person("new")),
    Deed("somebody takes away more files than they may", burst),
    Step("settleAlert", "manager", thing("alert", words="在做活动名单")),
]
