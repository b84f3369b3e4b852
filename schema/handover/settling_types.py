"""How a handover stands at the partner, in total and of each relationship."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from handover.models import LinkedThere
from handover.partner import Course, Told
from schema.context import Info
from schema.directory import Account, account_of
from schema.fields import field

strawberry.enum(
    LinkedThere,
    description="Where it stands at the partner (WeCom). REQUESTED: to be asked, or asked and the answer isn't known. "
    "WAITING: the customer has 24 hours to decline. SUCCESSOR_FULL: nobody else of the plan had room. INELIGIBLE: no "
    "contact there that could move, or the partner won't; LOST: there was one, and it broke on the way.",
)
strawberry.enum(
    Course,
    name="HandoverCourse",
    description="What the partner is asked for: what somebody who has left there left behind, or what somebody at "
    "work gives away, which it allows twice in 90 days for each customer.",
)
strawberry.enum(
    Told,
    name="PartnerAnswer",
    description="What the partner said of this one customer when it was asked. STARTED is not the end of it.",
)


@strawberry.type(description="How many group chats of a handover stand how.")
class HandoverChats:
    pending: int = strawberry.field(description="To be asked for: at most 300 of one person in a day.")
    asking: int = strawberry.field(description="Asked for, and the partner's list has to say whose they are.")
    moved: int
    refused: int
    gone: int = strawberry.field(description="Dismissed meanwhile.")


@strawberry.type(description="How far a handover has come at the partner (WeCom): relationships that have moved here.")
class HandoverSettlement:
    not_linked: int = strawberry.field(description="Not looked at yet; all of them where there is no partner.")
    already_linked: int
    requested: int
    waiting: int
    accepted: int
    refused: int = strawberry.field(description="The customer declined: the store manager has a task about each.")
    successor_full: int
    ineligible: int
    lost: int
    open: int = strawberry.field(
        description="Attempts that aren't settled, also about contacts of the leaver's whom others hold."
    )
    next_at: datetime | None = strawberry.field(description="When the partner is asked or looked at next. In UTC.")
    deadline: datetime | None = strawberry.field(
        description="When the first of them can't be handed over any more: a year after the leaver left."
    )
    chats: HandoverChats


@strawberry.type(description="One attempt to hand a contact over at the partner.")
class HandoverAttempt:
    id: strawberry.ID
    course: Course
    there: LinkedThere
    told: Told | None = strawberry.field(description="Its last answer; null before there was one.")
    code: int = strawberry.field(description="The partner's number of that answer; 0 is none.")
    tries: int = strawberry.field(description="How often it was asked.")
    made_at: datetime = strawberry.field(description="In UTC.")
    asked_at: datetime | None = strawberry.field(description="Null while the partner knows nothing of it.")
    next_at: datetime | None = strawberry.field(description="When it goes on; null once it is settled.")
    settled_at: datetime | None
    deadline: datetime = strawberry.field(description="When it is given up.")
    to_account_id: strawberry.Private[UUID]

    @field("Who was to take the contact over; null while that is out of sight.")
    async def to_account(self, info: Info) -> Account | None:
        return await account_of(info, self.to_account_id)


def settlement_of(found: Any) -> HandoverSettlement:
    """As it is shown."""
    return HandoverSettlement(
        **{there.value: found.counts.get(there, 0) for there in LinkedThere},
        open=found.open,
        next_at=found.next_at,
        deadline=found.deadline,
        chats=HandoverChats(**{state.value: count for state, count in found.chats.items()}),
    )
