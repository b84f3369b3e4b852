"""A partner that does as it is told, for tests: what it has been asked is written down, and records are kept."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from customers.commands import links
from customers.commands.links import Contact
from customers.models import ContactLink, Customer, Relationship
from directory.models import Account
from handover.models import (
    Handover,
    HandoverAccount,
    HandoverAttempt,
    HandoverItem,
    HandoverKind,
    HandoverState,
    HeldHere,
    ItemReason,
    PartnerTie,
    Strategy,
)
from handover.partner import (
    Answer,
    Chat,
    Course,
    Found,
    Part,
    PartnerAway,
    PartnerRefused,
    Standing,
    Told,
    Unassigned,
)
from kernel import clock, ids
from kernel.actor import Actor, system
from kernel.work import Ground, carry_out
from server import settling
from tests.factories import NOON, World, build_customer, relationship_of, save

STARTED = Answer(Told.STARTED)
Three = tuple[str, str, str]


@dataclass
class Scripted:
    """`answers` are given instead of `started`, one after the other and the last for good, by (taker, customer).

    `loses_answers` times a request is carried out and its answer lost; `is_away` times nothing is reached at all.
    """

    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    records: dict[tuple[Course, str, str], dict[str, Standing]] = field(default_factory=lambda: defaultdict(dict))
    requests: list[tuple[Course, str, str, list[str]]] = field(default_factory=list)
    looks: list[tuple[Course, str, str, str | None]] = field(default_factory=list)
    left: list[Unassigned] = field(default_factory=list)
    owned: dict[str, str] = field(default_factory=dict)  # chat id: owner
    chat_answers: dict[str, list[Answer]] = field(default_factory=dict)
    chat_requests: list[tuple[Course, list[str], str]] = field(default_factory=list)
    page_size: int = 1000
    loses_answers: int = 0
    is_away: int = 0
    refuses: list[int] = field(default_factory=list)
    keeps_records: bool = True
    leads_round: bool = False  # from the last page to the second
    sleeps: float = 0

    async def unassigned(self, cursor: str | None) -> Part[Unassigned]:
        return self._page(self.left, cursor)

    async def transfer(
        self, course: Course, from_user_id: str, to_user_id: str, external_user_ids: Sequence[str], words: str | None
    ) -> Mapping[str, Answer]:
        self._come_through("transfer")
        await asyncio.sleep(self.sleeps)
        assert 0 < len(external_user_ids) <= 100
        assert words is None or course is Course.ON_JOB
        self.requests.append((course, from_user_id, to_user_id, sorted(external_user_ids)))
        said = {each: self._answer(to_user_id, each) for each in external_user_ids}
        for each, answer in said.items():
            if answer.told is Told.STARTED and self.keeps_records:
                over = clock.now() + timedelta(hours=24)
                self.records[course, from_user_id, to_user_id][each] = Standing(each, Found.WAITING, over)
        if self.loses_answers:
            self.loses_answers -= 1
            raise PartnerAway("transfer")
        return said

    async def standings(self, course: Course, from_user_id: str, to_user_id: str, cursor: str | None) -> Part[Standing]:
        self._come_through("standings")
        self.looks.append((course, from_user_id, to_user_id, cursor))
        return self._page(list(self.records[course, from_user_id, to_user_id].values()), cursor)

    async def linked(self, user_id: str) -> Sequence[str]:
        return []

    async def chats(self, owner_user_ids: Sequence[str], cursor: str | None) -> Part[tuple[str, Chat]]:
        self._come_through("chats")
        mine = [(owner, Chat(chat)) for chat, owner in sorted(self.owned.items()) if owner in owner_user_ids]
        return self._page(mine, cursor)

    async def transfer_chats(self, course: Course, chat_ids: Sequence[str], to_user_id: str) -> Mapping[str, Answer]:
        self._come_through("chats")
        assert 0 < len(chat_ids) <= 100
        self.chat_requests.append((course, sorted(chat_ids), to_user_id))
        said = {each: self._next(self.chat_answers.get(each)) for each in chat_ids}
        self.owned.update({each: to_user_id for each, answer in said.items() if answer.told is Told.STARTED})
        if self.loses_answers:
            self.loses_answers -= 1
            raise PartnerAway("chats")
        return said

    def decide(self, found: Found, *external_user_ids: str) -> None:
        """What has come of the transfers about these customers, of whichever members."""
        for records in self.records.values():
            for each in external_user_ids:
                if each in records:
                    records[each] = replace(records[each], found=found, takes_over_at=None)

    def _answer(self, to_user_id: str, external_user_id: str) -> Answer:
        return self._next(self.answers.get((to_user_id, external_user_id)) or self.answers.get((to_user_id, "*")))

    @staticmethod
    def _next(scripted: list[Answer] | None) -> Answer:
        if not scripted:
            return STARTED
        return scripted.pop(0) if len(scripted) > 1 else scripted[0]

    def _come_through(self, what: str) -> None:
        if self.is_away:
            self.is_away -= 1
            raise PartnerAway(what)
        if self.refuses and what == "transfer":
            raise PartnerRefused(self.refuses.pop(0), what)

    def _page(self, things: Sequence[Any], cursor: str | None) -> Part[Any]:
        start = int(cursor or 0)
        end = start + self.page_size
        last = str(self.page_size) if self.leads_round else None
        return Part(things[start:end], str(end) if end < len(things) else last)


@dataclass
class Case:
    """A leaver's customers, who have moved here to the other guide; the partner knows everybody by a name."""

    ground: Ground
    world: World
    partner: Scripted
    handover: Handover
    leaver: Actor
    taker: Actor
    customers: list[Customer]
    relationships: list[Relationship]
    prefix: str = "wm"

    async def settle(self) -> None:
        """Run the errand once."""

        async def partner_of(_ground: Ground, _brand_id: UUID) -> Scripted:
            return self.partner

        await settling.settle(partner_of, self.ground, self.world.brand.id, handover_id=str(self.handover.id))

    async def items(self) -> list[HandoverItem]:
        """What the handover says of each relationship, in the customers' order."""
        async with self.ground.db.read() as session:
            found = await session.scalars(
                select(HandoverItem)
                .where(
                    col(HandoverItem.brand_id) == self.world.brand.id,
                    col(HandoverItem.handover_id) == self.handover.id,
                )
                .order_by(col(HandoverItem.relationship_id))
            )
        by_id = {item.relationship_id: item for item in found}
        return [by_id[each.id] for each in self.relationships]

    async def there(self) -> list[str]:
        return [item.there.value for item in await self.items()]

    async def attempts(self) -> list[HandoverAttempt]:
        """All of them, the oldest first."""
        async with self.ground.db.read() as session:
            found = await session.scalars(
                select(HandoverAttempt)
                .where(col(HandoverAttempt.brand_id) == self.world.brand.id)
                .order_by(col(HandoverAttempt.id))
            )
        return list(found)

    async def state(self) -> HandoverState:
        async with self.ground.db.read() as session:
            found = await session.get(Handover, (self.world.brand.id, self.handover.id))
        assert found
        return found.state

    async def contacts(self, holder: Actor) -> set[str]:
        """Whom the partner knows as a contact of the actor's account."""
        async with self.ground.db.read() as session:
            found = await session.scalars(
                select(col(ContactLink.external_user_id)).where(
                    col(ContactLink.brand_id) == self.world.brand.id,
                    col(ContactLink.account_id) == holder.account_ids[0],
                    col(ContactLink.gone_at).is_(None),
                )
            )
        return set(found)

    async def link(self, holder: Actor, *numbers: int, at: datetime = NOON) -> None:
        """Let customers, by their place, be contacts of the actor's account."""
        contacts = [
            Contact(holder.account_ids[0], self.relationships[number].id, f"{self.prefix}-{number}", at)
            for number in numbers
        ]
        await carry_out(self.ground, system(self.world.brand.id), lambda work: links.link(work, contacts))


