"""Make the customer who stands in the store one of the store's."""

import secrets
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from customers.commands.profile import checked_birthday, checked_tier_until, optional_text
from customers.errors import AlreadyHeld, HolderUnfit, IdentityMismatch, MemberNumberTaken, PhoneTaken
from customers.events import RelationshipAdded
from customers.models import Customer, Holding, HoldingReason, Relationship
from customers.policy import require_writer
from customers.queries import customers, phones, relationships
from directory.models import Account
from directory.queries import accounts, staff, stores
from kernel import audit, clock, ids
from kernel.actor import Role
from kernel.crypto import Vault
from kernel.errors import Forbidden, Invalid, NotFound, require_text
from kernel.work import Work

LONGEST_MEMBER_NUMBER = 64
_NUMBER_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O and U, which are misread


async def create(
    work: Work,
    vault: Vault,
    *,
    name: str,
    phone: str | None = None,
    member_number: str | None = None,
    tier: str | None = None,
    tier_until: date | None = None,
    birthday: date | None = None,
    city: str | None = None,
    remark: str | None = None,
    account_id: UUID | None = None,
) -> Customer:
    """Write down somebody the brand doesn't know; `account_id`, or the actor's own account, holds them.

    Without a member number one is made. Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `BAD_PHONE`,
    `PHONE_TAKEN`, `MEMBER_NUMBER_TAKEN`, `HOLDER_UNFIT`.
    """
    holder = await _holder(work, account_id)
    customer = _draft(work, vault, name, phone, member_number, tier, tier_until, birthday, city)
    await _insert(work, customer)
    await _relate(work, customer, holder, HoldingReason.CREATED, optional_text("remark", remark, 200))
    return customer


async def claim(
    work: Work,
    vault: Vault,
    *,
    phone: str | None = None,
    member_number: str | None = None,
    account_id: UUID | None = None,
) -> Customer:
    """Take on somebody the brand knows, by phone or member number, in a store that doesn't know them yet.

    Claiming what the account holds already changes nothing. Raises `NOT_FOUND` if the brand doesn't know
    them, `FORBIDDEN`, `INVALID`, `BAD_PHONE`, `IDENTITY_MISMATCH`, `ALREADY_HELD`, `HOLDER_UNFIT`.
    """
    holder = await _holder(work, account_id)
    number = _checked_number(member_number) if member_number is not None else None
    index = vault.index(work.actor.brand_id, phones.normalised(phone)) if phone is not None else None
    if number is None and index is None:
        raise Invalid(field="phone", reason="give a phone or a member number.", reason_zh="请填写手机号或会员号。")
    customer = await _known(work, index, number)
    await _relate(work, customer, holder, HoldingReason.CLAIMED, None)
    return customer


async def register(
    work: Work,
    vault: Vault,
    *,
    name: str,
    phone: str | None = None,
    member_number: str | None = None,
    tier: str | None = None,
    tier_until: date | None = None,
    birthday: date | None = None,
    city: str | None = None,
    remark: str | None = None,
    account_id: UUID | None = None,
) -> Customer:
    """Claim the customer if the brand knows the phone or member number, or else create them.

    A customer who is known keeps what is known of them. Of two who register one phone at once in a store,
    one holds the customer and the other is refused. Raises as `create` and `claim` do.
    """
    try:
        async with work.session.begin_nested():
            return await create(
                work,
                vault,
                name=name,
                phone=phone,
                member_number=member_number,
                tier=tier,
                tier_until=tier_until,
                birthday=birthday,
                city=city,
                remark=remark,
                account_id=account_id,
            )
    except (PhoneTaken, MemberNumberTaken):
        return await claim(work, vault, phone=phone, member_number=member_number, account_id=account_id)


async def require_fit(work: Work, account: Account) -> None:
    """Refuse an account whose owner is leaving, has left or works elsewhere, or whose store is closed.

    The owner and the store stay as they are until the commit. Raises `HOLDER_UNFIT`, `STORE_CLOSED`.
    """
    owners = await staff.lock_owners(work.session, work.actor.brand_id, [account.id])
    owner = owners.get(account.id)
    if owner is not None and not owner.can_hold_in(account.store_id):
        raise HolderUnfit
    await stores.hold_open(work.session, work.actor, account.store_id)


async def require_served(work: Work, account: Account) -> None:
    """Refuse an account that nobody acts for: its owner has left or works elsewhere, or its store is closed.

    Whoever is leaving acts for theirs until their access is closed. Raises `HOLDER_UNFIT`, `STORE_CLOSED`.
    """
    owners = await staff.lock_owners(work.session, work.actor.brand_id, [account.id])
    owner = owners.get(account.id)
    if owner is not None and not (owner.serves and owner.store_id == account.store_id and owner.role is Role.GUIDE):
        raise HolderUnfit
    await stores.hold_open(work.session, work.actor, account.store_id)


