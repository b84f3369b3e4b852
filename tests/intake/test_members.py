"""Members: what is told of them, where they are at home, and how they agree with orders in either order."""

import sqlite3
import zlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import select, text

from customers.models import Customer
from intake import errors
from intake.models import Kind
from kernel.work import Ground
from tasks.models import Trigger
from tests.intake.carrying import STAGING, VAULT, carry, counts, is_untouched, shipped, snapshot, write

NOON = datetime(2024, 3, 1, 12)  # noqa: DTZ001 - a cell of a workbook has no zone
HEADER = "会员号,姓名,手机号,生日,等级,城市,入会日期,谢绝联系,门店编码,导购工号"
WANG = "M001,王芳,13812345678,1990-02-03,金卡,上海,2020-05-01,,SH-01,1001"
LI = "M002,李娜,+44 20 7946 0958,,,,,是,SH-01,1002"
ZHAO = "M003,赵敏,,1988年12月31日,,,2021/01/02,,,"
ORDERS = "订单号,下单时间,会员号,门店编码,导购工号,商品编码,商品名称,数量,金额,类型"
BOUGHT = [
    'D1,2024-03-01 12:00,M001,SH-02,2001,a-1,羊绒大衣,1,"2,999.00",销售',
    "D1,2024-03-01 12:00,M001,SH-02,2001,YF,运费,1,10,销售",
    "D2,2024-03-02 12:00,M003,SH-01,1002,a-1,羊绒大衣,1,2999,销售",
    "D3,2024-03-03 12:00,,SH-02,,a-2,围巾,2,199.9,销售",
    "T1,2024-03-04 12:00,M001,SH-02,2001,a-1,羊绒大衣,-1,-2999,退货",
    "D4,2024-03-05 12:00,M001,SH-01,1002,a-2,围巾,1,99.95,销售",
    "D5,2024-03-05 12:00,M001,SH-01,1002,a-2,围巾,1,99.95,作废",
]


async def members(ground: Ground, path: Path) -> None:
    await carry(ground, path, shipped("members-zh", Kind.MEMBERS))


async def orders(ground: Ground, path: Path) -> None:
    await carry(ground, path, shipped("orders-zh"))


async def test_members_become_customers_held_by_their_guides(ground: Ground, tmp_path: Path) -> None:
    await members(ground, write(tmp_path / "m.csv", [HEADER, WANG, LI, ZHAO]))

    after = await snapshot(ground)
    assert [row.split(", ")[0:2] for row in after["customer"]] == [
        ["('M001'", "'王芳'"],
        ["('M002'", "'李娜'"],
        ["('M003'", "'赵敏'"],
    ]
    assert [
        "'M001', 'SH-01', '1001'" in after["relationship"][0],
        "'M002', 'SH-01', '1002'" in after["relationship"][1],
    ] == [True, True]
    assert len(after["relationship"]) == 2
    async with ground.db.read() as session:
        wang, li, _ = (await session.scalars(select(Customer).order_by(Customer.member_number))).all()
    assert wang.phone_sealed
    assert VAULT.open(wang.brand_id, wang.phone_sealed) == "+8613812345678"
    assert (wang.phone_masked, wang.tier, wang.city, str(wang.birthday)) == (
        "138****5678",
        "金卡",
        "上海",
        "1990-02-03",
    )
    assert (wang.do_not_contact, li.do_not_contact) == (False, True)
    assert await counts(ground, *STAGING, "revisit_rule") == [0, 0, 0, 0, len(Trigger)]


async def test_no_phone_is_readable_while_it_is_staged(ground: Ground, tmp_path: Path) -> None:
    seen: list[bytes] = []
    path = write(tmp_path / "m.csv", [HEADER, WANG])

    def progress(stage: str, _done: int, _total: int) -> None:
        if stage == "read" and ground.db.is_sqlite:
            with sqlite3.connect(str(ground.db.url.database)) as file:
                seen.extend(zlib.decompress(row[0]) for row in file.execute("select content from import_staged_member"))

    await carry(ground, path, shipped("members-zh", Kind.MEMBERS), progress=progress)

    assert all(b"13812345678" not in content for content in seen)
    assert bool(seen) is ground.db.is_sqlite


