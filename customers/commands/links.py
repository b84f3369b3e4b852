"""Keep who is whose contact at the partner; what is told late, or twice, leaves newer knowledge as it is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from customers.events import ContactsLost
from customers.models import ContactLink, GoneWhy
from kernel.work import Work

Ends = tuple[UUID, UUID]
"""The account and the relationship."""


@dataclass(frozen=True, slots=True)
class Contact:
    """An account and a customer, through the relationship with the account's store; `at` is when it came about."""

    account_id: UUID
    relationship_id: UUID
    external_user_id: str
    at: datetime

    @property
    def ends(self) -> Ends:
        return self.account_id, self.relationship_id


async def link(work: Work, contacts: Sequence[Contact]) -> set[Ends]:
    """They are contacts from then on; returns those of whom that is news, the others are known to be so, or not."""
    return await _put(work, contacts, None)


async def unlink(work: Work, contacts: Sequence[Contact], why: GoneWhy) -> set[Ends]:
    """They are contacts no more; a link that was never heard of is kept as gone, for what comes out of its order."""
    return await _put(work, contacts, why)


async def _put(work: Work, contacts: Sequence[Contact], why: GoneWhy | None) -> set[Ends]:
    # A statement may change a row once; and rows are locked in one order.
    newest = {contact.ends: contact for contact in sorted(contacts, key=lambda contact: contact.at)}
    if not newest:
        return set()
    table = ContactLink.__table__  # type: ignore[attr-defined]  # set by SQLModel
    dialect = sqlite if work.session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table)
    told = insert.excluded
    # In one second, the end of a contact is taken for the later thing, in whichever order the two are told.
    is_newer = or_(
        told.told_at > table.c.told_at,
        and_(told.told_at == table.c.told_at, told.gone_at.is_not(None), table.c.gone_at.is_(None)),
    )
    statement = insert.on_conflict_do_update(
        index_elements=[table.c.brand_id, table.c.account_id, table.c.relationship_id],
        set_={
            "external_user_id": told.external_user_id,
            "linked_at": func.coalesce(told.linked_at, table.c.linked_at),
            "gone_at": told.gone_at,
            "gone_why": told.gone_why,
            "told_at": told.told_at,
        },
        where=is_newer,
    ).returning(table.c.account_id, table.c.relationship_id)
    lost = await _lost(work, newest)
    rows = [_row(work, newest[ends], why) for ends in sorted(newest)]
    changed = {(found.account_id, found.relationship_id) for found in await work.session.execute(statement, rows)}
    _say_lost(work, changed, [lost, {ends: newest[ends].at for ends in newest if why is GoneWhy.BY_CUSTOMER}])
    return changed


async def _lost(work: Work, ends: Collection[Ends]) -> dict[Ends, datetime]:
    """When customers ended those of these contacts that they had ended."""
    found = await work.session.execute(
        select(col(ContactLink.account_id), col(ContactLink.relationship_id), col(ContactLink.gone_at)).where(
            col(ContactLink.brand_id) == work.actor.brand_id,
            col(ContactLink.account_id).in_(sorted({account_id for account_id, _ in ends})),
            col(ContactLink.relationship_id).in_(sorted({relationship_id for _, relationship_id in ends})),
            col(ContactLink.gone_why) == GoneWhy.BY_CUSTOMER,
        )
    )
    return {(account_id, relationship_id): gone_at for account_id, relationship_id, gone_at in found if gone_at}


def _say_lost(work: Work, changed: Collection[Ends], lost: Sequence[Mapping[Ends, datetime]]) -> None:
    moments = frozenset((ends[0], when[ends]) for when in lost for ends in changed if ends in when)
    if moments:
        work.record(ContactsLost(moments))


def _row(work: Work, contact: Contact, why: GoneWhy | None) -> dict[str, Any]:
    return {
        "brand_id": work.actor.brand_id,
        "account_id": contact.account_id,
        "relationship_id": contact.relationship_id,
        "external_user_id": contact.external_user_id,
        "linked_at": contact.at if why is None else None,
        "gone_at": None if why is None else contact.at,
        "gone_why": why,
        "told_at": contact.at,
    }