async def _fit(work: Work, account: Account) -> Account:
    """The account that takes somebody new: of a guide who is leaving and takes them on, the store's public one.

    So nobody is sent away who stands in the store, and no refusal says what the guide may not know yet.
    """
    owners = await staff.lock_owners(work.session, work.actor.brand_id, [account.id])
    owner = owners.get(account.id)
    if owner is not None and owner.id == work.actor.id and owner.is_leaving_from(account.store_id):
        account = await accounts.public_account(work.session, account.brand_id, account.store_id)
    await require_fit(work, account)
    return account


async def _holder(work: Work, account_id: UUID | None) -> Account:
    """The account that is to hold: the one named, or the actor's own."""
    require_writer(work.actor)
    if account_id is None:
        account = await accounts.own(work.session, work.actor)
        if account is None:
            raise Invalid(field="accountId", reason="say who is to hold the customer.", reason_zh="请指定由谁来服务。")
        return account
    if work.actor.role is Role.GUIDE and account_id not in work.actor.account_ids:
        await accounts.get(work.session, work.actor, account_id)
        raise Forbidden
    return await accounts.get(work.session, work.actor, account_id)


def _draft(
    work: Work,
    vault: Vault,
    name: str,
    phone: str | None,
    member_number: str | None,
    tier: str | None,
    tier_until: date | None,
    birthday: date | None,
    city: str | None,
) -> Customer:
    brand_id = work.actor.brand_id
    number = phones.normalised(phone) if phone is not None else None
    return Customer(
        brand_id=brand_id,
        id=ids.new(),
        member_number=_checked_number(member_number) if member_number is not None else _new_number(),
        name=require_text("name", name, longest=60),
        tier=optional_text("tier", tier, 32),
        tier_until=checked_tier_until(tier_until),
        birthday=checked_birthday(birthday),
        city=optional_text("city", city, 60),
        phone_sealed=vault.seal(brand_id, number) if number else None,
        phone_index=vault.index(brand_id, number) if number else None,
        phone_masked=phones.masked(number) if number else None,
        joined_at=clock.now(),
    )


async def _insert(work: Work, customer: Customer) -> None:
    work.session.add(customer)
    try:
        await work.session.flush()
    except IntegrityError as error:
        if "phone_index" in str(error.orig):
            raise PhoneTaken from error
        if "member_number" in str(error.orig):
            raise MemberNumberTaken from error
        raise


async def _known(work: Work, index: str | None, number: str | None) -> Customer:
    """The one customer of the brand to whom all that is given belongs."""
    found = await customers.lock_known(work.session, work.actor, index, number)
    if not found:
        raise NotFound
    customer = found[0]
    mismatch = (index is not None and customer.phone_index != index) or (
        number is not None and customer.member_number != number
    )
    if len(found) > 1 or mismatch:
        raise IdentityMismatch
    return customer


async def _relate(
    work: Work, customer: Customer, holder: Account, reason: HoldingReason, remark: str | None
) -> Relationship:
    """Bind the customer to the holder's store. The customer's row is locked, so nobody else does meanwhile."""
    others = await relationships.of_customer(work.session, customer)
    for present in others:
        if present.store_id == holder.store_id:
            if present.holder_id == holder.id:
                return present
            raise AlreadyHeld
    holder = await _fit(work, holder)
    at = clock.now()
    relationship = Relationship(
        brand_id=customer.brand_id,
        id=ids.new(),
        customer_id=customer.id,
        store_id=holder.store_id,
        holder_id=holder.id,
        is_primary=not others,
        remark=remark,
        touched_at=at,
        created_at=at,
    )
    work.session.add(relationship)
    await work.session.flush()
    work.session.add(begun_holding(work, relationship, reason, at))
    if reason is HoldingReason.CLAIMED:
        await audit.write(work.session, work.actor, "customer.claimed", "customer", customer.id)
    work.record(RelationshipAdded(relationship_id=relationship.id, account_id=holder.id, version=relationship.version))
    return relationship


def begun_holding(work: Work, relationship: Relationship, reason: HoldingReason, at: datetime) -> Holding:
    """The line of history that begins then with whoever holds the relationship."""
    return Holding(
        brand_id=relationship.brand_id,
        id=ids.new(),
        relationship_id=relationship.id,
        account_id=relationship.holder_id,
        reason=reason,
        by_actor_id=work.actor.id,
        from_at=at,
    )


def _checked_number(number: str) -> str:
    return require_text("memberNumber", number, longest=LONGEST_MEMBER_NUMBER)


def _new_number() -> str:
    return "M" + "".join(secrets.choice(_NUMBER_ALPHABET) for _ in range(10))
