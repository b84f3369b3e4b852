"""What stands before every interface: the token, the rate limits, and whatever is to go wrong (91039, 90454)."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from tests.wecom.world import Corp

KINDS = ("drop", "lose_answer", "delay", "status", "code")


@dataclass
class Fault:
    """Something that goes wrong for the next `times` calls of a path, or of all.

    `drop` closes the connection before anything is done, `lose_answer` after all was done; `delay` waits for so many
    seconds first; `status` answers with an HTTP status, `code` with an errcode, and nothing is done.
    """

    kind: str
    path: str | None = None
    times: int = 1
    value: float = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}")


@dataclass
class Gate:
    """Tokens by their secret, counts by path, and faults."""

    corp: Corp
    faults: list[Fault] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _windows: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _blocked: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _wrong_secrets: int = 0
    inside: int = 0

    def __post_init__(self) -> None:
        self._dice = Random(self.corp.seed)

    def get_token(self, corp_id: str, secret: str) -> dict[str, object]:
        """A token; five wrong secrets shut the address out for an hour."""
        at = self.corp.now.timestamp()
        if self._blocked["gettoken"] > at:
            return wrong(45009)
        if corp_id != self.corp.corp_id:
            return wrong(40013)
        if secret not in self.corp.secrets:
            self._wrong_secrets += 1
            if self._wrong_secrets >= 5:
                self._blocked["gettoken"] = at + 3600
            return wrong(40001)
        known = self._tokens.get(secret)
        if known is None or known[1] <= at or self.corp.switches.token_repeat == "new":
            if known is not None:
                self._ended.add(known[0])
            known = (self._dice.randbytes(40).hex(), at + self.corp.switches.token_seconds)
            self._tokens[secret] = known
        return {"errcode": 0, "errmsg": "ok", "access_token": known[0], "expires_in": int(known[1] - at)}

    def end_tokens(self) -> None:
        """End them before their time."""
        self._ended.update(token for token, _ in self._tokens.values())
        self._tokens.clear()

    def check_token(self, token: str) -> int:
        if token in self._ended:
            return 40014
        for known, until in self._tokens.values():
            if known == token:
                return 42001 if until <= self.corp.now.timestamp() else 0
        return 40014 if token else 41001

    def check_rate(self, path: str) -> int:
        """Who goes beyond a limit is shut out for the rest of a minute, or of an hour."""
        at = self.corp.now.timestamp()
        if self._blocked[path] > at:
            return 45009
        for name, seconds, most in (
            ("minute", 60, self.corp.switches.a_minute),
            ("hour", 3600, self.corp.switches.an_hour),
        ):
            window = (name, path, int(at // seconds))
            self._windows[window] += 1
            if self._windows[window] > most:
                self._blocked[path] = at + seconds
                return 45009
        return 45033 if self.inside > self.corp.switches.at_once else 0

    def fault(self, path: str, kinds: Iterable[str]) -> Fault | None:
        """The next thing of these kinds that is to go wrong with a call of this path."""
        for fault in self.faults:
            if fault.kind in kinds and fault.times > 0 and fault.path in (None, path):
                fault.times -= 1
                return fault
        return None

    async def delay(self, path: str) -> None:
        fault = self.fault(path, ("delay",))
        if fault is not None:
            await asyncio.sleep(fault.value)


def wrong(code: int, message: str = "refused") -> dict[str, object]:
    return {"errcode": code, "errmsg": f"{message}, hint: [1700000000123456789012], from ip: 203.0.113.9"}
