"""Tasks are opened, put off, skipped, taken back and given to somebody else, one by one and many at once."""

from typing import Any

from tests.scenarios import deeds
from tests.scenarios.story import Deed, Given, Step, ahead, task, thing


def things(*names: str, **also: Any) -> Given:
    """The things of these names."""
    return lambda stage: {"ids": [stage.things[name] for name in names], **also}


def to(who: str, *names: str) -> Given:
    """The same, for an account of the first store."""
    return lambda stage: {"ids": [stage.things[name] for name in names], "toAccountId": stage.account(who)}


def _one_to(who: str, name: str) -> Given:
    return lambda stage: {"id": stage.things[name], "toAccountId": stage.account(who)}


def _off(*names: str) -> Given:
    return lambda stage: {"ids": [stage.things[name] for name in names], "until": ahead(days=2)}


LIFE: list[Step | Deed] = [
    *(
        Step("createTask", "manager", task(keeper="owner", title=name, expiresAt=ahead(days=9)), name)
        for name in ("贴价签", "擦橱窗", "盘点", "换模特", "熨衣")
    ),
    Step("createTask", "owner", task("li", title="问候"), "greet li"),
    Step("markTasksSeen", "owner", things("贴价签", "擦橱窗", "greet li")),
    Step("markTasksSeen", "owner", things("贴价签", "盘点")),
    Step("snoozeTasks", "owner", _off("贴价签", "greet li")),
    Step("reassignTask", "manager", _one_to("colleague", "贴价签")),
    Step("reassignTasks", "regional", to("colleague", "擦橱窗", "盘点")),
    Step("skipTask", "owner", thing("greet li", reason="OTHER", remark="昨天刚来过")),
    Step("skipTasks", "colleague", things("贴价签", reason="BAD_TIME", remark="太忙")),
    Step("completeTasks", "colleague", things("擦橱窗", outcome="REACHED", remark="好了")),
    Step("cancelTasks", "manager", things("盘点", "换模特", remark="不用了")),
    Deed("more than a week goes by", deeds.tend_tasks),
]
