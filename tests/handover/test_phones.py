"""A leaver's phone that was off through it all comes back and holds nothing; the other one holds all of it, once."""

from collections import Counter
from typing import Any

from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from server import handing_over
from tagging import commands as tagging
from tests.factories import build_customer, build_task, build_world
from tests.handover.handing import build_handover, leave, run
from tests.mall.trading import place
from tests.scenarios.copies import Phone

OF_CUSTOMERS = {"CUSTOMER", "RELATIONSHIP", "TASK", "ORDER"}


def _held(phone: Phone) -> Counter[str]:
    return Counter(kind for kind, _ in phone.copy if kind in OF_CUSTOMERS)


def _of_customers(phone: Phone) -> dict[Any, Any]:
    return {key: held for key, held in phone.copy.items() if key[0] in OF_CUSTOMERS}


async def _started(ground: Ground, actor: Actor) -> Phone:
    phone = Phone()
    await phone.start(ground, actor)
    return phone


async def test_a_phone_that_was_off_holds_nothing_and_the_takeover_guides_holds_all_of_it_once(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, taker = world.shop.guide, world.shop.other_guide
    known = [await build_customer(ground, leaver) for _ in range(3)]
    async with unit_of_work(ground, leaver) as work:
        tag = await tagging.add_tag(work, name="爱茶")
    async with unit_of_work(ground, leaver) as work:
        await tagging.add_tags(work, [each.id for each in known], [tag.id])
    for customer in known:
        await build_task(ground, leaver, customer)
        await place(ground, world, customer)
    off, on = await _started(ground, leaver), await _started(ground, taker)
    whole = Counter({"CUSTOMER": 3, "RELATIONSHIP": 3, "TASK": 3, "ORDER": 3})
    assert (_held(off), _held(on)) == (whole, Counter())
    await leave(ground, leaver, is_shut_out=False)
    handover = await build_handover(ground, world)

    await run(ground, handover)
    await off.catch_up(ground, leaver, 7)
    await on.catch_up(ground, taker, 7)

    assert (_held(off), _held(on)) == (Counter(), whole)
    anew = await _started(ground, taker)
    assert _of_customers(anew) == _of_customers(on)
    tags: list[Any] = [held.node["tags"] for (kind, _), held in on.copy.items() if kind == "CUSTOMER"]
    assert [[each["name"] for each in worn] for worn in tags] == [["爱茶"]] * 3
    await handing_over.welcome(ground, world.brand.id, handover_id=str(handover.id))
    await on.catch_up(ground, taker, 7)
    assert _held(on)["TASK"] == 6
