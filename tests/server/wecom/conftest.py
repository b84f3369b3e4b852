"""A simulator that is served, and the connector to it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx2
import pytest
from arq.connections import ArqRedis

from kernel import redis
from server.wecom import client
from server.wecom.client import WeCom
from server.wecom.limits import Limits
from server.wecom.tokens import Tokens
from server.wecom.wire import Wire
from tests.asking import VAULT
from tests.wecom.app import Simulator
from tests.wecom.gate import Fault
from tests.wecom.serving import serving


@dataclass
class There:
    """A simulator, where it is, and who can ask it. Several connectors stand for several processes."""

    simulator: Simulator
    address: str
    http: httpx2.AsyncClient
    redis: ArqRedis
    brand_id: UUID = field(default_factory=uuid4)

    def connect(self, secret: str | None = None, address: str | None = None) -> WeCom:
        wire = self.wire(address)
        return WeCom(wire, self.tokens(wire, secret))

    def wire(self, address: str | None = None) -> Wire:
        return Wire(address or self.address, self.http, Limits(self.redis, self.simulator.corp.corp_id))

    def tokens(self, wire: Wire, secret: str | None = None) -> Tokens:
        corp_id = self.simulator.corp.corp_id
        return Tokens(self.redis, wire, VAULT, self.brand_id, corp_id, secret or "secret")

    def asked(self, path: str) -> int:
        """How often the simulator was asked that."""
        return self.simulator.gate.asked[path if path == "gettoken" else f"externalcontact/{path}"]

    def spoil(self, path: str, kind: str, value: float = 0, times: int = 1) -> None:
        """Let the next calls of that path go wrong."""
        whole = path if path == "gettoken" else f"externalcontact/{path}"
        self.simulator.gate.faults.append(Fault(kind, whole, times, value))


@pytest.fixture(scope="package")
async def served() -> AsyncIterator[tuple[Simulator, str, httpx2.AsyncClient]]:
    simulator = Simulator()
    async with serving(simulator) as address, httpx2.AsyncClient() as http:
        yield simulator, address, http


@pytest.fixture
async def there(
    served: tuple[Simulator, str, httpx2.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[There]:
    """Of a corp where nobody is yet; the connector doesn't pause for long."""
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0.01)
    simulator, address, http = served
    simulator.begin(1)
    async with AsyncExitStack() as stack:
        emulated = redis.connect(None)
        stack.push_async_callback(emulated.aclose, close_connection_pool=True)
        yield There(simulator, address, http, emulated)
        await simulator.caller.close()


@pytest.fixture
def wecom(there: There) -> WeCom:
    return there.connect()
