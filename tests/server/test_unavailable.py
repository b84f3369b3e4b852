"""A database that goes away in the midst of a change: the app is told to try again, and the key makes that safe."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from kernel.work import Ground, Work
from tasks import commands
from tasks.models import Task
from tests.conftest import DATABASE
from tests.factories import build_task, build_world, reload
from tests.refusals import snapshot
from tests.scenarios.test_late_holders import until_waiting
from tests.servers import Postgres
from tests.servers.postgresql import execute
from tests.serving import serving

COMPLETE = """mutation ($id: ID!) { completeTask(id: $id, idempotencyKey: "k") {
    __typename ... on TaskChanged { task { version } } ... on Problem { code } } }"""
ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'"
)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)  # SQLite has no server that could go away
async def test_a_connection_lost_in_the_midst_of_a_change_is_told_as_such_and_the_key_makes_trying_again_safe(
    ground: Ground, postgres_server: Postgres
) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)
    admin = make_url(postgres_server.admin_url).set(database=DATABASE).render_as_string(hide_password=False)
    body = {"query": COMPLETE, "variables": {"id": str(task.id)}}

    async with serving(ground) as served:
        token = {"Authorization": f"Bearer {await served.token(world.shop.guide)}"}
        before = await snapshot(ground)
        async with ground.db.write() as holding_up:
            await holding_up.execute(text("SELECT * FROM task FOR UPDATE"))
            asked = asyncio.create_task(served.post(body, headers=token))
            await until_waiting(ground, 1)
            execute(admin, ENDED)
            lost = await asked
        assert await snapshot(ground) == before
        again = [(await served.post(body, headers=token)).json() for _ in range(2)]

    # An error and no problem: a problem would say that nothing was changed, which nobody knows of a lost commit.
    [error] = lost.json()["errors"]
    assert (lost.json()["data"], error["extensions"]["code"]) == (None, "UNAVAILABLE")
    done = {"data": {"completeTask": {"__typename": "TaskChanged", "task": {"version": 2}}}}
    assert again == [done, done]
    assert (await reload(ground, task)).version == 2


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    ("sqlstate", "code"),
    [
        ("08006", "UNAVAILABLE"),  # the connection failed
        ("53100", "UNAVAILABLE"),  # the disk is full
        ("53300", "UNAVAILABLE"),  # too many connections
        ("57P01", "UNAVAILABLE"),  # shutting down
        ("57P03", "UNAVAILABLE"),  # starting
        ("23514", "INTERNAL"),  # a check of ours: a bug
    ],
)
async def test_what_the_database_says_when_it_cannot_now_is_no_bug(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, sqlstate: str, code: str
) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    async def fail(work: Work, *_about: Any, **_given: Any) -> Task:
        await work.session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$"))
        raise AssertionError("the database did not refuse")

    monkeypatch.setattr(commands, "complete", fail)
    async with serving(ground) as served:
        answer = await served.post({"query": COMPLETE, "variables": {"id": str(task.id)}}, world.shop.guide)

    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == [code]
