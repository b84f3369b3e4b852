"""Every mutation that an app can put in a queue, each as somebody who may do it, on things of its own."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.queries import relationships
from customers.queries.phones import masked
from directory import commands as directory
from kernel import ids
from kernel.work import Ground, unit_of_work
from tagging.models import TagGroup
from tests.asking import VAULT
from tests.factories import HOURS, NOON, World, build_customer, save
from tests.mall.trading import place
from tests.scenarios import (
    writes_campaigns,
    writes_catalogue,
    writes_commission,
    writes_covers,
    writes_credit,
    writes_departing,
    writes_handover_move,
    writes_handover_plan,
    writes_handover_settling,
    writes_life,
    writes_orders,
    writes_push,
    writes_revisiting,
    writes_rules,
    writes_segments,
    writes_shares,
    writes_workbench,
)
from tests.scenarios.belongings import furnish
from tests.scenarios.writes_audits import AUDIT_WRITES
from tests.scenarios.writes_hooks import HOOK_WRITES
from tests.scenarios.writes_library import LIBRARY_WRITES
from tests.scenarios.writes_partner import PARTNER_WRITES
from tests.scenarios.writing import (
    Given,
    Prepare,
    Write,
    about_customer,
    answer,
    guide,
    hire,
    hq,
    machine,
    name,
    new,
    of,
    of_newcomer,
    phone,
    soon,
)
from tests.tagging.labels import build_tag


async def rename_region(ground: Ground, world: World) -> Write:
    region = await _add_region(ground, world)
    return Write(world.hq, {"id": str(region), "name": name()}, region)


async def move_region(ground: Ground, world: World) -> Write:
    region = await _add_region(ground, world)
    return Write(world.hq, {"id": str(region), "parentId": str(world.regions["north"].id)}, region)


async def open_store(_ground: Ground, world: World) -> Write:
    week = [{"opens": opens, "closes": closes} for opens, closes in HOURS]
    given = {"code": name(), "name": "新店", "timeZone": "Asia/Shanghai", "openingHours": week}
    return Write(world.hq, given | {"regionId": str(world.regions["east"].id)})


async def close_store(ground: Ground, world: World) -> Write:
    store = await _open_store(ground, world)
    return Write(world.hq, {"id": str(store)}, store)


async def reopen_store(ground: Ground, world: World) -> Write:
    store = await _open_store(ground, world)
    async with unit_of_work(ground, world.hq) as work:
        await customers.close_store(work, store)
    return Write(world.hq, {"id": str(store)}, store)


async def move_staff(ground: Ground, world: World) -> Write:
    person, there = await hire(ground, world), world.shops[1].store.id
    return Write(world.hq, {"id": str(person), "role": "STORE_MANAGER", "storeId": str(there)}, person)


async def reopen_access(ground: Ground, world: World) -> Write:
    person = await hire(ground, world)
    async with unit_of_work(ground, world.hq) as work:
        await customers.close_access(work, person)
    return Write(world.hq, {"id": str(person)}, person)


async def new_customer(_ground: Ground, world: World) -> Write:
    return Write(world.shop.guide, {"input": {"name": "李雷", "phone": phone()}})


async def claim_customer(ground: Ground, world: World) -> Write:
    known = await build_customer(ground, world.shop.guide)
    return Write(world.shops[1].guide, {"memberNumber": known.member_number})


async def reveal_phone(ground: Ground, world: World) -> Write:
    number, brand_id = f"+86{phone()}", world.brand.id
    sealed: Given = {"phone_sealed": VAULT.seal(brand_id, number), "phone_index": VAULT.index(brand_id, number)}
    known = await build_customer(ground, world.shop.guide, phone_masked=masked(number), **sealed)
    return Write(world.shop.guide, {"id": str(known.id)})


async def set_primary(ground: Ground, world: World) -> Write:
    """The second of two relationships comes first from now on."""
    known = await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, world.shops[1].guide) as work:
        await customers.claim(work, VAULT, member_number=known.member_number)
        both = await relationships.of_customer(work.session, known)
    [second] = [each.id for each in both if not each.is_primary]
    return Write(world.hq, {"id": str(second)}, second)


async def edit_remark(ground: Ground, world: World) -> Write:
    things = await furnish(ground, world, world.shop)
    return Write(world.shop.guide, {"customerId": str(things["customer"]), "remark": "周末来"}, things["relationship"])


async def reassign(ground: Ground, world: World) -> Write:
    relationship = (await furnish(ground, world, world.shop))["relationship"]
    taker = world.shop.other_guide.account_ids[0]
    return Write(world.shop.manager, {"id": str(relationship), "toAccountId": str(taker)}, relationship)


async def record_order(_ground: Ground, world: World) -> Write:
    line = {"productCode": "P1", "name": "羊绒衫", "quantity": 1, "amount": 19900}
    return Write(machine(world), {"input": _news(world, 19900) | {"lines": [line]}})


async def record_refund(_ground: Ground, world: World) -> Write:
    return Write(machine(world), {"input": _news(world, 100)})


async def cancel_order(ground: Ground, world: World) -> Write:
    order = await place(ground, world, await build_customer(ground, world.shop.guide))
    return Write(world.shop.manager, {"id": str(order.id)}, order.id)


async def complete_order(ground: Ground, world: World) -> Write:
    order = (await furnish(ground, world, world.shop))["order"]
    await answer(ground, "shipOrder", Write(world.shop.guide, {"id": str(order)}))
    return Write(world.shop.guide, {"id": str(order)}, order)


async def put_product(ground: Ground, world: World) -> Write:
    code = name()
    added = await answer(ground, "putProduct", Write(world.hq, {"code": code, "name": "旧", "price": 1}))
    return Write(world.hq, {"code": code, "name": "新", "price": 2}, UUID(added["product"]["id"]))


async def order_tag_groups(ground: Ground, world: World) -> Write:
    """The last two change places."""
    last = [TagGroup(brand_id=world.brand.id, id=ids.new(), name=name(), position=900 + n) for n in (1, 2)]
    await save(ground, *last)
    async with ground.db.read() as session:
        there = select(col(TagGroup.id)).where(col(TagGroup.brand_id) == world.brand.id)
        *rest, one, other = await session.scalars(there.order_by(col(TagGroup.position), col(TagGroup.id)))
    # In order already but for the two, whatever was there before.
    await answer(ground, "orderTagGroups", Write(world.hq, {"groupIds": [str(each) for each in (*rest, one, other)]}))
    return Write(world.hq, {"groupIds": [str(each) for each in (*rest, other, one)]})


async def add_tag(ground: Ground, world: World) -> Write:
    group = (await furnish(ground, world, world.shop))["tag_group"]
    return Write(world.hq, {"name": name(), "groupId": str(group)})


async def add_tags(ground: Ground, world: World) -> Write:
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, None, name(), owner_id=world.shop.guide.id)
    return Write(world.shop.guide, {"customerIds": [str(customer.id)], "tagIds": [str(tag.id)]})


async def remove_tags(ground: Ground, world: World) -> Write:
    things = await furnish(ground, world, world.shop)
    return Write(world.shop.guide, {"customerIds": [str(things["customer"])], "tagIds": [str(things["tag"])]})


async def create_task(_ground: Ground, world: World) -> Write:
    return Write(world.shop.guide, {"input": {"title": "整理陈列", "dueAt": soon()}})


async def _add_region(ground: Ground, world: World) -> UUID:
    async with unit_of_work(ground, world.hq) as work:
        return (await directory.add_region(work, code=name(), name="新区", parent_id=world.regions["east"].id)).id


async def _open_store(ground: Ground, world: World) -> UUID:
    where: Any = {"region_id": world.regions["east"].id, "time_zone": "Asia/Shanghai", "opening_hours": HOURS}
    async with unit_of_work(ground, world.hq) as work:
        return (await directory.open_store(work, code=name(), name="新店", **where)).id


def _news(world: World, amount: int) -> Given:
    said = {"source": "pos", "number": name(), "placedAt": NOON.isoformat(), "amount": amount, "currency": "CNY"}
    return said | {"storeId": str(world.shop.store.id)}


WRITES: dict[str, Prepare] = {
    "addRegion": new(hq, code=name, name="新区"),
    "renameRegion": rename_region,
    "moveRegion": move_region,
    "openStore": open_store,
    "editStore": of("store", hq, name=name),
    "closeStore": close_store,
    "reopenStore": reopen_store,
    "hireStaff": new(hq, number=name, name="新人", role="HQ", password="long enough"),
    "renameStaff": of_newcomer(name=name),
    "moveStaff": move_staff,
    "resetPassword": of_newcomer(password="long enough"),
    "closeAccess": of_newcomer(),
    "reopenAccess": reopen_access,
    "createCustomer": new_customer,
    "claimCustomer": claim_customer,
    "registerCustomer": new_customer,
    "editCustomer": of("customer", guide, name=name),
    "changePhone": of("customer", guide, phone=phone),
    "revealPhone": reveal_phone,
    "setDoNotContact": of("customer", guide, doNotContact=True),
    "setPrimaryRelationship": set_primary,
    "editRemark": edit_remark,
    "addNote": about_customer(body="喜欢浅色"),
    "editNote": of("note", guide, body="喜欢深色"),
    "noteVisit": about_customer(remark="试了大衣"),
    "recordOrder": record_order,
    "recordRefund": record_refund,
    "shipOrder": of("order", guide),
    "completeOrder": complete_order,
    "cancelOrder": cancel_order,
    "putProduct": put_product,
    "addTagGroup": new(hq, name=name),
    "renameTagGroup": of("tag_group", hq, name=name),
    "orderTagGroups": order_tag_groups,
    "addTag": add_tag,
    "editTag": of("tag", hq, name=name),
    "retireTag": of("tag", hq),
    "addTags": add_tags,
    "removeTags": remove_tags,
    "completeTask": of("task", guide, remark="约好周末来"),
    "snoozeTask": of("task", guide, until=soon),
    "cancelTask": of("task", guide),
    "createTask": create_task,
    "reassignRelationship": reassign,
    **writes_covers.WRITES,
    **writes_credit.WRITES,
    **writes_handover_plan.WRITES,
    **writes_handover_settling.WRITES,
    **writes_handover_move.WRITES,
    **writes_catalogue.WRITES,
    **writes_departing.WRITES,
    **writes_life.WRITES,
    **writes_orders.WRITES,
    **LIBRARY_WRITES,
    **PARTNER_WRITES,
    **writes_revisiting.WRITES,
    **writes_rules.WRITES,
    **writes_segments.WRITES,
    **writes_campaigns.WRITES,
    **writes_commission.WRITES,
    **AUDIT_WRITES,
    **HOOK_WRITES,
    **writes_workbench.WRITES,
    **writes_shares.WRITES,
    **writes_push.WRITES,
}
