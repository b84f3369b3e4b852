"""The catalogue through GraphQL: kept by machines and by hand, and looked through by everybody."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from kernel import clock, ids
from kernel.actor import Actor, Role
from kernel.work import Ground
from mall.models import MallSetting, OrderLine, Product, Sku
from tests.asking import ask
from tests.factories import World, build_customer, build_world, save
from tests.mall.trading import count, till
from tests.schema.test_mall import RECORD, order_input
from tests.statements import statements

PUT = """
mutation ($input: [ProductInput!]!, $key: String) {
  putProducts(input: $input, idempotencyKey: $key) {
    ... on ProductsPut { changed { code version } places { feed } }
    ... on Problem { code message }
  }
}
"""
COUNT = """
mutation ($rows: [StockInput!]!, $key: String) {
  putStock(rows: $rows, idempotencyKey: $key) {
    ... on StockPut { taken places { feed } }
    ... on Problem { code message }
  }
}
"""
ADD = """
mutation ($key: String) {
  addProduct(name: "手工皂", price: 3900, quantity: 12, idempotencyKey: $key) {
    ... on ProductChanged { product { id code price skus { id code product { code } stock { quantity storeCode } } } }
    ... on Problem { code }
  }
}
"""
SHELF = """
{ products { edges { node {
  code images isWithdrawn
  skus { code variant barcode price isWithdrawn product { code } stock { quantity } stocks { storeCode quantity } }
} } } }
"""


def shirt(code: str = "S1", **also: Any) -> dict[str, Any]:
    skus = [{"code": f"{code}-M", "variant": "M", "barcode": "690"}, {"code": f"{code}-L", "price": 69_900}]
    return {"code": code, "name": "真丝衬衫", "price": 59_900, "skus": skus} | also


def counted(world: World, sku: str, quantity: int, shop: int = 0) -> dict[str, Any]:
    at = (clock.now() - timedelta(minutes=1)).isoformat()
    return {"skuCode": sku, "quantity": quantity, "countedAt": at, "storeCode": world.shops[shop].store.code}


async def furnish(ground: Ground, world: World, many: int = 1) -> Actor:
    """So many products with SKUs, of which two stores have some."""
    machine = till(world, "products:write")
    codes = [f"S{number}" for number in range(1, many + 1)]
    await ask(ground, machine, PUT, input=[shirt(code, images=["https://i.example.com/1.jpg"]) for code in codes])
    rows = [counted(world, f"{code}-M", 2 + shop, shop) for code in codes for shop in (0, 1)]
    await ask(ground, machine, COUNT, rows=rows)
    return machine


async def test_a_machine_puts_products_and_counts_once_per_key(ground: Ground) -> None:
    world = await build_world(ground)
    machine = till(world, "products:write")
    rows = [counted(world, "S1-M", 3)]

    first, again = [await ask(ground, machine, PUT, input=[shirt()], key="p") for _ in range(2)]
    other = await ask(ground, machine, PUT, input=[shirt()])
    counts = [await ask(ground, machine, COUNT, rows=rows, key=key) for key in ("s", "s", None)]

    assert first == again == {"putProducts": {"changed": [{"code": "S1", "version": 1}], "places": []}}
    assert other["putProducts"]["changed"] == []
    assert [each["putStock"]["taken"] for each in counts] == [1, 1, 0]


async def test_what_is_left_out_stays_and_null_takes_it_away(ground: Ground) -> None:
    world = await build_world(ground)
    full = shirt(category="上衣", images=["https://i.example.com/1.jpg"], listedOn="2026-03-01", isWithdrawn=True)
    await ask(ground, world.hq, PUT, input=[full])

    await ask(ground, world.hq, PUT, input=[shirt(skus=[{"code": "S1-M"}])])
    kept = await _product(ground, world)
    gone: dict[str, Any] = {"category": None, "images": None, "listedOn": None, "isWithdrawn": None}
    await ask(ground, world.hq, PUT, input=[shirt(skus=[{"code": "S1-M", "barcode": None}], **gone)])
    bare = await _product(ground, world)

    assert (kept["category"], len(kept["images"]), kept["listedOn"], kept["isWithdrawn"]) == (
        "上衣",
        1,
        "2026-03-01",
        True,
    )
    assert (bare["category"], bare["images"], bare["listedOn"], bare["isWithdrawn"]) == (None, [], None, False)
    assert [sku["barcode"] for sku in kept["skus"]] == [None, "690"]
    assert [(sku["barcode"], sku["variant"]) for sku in bare["skus"]] == [(None, None), (None, "M")]


async def test_refusals_name_the_place(ground: Ground) -> None:
    world = await build_world(ground)
    wrong = shirt(skus=[{"code": "A"}, {"code": "B", "price": -1}])

    refused = await ask(ground, world.hq, PUT, input=[shirt("S0"), wrong])
    unknown = await ask(ground, world.hq, COUNT, rows=[counted(world, "S9", 1)])
    forbidden = await ask(ground, world.shop.manager, PUT, input=[shirt()])

    assert refused["putProducts"]["code"] == "INVALID"
    assert "input.1.skus.1.price" in refused["putProducts"]["message"]
    assert (unknown["putStock"]["code"], "S9" in unknown["putStock"]["message"]) == ("SKU_UNKNOWN", True)
    assert forbidden["putProducts"]["code"] == "FORBIDDEN"
    assert await count(ground, world.brand.id, Product) == 0


async def test_a_manager_adds_a_product_by_hand_and_a_guide_where_the_brand_lets_them(ground: Ground) -> None:
    world = await build_world(ground)
    guide, manager = world.shop.guide, world.shop.manager

    refused = await ask(ground, guide, ADD)
    once, again = [(await ask(ground, manager, ADD, key="k"))["addProduct"]["product"] for _ in range(2)]
    await save(ground, MallSetting(brand_id=world.brand.id, guides_may_add_products=True))
    guides = (await ask(ground, guide, ADD))["addProduct"]["product"]
    [sku] = once["skus"]
    recount = """mutation ($id: ID!) { setStock(skuId: $id, quantity: 5) {
        ... on StockChanged { sku { stock { quantity } stocks { storeCode quantity } } } ... on Problem { code } } }"""
    after = await ask(ground, guide, recount, id=sku["id"])
    nothing = await ask(ground, guide, recount, id=str(ids.new()))

    assert refused["addProduct"] == {"code": "FORBIDDEN"}
    assert once == again != guides
    assert (sku["code"], sku["product"]["code"]) == (once["code"], once["code"])
    assert sku["stock"] == {"quantity": 12, "storeCode": world.shop.store.code}
    assert after["setStock"]["sku"]["stocks"] == [{"storeCode": world.shop.store.code, "quantity": 5}]
    assert nothing["setStock"] == {"code": "NOT_FOUND"}
    assert await count(ground, world.brand.id, Product) == 2


async def test_a_guide_finds_a_size_in_another_store_of_the_brand_and_of_no_other(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    await furnish(ground, world)
    await furnish(ground, other)
    asked = """query ($store: ID) { skusByBarcode(barcode: "690") {
        code stock(storeId: $store) { storeName storeId quantity } stocks { storeCode quantity } } }"""

    own = await ask(ground, world.shop.guide, asked)
    next_door = await ask(ground, world.shop.guide, asked, store=str(world.shops[1].store.id))
    foreign = await ask(ground, world.shop.guide, asked, store=str(other.shop.store.id))

    [sku] = own["skusByBarcode"]
    assert (sku["stock"]["quantity"], next_door["skusByBarcode"][0]["stock"]["quantity"]) == (2, 3)
    assert sku["stocks"] == [{"storeCode": "qinghe-2", "quantity": 3}, {"storeCode": "qinghe-1", "quantity": 2}]
    assert foreign["skusByBarcode"][0]["stock"] is None


async def test_the_catalogue_is_looked_through_in_every_way(ground: Ground) -> None:
    world = await build_world(ground)
    await furnish(ground, world, 2)
    await ask(ground, world.hq, PUT, input=[shirt("S2", category="上衣", isWithdrawn=True, skus=[])])
    asked = """query ($here: ID, $far: ID) {
        text: products(text: "衬衫", onlyOffered: true) { edges { node { code } } }
        here: products(inStockIn: $here) { edges { node { code } } }
        far: products(inStockIn: $far) { edges { node { code } } }
        productByCode(code: "S2") { isWithdrawn } none: productByCode(code: "S9") { id }
        skuByCode(code: "S2-L") { price product { code } } nothing: skuByCode(code: "S2") { id }
        categories { name products offered }
    }"""

    found = await ask(ground, world.shop.guide, asked, here=str(world.shop.store.id), far=str(world.shops[2].store.id))

    codes = {name: [edge["node"]["code"] for edge in found[name]["edges"]] for name in ("text", "here", "far")}
    assert codes == {"text": ["S1"], "here": ["S1", "S2"], "far": []}
    assert (found["productByCode"], found["none"], found["nothing"]) == ({"isWithdrawn": True}, None, None)
    assert found["skuByCode"] == {"price": 69_900, "product": {"code": "S2"}}
    assert found["categories"] == [{"name": "上衣", "products": 1, "offered": 0}]


async def test_one_product_and_three_take_the_same_statements(ground: Ground) -> None:
    one, three = await build_world(ground, "one"), await build_world(ground, "three")
    await furnish(ground, one)
    await furnish(ground, three, 3)

    sent = []
    for world in (one, three):
        with statements(ground) as found:
            shown = await ask(ground, world.shop.guide, SHELF)
        sent.append(len(found))

    assert sent[0] == sent[1]
    assert [len(edge["node"]["skus"]) for edge in shown["products"]["edges"]] == [2, 2, 2]


async def test_the_lines_of_an_order_name_the_sku_where_the_catalogue_knows_it(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await furnish(ground, world, 2)
    usual = {"name": "真丝衬衫", "quantity": 1, "amount": 100}
    lines = [
        usual | {"productCode": "S1", "skuCode": "S1-M"},
        usual | {"productCode": "S1", "skuCode": "S2-L"},
        usual | {"productCode": "S1", "skuCode": "unknown"},
        usual | {"productCode": "unknown", "skuCode": "S1-L"},
        usual | {"productCode": "S2"},
    ]
    machine = till(world, "orders:write", "orders:read")
    given = order_input(world, memberNumber=customer.member_number, amount=500, lines=lines)
    order = (await ask(ground, machine, RECORD, input=given))["recordOrder"]["order"]

    asked = "query ($id: ID!) { order(id: $id) { lines { productCode skuCode product { code } sku { code } } } }"
    found = (await ask(ground, world.shop.guide, asked, id=order["id"]))["order"]["lines"]

    assert [(_code(line["product"]), _code(line["sku"])) for line in found] == [
        ("S1", "S1-M"),
        ("S2", "S2-L"),
        ("S1", None),
        ("S1", "S1-L"),
        ("S2", None),
    ]
    assert [line["productCode"] for line in found] == ["S1", "S1", "S1", "unknown", "S2"]


async def test_a_sku_of_another_brand_is_not_the_lines(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    await furnish(ground, other)
    machine = Actor(
        brand_id=world.brand.id, id=ids.new(), role=Role.SERVICE, scopes=frozenset({"orders:write", "orders:read"})
    )
    line = {"productCode": "S1", "skuCode": "S1-M", "name": "衬衫", "quantity": 1, "amount": 1}
    await ask(ground, machine, RECORD, input=order_input(world, amount=1, lines=[line]))

    async with ground.db.read() as session:
        kept = await session.scalars(select(OrderLine).where(col(OrderLine.brand_id) == world.brand.id))
        [only] = kept.all()

    assert (only.sku_code, only.sku_id, only.product_id) == ("S1-M", None, None)
    assert await count(ground, world.brand.id, Sku) == 0


async def _product(ground: Ground, world: World) -> dict[str, Any]:
    asked = """{ productByCode(code: "S1") { category images listedOn isWithdrawn skus { code barcode variant } } }"""
    found: dict[str, Any] = (await ask(ground, world.hq, asked))["productByCode"]
    return found


def _code(row: dict[str, str] | None) -> str | None:
    return row["code"] if row else None
