"""Take over from a list who is whose contact at the partner; each line has an answer of its own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from customers.commands import links
from customers.commands.links import Contact, Ends
from customers.queries import phones
from handover.commands import hearing
from handover.queries import contacts as queries
from handover.queries.contact_file import ContactLine
from kernel import audit
from kernel.crypto import Vault
from kernel.work import Work

AT_A_TIME = 400
"""Lines in one unit of work."""


class Outcome(StrEnum):
    """What came of a line.

    `gone`: the contact was deleted after the list was taken. `not_in_store`: the customer isn't one of a store where
    the guide works or worked. `other_customer`: the id is another customer's; `other_id`: the guide knows this customer
    by another id.
    """

    LINKED = "linked"
    KNOWN = "known"
    GONE = "gone"
    NO_CUSTOMER = "no_customer"
    NO_MEMBER = "no_member"
    NOT_IN_STORE = "not_in_store"
    OTHER_CUSTOMER = "other_customer"
    OTHER_ID = "other_id"


TAKEN = frozenset({Outcome.LINKED, Outcome.KNOWN, Outcome.GONE})


@dataclass
class Load:
    """One list, as far as it has been taken: what its earlier lines said, which the later ones mustn't gainsay."""

    vault: Vault
    as_of: datetime
    customers: dict[str, UUID] = field(default_factory=dict)
    names: dict[Ends, str] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    @property
    def tally(self) -> Counter[Outcome]:
        return Counter(self.outcomes.values())


async def take(work: Work, load: Load, lines: Sequence[ContactLine]) -> None:
    """Link whom some of the lines name, at most 400; `load.outcomes` says of each what came of it. Twice is once.

    What the partner itself told after the list was taken goes before it, also what was told of customers whom nobody
    knew here then.
    """
    if len(lines) > AT_A_TIME:
        raise ValueError(f"at most {AT_A_TIME} at once")
    known = await _known(work, load, lines)
    contacts: dict[int, list[Contact]] = {}
    for each in lines:
        found = _decided(load, known, each)
        if isinstance(found, Outcome):
            load.outcomes[each.line] = found
        else:
            contacts[each.line] = found
    given = [contact for found in contacts.values() for contact in found]
    before = await queries.present(work.session, work.actor.brand_id, [each.ends for each in given])
    await links.link(work, given)
    await hearing.tell_again(work, {each.external_user_id for each in given})
    after = await queries.present(work.session, work.actor.brand_id, [each.ends for each in given])
    for line, found in contacts.items():
        load.outcomes[line] = _outcome({each.ends for each in found}, before, after)


async def note(work: Work, load: Load) -> None:
    """Write down that a list was taken over, and how many lines of each kind it had."""
    tally = {outcome.value: count for outcome, count in sorted(load.tally.items())}
    await audit.write(
        work.session, work.actor, "partner.contacts_loaded", "partner_tie", work.actor.brand_id, {"lines": tally}
    )


@dataclass(frozen=True, slots=True)
class _Known:
    by_number: Mapping[str, UUID]
    by_phone: Mapping[str, UUID]
    members: Mapping[tuple[str, str], Sequence[queries.Seat]]
    relationships: Mapping[tuple[UUID, UUID], UUID]


async def _known(work: Work, load: Load, lines: Sequence[ContactLine]) -> _Known:
    session, brand_id = work.session, work.actor.brand_id
    indexes = {
        each.phone: phones.index_of(load.vault, brand_id, each.phone) for each in lines if not each.member_number
    }
    by_index = await queries.customers_by_phone(session, brand_id, [index for index in indexes.values() if index])
    by_number = await queries.customers_by_number(
        session, brand_id, {each.member_number for each in lines if each.member_number}
    )
    by_phone = {phone: by_index[index] for phone, index in indexes.items() if index and index in by_index}
    customers = {*by_number.values(), *by_phone.values()}
    names = {each.external_user_id for each in lines}
    relationships = await queries.relationships(session, brand_id, customers)
    for name, customer_id in (await queries.customers_at_partner(session, brand_id, names)).items():
        load.customers.setdefault(name, customer_id)
    for row in await queries.linked(session, brand_id, relationships.values()):
        load.names.setdefault((row.account_id, row.relationship_id), row.external_user_id)
    members = await queries.seats(session, brand_id, {(each.user_id, each.number) for each in lines})
    return _Known(by_number, by_phone, members, relationships)


def _decided(load: Load, known: _Known, line: ContactLine) -> list[Contact] | Outcome:
    customer_id = known.by_number.get(line.member_number) if line.member_number else known.by_phone.get(line.phone)
    if customer_id is None:
        return Outcome.NO_CUSTOMER
    seats = known.members[line.user_id, "" if line.user_id else line.number]
    if not seats:
        return Outcome.NO_MEMBER
    ends = [
        (seat.account_id, known.relationships[customer_id, seat.store_id])
        for seat in seats
        if (customer_id, seat.store_id) in known.relationships
    ]
    if not ends:
        return Outcome.NOT_IN_STORE
    if load.customers.setdefault(line.external_user_id, customer_id) != customer_id:
        return Outcome.OTHER_CUSTOMER
    if any(load.names.setdefault(each, line.external_user_id) != line.external_user_id for each in ends):
        return Outcome.OTHER_ID
    return [Contact(*each, line.external_user_id, load.as_of) for each in ends]


def _outcome(ends: set[Ends], before: set[Ends], after: set[Ends]) -> Outcome:
    if not ends & after:
        return Outcome.GONE
    return Outcome.KNOWN if ends & after <= before else Outcome.LINKED
