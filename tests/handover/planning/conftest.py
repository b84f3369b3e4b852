"""What plans of handovers are tested on."""

import pytest

from kernel.work import Ground
from tests.factories import World, build_world


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)
