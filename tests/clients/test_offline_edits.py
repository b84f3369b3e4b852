"""What a person did without a signal reaches the server once, and looks done from the moment they did it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from daogou_client import Edit, Mutation, Outbox, Phone, Reach, State, Store, mutation
from daogou_client.news import Json
from kernel import clock, feed
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from tasks.models import Task
from tests.clients.phones import BRISK, WITHIN, agrees, phone_of, settled
from tests.factories import World, build_customer, build_task, build_world, reload
from tests.proxies import Proxy
from tests.serving import Served, serving

CREATE = mutation("createTask", {"input": "NewTask!"}, "TaskChanged", "task { id version }")
COMPLETE = mutation(
    "completeTask",
    {"id": "ID!", "expectedVersion": "Int"},
    "TaskChanged",
    "task { id version state }",
    "... on Task { state }",
)
EDIT = mutation(
    "editNote",
    {"id": "ID!", "body": "String!", "expectedVersion": "Int"},
    "NoteChanged",
    "note { id version }",
    "... on Note { body }",
)
ASKS_WHEN_TOLD_TO = replace(BRISK, poll=600.0, until_next_socket=600.0)


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


@pytest.fixture
async def network(served: Served) -> AsyncIterator[Proxy]:
    """What lies between the phone and the server."""
    async with Proxy(served.port) as network:
        yield network


async def until(phone: Phone, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        await phone.bell.until(holds)


def lose_signal(network: Proxy) -> None:
    network.is_down = True
    network.cut()


async def titles(ground: Ground, actor: Actor) -> list[str]:
    """What tasks the server has of somebody."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(col(Task.title)).where(
                col(Task.brand_id) == actor.brand_id, col(Task.account_id) == actor.account_ids[0]
            )
        )
        return sorted(found)


def create(phone: Phone, title: str) -> str:
    due = {"title": title, "dueAt": clock.now().isoformat()}
    return phone.edit(CREATE, {"input": due}, [Edit("TASK", str(uuid4()), {"title": title}, is_new=True)])


def complete(phone: Phone, task_id: object) -> str:
    """Complete a task as the app shows it now."""
    row = phone.row("TASK", str(task_id))
    assert row
    variables = {"id": row.id, "expectedVersion": row.version}
    return phone.edit(COMPLETE, variables, [Edit("TASK", row.id, {"state": "DONE"})])


def rewrite(phone: Phone, note_id: object, body: str) -> str:
    row = phone.row("NOTE", str(note_id))
    assert row
    variables = {"id": row.id, "body": body, "expectedVersion": row.version}
    return phone.edit(EDIT, variables, [Edit("NOTE", row.id, {"body": body})])


async def add_note(ground: Ground, actor: Actor, body: str) -> UUID:
    customer = await build_customer(ground, actor)
    async with unit_of_work(ground, actor) as work:
        return (await customers.add_note(work, customer.id, body=body)).id


async def change_note(ground: Ground, actor: Actor, note_id: UUID, body: str) -> None:
    async with unit_of_work(ground, actor) as work:
        await customers.edit_note(work, note_id, body=body)


async def lose_replies(served: Served, world: World, network: Proxy, phone: Phone) -> None:
    await settled(phone)
    network.lose_reply_to("createTask", times=2)
    create(phone, "整理陈列")
    await settled(phone)
    assert network.lost_replies == 2
    assert await titles(served.ground, world.shop.guide) == ["整理陈列"]


async def test_a_lost_reply_is_asked_for_again_and_the_edit_has_one_effect(
    served: Served, world: World, network: Proxy
) -> None:
    async with phone_of(served, world.shop.guide, network.url) as phone:
        await lose_replies(served, world, network, phone)

        assert [row.node["title"] for row in phone.rows("TASK")] == ["整理陈列"]
        assert await agrees(phone, served, world.shop.guide)


