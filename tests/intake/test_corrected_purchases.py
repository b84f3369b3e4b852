"""What files correct, profiles follow: amounts, other customers, invoices that turn out to be nothing."""

from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel.work import Ground
from mall.models import PurchaseProfile
from server.worker import Worker
from tests.intake.carrying import carry, shipped, write

HEADER = "订单号,下单时间,会员号,门店编码,导购工号,商品编码,商品名称,数量,金额,类型"
BEFORE = "Z0,2024-03-01 12:00,M009,SH-02,2001,A-1,羊绒大衣,1,1,销售"
AFTER = "Z9,2024-03-01 12:00,M009,SH-02,2001,A-1,羊绒大衣,1,1,销售"


async def told(ground: Ground, path: Path, *lines: str) -> dict[str, tuple[int, int, int]]:
    """Orders, gross and refunds by member number, once a file with these lines is in and its jobs are done."""
    # Neither of the edges, where a file may have been cut.
    await carry(ground, write(path, [HEADER, BEFORE, *lines, AFTER]), shipped("orders-zh"))
    while await Worker(ground).sweep_once():
        pass
    async with ground.db.read() as session:
        found = await session.execute(
            select(
                col(Customer.member_number),
                col(PurchaseProfile.orders),
                col(PurchaseProfile.gross),
                col(PurchaseProfile.refunds),
            )
            .join(
                PurchaseProfile,
                (col(PurchaseProfile.brand_id) == col(Customer.brand_id))
                & (col(PurchaseProfile.customer_id) == col(Customer.id)),
            )
            .where(col(Customer.member_number) != "M009")
        )
        return {number: (orders, gross, refunds) for number, orders, gross, refunds in found}


async def test_profiles_follow_what_a_later_file_corrects(ground: Ground, tmp_path: Path) -> None:
    sold = "D1,2024-03-01 12:00,{},SH-02,2001,A-1,羊绒大衣,1,{},{}"

    first = await told(ground, tmp_path / "1.csv", sold.format("M001", 2999, "销售"))
    dearer = await told(ground, tmp_path / "2.csv", sold.format("M001", 3999, "销售"))
    someone_elses = await told(ground, tmp_path / "3.csv", sold.format("M002", 3999, "销售"))
    nothing = await told(ground, tmp_path / "4.csv", sold.format("M002", 3999, "作废"))
    given_back = await told(ground, tmp_path / "5.csv", "T1,2024-03-04 12:00,M002,SH-02,2001,A-1,羊绒大衣,-1,-5,退货")

    assert first == {"M001": (1, 299_900, 0)}
    assert dearer == {"M001": (1, 399_900, 0)}
    assert someone_elses == {"M001": (0, 0, 0), "M002": (1, 399_900, 0)}
    assert nothing == {"M001": (0, 0, 0), "M002": (0, 0, 0)}
    assert given_back == {"M001": (0, 0, 0), "M002": (0, 0, 500)}
