"""What a client's tests, which run in another program, ask of the server that they can't ask by GraphQL."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlmodel import col
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from directory.commands import passwords
from directory.models import Staff
from kernel import clock, feed
from server.tokens import Claims, Kind, Signer
from tests.factories import World, build_customer, build_task, build_world
from tests.mall.trading import place
from tests.serving import SECRET, Served
from tests.tagging.labels import build_group, build_tag

PASSWORD = "青禾-letmein-1"
HASH = passwords.hash_password(PASSWORD)
CUSTOMERS = 4

Said = dict[str, Any]


class Stage:
    """One server, and the brands that tests have made on it."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def app(self) -> Starlette:
        """Each thing that can be asked for, at an address of its own."""
        return Starlette(
            routes=[
                Route("/world", _answering(self.world), methods=["POST"]),
                Route("/epoch", _answering(self.epoch), methods=["POST"]),
                Route("/expiring", _answering(self.expiring), methods=["POST"]),
            ]
        )

    async def world(self, asked: Said) -> Said:
        """A brand of the test's own: in its first shop two guides with customers, tasks and orders, and a manager."""
        ground = self._served.ground
        world = await build_world(ground, f"b{uuid4().hex[:10]}")
        async with ground.db.write() as session:
            await session.execute(update(Staff).where(col(Staff.brand_id) == world.brand.id).values(password_hash=HASH))
        group = await build_group(ground, world)
        tags = [await build_tag(ground, world, group, name) for name in ("通勤", "度假")]
        customers = [await self._customer(world, number) for number in range(CUSTOMERS)]
        return {
            "brand": world.brand.code,
            "brandId": str(world.brand.id),
            "password": PASSWORD,
            "guide": _person(world, "G1"),
            "otherGuide": _person(world, "G2"),
            "manager": _person(world, "M"),
            "accounts": [str(guide.account_ids[0]) for guide in world.shop.guides],
            "customers": customers,
            "tags": [str(tag.id) for tag in tags],
        }

    async def epoch(self, asked: Said) -> Said:
        """Send every reader of a brand back to the start, as after a restore."""
        async with self._served.ground.db.write() as session:
            return {"feeds": await feed.new_epoch(session, UUID(asked["brandId"]))}

    async def expiring(self, asked: Said) -> Said:
        """A sign-in whose access token is good for this many seconds; its refresh token is as good as any."""
        edge = self._served.edge
        tokens = await edge.auth.sign_in(asked["brand"], asked["number"], PASSWORD, "203.0.113.7")
        caller = await edge.auth.who(tokens.access_token)
        until = clock.now() + timedelta(seconds=asked["seconds"])
        claims = Claims(caller.actor.brand_id, caller.actor.id, tokens.sign_in_id, Kind.STAFF, until)
        return {"accessToken": Signer(SECRET).sign(claims), "refreshToken": tokens.refresh_token}

    async def _customer(self, world: World, number: int) -> str:
        """A customer of one guide or the other, with a task and an order."""
        ground = self._served.ground
        holder = world.shop.guides[number % 2]
        customer = await build_customer(ground, holder, name=f"顾客{number}")
        await build_task(ground, holder, customer)
        await place(ground, world, customer)
        return str(customer.id)


def _person(world: World, who: str) -> str:
    return f"{world.brand.code}-1-{who}"


def _answering(act: Callable[[Said], Awaitable[Said]]) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def answer(request: Request) -> JSONResponse:
        return JSONResponse(await act(await request.json()))

    return answer