async def test_a_phone_that_makes_up_a_key_each_time_is_found_out(
    served: Served, world: World, network: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Outbox.first
    monkeypatch.setattr(Outbox, "first", lambda self: (found := first(self)) and replace(found, key=str(uuid4())))
    async with phone_of(served, world.shop.guide, network.url) as phone:
        with pytest.raises(AssertionError):
            await lose_replies(served, world, network, phone)


async def test_edits_made_offline_are_shown_at_once_outlive_the_app_and_are_sent_in_order(
    served: Served, world: World, network: Proxy, tmp_path: Path
) -> None:
    ground, guide = served.ground, world.shop.guide
    task = await build_task(ground, guide)
    store = Store(tmp_path / "phone.db")
    async with phone_of(served, guide, network.url, store) as phone:
        await settled(phone)
        lose_signal(network)
        complete(phone, task.id)
        for number in range(3):
            create(phone, f"任务{number}")
        shown = phone.row("TASK", str(task.id))
        titles_shown = [row.node["title"] for row in phone.rows("TASK")]
    store.close()
    before = await titles(ground, guide)

    sent: list[Json] = []
    again = Store(tmp_path / "phone.db")
    network.is_down = False
    async with phone_of(
        served, guide, network.url, again, on_sent=lambda mutation, _: sent.append(mutation.variables)
    ) as phone:
        waiting = [each.state for each in phone.outbox.waiting()]
        await settled(phone)

        assert await agrees(phone, served, guide)
        assert phone.outbox.all() == []
    assert shown is not None
    assert shown.node["state"] == "DONE"
    assert len(titles_shown) == 4
    assert waiting == [State.QUEUED] * 4
    assert before == ["整理陈列"]
    assert [each.get("input", {}).get("title") for each in sent] == [None, "任务0", "任务1", "任务2"]
    assert (await reload(ground, task)).state == "done"


async def watch_it_stay_done(served: Served, world: World, network: Proxy) -> None:
    """Complete a task on a phone that hears of changes later than of its answers, and look at it all the time."""
    guide, seen = world.shop.guide, list[Any]()
    task = await build_task(served.ground, guide)
    network.carries_sockets = False
    async with phone_of(served, guide, network.url, patience=ASKS_WHEN_TOLD_TO) as phone:
        await settled(phone)

        def look() -> None:
            row = phone.row("TASK", str(task.id))
            seen.append(row and row.node["state"])

        complete(phone, task.id)
        look()
        await until(phone, lambda: phone.outbox.first() is None)
        look()
        phone.hurry()
        await until(phone, lambda: phone.store.versions()["TASK", str(task.id)] == 2)
        look()
        await settled(phone)
        look()
    assert seen == ["DONE"] * 4


async def test_what_looks_done_never_looks_undone_again(served: Served, world: World, network: Proxy) -> None:
    await watch_it_stay_done(served, world, network)


async def test_a_phone_that_drops_its_own_copy_with_the_answer_is_found_out(
    served: Served, world: World, network: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Outbox.take_answer
    monkeypatch.setattr(
        Outbox, "take_answer", lambda self, mutation, payload: take(self, mutation, {**payload, "places": []})
    )

    with pytest.raises(AssertionError):
        await watch_it_stay_done(served, world, network)


async def test_a_conflict_comes_back_with_the_row_as_it_is_now_and_changes_nothing(
    served: Served, world: World, network: Proxy
) -> None:
    ground, guide = served.ground, world.shop.guide
    note_id = await add_note(ground, guide, "喜欢蓝色")
    told: list[Mutation] = []
    async with phone_of(served, guide, network.url, on_refused=told.append) as phone:
        await settled(phone)
        lose_signal(network)
        key = rewrite(phone, note_id, "喜欢红色")
        await change_note(ground, guide, note_id, "喜欢绿色")
        create(phone, "还要做的事")
        network.is_down = False
        await settled(phone)

        [conflict] = phone.outbox.refused()
        assert conflict.is_conflict
        assert conflict.problem is not None
        assert conflict.problem["current"] == {
            "__typename": "Note", "id": str(note_id), "version": 2, "body": "喜欢绿色",
        }  # fmt: skip
        assert told == [conflict]
        row = phone.row("NOTE", str(note_id))
        assert row is not None
        assert (conflict.key, row.node["body"]) == (key, "喜欢绿色")
        assert await agrees(phone, served, guide)
    assert await titles(ground, guide) == ["还要做的事"]


async def test_several_edits_of_one_row_made_offline_are_no_conflict_with_oneself(
    served: Served, world: World, network: Proxy
) -> None:
    ground, guide = served.ground, world.shop.guide
    note_id = await add_note(ground, guide, "喜欢蓝色")
    async with phone_of(served, guide, network.url) as phone:
        await settled(phone)
        lose_signal(network)
        for body in ("喜欢红色", "喜欢绿色", "喜欢黄色"):
            rewrite(phone, note_id, body)
        network.is_down = False
        await settled(phone)

        row = phone.row("NOTE", str(note_id))
        assert row is not None
        assert (row.version, row.node["body"]) == (4, "喜欢黄色")
        assert phone.outbox.all() == []


async def test_an_edit_of_what_has_left_meanwhile_is_refused_and_nothing_of_it_stays(
    served: Served, world: World, network: Proxy
) -> None:
    ground, guide = served.ground, world.shop.guide
    task = await build_task(ground, guide)
    async with phone_of(served, guide, network.url) as phone:
        await settled(phone)
        lose_signal(network)
        complete(phone, task.id)
        async with ground.db.write() as session:
            await session.delete(await session.merge(task))
            gone = feed.Entry(guide.id, "task", task.id, 1, feed.Op.DEL)
            await feed.append(session, guide.brand_id, [gone])
        network.is_down = False
        await settled(phone)

        [refused] = phone.outbox.refused()
        assert refused.problem is not None
        assert refused.problem["code"] == "NOT_FOUND"
        assert phone.rows("TASK") == []


async def test_what_was_answered_before_everything_started_over_is_told_by_the_new_snapshot(
    served: Served, world: World, network: Proxy
) -> None:
    ground, guide = served.ground, world.shop.guide
    task = await build_task(ground, guide)
    network.carries_sockets = False
    async with phone_of(served, guide, network.url, patience=ASKS_WHEN_TOLD_TO) as phone:
        await settled(phone)
        complete(phone, task.id)
        await until(phone, lambda: [each.state for each in phone.outbox.all()] == [State.SENT])
        async with ground.db.write() as session:
            await feed.new_epoch(session, world.brand.id)
        phone.hurry()
        await settled(phone)

        row = phone.row("TASK", str(task.id))
        assert row is not None
        assert (row.version, row.node["state"]) == (2, "DONE")
        assert phone.outbox.all() == []


async def test_somebody_who_follows_no_feed_of_what_they_change_is_not_kept_waiting(
    served: Served, world: World
) -> None:
    rename = mutation("renameRegion", {"id": "ID!", "name": "String!"}, "RegionChanged", "region { id version }")
    async with phone_of(served, world.hq) as phone:
        await settled(phone)
        phone.edit(rename, {"id": str(world.regions["east"].id), "name": "东部"})
        await settled(phone)

        assert phone.reach is Reach.LIVE
        assert phone.outbox.all() == []
    assert (await reload(served.ground, world.regions["east"])).name == "东部"
