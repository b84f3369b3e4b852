"""Compare what the partner says nobody took over with what is known here: a look at both, which changes nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from customers.queries import links
from handover.models import LinkedThere
from handover.partner import Unassigned
from handover.queries import chats as accounts
from handover.queries import settling as queries
from kernel.work import Work


@dataclass
class Differences:
    """Customers by their names at the partner, with the member who left them behind.

    `unknown`: nobody here has heard of them as that member's contacts. `unheard`: known as such, and nothing was asked
    for. `settled`: taken for accepted here, and still with the leaver there. `absent`: known as a leaver's contacts
    here, and not in the list: taken over, deleted, or left out of it; nothing is concluded from that.
    """

    unknown: list[tuple[str, str]] = field(default_factory=list)
    unheard: list[tuple[str, str]] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    absent: list[tuple[str, str]] = field(default_factory=list)


async def compare(work: Work, listed: Sequence[Unassigned]) -> Differences:
    """Where the whole of the partner's list and what is known here don't agree, by the member and the customer."""
    by_member: dict[str, set[str]] = defaultdict(set)
    for each in listed:
        by_member[each.handover_user_id].add(each.external_user_id)
    found = Differences()
    known_as = await accounts.accounts_of(work.session, work.actor.brand_id, by_member)
    for user_id in sorted(by_member):
        theirs = by_member[user_id]
        present = await _contacts(work, user_id) if user_id in known_as else set()
        tried = await _tried(work, user_id, theirs)
        found.unknown += [(user_id, each) for each in sorted(theirs - present - set(tried))]
        found.unheard += [(user_id, each) for each in sorted((theirs & present) - set(tried))]
        found.settled += [(user_id, each) for each in sorted(theirs) if tried.get(each)]
        found.absent += [(user_id, each) for each in sorted(present - theirs)]
    return found


async def _contacts(work: Work, user_id: str) -> set[str]:
    account_ids = await links.accounts_of_member(work.session, work.actor.brand_id, user_id)
    return {row.external_user_id for row in await links.present(work.session, work.actor.brand_id, account_ids)}


async def _tried(work: Work, user_id: str, external_user_ids: set[str]) -> dict[str, bool]:
    """Whom the member was asked to give away, and whether that is taken for done."""
    rows = await queries.of_customers_there(work.session, work.actor.brand_id, external_user_ids)
    of_member = {name: [row for row in each if row.from_user_id == user_id] for name, each in rows.items()}
    return {name: each[0].there is LinkedThere.ACCEPTED for name, each in of_member.items() if each}
