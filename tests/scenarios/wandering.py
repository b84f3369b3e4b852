"""Flaky phones in a brand where anything may happen: what they hold when they are up to date is what the server holds.

`run(ground, seed, steps)` wanders through as many steps; the same seed on the same engine takes the same way, but
for what two do at once.
"""

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from kernel.actor import Actor
from kernel.errors import Refusal
from kernel.work import Ground
from schema.live import Readings
from tests.factories import World, build_world
from tests.scenarios.chances import CHANCES, Scene
from tests.scenarios.copies import at_one_moment, snapshot
from tests.scenarios.flaky import Flaky
from tests.scenarios.shown import differences, lean_differences
from tests.scenarios.stage import Person, Stage

LIFE = 300  # steps in one brand: it grows, and then everything takes longer
REMEMBERED = 30


@dataclass
class Wandered:
    """What came of it. Of each difference the last steps before it are told, too."""

    seed: int
    steps: int = 0
    compared: int = 0
    changes: int = 0
    refetched: int = 0
    refused: int = 0
    differences: list[str] = field(default_factory=list)


async def run(ground: Ground, seed: int, steps: int, most_differences: int = 1) -> Wandered:
    """Wander through so many steps, or until there were so many differences."""
    wandered = Wandered(seed)
    for life in count(1):
        dice = random.Random(f"{seed} {life}")
        world = await build_world(ground, f"w{seed}-{life}")
        walk = Walk(wandered, Scene(_stage(world), dice))
        for _ in range(min(LIFE, steps - wandered.steps)):
            if not await walk.step():
                break
        wandered.changes += sum(phone.taken for phone in walk.phones)
        wandered.refetched += sum(phone.refetched for phone in walk.phones)
        if wandered.steps >= steps or len(wandered.differences) >= most_differences:
            break
    return wandered


@dataclass
class Walk:
    """One brand, its phones, and what happened last."""

    wandered: Wandered
    scene: Scene
    phones: list[Flaky] = field(default_factory=list)
    trail: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def __post_init__(self) -> None:
        # Every other phone keeps versions only: it is quick to look at, and misses nothing that is missing.
        self.phones = [
            Flaky(who, is_lean, random.Random(self.scene.dice.random()))
            for who in self.scene.stage.people
            for is_lean in (False, True)
        ]

    async def step(self) -> bool:
        """One thing happens, or phones do something; says whether the copies are still right."""
        self.wandered.steps += 1
        chance = self.scene.dice.random()
        if chance < 0.4:
            await self._happen()
            return True
        if chance < 0.97:
            return await self._look([self.scene.dice.choice(self.phones)], together=False)
        return await self._look(self.scene.dice.sample(self.phones, 5), together=True)

    async def _happen(self) -> None:
        together = 1 if self.scene.dice.random() < 0.9 else 3
        chosen = self.scene.dice.choices(list(CHANCES), list(CHANCES.values()), k=together)
        for chance, came in zip(chosen, await asyncio.gather(*map(self._try, chosen)), strict=True):
            self.trail.append(f"{chance.__name__}: {came}")

    async def _try(self, chance: Any) -> str:
        try:
            await chance(self.scene)
        except Refusal as refusal:
            self.wandered.refused += 1
            return refusal.code
        return "done"

    async def _look(self, phones: list[Flaky], *, together: bool) -> bool:
        """Let phones do something; of those that are up to date then see whether they are right."""
        actors = await self.scene.stage.actors()
        async with at_one_moment(self.scene.stage.ground) as ground:
            act = partial(Flaky.listen, readings=Readings(ground.db)) if together else Flaky.act
            looking = [phone for phone in phones if phone.who in actors]
            fresh = await asyncio.gather(*(act(phone, ground, actors[phone.who]) for phone in looking))
            self.trail += [f"{phone.who} {phone.did}" for phone in looking]
            found = [
                line
                for phone, is_fresh in zip(looking, fresh, strict=True)
                if is_fresh
                for line in await self._compare(ground, phone, actors[phone.who])
            ]
        if found:
            where = f"seed {self.wandered.seed}, step {self.wandered.steps}"
            self.wandered.differences.append("\n  ".join([where, *found, "after:", *self.trail]))
        return not found

    async def _compare(self, ground: Ground, phone: Flaky, actor: Actor) -> list[str]:
        self.wandered.compared += 1
        truth, _ = await snapshot(ground, actor, is_lean=phone.is_lean)
        tell = lean_differences if phone.is_lean else differences
        return [f"{phone.who}: {line}" for line in tell(phone.copy, truth)]


def _stage(world: World) -> Stage:
    here, next_door, _ = world.shops
    people = {
        "guide": here.guide,
        "other guide": here.other_guide,
        "manager": here.manager,
        "neighbour": next_door.guide,
        "next manager": next_door.manager,
        "regional manager": world.east_manager,
        "headquarters": world.hq,
    }
    return Stage(world.ground, world, {name: Person(actor.brand_id, actor.id) for name, actor in people.items()})
