"""Loading who is whose contact at the partner from a list: each line has its answer, and twice is as good as once."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import select
from sqlmodel import col

from customers.models import ContactLink, Customer, GoneWhy
from directory.models import Staff
from handover.commands import contacts, hearing, listening
from handover.commands.contacts import Load, Outcome
from handover.errors import ContactFileWrong
from handover.models import News, NewsKind
from handover.queries import contact_file
from handover.queries.contact_file import ContactLine
from intake.errors import ColumnMissing, ColumnTwice, FileEmpty
from kernel import clock
from kernel.actor import system
from kernel.crypto import Vault
from kernel.work import Ground, Work, carry_out
from tests.factories import NOON, World, build_customer, build_world, relationship_of
from tests.handover.partners import name_at_partner
from tests.statements import statements

VAULT = Vault(b"k" * 32)


@pytest.fixture
async def world(ground: Ground) -> World:
    """The first guide of the first shop is LinWei at the partner."""
    world = await build_world(ground)
    await name_at_partner(ground, world.shop.guide.account_ids[0], world.brand.id, "LinWei")
    return world


def line(customer: Customer, name: str = "wm-0", number: int = 2) -> ContactLine:
    return ContactLine(number, name, member_number=customer.member_number, user_id="LinWei")


async def load(world: World, *lines: ContactLine, as_of: datetime = NOON) -> list[Outcome]:
    done = Load(VAULT, as_of)
    await carry_out(world.ground, system(world.brand.id), lambda work: contacts.take(work, done, lines))
    return [done.outcomes[each.line] for each in lines]


async def linked(world: World) -> list[ContactLink]:
    async with world.ground.db.read() as session:
        found = await session.scalars(
            select(ContactLink).where(col(ContactLink.brand_id) == world.brand.id).order_by(col(ContactLink.account_id))
        )
        return list(found)


async def tell(world: World, kind: NewsKind, at: datetime, name: str = "wm-0") -> None:
    """Let the partner tell something of LinWei and a customer, and apply it."""
    news = News(kind, at, f"{kind}-{name}-{at}", "LinWei", name)

    async def hear(work: Work) -> None:
        await listening.keep(work, news)
        taken = await listening.take(work, news.key)
        assert taken
        await hearing.hear(work, taken)

    with clock.stopped_at(at):
        await carry_out(world.ground, system(world.brand.id), hear)


# What is taken


async def test_a_contact_is_linked_and_the_partner_s_name_of_the_customer_is_known_from_then_on(world: World) -> None:
    customer = await build_customer(world.ground, world.shop.guide)

    assert await load(world, line(customer)) == [Outcome.LINKED]

    [row] = await linked(world)
    assert (row.account_id, row.relationship_id) == (
        world.shop.guide.account_ids[0],
        (await relationship_of(world.ground, customer)).id,
    )
    assert (row.external_user_id, row.linked_at, row.gone_at) == ("wm-0", NOON, None)
    await tell(world, NewsKind.UNLINKED_BY_CUSTOMER, NOON + timedelta(minutes=1))
    [row] = await linked(world)
    assert (row.gone_at, row.gone_why) == (NOON + timedelta(minutes=1), GoneWhy.BY_CUSTOMER)


async def test_a_customer_may_be_named_by_phone_and_a_guide_by_number(world: World) -> None:
    number = "+8613812345678"
    await build_customer(world.ground, world.shop.guide, phone_index=VAULT.index(world.brand.id, number))
    async with world.ground.db.read() as session:
        guide = await session.get(Staff, (world.brand.id, world.shop.guide.staff_id))
    assert guide
    told = ContactLine(2, "wm-0", phone="138 1234 5678", number=guide.number)

    assert await load(world, told) == [Outcome.LINKED]
    assert [row.account_id for row in await linked(world)] == [world.shop.guide.account_ids[0]]


async def test_the_same_list_again_changes_nothing(world: World) -> None:
    customer = await build_customer(world.ground, world.shop.guide)
    await load(world, line(customer))
    before = await linked(world)

    assert await load(world, line(customer)) == [Outcome.KNOWN]
    assert await load(world, line(customer), line(customer, number=3), as_of=NOON - timedelta(days=1)) == [
        Outcome.KNOWN,
        Outcome.KNOWN,
    ]

    assert [row.model_dump() for row in await linked(world)] == [row.model_dump() for row in before]


async def test_who_is_unknown_here_is_left_out_and_the_others_are_taken(world: World) -> None:
    known = await build_customer(world.ground, world.shop.guide)
    elsewhere = await build_customer(world.ground, world.shops[1].guide)
    second = await build_customer(world.ground, world.shop.guide)
    lines = [
        line(known, "wm-0", 2),
        replace(line(known, "wm-1", 3), member_number="nobody"),
        replace(line(known, "wm-2", 4), user_id="nobody"),
        line(elsewhere, "wm-3", 5),
        line(second, "wm-0", 6),
        line(known, "wm-5", 7),
        ContactLine(8, "wm-6", phone="no phone", user_id="LinWei"),
    ]

    assert await load(world, *lines) == [
        Outcome.LINKED,
        Outcome.NO_CUSTOMER,
        Outcome.NO_MEMBER,
        Outcome.NOT_IN_STORE,
        Outcome.OTHER_CUSTOMER,
        Outcome.OTHER_ID,
        Outcome.NO_CUSTOMER,
    ]
    assert [row.external_user_id for row in await linked(world)] == ["wm-0"]


async def test_what_is_known_already_is_not_gainsaid_by_a_later_list(world: World) -> None:
    first, second = [await build_customer(world.ground, world.shop.guide) for _ in range(2)]
    await load(world, line(first))

    later = NOON + timedelta(days=1)
    assert await load(world, line(second), as_of=later) == [Outcome.OTHER_CUSTOMER]
    assert await load(world, line(first, "wm-9"), as_of=later) == [Outcome.OTHER_ID]
    assert [(row.external_user_id, row.told_at) for row in await linked(world)] == [("wm-0", NOON)]


async def test_another_brand_s_customers_and_guides_are_nobody(world: World) -> None:
    other = await build_world(world.ground, "other")
    theirs = await build_customer(world.ground, other.shop.guide)
    await name_at_partner(world.ground, other.shop.guide.account_ids[0], other.brand.id, "Wang")
    ours = await build_customer(world.ground, world.shop.guide)

    assert await load(world, line(theirs), replace(line(ours, number=3), user_id="Wang")) == [
        Outcome.NO_CUSTOMER,
        Outcome.NO_MEMBER,
    ]
    assert await linked(world) == []


# What the partner itself has told


async def test_who_was_deleted_after_the_list_was_taken_stays_so(world: World) -> None:
    customer = await build_customer(world.ground, world.shop.guide)
    await load(world, line(customer))
    await tell(world, NewsKind.UNLINKED_BY_STAFF, NOON + timedelta(hours=1))

    assert await load(world, line(customer), as_of=NOON + timedelta(minutes=30)) == [Outcome.GONE]
    assert await load(world, line(customer), as_of=NOON + timedelta(hours=2)) == [Outcome.LINKED]


async def test_what_was_told_of_a_customer_whom_nobody_knew_counts_once_the_list_says_who_it_is(world: World) -> None:
    customer = await build_customer(world.ground, world.shop.guide)
    await tell(world, NewsKind.UNLINKED_BY_CUSTOMER, NOON + timedelta(hours=1))
    assert await linked(world) == []

    assert await load(world, line(customer)) == [Outcome.GONE]

    [row] = await linked(world)
    assert (row.gone_at, row.gone_why) == (NOON + timedelta(hours=1), GoneWhy.BY_CUSTOMER)


async def test_older_news_of_the_unknown_leave_the_list_as_it_is(world: World) -> None:
    customer = await build_customer(world.ground, world.shop.guide)
    await tell(world, NewsKind.UNLINKED_BY_CUSTOMER, NOON - timedelta(hours=1))
    await tell(world, NewsKind.LINKED, NOON - timedelta(minutes=1))

    assert await load(world, line(customer)) == [Outcome.LINKED]
    [row] = await linked(world)
    assert row.gone_at is None


async def test_many_lines_take_as_many_statements_as_one(world: World) -> None:
    customers = [await build_customer(world.ground, world.shop.guide) for _ in range(4)]
    with statements(world.ground) as of_one:
        await load(world, line(customers[0], "wm-0"))
    with statements(world.ground) as of_three:
        await load(world, *(line(each, f"wm-{place}", place) for place, each in enumerate(customers[1:], 2)))

    assert len(of_one) == len(of_three) <= 16


# Files


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "contacts.csv"
    path.write_bytes(text.encode(encoding))
    return path


LIST = "会员号,外部联系人ID,企业微信账号,备注\nM1,wm-0,LinWei,老顾客\n"
READ = [ContactLine(2, "wm-0", member_number="M1", user_id="LinWei")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_file_is_read_as_spreadsheets_write_it(tmp_path: Path, encoding: str) -> None:
    assert contact_file.read(written(tmp_path, LIST, encoding)) == READ


def test_a_workbook_is_read_too(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.create_sheet("contacts", 0)
    for cells in (row.split(",") for row in LIST.splitlines()):
        sheet.append(cells)
    book.save(tmp_path / "contacts.xlsx")

    assert contact_file.read(tmp_path / "contacts.xlsx") == READ


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", FileEmpty),
        ("member_number,external_user_id,user_id\n", FileEmpty),
        ("member_number,user_id\nM1,LinWei\n", ColumnMissing),
        ("external_user_id,user_id\nwm-0,LinWei\n", ColumnMissing),
        ("external_user_id,phone\nwm-0,13812345678\n", ColumnMissing),
        ("member_number,会员号,external_user_id,user_id\nM1,M1,wm-0,LinWei\n", ColumnTwice),
    ],
)
def test_what_is_no_list_of_contacts_is_refused(tmp_path: Path, text: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        contact_file.read(written(tmp_path, text))


def test_all_that_is_wrong_with_the_lines_is_named_and_no_phone_is_repeated(tmp_path: Path) -> None:
    head = "member_number,phone,external_user_id,user_id\n"
    path = written(
        tmp_path,
        head + f"M1,,wm-0,a\nM2,,wm-0,a\n,13812345678,wm-1,a\n,13899999999,wm-1,a\n,,wm-2,a\nM3,,{'w' * 65},a\nM4\n",
    )

    with pytest.raises(ContactFileWrong) as refused:
        contact_file.read(path)

    assert [(each.line, each.column) for each in refused.value.wrong] == [
        (3, "external_user_id"),
        (5, "external_user_id"),
        (6, "member_number / phone"),
        (7, "external_user_id"),
        (8, "-"),
    ]
    assert "138" not in str(refused.value)
