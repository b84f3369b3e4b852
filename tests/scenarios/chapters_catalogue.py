"""Products come from machines, from headquarters and by hand; no phone is told of any of it."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from mall.models import Sku
from tests.scenarios.stage import MACHINE, Stage
from tests.scenarios.story import Deed, Step, ago, only

SHIRT: dict[str, Any] = {
    "code": "S1",
    "name": "真丝衬衫",
    "price": 59_900,
    "category": "上衣",
    "images": ["https://img.example.com/s1.jpg"],
    "listedOn": "2026-02-01",
    "isWithdrawn": False,
    "skus": [
        {"code": "S1-M", "variant": "M", "barcode": "6901234567892", "price": 61_900, "isWithdrawn": False},
        {"code": "S1-L"},
    ],
}


def count(sku: str, quantity: int, **where: Any) -> dict[str, Any]:
    return {"skuCode": sku, "quantity": quantity, "countedAt": ago(minutes=5)} | where


async def look_for_sku(stage: Stage) -> None:
    """The manager scans what they have just added."""
    async with stage.ground.db.read() as session:
        found = await session.scalar(
            select(col(Sku.id)).where(col(Sku.brand_id) == stage.world.brand.id, col(Sku.code) == "S1-L")
        )
    stage.things["S1-L"] = str(found)


CATALOGUE: list[Step | Deed] = [
    Step("putProducts", MACHINE, only(input=[SHIRT])),
    Step("putProduct", "hq", only(code="S2", name="围巾", price=9_900, images=[], isWithdrawn=True)),
    Step("putStock", MACHINE, only(rows=[count("S1-M", 3, storeCode="ours-1")])),
    Step("putStock", "hq", lambda s: {"rows": [count("S1-L", 2, storeId=s.shop(2))]}),
    Step(
        "addProduct",
        "manager",
        only(name="手工皂", price=3_900, category="家居", images=["https://img.example.com/z.jpg"], quantity=12),
    ),
    Deed("the SKU is looked for", look_for_sku),
    Step("setStock", "manager", lambda s: {"skuId": s.things["S1-L"], "quantity": 4, "countedAt": ago(minutes=1)}),
]
