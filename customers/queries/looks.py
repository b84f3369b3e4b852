"""Show a customer's phone to whoever has had written down that they look at it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.errors import LookOver, NoPhone
from customers.models import Customer
from customers.policy import visible_to
from kernel import audit, clock
from kernel.actor import Actor
from kernel.crypto import Vault
from kernel.errors import NotFound

REVEALED = "customer.phone_revealed"
PHONE_CHANGED = "customer.phone_changed"
CONSENT_CHANGED = "customer.consent_changed"
LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Revealed:
    """A phone in full, for the one who asked, and whether the customer wants no calls."""

    phone: str
    do_not_contact: bool


async def revealed(session: AsyncSession, actor: Actor, vault: Vault, look_id: UUID) -> Revealed:
    """The phone that a look of the actor's is good for: for an hour, and while the customer is in sight.

    Only the look is ever kept for a repeated request, never the phone. Raises `NOT_FOUND`, `NO_PHONE`,
    `REVEAL_OVER`.
    """
    look = await audit.get(session, actor, look_id)
    if look is None or look.action != REVEALED or look.actor_id != actor.id:
        raise NotFound
    found = await session.execute(
        select(col(Customer.phone_sealed), col(Customer.do_not_contact)).where(
            col(Customer.id) == look.entity_id, visible_to(actor)
        )
    )
    customer = found.one_or_none()
    if customer is None:
        raise NotFound
    if look.at < clock.now() - LASTS:
        raise LookOver
    if customer.phone_sealed is None:
        raise NoPhone
    return Revealed(vault.open(actor.brand_id, customer.phone_sealed), customer.do_not_contact)
