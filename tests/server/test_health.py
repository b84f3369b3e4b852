"""What an operator and a browser find at the other paths."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground
from server import migrating
from server.settings import Environment, Settings
from server.wiring import wiring
from tests.servers import Postgres
from tests.serving import Served, serving, serving_nothing

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture(scope="module")
async def wire(sqlite_template: Path) -> AsyncIterator[Served]:
    """One server for all tests that never get as far as the database."""
    async with serving_nothing(sqlite_template) as served:
        yield served


@pytest.fixture
def empty_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"daogou_{uuid4().hex[:12]}"
    yield server.create_database(name)
    server.drop_database(name)


async def test_a_process_that_is_up_says_so(wire: Served) -> None:
    answer = await wire.http.get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok\n")


async def test_a_database_without_our_schema_is_not_ready(wire: Served) -> None:
    answer = await wire.http.get("/readyz")

    assert (answer.status_code, answer.text) == (503, "the database can't be read\n")


async def test_a_migrated_database_is_ready_until_another_program_changes_its_schema(empty_url: str) -> None:
    await migrating.upgrade(Settings(database_url=SecretStr(empty_url)))
    ground = Ground(Database(empty_url), connect(None), wiring)
    async with serving(ground) as served:
        before = await served.http.get("/readyz")
        async with ground.db.write() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = 'other'"))
        after = await served.http.get("/readyz")
    await ground.db.close()

    assert (before.status_code, after.status_code) == (200, 503)


async def test_the_root_leads_to_a_page_that_says_in_two_languages_what_is_here(wire: Served) -> None:
    moved = await wire.http.get("/")
    page = await wire.http.get(moved.headers["location"])

    assert moved.status_code == 307
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "导购工作台" in page.text
    assert "What is here" in page.text
    assert {link.removeprefix("/") for link in re.findall(r'href="(/\w+)"', page.text)} == {
        "graphql", "healthz", "readyz", "metrics",
    }  # fmt: skip


async def test_a_browser_gets_graphiql_and_everything_it_loads_from_here(wire: Served) -> None:
    page = await wire.http.get("/graphql", headers={"Accept": HTML})
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    parts = [await wire.http.get(path) for path in loaded]

    assert page.status_code == 200
    assert "'self'" in page.headers["content-security-policy"]
    assert len(loaded) == 6
    assert [part.status_code for part in parts] == [200] * 6
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)


async def test_a_program_that_asks_by_get_gets_no_page(wire: Served) -> None:
    answer = await wire.http.get("/graphql", params={"query": "{ __typename }"}, headers={"Accept": "*/*"})

    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_every_answer_has_the_headers_that_keep_browsers_careful(wire: Served) -> None:
    for path in ("/healthz", "/welcome", "/graphql?query={__typename}", "/static/graphiql/start.js", "/nothing"):
        headers = (await wire.http.get(path)).headers

        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert len(headers["x-request-id"]) == 32


async def test_the_figures_count_requests_and_errors_by_names_that_are_ours(wire: Served) -> None:
    await wire.post({"query": "{ __typename }"})
    await wire.post({"query": "{ nosuchfield }"})
    for number in range(3):
        await wire.http.get(f"/made-up-{number}")

    figures = (await wire.http.get("/metrics")).text

    assert re.search(r'daogou_http_requests_total\{method="POST",path="/graphql",status="200"\} \d', figures)
    assert re.search(r'daogou_graphql_errors_total\{code="GRAPHQL_VALIDATION_FAILED"\} \d', figures)
    assert 'path="other"' in figures
    assert "made-up" not in figures


async def test_in_production_the_figures_are_for_this_machine_only(ground: Ground) -> None:
    async with serving(ground, daogou_env=Environment.PRODUCTION) as served:
        here = await served.http.get("/metrics")
        behind_a_proxy = await served.http.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})

    assert (here.status_code, behind_a_proxy.status_code) == (200, 404)
