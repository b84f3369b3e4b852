"""Managers at work: they have guides leave, stop and take back handovers of theirs, and let the guides come back."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.chaos.handing.asking import Caller
from tests.chaos.handing.deeds import Asker

_STAFF = """query($id: ID!) { staffMember(id: $id) { version state accessClosedAt } }"""
_START = """mutation($id: ID!, $strategy: Strategy!, $key: String!) {
  startHandover(kind: RESIGNATION, staffId: $id, strategy: $strategy, idempotencyKey: $key) {
    __typename ... on Problem { code } ... on HandoverChanged { handover { id } }
  }
}"""
_OF_STAFF = """query($id: ID!) {
  handovers(staffId: $id, states: [DRAFT, APPROVED, MOVING, PAUSED, SETTLING], first: 1) { edges { node { id } } }
}"""
_STATE = """query($id: ID!) { handover(id: $id) { state plannedAt progress { pending moved } } }"""
_ITEMS = """query($id: ID!) {
  handover(id: $id) { items(first: 100) { edges { node { here relationship { id } toAccount { id } } } } }
}"""
_CHANGE = """mutation($id: ID!, $key: String!) {
  %s(id: $id, idempotencyKey: $key) {
    __typename ... on Problem { code } ... on HandoverChanged { handover { id } }
  }
}"""
_ACCESS = """mutation($id: ID!, $key: String!) {
  %s(id: $id, idempotencyKey: $key) { __typename ... on Problem { code } }
}"""
_STRATEGIES = ("BALANCED", "AFFINITY", "TO_STORE")
_PAUSED, _TAKEN_BACK, _UNDONE = 0.4, 0.4, 0.35  # of those approved, of those paused, of those done
_LOOK = 0.1
_STILL = 0.3  # seconds for which nothing may move


@dataclass(kw_only=True)
class Manager(Caller):
    """Whoever looks after handovers, of whatever kind."""

    async def changed(self, what: str, handover_id: str) -> str | None:
        """What one change answers: the id of a handover, or nothing where it was refused."""
        answer = await self.surely(_CHANGE % what, id=handover_id, key=str(uuid4()))
        return answer["handover"]["id"] if "handover" in answer else None

    async def state(self, handover_id: str) -> Any:
        return await self.surely(_STATE, id=handover_id)

    async def until_over(self, handover_id: str) -> str:
        """DONE or UNDONE, once it is that."""
        while True:
            now = await self.state(handover_id)
            if now["state"] in ("DONE", "UNDONE", "CANCELLED"):
                return str(now["state"])
            await asyncio.sleep(_LOOK)

    async def stands_still(self, handover_id: str) -> bool:
        """Whether nothing of a handover that is paused moves."""
        before = await self.state(handover_id)
        await asyncio.sleep(_STILL)
        return bool(before == await self.state(handover_id))


@dataclass(kw_only=True)
class Leaver(Asker, Manager):
    """Has these guides leave, one after the other, and come back."""

    guides: Sequence[str]
    patience: float = 120.0

    async def goes_and_comes(self) -> None:
        """A guide leaves until nothing is held, and comes back: with what was theirs, or without."""
        guide = self.rng.choice(self.guides)
        self.history.invoke(self.number, "handover", guide=guide)
        try:
            async with asyncio.timeout(self.patience):
                done = await self._leave(guide)
        except TimeoutError:
            self._give_up(f"{guide} doesn't get to the end of leaving")
            return
        self.history.end(self.number, "ok")
        await asyncio.sleep(self.rng.uniform(0, 0.5))
        try:
            async with asyncio.timeout(self.patience):
                is_back = done is not None and self.rng.random() < _UNDONE and await self._undo(guide, done)
                if not is_back:
                    self.history.invoke(self.number, "rejoin", guide=guide)
                await self._come_back(guide)
        except TimeoutError:
            self._give_up(f"{guide} can't come back")
            return
        if not is_back:
            self.history.end(self.number, "ok")
        self.counts["came back"] += 1

    async def _leave(self, guide: str) -> str | None:
        """Go on until they have departed; answers the handover that got them there. None, where nothing was held."""
        staff_id = self.shop.guides[guide]
        await self.surely(_ACCESS % "closeAccess", id=staff_id, key=str(uuid4()))
        done = None
        while not await self._has_departed(staff_id):
            if done is not None:
                self.wrong.append(f"handover {done} is done, and {guide} has not departed")
            strategy = self.rng.choice(_STRATEGIES)
            await self.surely(_START, id=staff_id, strategy=strategy, key=str(uuid4()))
            edges = (await self.surely(_OF_STAFF, id=staff_id))["edges"]
            if edges and await self._carry_through(guide, edges[0]["node"]["id"]):
                done = edges[0]["node"]["id"]
        return done

    async def _carry_through(self, guide: str, handover_id: str) -> bool:
        """To its end: whether that is that all has moved."""
        self.counts["started"] += 1
        will_pause = self.rng.random() < _PAUSED
        while True:
            handover = await self.state(handover_id)
            match handover["state"]:
                case "DONE":
                    self.counts["done"] += 1
                    return True
                case "UNDONE" | "CANCELLED":
                    return False
                case "DRAFT" if handover["plannedAt"] is not None:
                    self.counts["approved"] += await self.changed("approveHandover", handover_id) is not None
                    await asyncio.sleep(self.rng.uniform(0, 0.4) * will_pause)
                    continue
                case "APPROVED" | "MOVING" if will_pause:
                    will_pause = False
                    if await self.changed("pauseHandover", handover_id) is not None:
                        await self._while_paused(guide, handover_id)
                    continue
                case "PAUSED":
                    await self.changed("resumeHandover", handover_id)
                    continue
            await asyncio.sleep(_LOOK)

    async def _while_paused(self, guide: str, handover_id: str) -> None:
        self.counts["paused"] += 1
        if not await self.stands_still(handover_id):
            self.wrong.append(f"handover {handover_id} moves while it is paused")
        if self.rng.random() < _TAKEN_BACK:
            # Whoever leaves hasn't left yet: no rejoining has to be told of.
            self.counts["undone half-way"] += await self._give_back(guide, handover_id)

    async def _undo(self, guide: str, handover_id: str) -> bool:
        """Take back what was done; whether it was not refused."""
        self.history.invoke(self.number, "rejoin", guide=guide)
        is_undone = await self._give_back(guide, handover_id)
        self.history.end(self.number, "ok" if is_undone else "fail")
        self.counts["undone"] += is_undone
        return is_undone

    async def _give_back(self, guide: str, handover_id: str) -> bool:
        """What comes back is a move of each relationship from whoever got it, if nobody has acted since."""
        went = {key: to for key, (here, to) in (await self._items(handover_id)).items() if here == "MOVED"}
        names = {kept: contact for contact, kept in self.shop.kept.items()}
        asked: dict[str, int] = {}
        for key, to in went.items():
            asked[key] = self.history.newcomer()
            former = self.shop.named(to)
            self.history.invoke(asked[key], "move", contact=names[key], to=guide, **{"from": former})
        back = await self.changed("undoHandover", handover_id)
        items: Mapping[str, tuple[str, str]] = {}
        if back is not None:
            await self.until_over(back)
            items = await self._items(back)
        for key, number in asked.items():
            came = key in items and items[key][0] == "MOVED"
            self.history.end(number, "ok" if came else "fail")
            self.counts["relationships given back" if came else "relationships kept"] += back is not None
        return back is not None

    async def _items(self, handover_id: str) -> dict[str, tuple[str, str]]:
        """By relationship where it stands, and the account that it is to go to."""
        edges = (await self.surely(_ITEMS, id=handover_id))["items"]["edges"]
        return {
            each["node"]["relationship"]["id"]: (each["node"]["here"], each["node"]["toAccount"]["id"])
            for each in edges
        }

    async def _come_back(self, guide: str) -> None:
        staff_id = self.shop.guides[guide]
        while (await self.surely(_STAFF, id=staff_id))["accessClosedAt"] is not None:
            await self.surely(_ACCESS % "reopenAccess", id=staff_id, key=str(uuid4()))

    async def _has_departed(self, staff_id: str) -> bool:
        return bool((await self.surely(_STAFF, id=staff_id))["state"] == "DEPARTED")

    def _give_up(self, why: str) -> None:
        """Nobody knows; nothing here may take so long."""
        self.wrong.append(f"{why} within {self.patience:.0f} seconds")
        self.unknown()
