"""Somebody is leaving, stays after all, is reported to have left, and is hired again."""

from pathlib import Path
from tempfile import TemporaryDirectory

from intake.commands.directory_file import read
from server.importing_staff import carry_in
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Step, person
from tests.scenarios.writes_departing import next_week

FILE = "kind,code,name,state,last_day\nstaff,ours-1-G2,韩梅,待离职,{day}\nstaff,N1,新人,离职,\n"


async def import_departures(stage: Stage) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "staff.csv"
        path.write_text(FILE.format(day=next_week()), encoding="utf-8")
        tally = await carry_in(stage.ground, read(path), stage.world.brand.code)
    assert tally.leaving == 2


DEPARTING: list[Step | Deed] = [
    Step("markLeaving", "manager", person("colleague", lastDay=next_week())),
    Step("markLeaving", "hq", person("colleague")),
    Step("withdrawLeaving", "regional", person("colleague")),
    Deed("the staff file says who leaves", import_departures),
    Step("withdrawLeaving", "manager", person("colleague")),
    Step("reopenAccess", "manager", person("new")),
]
