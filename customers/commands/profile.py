"""Keep what is known of a customer: name, tier, birthday, city, phone, and whether to leave them alone."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypedDict, Unpack
from uuid import UUID

from customers.errors import NoPhone, PhoneTaken, TooManyReveals
from customers.events import CustomerChanged, PhoneRevealed, ReachLost
from customers.models import Customer
from customers.policy import require_writer
from customers.queries import customers, phones
from customers.queries.looks import CONSENT_CHANGED, PHONE_CHANGED, REVEALED
from directory.queries import staff
from kernel import audit, clock
from kernel.crypto import Vault
from kernel.db import flush_or_refuse
from kernel.errors import Forbidden, Invalid, require_text, require_version
from kernel.work import Work

MOST_REVEALS = 60
_EARLIEST_BIRTHDAY = date(1900, 1, 1)


class CustomerChanges(TypedDict, total=False):
    """What is to be different; what isn't named stays, and `None` forgets."""

    name: str
    tier: str | None
    tier_until: date | None
    birthday: date | None
    city: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looked at a customer's phone, and it was written down."""

    id: UUID


async def edit(
    work: Work, customer_id: UUID, *, expected_version: int | None = None, **changes: Unpack[CustomerChanges]
) -> Customer:
    """Change what is named, and nothing else; but another tier without its last day forgets that of the tier before.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    customer = await _lock(work, customer_id, expected_version)
    values: dict[str, Any] = {}
    if "name" in changes:
        values["name"] = require_text("name", changes["name"], longest=60)
    if "tier" in changes:
        values["tier"] = optional_text("tier", changes["tier"], 32)
        if values["tier"] != customer.tier:
            values["tier_until"] = None
    if "tier_until" in changes:
        values["tier_until"] = checked_tier_until(changes["tier_until"])
    if "birthday" in changes:
        values["birthday"] = checked_birthday(changes["birthday"])
    if "city" in changes:
        values["city"] = optional_text("city", changes["city"], 60)
    for field, value in values.items():
        setattr(customer, field, value)
    customer.version += 1
    _say(work, customer)
    return customer


async def change_phone(
    work: Work, vault: Vault, customer_id: UUID, *, phone: str | None, expected_version: int | None = None
) -> Customer:
    """Give the customer another phone, or none.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `BAD_PHONE`, `PHONE_TAKEN`.
    """
    customer = await _lock(work, customer_id, expected_version)
    number = phones.normalised(phone) if phone is not None else None
    customer.phone_sealed = vault.seal(customer.brand_id, number) if number else None
    customer.phone_index = vault.index(customer.brand_id, number) if number else None
    customer.phone_masked = phones.masked(number) if number else None
    customer.version += 1
    await flush_or_refuse(work.session, "phone_index", PhoneTaken())
    await audit.write(work.session, work.actor, PHONE_CHANGED, "customer", customer.id)
    _say(work, customer)
    work.record(ReachLost(actor_id=work.actor.id))
    return customer


async def set_consent(
    work: Work, customer_id: UUID, *, do_not_contact: bool, expected_version: int | None = None
) -> Customer:
    """Note that the customer wants to be left alone, or no longer does. Saying it twice changes nothing.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`.
    """
    customer = await _lock(work, customer_id, expected_version)
    if customer.do_not_contact == do_not_contact:
        return customer
    customer.consent(do_not_contact, clock.now())
    await audit.write(
        work.session,
        work.actor,
        CONSENT_CHANGED,
        "customer",
        customer.id,
        {"do_not_contact": do_not_contact},
    )
    _say(work, customer)
    if do_not_contact:
        work.record(ReachLost(actor_id=work.actor.id))
    return customer


async def reveal_phone(work: Work, customer_id: UUID) -> Look:
    """Write down that the actor looks at the customer's phone, 60 times an hour; `looks.revealed` then shows it.

    Raises `NOT_FOUND`, `FORBIDDEN`, `NO_PHONE`, `TOO_MANY_REVEALS`.
    """
    customer = await customers.lock(work.session, work.actor, customer_id)
    if not work.actor.is_staff:
        raise Forbidden
    if customer.phone_sealed is None:
        raise NoPhone
    # One at a time, or several at once would each count what was there before any of them.
    await staff.lock_self(work.session, work.actor)
    hour_ago = clock.now() - timedelta(hours=1)
    if await audit.count_since(work.session, work.actor, REVEALED, hour_ago) >= MOST_REVEALS:
        raise TooManyReveals(most=MOST_REVEALS)
    work.record(PhoneRevealed(actor_id=work.actor.id))
    return Look(await audit.write(work.session, work.actor, REVEALED, "customer", customer.id))


def optional_text(field: str, value: str | None, longest: int) -> str | None:
    """The text without surrounding blanks, or nothing."""
    return require_text(field, value, longest=longest) if value is not None else None


def checked_birthday(birthday: date | None) -> date | None:
    """A day of birth of somebody who may be alive."""
    if birthday is not None and not _EARLIEST_BIRTHDAY <= birthday <= clock.now().date() + timedelta(days=1):
        raise Invalid(field="birthday", reason="from 1900 to today.", reason_zh="应在 1900 年至今天之间。")
    return birthday


def checked_tier_until(day: date | None) -> date | None:
    """A last day of a tier, from 2000 to 2199."""
    if day is not None and not 2000 <= day.year < 2200:
        raise Invalid(field="tierUntil", reason="from 2000 to 2199.", reason_zh="应在 2000 年至 2199 年之间。")
    return day


async def _lock(work: Work, customer_id: UUID, expected_version: int | None) -> Customer:
    customer = await customers.lock(work.session, work.actor, customer_id)
    require_writer(work.actor)
    require_version(customer, expected_version)
    return customer


def _say(work: Work, customer: Customer) -> None:
    work.record(CustomerChanged(customer_id=customer.id, version=customer.version))