async def test_the_same_members_twice_change_nothing(ground: Ground, tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv", [HEADER, WANG, LI, ZHAO])
    await members(ground, path)
    before = await snapshot(ground)

    report = await carry(ground, path, shipped("members-zh", Kind.MEMBERS))

    assert report.counts["invoices"] == {"new": 0, "changed": 0, "unchanged": 3}
    assert await snapshot(ground) == before
    assert await counts(ground, *STAGING) == [0, 0, 0, 0]


async def test_a_tiers_last_day_is_read_where_the_file_has_it_and_forgotten_with_the_tier(
    ground: Ground, tmp_path: Path
) -> None:
    async def carried(*rows: str) -> list[tuple[str | None, str]]:
        await members(ground, write(tmp_path / "m.csv", ["会员号,姓名,等级,等级有效期" + _REST, *rows]))
        async with ground.db.read() as session:
            found = (await session.scalars(select(Customer).order_by(Customer.member_number))).all()
        return [(row.tier, str(row.tier_until)) for row in found]

    def row(number: str, tier: str, until: str) -> str:
        return f"{number},王芳,{tier},{until},,,,,,,"

    assert await carried(row("M1", "金卡", "2026-12-31"), row("M2", "银卡", "")) == [
        ("金卡", "2026-12-31"),
        ("银卡", "None"),
    ]
    assert await carried(row("M1", "", ""), row("M2", "", "2027年1月31日")) == [
        ("金卡", "2026-12-31"),
        ("银卡", "2027-01-31"),
    ]
    assert await carried(row("M1", "钻石", ""), row("M2", "金卡", "2028-01-31")) == [
        ("钻石", "None"),
        ("金卡", "2028-01-31"),
    ]


_REST = ",手机号,生日,城市,入会日期,谢绝联系,门店编码,导购工号"


async def test_a_later_file_adds_what_it_says_and_blank_cells_say_nothing(ground: Ground, tmp_path: Path) -> None:
    await members(ground, write(tmp_path / "m.csv", [HEADER, WANG, LI]))

    await members(
        ground, write(tmp_path / "n.csv", [HEADER, "M001,王芳,,,钻石,,,,SH-01,1001", "M002,李娜,,,,,,,SH-01,1002"])
    )

    rows = (await snapshot(ground))["customer"]
    assert "'钻石'" in rows[0]
    assert "138****5678" in rows[0]
    assert "True" in rows[1] or ", 1, " in rows[1]


@pytest.mark.parametrize("members_first", [True, False])
async def test_members_and_orders_agree_in_either_order(ground: Ground, tmp_path: Path, members_first: bool) -> None:
    people = write(tmp_path / "m.csv", [HEADER, WANG, ZHAO])
    bought = write(tmp_path / "o.csv", [ORDERS, *BOUGHT])

    if members_first:
        await members(ground, people)
        await orders(ground, bought)
    else:
        await orders(ground, bought)
        await members(ground, people)

    after = await snapshot(ground)
    held = [", ".join(row.split(", ")[:4]) for row in after["relationship"]]
    primary = "True" if not ground.db.is_sqlite else "1"
    other = "False" if not ground.db.is_sqlite else "0"
    assert held == [
        f"('M001', 'SH-01', '1001', {primary}",
        f"('M001', 'SH-02', '2001', {other}",
        f"('M003', 'SH-01', '1002', {primary}",
    ]
    assert [row.split(", ")[1:5] for row in after["order"]] == [
        ["'D1'", "'SH-02'", "'M001'", "'SH-02'"],
        ["'D2'", "'SH-01'", "'M003'", "'SH-01'"],
        ["'D3'", "'SH-02'", "None", "None"],
        ["'D4'", "'SH-01'", "'M001'", "'SH-01'"],
    ]
    assert "'T1', 'SH-02', 'M001', 'SH-02', 299900" in after["refund"][0]
    assert [", ".join(row.split(", ")[3:9]) for row in after["order_line"][:2]] == [
        "'A-1', '羊绒大衣', None, 'goods', 1, 299900",
        "'YF', '运费', None, 'service', 1, 1000",
    ]
    assert [row for row in after["imported_invoice"] if "'D5'" in row and ", 1, " in row]


async def test_a_phone_that_another_member_has_is_left_out_and_counted(ground: Ground, tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv", [HEADER, WANG, LI.replace("+44 20 7946 0958", "138-1234-5678")])

    report = await carry(ground, path, shipped("members-zh", Kind.MEMBERS))

    assert report.counts["shared_phones"] == 1
    assert await counts(ground, "customer where phone_index is not null") == [1]


@pytest.mark.parametrize(
    ("column", "row"),
    [
        ("手机号", WANG.replace("13812345678", "12345")),
        ("生日", WANG.replace("1990-02-03", "1990-02-30")),
        ("会员号", WANG.replace("M001", "")),
        ("姓名", WANG.replace("王芳", "")),
        ("会员号", LI.replace("M002", "M001")),
        ("城市", WANG.replace("上海", "长" * 61)),
    ],
)
async def test_a_bad_member_is_refused_without_repeating_what_the_cell_says(
    ground: Ground, tmp_path: Path, column: str, row: str
) -> None:
    path = write(tmp_path / "m.csv", [HEADER, WANG, row])

    with pytest.raises(errors.BadFile) as refused:
        await members(ground, path)

    assert (refused.value.facts["line"], refused.value.facts["column"]) == (3, column)
    assert "12345" not in refused.value.say("zh") + refused.value.say("en")
    assert await is_untouched(ground)


async def test_a_store_that_must_exist_is_not_made_up(ground: Ground, tmp_path: Path) -> None:
    mapping = shipped("members-zh", Kind.MEMBERS)
    strict = mapping.model_copy(update={"stores": [mapping.stores[0].model_copy(update={"must_exist": True})]})

    with pytest.raises(errors.PlaceUnknown) as refused:
        await carry(ground, write(tmp_path / "m.csv", [HEADER, ZHAO, WANG]), strict)

    assert (refused.value.facts["line"], refused.value.facts["column"]) == (3, "门店编码")
    assert await is_untouched(ground)


async def test_a_workbook_and_an_old_encoding_say_the_same_as_a_csv(ground: Ground, tmp_path: Path) -> None:
    await orders(ground, write(tmp_path / "o.csv", [ORDERS, *BOUGHT]))
    before = await snapshot(ground)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(ORDERS.split(","))
    sheet.append(["D1", NOON, "M001", "SH-02", 2001, "a-1", "羊绒大衣", 1, 2999.0, "销售"])
    sheet.append(["D1", NOON, "M001", "SH-02", "2001", "YF", "运费", 1.0, 10, "销售"])
    sheet.append([])
    sheet.append(["D3", NOON + timedelta(days=2), None, "SH-02", None, "a-2", "围巾", 2, 199.9, "销售"])
    book.save(tmp_path / "o.xlsx")
    old = shipped("orders-zh").model_copy(
        update={"file": shipped("orders-zh").file.model_copy(update={"encoding": "gb18030"})}
    )

    from_book = await carry(ground, tmp_path / "o.xlsx", shipped("orders-zh"))
    from_old = await carry(ground, write(tmp_path / "old.csv", [ORDERS, *BOUGHT], "gb18030"), old)

    assert from_book.counts["invoices"] == {"new": 0, "changed": 0, "unchanged": 2}
    assert from_old.counts["invoices"] == {"new": 0, "changed": 0, "unchanged": 6}
    assert await snapshot(ground) == before


async def test_a_brand_in_another_currency_is_refused(ground: Ground, tmp_path: Path) -> None:
    await members(ground, write(tmp_path / "m.csv", [HEADER, WANG]))

    with pytest.raises(errors.CurrencyDiffers):
        await carry(ground, write(tmp_path / "o.csv", ["x"]), shipped("online-retail"), brand_code="my-brand")

    async with ground.db.read() as session:
        assert await session.scalar(text("select count(*) from import_run where finished_at is null")) == 0


@pytest.mark.parametrize("code", ["", "Qinghe", "a b", "x" * 33, "青禾"])
async def test_a_brand_needs_a_code_that_reads_as_one(ground: Ground, tmp_path: Path, code: str) -> None:
    with pytest.raises(errors.BrandCodeWrong):
        await carry(ground, write(tmp_path / "m.csv", [HEADER, WANG]), brand_code=code or " ")

    assert await is_untouched(ground)


async def test_a_guide_who_is_named_in_two_stores_works_in_the_first(ground: Ground, tmp_path: Path) -> None:
    elsewhere = WANG.replace("M001", "M009").replace("SH-01", "SH-02").replace("13812345678", "")

    await members(ground, write(tmp_path / "m.csv", [HEADER, WANG, elsewhere]))

    after = await snapshot(ground)
    assert "'M001', 'SH-01', '1001'" in after["relationship"][0]
    assert "'M009', 'SH-02', None" in after["relationship"][1]
