"""Files over HTTP: who asks, how long a body may be, and refusals as JSON."""

from collections.abc import AsyncIterator

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kernel.errors import Forbidden, NotFound
from kernel.work import Ground
from server import files
from tests.factories import World, build_world
from tests.serving import Served, serving


async def _echo(asked: files.Asked) -> Response:
    return PlainTextResponse(f"{asked.actor.role} {len(await asked.body(10))}")


async def _missing(_asked: files.Asked) -> Response:
    raise NotFound


async def _forbidden(_asked: files.Asked) -> Response:
    raise Forbidden


async def _broken(_asked: files.Asked) -> Response:
    raise RuntimeError("the reason is ours alone")


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    """A server that answers at a few paths of this test's own."""
    async with serving(ground) as served:
        for name, answer in (("echo", _echo), ("missing", _missing), ("forbidden", _forbidden), ("broken", _broken)):
            served.app.routes.append(Route(f"/files/{name}", files.endpoint(answer), methods=["POST"]))
        yield served


async def post(
    served: Served, world: World, name: str, body: bytes = b"", language: str = "en"
) -> tuple[int, dict[str, str] | str]:
    token = await served.token(world.hq)
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
    answer = await served.http.post(f"/files/{name}", content=body, headers=headers)
    is_json = answer.headers["content-type"].startswith("application/json")
    return answer.status_code, answer.json() if is_json else answer.text


async def test_somebody_signed_in_is_answered_and_others_are_not(served: Served, ground: Ground) -> None:
    world = await build_world(ground)

    assert await post(served, world, "echo", b"0123456789") == (200, "hq 10")
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
        refused = await served.http.post("/files/echo", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.json()["code"] in ("UNAUTHENTICATED", "BAD_TOKEN", "SIGN_IN_ENDED")


async def test_a_refusal_is_told_with_its_code_in_the_readers_language(served: Served, ground: Ground) -> None:
    world = await build_world(ground)

    assert await post(served, world, "missing") == (404, {"code": NotFound.code, "message": NotFound.en})
    assert await post(served, world, "missing", language="zh-CN") == (
        404,
        {"code": NotFound.code, "message": NotFound.zh},
    )
    assert (await post(served, world, "forbidden"))[0] == 403


async def test_a_body_that_is_too_long_is_refused(served: Served, ground: Ground) -> None:
    world = await build_world(ground)

    status, said = await post(served, world, "echo", b"01234567890")

    assert isinstance(said, dict)
    assert (status, said["code"]) == (413, "REQUEST_TOO_LARGE")


async def test_a_bug_is_masked(served: Served, ground: Ground) -> None:
    world = await build_world(ground)

    status, said = await post(served, world, "broken")

    assert isinstance(said, dict)
    assert (status, said["code"]) == (500, "INTERNAL")
    assert "ours alone" not in said["message"]
