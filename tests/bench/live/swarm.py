"""Hold many phones' sockets in a process of their own, and say what they heard and when."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

from tests.bench.live.judging import Write, judged
from tests.bench.live.orders import obey, take
from tests.bench.live.wire import Phone

_LONGEST_PAUSE = 1.0
_LOOK_SECONDS = 0.05
_JUDGE_SECONDS = 0.5


class Swarm:
    """All phones. One that loses its socket without having asked for it comes back by itself."""

    def __init__(self) -> None:
        self.phones: list[Phone] = []
        self._is_away = False
        self._turned_away = 0
        self._places = asyncio.Semaphore(1)
        self._coming: set[asyncio.Task[None]] = set()
        self._port = 0

    async def open(self, port: int, tokens: Sequence[str], people: Sequence[int], at_once: int) -> dict[str, Any]:
        """Open a socket for each token, and wait until each has had its first answer."""
        self._port, self._places = port, asyncio.Semaphore(at_once)
        added = [Phone(person, token, self._lost) for person, token in zip(people, tokens, strict=True)]
        self.phones += added
        return await self._open_all(added)

    async def cut(self) -> dict[str, Any]:
        """Lose all sockets at once, as in a lift."""
        self._is_away = True
        for phone in self.phones:
            if phone.transport is not None:
                phone.transport.abort()
        await asyncio.sleep(0)
        return {}

    async def come_back(self, at_once: int) -> dict[str, Any]:
        """Open all sockets again, each from its cursor; done when the last has caught up."""
        self._is_away, self._places = False, asyncio.Semaphore(at_once)
        return await self._open_all(self.phones)

    async def close(self) -> dict[str, Any]:
        """Close all sockets and forget the phones."""
        await self.cut()
        self.phones.clear()
        return {}

    async def stall(self, count: int) -> dict[str, Any]:
        """Stop reading on some sockets, without closing them."""
        for transport in [phone.transport for phone in self.phones if phone.transport is not None][:count]:
            transport.pause_reading()
        return {}

    async def judge(self, writes: list[Any], patience: float) -> dict[str, Any]:
        """Wait until every write has reached everybody it concerns, and say how long each took."""
        all_writes = [Write(**write) for write in writes]
        until = time.monotonic() + patience
        await asyncio.sleep(_LOOK_SECONDS)
        while (found := judged(all_writes, self.phones)).lost and time.monotonic() < until:  # noqa: ASYNC110 - as below
            await asyncio.sleep(_JUDGE_SECONDS)
        dropped, self._turned_away = self._turned_away, 0
        bytes_heard = sum(phone.bytes_heard for phone in self.phones)
        for phone in self.phones:
            phone.heard.clear()
            phone.bytes_heard = 0
        return found.as_dict() | {"turned_away": dropped, "bytes": bytes_heard}

    async def used(self) -> float:
        """Processor seconds of this process until now."""
        return time.process_time()

    async def _open_all(self, phones: Sequence[Phone]) -> dict[str, Any]:
        started, self._turned_away = time.monotonic(), 0
        for phone in phones:
            self._come(phone, pause=0.0)
        while any(phone.up_to_date_at < started for phone in phones):  # noqa: ASYNC110 - thousands would have to tell
            await asyncio.sleep(_LOOK_SECONDS)
        caught_up = sorted(phone.up_to_date_at - started for phone in phones)
        turned_away, self._turned_away = self._turned_away, 0
        return {"seconds": caught_up[-1], "median": caught_up[len(caught_up) // 2], "turned_away": turned_away}

    def _lost(self, phone: Phone) -> None:
        if not self._is_away:
            self._turned_away += 1
            self._come(phone, pause=random.uniform(0, _LONGEST_PAUSE))

    def _come(self, phone: Phone, pause: float) -> None:
        task = asyncio.create_task(self._connect(phone, pause))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def _connect(self, phone: Phone, pause: float) -> None:
        await asyncio.sleep(pause)
        async with self._places:
            if self._is_away:
                return
            phone.settled.clear()
            try:
                await asyncio.get_running_loop().create_connection(lambda: phone, "127.0.0.1", self._port)
            except OSError:
                self._lost(phone)
                return
            # The place is given to the next when this one has had its first answer, or was turned away.
            await phone.settled.wait()


async def main() -> None:
    swarm = Swarm()
    await obey(
        {
            "open": swarm.open,
            "cut": swarm.cut,
            "come_back": swarm.come_back,
            "close": swarm.close,
            "stall": swarm.stall,
            "judge": swarm.judge,
            "used": swarm.used,
        }
    )


if __name__ == "__main__":
    take(main)
