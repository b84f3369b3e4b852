"""Machines with tokens, as an operator hands them out."""

from datetime import timedelta
from uuid import UUID

from directory.commands import sign_in as sign_ins
from kernel.actor import system
from kernel.work import unit_of_work
from server.tokens import Claims, Kind, Signer
from tests.factories import World
from tests.serving import SECRET


async def machine(world: World, name: str, *scopes: str) -> tuple[str, UUID]:
    """A token of a machine that may do so much, and the sign-in that it is of."""
    async with unit_of_work(world.ground, system(world.brand.id)) as work:
        opened = await sign_ins.issue_to_service(work, name, scopes, timedelta(days=1))
    claims = Claims(opened.brand_id, opened.subject_id, opened.sign_in_id, Kind.SERVICE, opened.expires_at)
    return Signer(SECRET).sign(claims), opened.sign_in_id
