"""Size and colour of what was bought come in with the lines, where a file has a column for them."""

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from intake.errors import MappingInvalid
from intake.models import Kind
from intake.models.invoice import SALE, Invoice, Line
from intake.models.mapping import AnyMapping, as_data
from intake.queries import mappings
from kernel.work import Ground
from mall.models import OrderLine
from tests.intake.carrying import carry, shipped, snapshot, write

HEADER = "订单号,下单时间,会员号,门店编码,导购工号,商品编码,商品名称,数量,金额,类型"
LINE = "D1,2024-03-01 12:00,M001,SH-02,2001,A-1,羊绒大衣,1,2999,销售"


async def variants(ground: Ground) -> list[str | None]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(col(OrderLine.variant)).order_by(col(OrderLine.line))))


async def carry_lines(ground: Ground, path: Path, *lines: str) -> None:
    await carry(ground, write(path, lines), shipped("orders-zh"))


@pytest.mark.parametrize("title", ["规格", "尺码颜色", "variant", "size"])
async def test_a_column_of_that_name_is_read(ground: Ground, tmp_path: Path, title: str) -> None:
    long = "码" * 150
    cells = ("雾蓝 M ", "", long)

    await carry_lines(ground, tmp_path / "o.csv", f"{HEADER},{title}", *(f"{LINE},{cell}" for cell in cells))

    assert await variants(ground) == ["雾蓝 M", None, "码" * 100]


async def test_a_file_without_such_a_column_is_read_as_ever_and_again_changes_nothing(
    ground: Ground, tmp_path: Path
) -> None:
    await carry_lines(ground, tmp_path / "o.csv", HEADER, LINE)
    before = await snapshot(ground)

    await carry_lines(ground, tmp_path / "again.csv", f"{HEADER},规格", f"{LINE},")

    assert await variants(ground) == [None]
    assert await snapshot(ground) == before


async def test_a_file_that_says_more_than_an_earlier_one_brings_it_in(ground: Ground, tmp_path: Path) -> None:
    await carry_lines(ground, tmp_path / "o.csv", HEADER, LINE)

    await carry_lines(ground, tmp_path / "more.csv", f"{HEADER},规格", f"{LINE},雾蓝 M")

    assert await variants(ground) == ["雾蓝 M"]
    before = await snapshot(ground)
    await carry_lines(ground, tmp_path / "less.csv", HEADER, LINE)
    assert await snapshot(ground) == before


def test_an_invoice_without_variants_is_the_same_as_before_there_were_any() -> None:
    line = Line(SALE, "", "goods", "A-1", "羊绒大衣", 1, "2999", 1_709_265_600)
    invoice = Invoice("M001", "", "SH-02", "2001", False, (line,))

    assert invoice.digest == "0a26774e66050c5a84e3eba961c1c441"


def test_a_mapping_names_the_column_in_one_way_only() -> None:
    data = as_data(shipped("orders-zh"))
    data["columns"] = {**data["columns"], "variant": "规格"}

    with pytest.raises(MappingInvalid, match="variant_columns"):
        mappings.parse("mine", data, Kind.ORDERS)

    parsed: AnyMapping = mappings.parse("mine", data | {"variant_columns": []}, Kind.ORDERS)
    assert parsed.optional_columns == {}
