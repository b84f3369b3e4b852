"""Files of products and of stock: all of it right or nothing, and twice as good as once."""

import csv
import gzip
import io
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import select
from sqlmodel import col

import server.goods_files
from intake.errors import ColumnMissing, FileEmpty, GoodsFileWrong, MappingInvalid, RowWidthWrong
from intake.models.goods_mapping import AnyGoodsMapping, GoodsKind
from intake.queries import mappings
from kernel.actor import Actor, system
from kernel.errors import Forbidden
from kernel.feed import FeedEvent
from kernel.work import Ground
from mall.models import Product, Sku, Stock
from server.goods_files import Tally, carry_in
from tests.factories import World, build_world
from tests.intake.carrying import write
from tests.mall.test_catalogue import news, put, shelf
from tests.mall.test_stock import shelves
from tests.mall.trading import count, till
from tests.server.test_importing import home
from tests.server.typed import daogou
from tests.serving import Served, serving

__all__ = ["home"]

HEADER = "商品编码,商品名称,吊牌价,SKU编码,规格,条码,规格价,类目,图片,上架日期,下架"
LINES = [
    "P1,羊绒衫,1999,P1-M,M,690001,,上装,https://i.example.com/1.jpg;https://i.example.com/2.jpg,2026-03-01,",
    'P2,围巾,"1,299.50",,,,,,,,是',
    "P1,羊绒衫,1999,P1-L,L,690002,2099,上装,https://i.example.com/1.jpg;https://i.example.com/2.jpg,2026-03-01,",
]
IMAGES = ["https://i.example.com/1.jpg", "https://i.example.com/2.jpg"]
SHELF = [
    ("P1", "羊绒衫", 199_900, "上装", IMAGES, False, 1, "P1-L", "L", "690002", 209_900, 1),
    ("P1", "羊绒衫", 199_900, "上装", IMAGES, False, 1, "P1-M", "M", "690001", None, 1),
    ("P2", "围巾", 129_950, None, [], True, 1, "P2", None, None, None, 1),
]
STOCK_HEADER = "门店编码,SKU编码,库存,盘点时间"


def zh(kind: GoodsKind = GoodsKind.PRODUCTS, **changes: Any) -> AnyGoodsMapping:
    return mappings.load_goods(f"{kind.value}-zh", kind).model_copy(update=changes)


async def carry(
    ground: Ground, world: World, path: Path, mapping: AnyGoodsMapping | None = None, *, is_dry: bool = False
) -> Tally:
    return await carry_in(ground, system(world.brand.id), path, mapping or zh(), is_dry=is_dry)


@pytest.mark.parametrize("form", ["csv", "gb18030", "gz", "xlsx"])
async def test_a_file_comes_in_whole_and_a_second_time_changes_nothing(
    ground: Ground, tmp_path: Path, form: str
) -> None:
    world = await build_world(ground)
    path = _as(form, tmp_path, [HEADER, *LINES])

    tried = await carry(ground, world, path, is_dry=True)
    nothing = await shelf(ground, world)
    done = await carry(ground, world, path)
    once = await shelf(ground, world)
    again = await carry(ground, world, path)

    assert nothing == []
    assert once == SHELF == await shelf(ground, world)
    added = {"rows": 3, "productsAdded": 2, "productsChanged": 0, "productsUnchanged": 0}
    assert tried.said(GoodsKind.PRODUCTS) == done.said(GoodsKind.PRODUCTS)
    assert done.said(GoodsKind.PRODUCTS) == added | {"skusAdded": 3, "skusChanged": 0, "skusUnchanged": 0}
    assert (again.products.unchanged, again.skus.unchanged, again.products.added) == (2, 3, 0)
    assert await count(ground, world.brand.id, FeedEvent) == 0


