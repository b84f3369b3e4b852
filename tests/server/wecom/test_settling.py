"""Handovers are settled with WeCom over HTTP, as it would be: days go by, customers decline, events get lost."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from handover.commands import asking_again, hearing
from handover.commands import settling as commands
from handover.models import HandoverKind, HandoverState, News
from handover.partner import Chat, Part, Told
from kernel import clock
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from server import settling
from server.wecom.client import WeCom
from server.wecom.telling import fields_of, news_of
from tests.factories import build_world
from tests.handover.partners import Case, name_at_partner, settling_case
from tests.server.wecom.conftest import There
from tests.wecom.sealing import event
from tests.wecom.world import Reply

DAY = timedelta(days=1)


class Shop:
    """A handover that is settling, and the corp that it is settled with; what it tells waits until it is heard."""

    def __init__(self, case: Case, there: There) -> None:
        self.case, self.there = case, there
        self.corp, self.wecom = there.simulator.corp, there.connect()
        self.heard = 0

    async def settle(self) -> None:
        async def partner_of(_ground: Ground, _brand_id: UUID) -> WeCom:
            return self.wecom

        with clock.stopped_at(self.corp.now):
            await settling.settle(partner_of, self.case.ground, self.case.world.brand.id, str(self.case.handover.id))

    async def wait(self, **time: float) -> None:
        await self.there.simulator.travel(timedelta(**time))

    def told(self) -> list[News]:
        """What the corp has told since the last time."""
        calls = self.there.simulator.caller.calls
        fresh, self.heard = calls[self.heard :], len(calls)
        read = [news_of(fields_of(event(self.corp.corp_id, call.at, call.fields))) for call in fresh]
        return [each for each in read if each is not None]

    async def hear(self, news: Sequence[News] | None = None) -> None:
        with clock.stopped_at(self.corp.now):
            for each in self.told() if news is None else news:
                async with unit_of_work(self.case.ground, system(self.case.world.brand.id)) as work:
                    await hearing.hear(work, each)

    async def ask_again(self) -> None:
        with clock.stopped_at(self.corp.now):
            async with unit_of_work(self.case.ground, self.case.world.shop.manager) as work:
                await asking_again.ask_again(work, self.case.handover.id, self.case.relationships[0].id)
        await self.settle()

    async def there_now(self) -> list[str]:
        return await self.case.there()


async def open_shop(
    ground: Ground, there: There, count: int = 1, *, kind: HandoverKind = HandoverKind.RESIGNATION, **taker: Any
) -> Shop:
    """The leaver has left there, too, unless they only work elsewhere from now on."""
    corp = there.simulator.corp
    case = await settling_case(ground, await build_world(ground), count, kind=kind)
    corp.hire("leaver")
    corp.hire("taker", **taker)
    corp.hire("shop")
    for number in range(count):
        corp.meet(f"wm-{number}", "leaver")
    if kind is HandoverKind.RESIGNATION:
        corp.leave("leaver")
    return Shop(case, there)


@pytest.mark.parametrize("how", ["in order", "reversed", "twice", "never"])
async def test_a_day_later_everybody_is_taken_over_however_it_is_told(ground: Ground, there: There, how: str) -> None:
    shop = await open_shop(ground, there, 3)
    await shop.settle()
    assert await shop.there_now() == ["waiting"] * 3

    await shop.wait(hours=25)
    news = shop.told()
    assert len(news) == 3
    ways = {"in order": news, "reversed": news[::-1], "twice": [*news, *news], "never": []}
    await shop.hear(ways[how])
    if how != "never":
        assert await shop.there_now() == ["accepted"] * 3
    await shop.settle()

    assert await shop.there_now() == ["accepted"] * 3
    assert await shop.case.state() is HandoverState.DONE
    assert await shop.case.contacts(shop.case.taker) == {"wm-0", "wm-1", "wm-2"}
    assert there.asked("resigned/transfer_customer") == 1


async def test_no_event_comes_where_the_takeover_guide_has_the_customer_already(ground: Ground, there: There) -> None:
    shop = await open_shop(ground, there)
    shop.corp.link("taker", "wm-0")
    await shop.settle()

    await shop.wait(hours=25)
    assert shop.told() == []
    await shop.settle()

    assert await shop.there_now() == ["accepted"]


@pytest.mark.parametrize(
    ("switch", "then", "in_the_end"), [("lost", "lost", "lost"), ("back_to_pool", "waiting", "accepted")]
)
async def test_whoever_declined_is_asked_again_by_a_person_and_whether_that_helps_is_wecoms_word(
    ground: Ground, there: There, switch: str, then: str, in_the_end: str
) -> None:
    shop = await open_shop(ground, there)
    shop.corp.switches.turn({"resigned_refusal": switch})
    shop.corp.replies["wm-0"] = Reply.REFUSE
    await shop.settle()
    await shop.wait(hours=25)
    for _ in range(3):
        await shop.settle()
        await shop.wait(days=2)
    assert await shop.there_now() == ["refused"]
    assert there.asked("resigned/transfer_customer") == 1

    shop.corp.replies["wm-0"] = Reply.SILENT
    await shop.ask_again()
    assert await shop.there_now() == [then]
    await shop.hear()  # of the first attempt, days late
    assert await shop.there_now() == [then]

    await shop.wait(hours=25)
    await shop.settle()
    assert await shop.there_now() == [in_the_end]


@pytest.mark.parametrize("is_heard", [True, False])
async def test_where_the_guide_is_full_the_store_takes_over_here_and_there(
    ground: Ground, there: There, is_heard: bool
) -> None:
    shop = await open_shop(ground, there, 3, cap=1)
    world = shop.case.world
    await name_at_partner(ground, world.shop.public.id, world.brand.id, "shop")
    await shop.settle()
    await shop.wait(hours=25)
    if is_heard:
        await shop.hear()
    await shop.settle()

    states = await shop.there_now()
    assert sorted(states) == ["accepted", "waiting", "waiting"]
    items = await shop.case.items()
    for item, state in zip(items, states, strict=True):
        is_first = state == "accepted"
        assert item.to_account_id == (shop.case.taker.account_ids[0] if is_first else world.shop.public.id)

    await shop.wait(hours=25)
    await shop.settle()
    assert await shop.there_now() == ["accepted"] * 3
    assert await shop.case.state() is HandoverState.DONE


async def test_a_third_move_waits_until_ninety_days_are_over(ground: Ground, there: There) -> None:
    shop = await open_shop(ground, there, kind=HandoverKind.TRANSFER)
    shop.corp.on_job_moves["wm-0"] = [shop.corp.now - 60 * DAY, shop.corp.now - 30 * DAY]
    await shop.settle()
    [attempt] = await shop.case.attempts()
    assert (await shop.there_now(), attempt.told) == (["requested"], Told.TOO_OFTEN)

    for _ in range(5):
        await shop.wait(days=7)
        await shop.settle()
    assert await shop.there_now() == ["waiting"]
    await shop.wait(hours=25)
    await shop.settle()

    assert await shop.there_now() == ["accepted"]
    assert await shop.case.state() is HandoverState.DONE


async def test_what_was_left_a_year_ago_cannot_be_had_any_more(ground: Ground, there: There) -> None:
    shop = await open_shop(ground, there)
    shop.corp.members["leaver"].departed_at = shop.corp.now - 366 * DAY

    await shop.settle()

    assert await shop.there_now() == ["lost"]
    assert await shop.case.state() is HandoverState.DONE


async def test_who_is_still_a_member_is_inherited_from_once_they_have_left(ground: Ground, there: There) -> None:
    shop = await open_shop(ground, there)
    shop.corp.members["leaver"].departed_at = None
    await shop.settle()
    assert await shop.there_now() == ["requested"]

    await there.http.post(f"{there.address}/_control/happen", json={"what": "member_leaves", "user_id": "leaver"})
    await shop.hear()
    await shop.settle()

    assert await shop.there_now() == ["waiting"]


async def test_a_lost_answer_is_read_from_the_results(ground: Ground, there: There) -> None:
    shop = await open_shop(ground, there, 2)
    there.spoil("resigned/transfer_customer", "lose_answer")
    await shop.settle()
    assert await shop.there_now() == ["requested"] * 2

    await shop.wait(minutes=3)
    await shop.settle()

    assert await shop.there_now() == ["waiting"] * 2
    assert there.asked("resigned/transfer_customer") == 1


async def test_a_worker_that_dies_between_asking_and_writing_is_stood_in_for(ground: Ground, there: There) -> None:
    shop = await open_shop(ground, there, 2)
    actor = system(shop.case.world.brand.id)
    there.spoil("resigned/transfer_customer", "drop", times=9)
    await shop.settle()  # begins the attempts, and never arrives
    await shop.wait(minutes=3)
    there.simulator.gate.faults.clear()
    with clock.stopped_at(shop.corp.now):
        async with unit_of_work(ground, actor) as work:
            looking = await commands.take_look(work)
        assert looking is not None
        async with unit_of_work(ground, actor) as work:
            await commands.note_standings(work, looking, {})
        async with unit_of_work(ground, actor) as work:
            asking = await commands.take_request(work)
        assert asking is not None
    pair = asking.pair
    await shop.wecom.transfer(pair.course, pair.from_user_id, pair.to_user_id, asking.external_user_ids, None)
    before = there.asked("resigned/transfer_customer")

    await shop.wait(minutes=3)
    await shop.settle()

    assert await shop.there_now() == ["waiting"] * 2
    assert there.asked("resigned/transfer_customer") == before


async def test_a_customer_who_leaves_the_leaver_meanwhile_is_lost(ground: Ground, there: There) -> None:
    shop = await open_shop(ground, there, 2)
    shop.corp.lose(shop.corp.links["leaver", "wm-1"])

    await shop.settle()

    assert await shop.there_now() == ["waiting", "lost"]


async def test_chats_of_a_leaver_whom_wecom_does_not_list_go_over_all_the_same(ground: Ground, there: There) -> None:
    shop = await open_shop(ground, there)
    for number in range(120):
        shop.corp.open_chat(f"wr-{number}", "leaver")

    await shop.settle()

    assert {chat.owner for chat in shop.corp.chats.values()} == {"taker"}
    assert there.asked("groupchat/transfer") == 2


async def test_chats_by_the_thousand_go_over_though_workers_die_and_errands_are_short(
    ground: Ground, there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All were listed in one errand, from the first on each time: more than it could hold never went over."""
    monkeypatch.setattr(settling, "LONGEST_SECONDS", 0.2)
    shop = await open_shop(ground, there)
    for number in range(1_200):
        shop.corp.open_chat(f"wr-{number}", "leaver")
    pages: list[str | None] = []
    listing = shop.wecom.chats

    async def chats(owner_user_ids: Sequence[str], cursor: str | None) -> Part[tuple[str, Chat]]:
        pages.append(cursor)
        if len(pages) in (3, 8):
            raise asyncio.CancelledError  # as far as others can see it was killed
        return await listing(owner_user_ids, cursor)

    monkeypatch.setattr(shop.wecom, "chats", chats)
    for _ in range(60):
        with suppress(asyncio.CancelledError):
            await shop.settle()
        if there.asked("groupchat/transfer"):
            break
    assert len(pages) == len(set(pages)) + 2
    for _ in range(6):
        for _ in range(4):
            await shop.settle()
        if await shop.case.state() is HandoverState.DONE:
            break
        await shop.wait(days=1)

    assert {chat.owner for chat in shop.corp.chats.values()} == {"taker"}
    assert sum(shop.corp.chat_days.values()) == 1_200
    assert await shop.case.state() is HandoverState.DONE


async def test_while_wecom_is_away_nothing_is_lost(ground: Ground, there: There) -> None:
    shop = await open_shop(ground, there, 2)
    there.spoil("resigned/transfer_customer", "drop", times=3)
    there.spoil("resigned/transfer_result", "status", 503, times=9)
    for _ in range(4):
        await shop.settle()
        await shop.wait(minutes=4)
    there.simulator.gate.faults.clear()
    for _ in range(3):
        await shop.wait(minutes=40)
        await shop.settle()
    await shop.wait(hours=25)
    await shop.settle()

    assert await shop.there_now() == ["accepted"] * 2
