"""Have charts drawn by a program of its own: a few at a time, each within its time, and none twice."""

import asyncio
import hashlib
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from kernel.errors import Unavailable

AT_ONCE = 2
MOST_WAITING = 8
SECONDS = 10.0
_MOST_KEPT = 64
_LARGEST_KEPT = 256 * 1024
_PROGRAM = Path(__file__).with_name("drawing.py")
_LOOK = "2"  # goes into the tags: a new one for charts that look different


class TooManyDrawings(Unavailable):
    """So many charts are being drawn, and so many wait, that another one would come too late."""

    code = "TOO_MANY_DRAWINGS"
    en = "Too many charts are being drawn. Try again in a moment."
    zh = "正在生成的图表过多，请稍后再试。"


class NotDrawn(Unavailable):
    """The chart took too long, or what draws it failed."""

    code = "NOT_DRAWN"
    en = "The chart could not be drawn. Try again in a moment."
    zh = "图表生成失败，请稍后再试。"


@dataclass(slots=True)
class Drawings:
    """One per process. `home` is where the program keeps what it finds out about fonts."""

    home: Path
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _asked: int = 0
    _kept: OrderedDict[str, bytes] = field(default_factory=OrderedDict)

    async def drawn(self, asked: dict[str, Any]) -> bytes:
        """The chart. Raises `TOO_MANY_DRAWINGS`, `NOT_DRAWN`."""
        tag = tag_of(asked)
        if (kept := self._kept.pop(tag, None)) is not None:
            self._kept[tag] = kept
            return kept
        if self._asked >= AT_ONCE + MOST_WAITING:
            raise TooManyDrawings
        self._asked += 1
        try:
            async with self._room:
                content = await self._draw(asked)
        finally:
            self._asked -= 1
        if len(content) <= _LARGEST_KEPT:
            self._kept[tag] = content
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return content

    async def _draw(self, asked: dict[str, Any]) -> bytes:
        folder = self.home.absolute() / "charts"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(_PROGRAM),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Of ours it needs nothing, least of all the keys.
            env={"MPLCONFIGDIR": str(folder), "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            async with asyncio.timeout(SECONDS):
                content, _ = await process.communicate(orjson.dumps(asked))
        except TimeoutError as error:
            raise NotDrawn from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or not content:
            raise NotDrawn
        return content


def tag_of(asked: dict[str, Any]) -> str:
    """What tells this chart from any other, before it is drawn."""
    return hashlib.sha256(_LOOK.encode() + orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
