"""A takeover guide reads on one card whom they have taken over."""

from typing import Any

from customers import commands as customers
from kernel.work import Ground, unit_of_work
from tagging import commands as tagging
from tests.asking import ask
from tests.factories import World, build_customer, build_task, build_world
from tests.handover.handing import build_handover, leave, run
from tests.mall.trading import place
from tests.statements import statements

CARDS = """query { tasks(first: 10) { edges { node { customer { relationships { briefing {
  customer { name } tags { name } lastOrders { amount } openTasks { title } lastNotes { body }
  servedBefore { reason untilAt account { id } } } } } } } } }"""


async def cards(ground: Ground, world: World) -> list[dict[str, Any]]:
    found = await ask(ground, world.shop.other_guide, CARDS)
    return [each["briefing"] for edge in found["tasks"]["edges"] for each in edge["node"]["customer"]["relationships"]]


async def build_taken_over(ground: Ground, world: World, count: int) -> None:
    leaver = world.shop.guide
    async with unit_of_work(ground, leaver) as work:
        tag = await tagging.add_tag(work, name="爱茶")
    for number in range(count):
        customer = await build_customer(ground, leaver, name=f"王{number}")
        await build_task(ground, leaver, customer)
        await place(ground, world, customer)
        async with unit_of_work(ground, leaver) as work:
            await customers.add_note(work, customer.id, body="喜欢羊绒")
        async with unit_of_work(ground, leaver) as work:
            await tagging.add_tags(work, [customer.id], [tag.id])
    await leave(ground, leaver)
    await run(ground, await build_handover(ground, world))


async def test_the_card_says_who_what_and_who_before(ground: Ground) -> None:
    world = await build_world(ground)
    await build_taken_over(ground, world, 1)

    [card] = await cards(ground, world)

    [before] = card.pop("servedBefore")
    assert card == {
        "customer": {"name": "王0"},
        "tags": [{"name": "爱茶"}],
        "lastOrders": [{"amount": 19900}],
        "openTasks": [{"title": "回访"}],
        "lastNotes": [{"body": "喜欢羊绒"}],
    }
    assert before["reason"] == "CREATED"
    assert before["untilAt"] is not None
    assert before["account"]["id"] == str(world.shop.guide.account_ids[0])


async def test_three_cards_take_as_many_statements_as_one(ground: Ground) -> None:
    counts = []
    for code, count in (("one", 1), ("three", 3)):
        world = await build_world(ground, code)
        await build_taken_over(ground, world, count)
        with statements(ground) as sent:
            assert len(await cards(ground, world)) == count
        counts.append(len(sent))
    assert counts[0] == counts[1]
