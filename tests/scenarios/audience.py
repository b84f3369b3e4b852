"""Everybody's phones while things happen, held against what everybody would be given anew."""

from dataclasses import dataclass, field
from uuid import UUID

from kernel import feed
from kernel.actor import Actor
from kernel.feed import Place
from kernel.work import Ground
from tests.scenarios.copies import Copy, Phone, at_one_moment, snapshot
from tests.scenarios.shown import differences, lean_differences, unversioned
from tests.scenarios.stage import Stage

SIZES = (1, 2)  # of the batches of phones that keep versions only: what is told of is the same in any size

Places = dict[UUID, Place]


@dataclass
class Seat:
    """Somebody with a phone that keeps everything, and with lean ones that read in small batches."""

    actor: Actor
    places: Places
    truth: Copy
    phone: Phone
    lean: list[Phone]


@dataclass
class Audience:
    """Everybody on the stage. `checked` counts the changes that were taken over."""

    stage: Stage
    seats: dict[str, Seat] = field(default_factory=dict)
    checked: int = 0

    async def compare(self, most: int | None = None) -> list[str]:
        """Let people catch up, and say where they then differ: everybody, or at most so many of those who were told.

        Then those come first who looked longest ago, and of one of the others it is seen that nothing was withheld.
        """
        actors = await self.stage.actors()
        # Whoever looks moves to the end of the seats.
        everybody = [who for who in (*self.seats, *(actors.keys() - self.seats.keys())) if who in actors]
        found = []
        async with at_one_moment(self.stage.ground) as ground:
            ends = await _ends(ground, actors)
            told = [who for who in everybody if not self._knows(who, actors[who], ends)]
            for who in everybody if most is None else told[:most]:
                found += [f"{who}: {line}" for line in await self._catch_up(ground, who, actors[who], ends)]
            untold = [who for who in everybody if who not in told]
            for who in untold[:1] if most is not None else []:
                found += [f"{who}, who was told nothing: {line}" for line in await self._glance(ground, who)]
        return found

    def _knows(self, who: str, actor: Actor, ends: Places) -> bool:
        seat = self.seats.get(who)
        return seat is not None and (seat.actor, seat.places) == (actor, _followed(actor, ends))

    async def _catch_up(self, ground: Ground, who: str, actor: Actor, ends: Places) -> list[str]:
        truth, cursor = await snapshot(ground, actor)
        seat = self.seats.pop(who, None)
        lean = [Phone(dict(truth), cursor, is_lean=True) for _ in SIZES]
        self.seats[who] = Seat(actor, _followed(actor, ends), truth, Phone(dict(truth), cursor), lean)
        if seat is None:
            return []
        self.checked += await seat.phone.catch_up(ground, actor, feed.BATCH)
        found = list(differences(seat.phone.copy, truth))
        for size, phone in zip(SIZES, seat.lean, strict=True):
            self.checked += await phone.catch_up(ground, actor, size)
            found += [f"in batches of {size}: {line}" for line in lean_differences(phone.copy, truth)]
        if seat.actor == actor:  # another post is another sight
            found += unversioned(seat.truth, truth)
        return found

    async def _glance(self, ground: Ground, who: str) -> list[str]:
        seat = self.seats.pop(who)
        self.seats[who] = seat
        versions, _ = await snapshot(ground, seat.actor, is_lean=True)
        return list(lean_differences(seat.truth, versions))


def _followed(actor: Actor, ends: Places) -> Places:
    return {feed_id: ends[feed_id] for feed_id in feed.followed_by(actor)}


async def _ends(ground: Ground, actors: dict[str, Actor]) -> Places:
    followed = {feed_id for actor in actors.values() for feed_id in feed.followed_by(actor)}
    async with ground.db.read() as session:
        return await feed.all_heads(session, followed)
