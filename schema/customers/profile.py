"""Registering customers, and keeping what is known of them."""

from datetime import date
from typing import Annotated

import strawberry

from customers import commands
from customers.commands.profile import CustomerChanges
from customers.queries import looks
from schema.context import Act, Info
from schema.customers.types import Customer, customer_of
from schema.fields import mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import given_id, read_id


@strawberry.type(description="The customer as they are after the change.")
class CustomerChanged:
    customer: Customer | None = seen()
    places: list[Place] = told()


@strawberry.type(description="A phone in full, for the one who asked; the look was written down.")
class PhoneRevealed:
    phone: str = strawberry.field(description="In international form: `+8613812345678`.")
    do_not_contact: bool = strawberry.field(description="Whether the customer wants to be left alone.")
    places: list[Place] = told()


CustomerResult = Annotated[CustomerChanged | Problem, strawberry.union("CustomerResult")]
PhoneResult = Annotated[PhoneRevealed | Problem, strawberry.union("PhoneResult")]


@strawberry.input(description="What is known of somebody new.")
class NewCustomer:
    name: str = strawberry.field(description="1 to 60 characters.")
    phone: str | None = strawberry.field(
        default=None, description="11 digits of a mainland mobile, or with a country code; blanks and dashes are fine."
    )
    member_number: str | None = strawberry.field(default=None, description="One is made if there is none.")
    tier: str | None = None
    tier_until: date | None = strawberry.field(default=None, description="The last day of the tier.")
    birthday: date | None = None
    city: str | None = None
    remark: str | None = strawberry.field(default=None, description="What to know of them, at most 200 characters.")
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account that is to hold them; by default the actor's own."
    )


@strawberry.type
class ProfileMutations:
    @mutation(
        "Write down somebody the brand doesn't know: `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `BAD_PHONE`, `PHONE_TAKEN`, "
        "`MEMBER_NUMBER_TAKEN`, `HOLDER_UNFIT`, `STORE_CLOSED`."
    )
    async def create_customer(
        self, info: Info, input: NewCustomer, idempotency_key: str | None = None
    ) -> CustomerResult:
        return await _customer(
            info,
            idempotency_key,
            lambda work: commands.create(
                work,
                info.context.vault,
                name=input.name,
                phone=input.phone,
                member_number=input.member_number,
                tier=input.tier,
                tier_until=input.tier_until,
                birthday=input.birthday,
                city=input.city,
                remark=input.remark,
                account_id=given_id(input.account_id),
            ),
        )

    @mutation(
        "Take on somebody the brand knows, by phone or member number, in a store that doesn't know them yet: "
        "`NOT_FOUND`, `FORBIDDEN`, `INVALID`, `BAD_PHONE`, `IDENTITY_MISMATCH`, `ALREADY_HELD`, `HOLDER_UNFIT`, "
        "`STORE_CLOSED`."
    )
    async def claim_customer(
        self,
        info: Info,
        phone: str | None = None,
        member_number: str | None = None,
        account_id: strawberry.ID | None = None,
        idempotency_key: str | None = None,
    ) -> CustomerResult:
        return await _customer(
            info,
            idempotency_key,
            lambda work: commands.claim(
                work,
                info.context.vault,
                phone=phone,
                member_number=member_number,
                account_id=given_id(account_id),
            ),
        )

    @mutation(
        "Claim the customer if the brand knows the phone or member number, or else create them. Who is known keeps "
        "what is known of them: `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `BAD_PHONE`, `IDENTITY_MISMATCH`, "
        "`ALREADY_HELD`, `HOLDER_UNFIT`, `STORE_CLOSED`."
    )
    async def register_customer(
        self, info: Info, input: NewCustomer, idempotency_key: str | None = None
    ) -> CustomerResult:
        return await _customer(
            info,
            idempotency_key,
            lambda work: commands.register(
                work,
                info.context.vault,
                name=input.name,
                phone=input.phone,
                member_number=input.member_number,
                tier=input.tier,
                tier_until=input.tier_until,
                birthday=input.birthday,
                city=input.city,
                remark=input.remark,
                account_id=given_id(input.account_id),
            ),
        )

    @mutation(
        "Change what is given of a customer; null for tier, tierUntil, birthday or city forgets it, and another tier "
        "forgets the last day of the one before: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.",
        edited=(Customer, customer_of),
    )
    async def edit_customer(
        self,
        info: Info,
        id: strawberry.ID,
        name: str | None = None,
        tier: strawberry.Maybe[str | None] = None,
        tier_until: strawberry.Maybe[date | None] = None,
        birthday: strawberry.Maybe[date | None] = None,
        city: strawberry.Maybe[str | None] = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CustomerResult:
        changes = CustomerChanges()
        if name is not None:
            changes["name"] = name
        if tier is not None:
            changes["tier"] = tier.value
        if tier_until is not None:
            changes["tier_until"] = tier_until.value
        if birthday is not None:
            changes["birthday"] = birthday.value
        if city is not None:
            changes["city"] = city.value
        return await _customer(
            info,
            idempotency_key,
            lambda work: commands.edit(work, read_id(id), expected_version=expected_version, **changes),
        )

    @mutation(
        "Give a customer another phone, or none: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `BAD_PHONE`, "
        "`PHONE_TAKEN`.",
        edited=(Customer, customer_of),
    )
    async def change_phone(
        self,
        info: Info,
        id: strawberry.ID,
        phone: str | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CustomerResult:
        return await _customer(
            info,
            idempotency_key,
            lambda work: commands.change_phone(
                work, info.context.vault, read_id(id), phone=phone, expected_version=expected_version
            ),
        )

    @mutation(
        "A customer's phone in full. Each look is written down, and there are 60 an hour; repeated under its key it "
        "is the same look, for an hour: `NOT_FOUND`, `FORBIDDEN`, `NO_PHONE`, `TOO_MANY_REVEALS`, `REVEAL_OVER`."
    )
    async def reveal_phone(self, info: Info, id: strawberry.ID, idempotency_key: str | None = None) -> PhoneResult:
        context = info.context
        done = await context.mutate(info, idempotency_key, lambda work: commands.reveal_phone(work, read_id(id)))
        async with context.read() as session:
            shown = await looks.revealed(session, context.actor, context.vault, done.id)
        return PhoneRevealed(phone=shown.phone, do_not_contact=shown.do_not_contact, places=done.places)

    @mutation(
        "Note that a customer wants to be left alone, or no longer does: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`.",
        edited=(Customer, customer_of),
    )
    async def set_do_not_contact(
        self,
        info: Info,
        id: strawberry.ID,
        do_not_contact: bool,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CustomerResult:
        return await _customer(
            info,
            idempotency_key,
            lambda work: commands.set_consent(
                work, read_id(id), do_not_contact=do_not_contact, expected_version=expected_version
            ),
        )


async def _customer(info: Info, key: str | None, act: Act) -> CustomerChanged:
    done = await info.context.mutate(info, key, act)
    return CustomerChanged(customer=await customer_of(info, done.id), places=done.places)