async def name_at_partner(ground: Ground, account_id: UUID, brand_id: UUID, user_id: str | None) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(Account)
            .where(col(Account.brand_id) == brand_id, col(Account.id) == account_id)
            .values(partner_user_id=user_id)
        )


async def tie(ground: Ground, brand_id: UUID) -> None:
    await save(
        ground,
        PartnerTie(
            brand_id=brand_id,
            corp_id="ww0001",
            secret_sealed=b"",
            callback_token_sealed=b"",
            callback_key_sealed=b"",
            tied_at=NOON,
        ),
    )


async def settling_case(
    ground: Ground,
    world: World,
    count: int = 1,
    *,
    kind: HandoverKind = HandoverKind.RESIGNATION,
    is_linked: bool = True,
    is_tied: bool = True,
    prefix: str = "wm",
) -> Case:
    """A handover that is settling: the first guide's customers are held by the second, and linked with the first."""
    shop = world.shop
    leaver, taker = shop.guide, shop.other_guide
    for actor, name in ((leaver, "leaver"), (taker, "taker")):
        await name_at_partner(ground, actor.account_ids[0], world.brand.id, name)
    if is_tied:
        await tie(ground, world.brand.id)
    customers = [await build_customer(ground, taker) for _ in range(count)]
    relationships = [await relationship_of(ground, each) for each in customers]
    handover = await settling_handover(ground, world, kind, leaver)
    await save(ground, *(moved_item(handover, each.id, leaver, taker) for each in relationships))
    case = Case(ground, world, Scripted(), handover, leaver, taker, customers, relationships, prefix)
    if is_linked:
        await case.link(leaver, *range(count))
    return case


async def settling_handover(
    ground: Ground, world: World, kind: HandoverKind, leaver: Actor, undoes_id: UUID | None = None
) -> Handover:
    handover = Handover(
        brand_id=world.brand.id,
        id=ids.new(),
        kind=kind,
        state=HandoverState.SETTLING,
        staff_id=leaver.staff_id,
        store_id=world.shop.store.id,
        strategy=Strategy.BALANCED,
        started_at=clock.now(),
        undoes_id=undoes_id,
    )
    await save(
        ground,
        handover,
        HandoverAccount(
            brand_id=world.brand.id,
            handover_id=handover.id,
            account_id=leaver.account_ids[0],
            store_id=world.shop.store.id,
        ),
    )
    return handover


def moved_item(handover: Handover, relationship_id: UUID, leaver: Actor, taker: Actor) -> HandoverItem:
    return HandoverItem(
        brand_id=handover.brand_id,
        handover_id=handover.id,
        relationship_id=relationship_id,
        from_account_id=leaver.account_ids[0],
        to_account_id=taker.account_ids[0],
        reason=ItemReason.BALANCED,
        here=HeldHere.MOVED,
        version_after=1,
    )
