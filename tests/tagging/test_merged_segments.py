"""A tag that was merged a moment ago counts as what it became, before any job has moved a customer."""

import pytest

from kernel.work import Ground
from tests.factories import build_customer, build_world
from tests.tagging.labels import build_group, build_tag, put
from tests.tagging.test_merging import merged, moved
from tests.tagging.test_segment_index import count
from tests.tagging.test_segments_agree import fold, rebuild


@pytest.mark.parametrize("is_built", [False, True])
async def test_customers_of_a_merged_tag_are_counted_before_between_and_after_they_are_moved(
    ground: Ground, is_built: bool
) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    old, new, other = [await build_tag(ground, world, group, name) for name in ("简约", "极简", "运动")]
    people = [await build_customer(ground, world.shop.guide) for _ in range(4)]
    await put(ground, world.shop.guide, people[:2], [old])
    await put(ground, world.shop.guide, people[1:3], [new])
    await put(ground, world.shop.guide, people[3:], [other])
    if is_built:
        await rebuild(ground, world)
    texts = ('tag = "极简"', 'tag != "极简"', 'stale_tag = "极简"')

    await merged(ground, world.hq, old, new)
    at_once = [(await count(ground, world.hq, text))[0] for text in texts]
    await moved(ground, world, old)
    then = [(await count(ground, world.hq, text))[0] for text in texts]
    if is_built:
        await fold(ground, world)
    in_the_end = [(await count(ground, world.hq, text))[0] for text in texts]

    assert at_once == then == in_the_end == [3, 1, 0]
