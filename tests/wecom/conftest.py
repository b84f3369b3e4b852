"""A simulator that is served, and somebody who asks it."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.wecom.app import Simulator
from tests.wecom.asking import Asker
from tests.wecom.serving import serving


@pytest.fixture(scope="package")
async def served() -> AsyncIterator[Asker]:
    simulator = Simulator()
    async with serving(simulator) as address, httpx2.AsyncClient(base_url=address) as http:
        yield Asker(simulator, address, http)


@pytest.fixture
async def asker(served: Asker) -> AsyncIterator[Asker]:
    """Of a corp where nobody is yet."""
    served.simulator.begin(1)
    yield Asker(served.simulator, served.address, served.http)
    await served.simulator.caller.close()
