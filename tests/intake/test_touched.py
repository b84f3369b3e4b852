"""What people have done is not undone by a file."""

from pathlib import Path

from sqlalchemy import select, text

from customers.models import Customer, HoldingReason, Relationship
from kernel import clock, ids
from kernel.work import Ground
from tests.factories import save
from tests.intake.carrying import carry, snapshot, write

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
LATE = "600100,71053,LANTERN,1,2011-05-05T10:00:00,3.39,12400,Iceland"
EARLY = "600001,71053,LANTERN,2,2011-02-03T10:00:00,3.39,12400,Spain"
OTHER = "600002,71053,LANTERN,1,2011-02-04T10:00:00,3.39,12448,Iceland"


async def say(ground: Ground, statement: str, **values: object) -> None:
    async with ground.db.write() as session:
        await session.execute(text(statement), values)


async def test_a_touched_relationship_stays_and_takes_the_new_orders(ground: Ground, tmp_path: Path) -> None:
    await carry(ground, write(tmp_path / "late.csv", [HEADER, LATE]))
    await say(ground, "update relationship set touched_at = created_at")

    await carry(ground, write(tmp_path / "early.csv", [HEADER, EARLY]))

    after = await snapshot(ground)
    assert len(after["relationship"]) == 1
    assert "'12400', 'Iceland', 'Iceland-G1'" in after["relationship"][0]
    assert [row.split(", ")[2] for row in after["order"]] == ["'Iceland'", "'Iceland'"]
    assert not [row for row in after["store"] if "Spain" in row and "Iceland" in row]


async def test_a_relationship_that_was_handed_over_stays(ground: Ground, tmp_path: Path) -> None:
    await carry(ground, write(tmp_path / "late.csv", [HEADER, LATE, OTHER]))
    await say(ground, "update holding set reason = :reason", reason=HoldingReason.HANDOVER.value)
    before = (await snapshot(ground))["relationship"]

    await carry(ground, write(tmp_path / "early.csv", [HEADER, EARLY]))

    assert (await snapshot(ground))["relationship"] == before


async def test_a_relationship_that_buys_elsewhere_too_stays(ground: Ground, tmp_path: Path) -> None:
    await carry(ground, write(tmp_path / "late.csv", [HEADER, LATE]))
    await say(ground, "update mall_order set channel = 'pos', source = 'till'")

    await carry(ground, write(tmp_path / "early.csv", [HEADER, EARLY]))

    assert "'12400', 'Iceland', 'Iceland-G1'" in (await snapshot(ground))["relationship"][0]


async def test_a_store_somebody_has_changed_is_not_taken_back(ground: Ground, tmp_path: Path) -> None:
    await carry(ground, write(tmp_path / "late.csv", [HEADER, LATE]))
    await say(ground, "update store set version = 2, name = 'Reykjavik'")

    await carry(ground, write(tmp_path / "early.csv", [HEADER, EARLY]))

    after = await snapshot(ground)
    assert "'12400', 'Spain', 'Spain-G1'" in after["relationship"][0]
    assert [row for row in after["store"] if "Reykjavik" in row]


async def test_a_guide_who_has_left_gets_nobody_new(ground: Ground, tmp_path: Path) -> None:
    await carry(ground, write(tmp_path / "late.csv", [HEADER, LATE]))
    await say(ground, "update staff set state = 'departed' where number = 'Iceland-G1'")

    await carry(ground, write(tmp_path / "other.csv", [HEADER, OTHER]))

    after = await snapshot(ground)
    assert [row for row in after["relationship"] if "'12448', 'Iceland', None" in row]
    assert [row for row in after["credit"] if "'600002', 'Iceland', None, 'store'" in row]


async def test_a_product_that_was_edited_keeps_its_name(ground: Ground, tmp_path: Path) -> None:
    await carry(ground, write(tmp_path / "early.csv", [HEADER, EARLY]))
    await say(ground, "update product set name = 'Lantern, white', is_kept = true")

    await carry(ground, write(tmp_path / "late.csv", [HEADER, LATE]))

    assert (await snapshot(ground))["product"] == ["('71053', 'Lantern, white', None, 339)"]


async def test_a_customer_whom_somebody_registered_keeps_their_place(ground: Ground, tmp_path: Path) -> None:
    await carry(ground, write(tmp_path / "other.csv", [HEADER, OTHER]))
    async with ground.db.read() as session:
        present = (await session.scalars(select(Relationship))).one()
    at = clock.now()
    customer = Customer(brand_id=present.brand_id, id=ids.new(), member_number="12400", name="王芳", joined_at=at)
    known = Relationship(
        brand_id=present.brand_id,
        id=ids.new(),
        customer_id=customer.id,
        store_id=present.store_id,
        holder_id=present.holder_id,
        is_primary=True,
        touched_at=at,
        created_at=at,
    )
    await save(ground, customer, known)

    await carry(ground, write(tmp_path / "early.csv", [HEADER, EARLY]))

    after = await snapshot(ground)
    assert [row for row in after["customer"] if "'12400', '王芳'" in row]
    assert [row for row in after["order"] if "'600001', 'Iceland', '12400', 'Iceland'" in row]
