"""A phone in the hands of somebody who takes lifts: it stops midway, comes back from an older place, starts over."""

import random
from dataclasses import dataclass, field
from typing import Any

from kernel.actor import Actor
from kernel.pages import BadCursor
from kernel.work import Ground
from schema.live import Readings
from tests.scenarios.copies import Copy, apply, changes, first_heard, page, put

BATCHES = (1, 1, 2, 3, 5, 10, 50, 500)
PAGES = (1, 3, 7, 20, 500)
MOST_REMEMBERED = 10


@dataclass
class Starting:
    """A snapshot that is being taken page by page, beside the old copy."""

    copy: Copy = field(default_factory=dict)
    after: str | None = None
    cursor: str = ""


@dataclass
class Flaky:
    """A phone, the places that it once was at, and the snapshot that it is in the midst of.

    `heard` are places that this very copy went through: one that was put back, or begun anew, knows others.
    """

    who: str
    is_lean: bool
    dice: random.Random
    copy: Copy = field(default_factory=dict)
    cursor: str = ""
    places: list[tuple[str, Copy]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    starting: Starting | None = field(default_factory=Starting)
    taken: int = 0
    refetched: int = 0
    did: str = "nothing"

    async def act(self, ground: Ground, actor: Actor) -> bool:
        """Do one thing by chance; says whether the copy ought to be as the server has it now."""
        if self.starting is not None:
            await self._take_page(ground, actor, self.starting)
            return False
        self.places = [*self.places, (self.cursor, dict(self.copy))][-MOST_REMEMBERED:]
        self.heard = [*self.heard, self.cursor][-MOST_REMEMBERED:]
        match self.dice.randrange(20):
            case 0:
                self.starting = Starting()
                return False
            case 1:  # its copy hears the same again
                self.cursor = self.dice.choice(self.heard)
            case 2:
                self.cursor, self.copy = self.dice.choice(self.places)
                self.heard = [self.cursor]
        size = self.dice.choice(BATCHES)
        return self._take(await changes(ground, actor, self.cursor, size, is_lean=self.is_lean))

    async def listen(self, ground: Ground, actor: Actor, readings: Readings) -> bool:
        """Take the first answer of a subscription; says the same."""
        if self.starting is not None:
            return False
        return self._take(await first_heard(ground, readings, actor, self.cursor, is_lean=self.is_lean))

    async def _take_page(self, ground: Ground, actor: Actor, starting: Starting) -> None:
        first = self.dice.choice(PAGES)
        try:
            taken = await page(ground, actor, starting.after, first, is_lean=self.is_lean)
        except BadCursor:  # the owner works elsewhere now
            self.starting = Starting()
            return
        for item in taken["items"]:
            put(starting.copy, item)
        starting.cursor, starting.after = taken["cursor"], taken["next"]
        if starting.after is None:
            self.copy, self.cursor, self.starting, self.heard = starting.copy, starting.cursor, None, []
            self.refetched += 1
        self.did = f"took {len(taken['items'])} things of a snapshot"

    def _take(self, batch: dict[str, Any]) -> bool:
        """Take a batch over, or a part of it: the place is saved with what was taken."""
        if batch["mustRefetch"]:
            self.did, self.starting = "has to start over", Starting()
            return False
        news: list[dict[str, Any]] = batch["changes"]
        is_cut = bool(news) and self.dice.random() < 0.3
        some = news[: self.dice.randrange(len(news)) + 1] if is_cut else news
        self.copy = dict(self.copy)
        for change in some:
            apply(self.copy, change)
        self.taken += len(some)
        self.cursor = some[-1]["position"] if is_cut else batch["cursor"]
        self.did = f"took {len(some)} of {len(news)} changes"
        is_fresh: bool = batch["upToDate"] and not is_cut
        return is_fresh
