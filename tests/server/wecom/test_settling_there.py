"""A leaver's customers are settled through the connector with the simulator, whatever goes wrong between the two."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from handover.commands import tying
from handover.models import HandoverState
from kernel import clock
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from server import settling
from server.wecom.connecting import close_partners, partner_of
from tests.asking import VAULT
from tests.factories import build_world
from tests.handover.partners import Case, settling_case
from tests.server.wecom.conftest import There
from tests.serving import serving, settings
from tests.wecom.world import Reply

TOKEN, KEY = "hereisatoken", "4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws"
HOURS = 4


@dataclass
class Both:
    """A handover that is settling here, and the corp that it is settled with."""

    case: Case
    there: There

    async def settle_for(self, hours: int) -> None:
        """Run the errand every four hours, until all is settled or so many have gone by there."""
        case, simulator = self.case, self.there.simulator
        here = settings(daogou_wecom_url=self.there.address)
        for _ in range(0, hours, HOURS):
            with clock.stopped_at(simulator.corp.now):
                await settling.settle(
                    lambda on, brand_id: partner_of(on, VAULT, here, brand_id),
                    case.ground,
                    case.world.brand.id,
                    handover_id=str(case.handover.id),
                )
                if await case.state() is HandoverState.DONE:
                    return
            await simulator.travel(timedelta(hours=HOURS))

    def asked_twice(self) -> list[str]:
        return [customer for customer, times in self.there.simulator.corp.attempts.items() if times != 1]


async def stage(ground: Ground, there: There, count: int) -> Both:
    """The leaver has left there, too."""
    case = await settling_case(ground, await build_world(ground), count, is_tied=False)
    corp = there.simulator.corp
    async with unit_of_work(ground, system(case.world.brand.id)) as work:
        await tying.tie(work, VAULT, corp_id=corp.corp_id, secret="secret", callback_token=TOKEN, callback_key=KEY)
    corp.hire("leaver")
    corp.hire("taker")
    for number in range(count):
        corp.meet(f"wm-{number}", "leaver")
    corp.leave("leaver")
    return Both(case, there)


@pytest.fixture(autouse=True)
async def closed(ground: Ground) -> AsyncIterator[None]:
    yield
    await close_partners(ground)


async def test_all_go_over_but_who_refuses_and_each_is_asked_for_once(ground: Ground, there: There) -> None:
    both = await stage(ground, there, 104)
    there.simulator.corp.replies["wm-3"] = Reply.REFUSE

    await both.settle_for(30)

    assert Counter(await both.case.there()) == {"accepted": 103, "refused": 1}
    assert await both.case.state() is HandoverState.DONE
    assert both.asked_twice() == []
    assert there.asked("resigned/transfer_customer") == 2
    assert there.asked("transfer_customer") == 0


@pytest.mark.parametrize("kind", ["lose_answer", "drop", "status"])
async def test_whatever_becomes_of_a_request_nobody_is_asked_for_twice(ground: Ground, there: There, kind: str) -> None:
    both = await stage(ground, there, 3)
    there.spoil("resigned/transfer_customer", kind, 502)
    there.spoil("resigned/transfer_result", "drop", times=4)
    there.spoil("gettoken", "code", -1)

    await both.settle_for(60)

    assert await both.case.there() == ["accepted"] * 3
    assert both.asked_twice() == []
    # What was carried out is found in the results; what was not is asked for anew, once they say so: hours later, when
    # the token has ended, which is one call more.
    assert there.asked("resigned/transfer_customer") == (1 if kind == "lose_answer" else 3)


async def test_tokens_that_end_at_any_moment_are_no_matter(ground: Ground, there: There) -> None:
    both = await stage(ground, there, 3)
    there.simulator.corp.switches.token_seconds = 1_800
    there.spoil("resigned/transfer_customer", "code", 42001)
    there.spoil("resigned/transfer_result", "code", 40014)

    await both.settle_for(60)

    assert await both.case.there() == ["accepted"] * 3
    assert both.asked_twice() == []


async def test_news_told_twice_late_and_upside_down_change_nothing_of_it(ground: Ground, there: There) -> None:
    both = await stage(ground, there, 5)
    there.simulator.corp.replies["wm-2"] = Reply.REFUSE
    async with serving(ground) as served:
        caller = there.simulator.caller
        assert await caller.set_up(f"http://127.0.0.1:{served.port}/hooks/wecom/qinghe", TOKEN, KEY)
        caller.habits.copies, caller.habits.hold = 2, True
        await both.settle_for(20)
        await there.simulator.travel(timedelta(hours=5))
        await there.simulator.told(order="reversed")
        await served.edge.applier.drained(10)
        await both.settle_for(30)

    assert await both.case.there() == ["accepted", "accepted", "refused", "accepted", "accepted"]
    assert await both.case.contacts(both.case.taker) == {"wm-0", "wm-1", "wm-3", "wm-4"}
    assert both.asked_twice() == []
    assert all(call.answers == [200, 200] for call in caller.calls)
