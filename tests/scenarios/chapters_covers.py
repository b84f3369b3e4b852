"""Somebody goes on leave, a colleague covers for them, and what they hold goes its way meanwhile."""

from datetime import timedelta

from kernel import clock
from server import chores
from tests.scenarios.stage import PUBLIC, Stage
from tests.scenarios.story import Deed, Given, Step, about, ahead, held, task, thing


def covered(absent: str, delegate: str, /, **also: object) -> Given:
    """Who is away, and who serves for them."""

    def given(stage: Stage) -> dict[str, object]:
        people = {"staffId": str(stage.people[absent].id), "delegateId": str(stage.people[delegate].id)}
        return {**people, "endsAt": ahead(days=3), **also}

    return given


async def a_day_goes_by(stage: Stage) -> None:
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        await chores.mind_covers(stage.ground)


async def a_week_goes_by(stage: Stage) -> None:
    with clock.stopped_at(clock.now() + timedelta(days=7)):
        await chores.mind_covers(stage.ground)


COVERS: list[Step | Deed] = [
    Step("arrangeCover", "manager", covered("owner", "colleague"), "cover"),
    Step("editRemark", "colleague", about("li", remark="代班时来过")),
    Step("addNote", "colleague", about("li", body="代班：想看羽绒服")),
    Step("noteVisit", "owner", about("li")),
    Step("createTask", "colleague", task("li", title="代班回访"), "covered"),
    Step("completeTask", "colleague", thing("covered")),
    Step("reassignRelationship", "manager", held("li", to=PUBLIC)),
    Step("reassignRelationship", "manager", held("li", to="owner")),
    Step("editCover", "manager", lambda s: {"id": s.things["cover"], "endsAt": ahead(days=2)}),
    Step("arrangeCover", "regional", covered("owner", "manager"), "second"),
    Step("endCover", "manager", thing("cover")),
    Step("endCover", "hq", thing("second")),
    Step("editRemark", "owner", about("li", remark="回来了")),
    Step("arrangeCover", "manager", covered("owner", "colleague", startsAt=ahead(days=0.5)), "next"),
    Step("editCover", "hq", lambda s: {"id": s.things["next"], "startsAt": ahead(days=0.4)}),
    Deed("a day goes by", a_day_goes_by),
    Deed("a week goes by", a_week_goes_by),
]