async def test_what_a_file_leaves_blank_stays_and_rows_apart_are_one_product(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps of one row, so that the two rows of a product are in different ones."""
    monkeypatch.setattr("intake.commands.goods_file.reading.AT_ONCE", 1)
    world = await build_world(ground)
    path = write(tmp_path / "a.csv", [HEADER, *LINES])
    tried = await carry(ground, world, path, is_dry=True)
    done = await carry(ground, world, path)

    blank = write(tmp_path / "b.csv", ["商品编码,商品名称,吊牌价,SKU编码", "P1,羊绒开衫,1999,P1-M"])
    changed = await carry(ground, world, blank)

    assert tried.said(GoodsKind.PRODUCTS) == done.said(GoodsKind.PRODUCTS)
    assert (done.products.added, done.skus.added) == (2, 3)
    assert (changed.products.changed, changed.skus.unchanged) == (1, 1)
    kept = await shelf(ground, world)
    assert [row[1:4] for row in kept] == [("羊绒开衫", 199_900, "上装")] * 2 + [("围巾", 129_950, None)]
    assert kept[1][7:] == ("P1-M", "M", "690001", None, 1)


async def test_a_file_cut_off_on_the_way_is_finished_by_sending_it_again(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    monkeypatch.setattr("intake.commands.goods_file.reading.AT_ONCE", 1)
    path = write(tmp_path / "a.csv", [HEADER, *LINES])

    with monkeypatch.context() as patched:
        steps = iter([server.goods_files._step])
        patched.setattr(server.goods_files, "_step", lambda *given: next(steps)(*given))
        with pytest.raises((StopIteration, RuntimeError)):
            await carry(ground, world, path)
    half = await count(ground, world.brand.id, Sku)
    await carry(ground, world, path)

    assert half == 1
    assert await shelf(ground, world) == SHELF


async def test_all_that_is_wrong_is_named_by_line_and_column_and_nothing_is_put(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    path = write(
        tmp_path / "wrong.csv",
        [
            HEADER,
            LINES[0],
            ",无码,1,,,,,,,,",
            "P3,裙,1.005,,,,,,,,",
            "P4,裤,一百,,,,,,,,",
            "P5,衫,1,P1-M,,,,,,,",
            "P1,别的,1999,P1-S,,,,,,,",
            f"P6,帽,1,,,{'6' * 33},,,,,",
            "P7,袜,1,,,,,,http://i.example.com/1.jpg,,",
            "P8,鞋,1,,,,,,,2026-02-30,",
            "P9,带,-1,,,,,,,,",
        ],
    )

    with pytest.raises(GoodsFileWrong) as refused:
        await carry(ground, world, path)

    assert [(wrong.line, wrong.column) for wrong in refused.value.problems] == [
        (3, "商品编码"),
        (4, "吊牌价"),
        (5, "吊牌价"),
        (6, "SKU编码"),
        (7, "商品编码"),
        (8, "条码"),
        (9, "图片"),
        (10, "上架日期"),
        (11, "吊牌价"),
    ]
    assert "与第 2 行重复" in str(refused.value.problems[3].said("zh")["reason"])
    assert await count(ground, world.brand.id, Product) == 0


async def test_a_file_that_is_no_such_file_is_refused(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    refusals: dict[type[Exception], Sequence[str]] = {
        ColumnMissing: ["商品编码,商品名称", "P1,衫"],
        RowWidthWrong: [HEADER, LINES[0], "P2,衫"],
        FileEmpty: [HEADER],
    }

    for refusal, lines in refusals.items():
        with pytest.raises(refusal):
            await carry(ground, world, write(tmp_path / "a.csv", list(lines)))
    for actor in (world.shop.manager, world.shop.guide, till(world)):
        with pytest.raises(Forbidden):
            await carry_in(ground, actor, tmp_path / "a.csv", zh(), is_dry=False)

    assert await count(ground, world.brand.id, Product) == 0


async def test_too_many_skus_together_with_those_that_are_there_are_refused_with_the_line(
    ground: Ground, tmp_path: Path
) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", *(f"A{number}" for number in range(199))))

    with pytest.raises(GoodsFileWrong) as refused:
        await carry(ground, world, write(tmp_path / "a.csv", [HEADER, *LINES]))

    assert [(wrong.line, wrong.column) for wrong in refused.value.problems] == [(2, "商品编码")]
    assert "nothing was changed" in str(refused.value)
    assert await count(ground, world.brand.id, Product) == 1


async def test_a_file_that_stops_on_the_way_says_how_much_of_it_was_put(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps of two rows; the catalogue is in the way of the third and the fourth."""
    monkeypatch.setattr("intake.commands.goods_file.reading.AT_ONCE", 2)
    world = await build_world(ground)
    await put(ground, world, news("P1", *(f"A{number}" for number in range(199))))
    fine = [f"N{number},新品,100,,,,,,,," for number in range(2)]
    path = write(tmp_path / "a.csv", [HEADER, *fine, LINES[0], LINES[2], "N9,新品,100,,,,,,,,"])

    with pytest.raises(GoodsFileWrong) as tried:
        await carry(ground, world, path, is_dry=True)
    nothing = await count(ground, world.brand.id, Product)
    with pytest.raises(GoodsFileWrong) as refused:
        await carry(ground, world, path)

    assert "nothing was changed" in tried.value.say("en")
    assert "未做任何更改" in tried.value.say("zh")
    assert nothing == 1
    assert "the first 2 rows were put, the others were not" in refused.value.say("en")
    assert "已写入前 2 行，其余未写入" in refused.value.say("zh")
    assert [(wrong.line, wrong.column) for wrong in refused.value.problems] == [(4, "商品编码")]
    async with ground.db.read() as session:
        codes = await session.scalars(select(col(Product.code)).where(col(Product.brand_id) == world.brand.id))
        assert sorted(codes) == ["N0", "N1", "P1"]


async def test_counts_come_in_and_older_files_never_overwrite_newer_ones(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", "A", "B"))
    stock = zh(GoodsKind.STOCK)
    new = write(
        tmp_path / "new.csv",
        [
            STOCK_HEADER,
            "qinghe-1,A,5,2026-03-02 12:00",
            "qinghe-2,A,2,2026-03-02 12:00",
            "qinghe-1,B,0,2026/03/02 12:01",
        ],
    )
    old = write(tmp_path / "old.csv", [STOCK_HEADER, "qinghe-1,A,9,2026-03-01", "qinghe-2,B,1,2026-03-02 12:00"])

    tried = await carry(ground, world, new, stock, is_dry=True)
    nothing = await count(ground, world.brand.id, Stock)
    first, late, again = [await carry(ground, world, path, stock) for path in (new, old, new)]

    assert (tried.taken, nothing, first.taken, late.taken) == (3, 0, 3, 1)
    assert again.said(GoodsKind.STOCK) == {"rows": 3, "taken": 0, "unchanged": 3, "leftOut": 0}
    assert await shelves(ground, world) == [
        ("qinghe-1", "A", 5, 0),
        ("qinghe-1", "B", 0, 1),
        ("qinghe-2", "A", 2, 0),
        ("qinghe-2", "B", 1, 0),
    ]


async def test_wrong_counts_are_named_by_line_and_column_and_none_is_taken(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", "A"))
    lines = [
        STOCK_HEADER,
        "qinghe-1,A,5,2026-03-02 12:00",
        "nowhere,A,5,2026-03-02 12:00",
        "qinghe-1,Z,5,2026-03-02 12:00",
        "qinghe-1,A,-1,",
        "qinghe-1,A,1.5,",
        "qinghe-1,A,6,2026-03-02 12:00",
        "qinghe-1,A,6,2199-03-02 12:00",
    ]
    path = write(tmp_path / "a.csv", lines)

    with pytest.raises(GoodsFileWrong) as refused:
        await carry(ground, world, path, zh(GoodsKind.STOCK))
    nothing = await count(ground, world.brand.id, Stock)
    left_out = await carry(
        ground,
        world,
        write(tmp_path / "b.csv", [lines[0], lines[1], lines[3]]),
        zh(GoodsKind.STOCK, unknown_skus="leave_out"),
    )

    assert [(wrong.line, wrong.column) for wrong in refused.value.problems] == [
        (3, "门店编码"),
        (4, "SKU编码"),
        (5, "库存"),
        (6, "库存"),
        (7, "SKU编码"),
        (8, "盘点时间"),
    ]
    assert nothing == 0
    assert (left_out.taken, left_out.left_out) == (1, 1)


@pytest.mark.parametrize("name", ["products-zh", "products-en", "stock-zh", "stock-en"])
def test_a_shipped_mapping_is_sound(name: str) -> None:
    kind = GoodsKind(name.partition("-")[0])

    assert mappings.load_goods(name, kind).name == name
    with pytest.raises(MappingInvalid):
        mappings.load_goods(name, GoodsKind.STOCK if kind is GoodsKind.PRODUCTS else GoodsKind.PRODUCTS)


def test_a_mapping_with_a_field_that_there_is_not_is_refused_with_the_place(tmp_path: Path) -> None:
    shipped = mappings.shipped()["products-en"].read_text(encoding="utf-8")
    wrong = {
        "columns": shipped.replace('price = "price"\n', ""),
        "optional.colour": shipped.replace("variant =", "colour ="),
        "optional.price": shipped.replace('sku = ["sku"]', 'sku = ["sku"]\nprice = ["price"]'),
    }
    for place, text in wrong.items():
        mine = tmp_path / "mine.toml"
        mine.write_text(text, encoding="utf-8")
        with pytest.raises(MappingInvalid) as refused:
            mappings.load_goods(str(mine), GoodsKind.PRODUCTS)
        assert refused.value.facts["place"] == place


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    """A server of this test's own."""
    async with serving(ground) as served:
        yield served


async def send(served: Served, actor: Actor, path: str, body: bytes) -> Any:
    shown = {"Authorization": f"Bearer {await served.token(actor)}", "Accept-Language": "en"}
    return await served.http.post(path, content=body, headers=shown)


async def test_headquarters_sends_files_over_http(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    body = "\n".join([HEADER, *LINES]).encode()

    tried = await send(served, world.hq, "/files/products?dryRun=true", body)
    nothing = await count(ground, world.brand.id, Product)
    done = await send(served, world.hq, "/files/products", body)
    counted = await send(served, world.hq, "/files/stock?mapping=stock-en", b"store,sku,quantity\nqinghe-1,P2,7\n")

    assert (tried.status_code, nothing) == (200, 0)
    assert done.json() == tried.json() | {"dryRun": False}
    assert (done.json()["productsAdded"], done.json()["skusAdded"]) == (2, 3)
    assert counted.json() == {"dryRun": False, "rows": 1, "taken": 1, "unchanged": 0, "leftOut": 0}
    assert [row[:3] for row in await shelves(ground, world)] == [("qinghe-1", "P2", 7)]


async def test_what_is_refused_over_http_says_why(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    wrong = "\n".join([HEADER, "P1,衫,x,,,,,,,,"]).encode()

    for actor in (world.shop.guide, world.shop.manager, world.east_manager):
        forbidden = await send(served, actor, "/files/products", wrong)
        assert (forbidden.status_code, forbidden.json()["code"]) == (403, "FORBIDDEN")
    refused = await send(served, world.hq, "/files/products", wrong)
    for path, status, code in (
        ("/files/products?mapping=/etc/passwd", 404, "MAPPING_UNKNOWN"),
        ("/files/products?mapping=stock-zh", 400, "MAPPING_INVALID"),
        ("/files/stock", 400, "COLUMN_MISSING"),
    ):
        answer = await send(served, world.hq, path, wrong)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    assert (refused.status_code, refused.json()["code"]) == (400, "GOODS_FILE_WRONG")
    assert refused.json()["problems"] == [{"line": 2, "column": "吊牌价", "reason": "not a number."}]
    assert await count(ground, world.brand.id, Product) == 0


def _as(form: str, folder: Path, lines: Sequence[str]) -> Path:
    path = folder / f"file.{form}"
    text = "\n".join(lines)
    match form:
        case "xlsx":
            book = Workbook()
            for line in lines:
                sheet: Any = book.active
                sheet.append(next(csv.reader([line])))
            content = io.BytesIO()
            book.save(content)
            path.write_bytes(content.getvalue())
        case "gz":
            path.write_bytes(gzip.compress(text.encode()))
        case "gb18030":
            path.write_bytes(text.encode("gb18030"))
        case _:
            path.write_bytes(text.encode("utf-8-sig"))
    return path


def test_somebody_types_it(tmp_path: Path, home: Path) -> None:
    header = "kind,code,name,region,store,role,city,time_zone,opening_hours"
    staff = [header, "region,cn,全国,,,,,,", "store,S1,一店,cn,,,,Asia/Shanghai,10:00-22:00"]
    goods = write(tmp_path / "goods.csv", [HEADER, *LINES])
    stock = write(tmp_path / "stock.csv", [STOCK_HEADER, "S1,P1-M,4,2026-03-02 12:00"])
    bad = write(tmp_path / "bad.csv", [HEADER, "P1,衫,x,,,,,,,,"])
    begun = daogou(
        home, "import", "staff", str(write(tmp_path / "staff.csv", staff)), "--brand", "qinghe", "--new-brand", "青禾"
    )
    assert begun.returncode == 0, begun.stderr

    tried = daogou(home, "import", "products", str(goods), "--dry-run")
    done, again = [daogou(home, "import", "products", str(goods), "--json") for _ in range(2)]
    counted = daogou(home, "import", "stock", str(stock), "--brand", "qinghe")
    refused = daogou(home, "import", "products", str(bad))

    assert "Nothing was changed" in tried.stdout, tried.stderr
    assert json.loads(done.stdout)["productsAdded"] == json.loads(again.stdout)["productsUnchanged"] == 2
    assert "counts taken" in counted.stdout, counted.stderr
    assert refused.returncode == 2
    assert "line 2, column 吊牌价: not a number." in refused.stderr
