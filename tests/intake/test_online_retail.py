"""Importing the online-retail file: what is in the tables afterwards, and that doing it again changes nothing."""

from datetime import date

from sqlalchemy import text

from intake.queries import ledger
from kernel.work import Ground
from kpi.queries.figures import figures
from tests.intake.amounting import wrong_churn, wrong_figures, wrong_profiles
from tests.intake.carrying import SMALL, STAGING, carry, counts, epochs, snapshot
from tests.intake.paying import Paid, pay
from tests.oracle_online_retail import truth
from tests.tasks.real_plans import on_paper, out_of_order


async def test_every_figure_is_what_the_file_says_to_the_penny(ground: Ground) -> None:
    await carry(ground, SMALL)

    assert await wrong_figures(ground, SMALL) == []


async def test_every_customers_profile_is_what_the_file_says_once_the_import_is_over(ground: Ground) -> None:
    await carry(ground, SMALL)

    assert await wrong_profiles(ground, SMALL) == []


async def test_rankings_of_who_is_about_to_leave_do_what_the_file_says_they_did(ground: Ground) -> None:
    await carry(ground, SMALL)

    for cut in (date(2011, 2, 1), date(2011, 3, 21)):
        assert await wrong_churn(ground, SMALL, cut) == {}


async def test_plans_choose_who_the_file_says_is_worth_most_and_may_leave(ground: Ground) -> None:
    await carry(ground, SMALL)
    day = date(2011, 3, 21)

    paper = await on_paper(ground, day)

    assert paper.broken() == []
    assert out_of_order(paper, SMALL, [store for store in paper.drafts if store.startswith("UK")]) == []
    assert paper.figures() == {
        "stores": 17,
        "chosen": 19,
        "no_rule": 20,
        "by": {"churn": 3, "first_purchase": 1, "no_contact": 14, "refund": 1},
    }


async def test_a_year_of_commission_ties_to_the_penny(ground: Ground) -> None:
    await carry(ground, SMALL)

    assert await pay(ground, date(2010, 12, 1), date(2011, 11, 30)) == Paid(
        entries=174, basis=10_229_164, amount=255_743, statements=130, wrong=[]
    )


async def test_the_report_counts_what_the_file_holds(ground: Ground) -> None:
    report = await carry(ground, SMALL)

    true = truth([SMALL])
    assert report.counts["rows"] == 808
    assert report.counts["orders"] == true["orders"]
    assert report.counts["refunds"] == true["refund_count"]
    assert report.counts["customers"] == true["customers"]
    assert report.counts["ignored"] == {"bad-debt": 3, "no-price": 10, "stock-write-off": 5}
    assert sum(report.counts["ignored"].values()) == true["ignored_lines"]
    assert not report.resumed


async def test_the_same_file_twice_changes_nothing_and_sends_no_phone_back(ground: Ground) -> None:
    await carry(ground, SMALL)
    before, began = await snapshot(ground), await epochs(ground)

    report = await carry(ground, SMALL)

    assert report.counts["invoices"] == {"new": 0, "changed": 0, "unchanged": 284}
    assert await snapshot(ground) == before
    assert await epochs(ground) == began


async def test_nothing_stays_staged(ground: Ground) -> None:
    await carry(ground, SMALL)

    assert await counts(ground, *STAGING) == [0, 0, 0, 0]


async def test_order_amounts_are_the_sums_of_their_lines(ground: Ground) -> None:
    await carry(ground, SMALL)

    async with ground.db.read() as session:
        for whole, part, key in (("mall_order", "order_line", "order_id"), ("refund", "refund_line", "refund_id")):
            wrong = await session.execute(
                text(
                    f"select w.number from {whole} w join {part} l on l.{key} = w.id "  # noqa: S608 - names above
                    "group by w.id, w.number, w.amount having sum(l.amount) <> w.amount"
                )
            )
            assert wrong.all() == []


async def test_orders_refunds_and_credit_are_where_the_relationship_is(ground: Ground) -> None:
    await carry(ground, SMALL)

    async with ground.db.read() as session:
        astray = await session.execute(
            text(
                "select o.number from mall_order o join relationship r on r.id = o.relationship_id "
                "join credit k on k.order_id = o.id where o.store_id <> r.store_id or k.store_id <> r.store_id "
                "or o.serving_account_id <> r.holder_id or k.account_id <> r.holder_id "
                "or o.customer_id <> r.customer_id"
            )
        )
        guests = await session.execute(
            text(
                "select k.reason, count(*) from mall_order o join credit k on k.order_id = o.id "
                "where o.customer_id is null and k.account_id is null and o.serving_account_id is null "
                "group by k.reason"
            )
        )
        lost = await session.execute(
            text(
                "select f.number from refund f join imported_invoice i on i.number = f.number "
                "join customer c on c.member_number = i.customer_key where f.relationship_id is null"
            )
        )
    assert astray.all() == []
    assert [tuple(row) for row in guests] == [("store", truth([SMALL])["guest_orders"])]
    assert lost.all() == []


async def test_a_customers_home_is_where_the_first_order_was(ground: Ground) -> None:
    """12400 bought twice in one minute: number 559899 comes first as text, in Spain; Iceland has no store then."""
    await carry(ground, SMALL)

    homes = [row for row in (await snapshot(ground))["relationship"] if "'12400'" in row]
    assert len(homes) == 1
    assert "'Spain', 'Spain-G1'" in homes[0]
    assert await counts(ground, "store where code = 'Iceland'") == [0]


async def test_phones_hear_of_it_once(ground: Ground) -> None:
    await carry(ground, SMALL)

    assert await counts(ground, "feed_event where entity_type <> 'import_run'") == [0]
    async with ground.db.read() as session:
        stores = (await session.execute(text("select id from store"))).scalars().all()
        staff = (await session.execute(text("select id from staff"))).scalars().all()
    assert await counts(ground, "feed") == [2 * len(stores) + len(staff)]


async def test_the_catalogue_says_what_was_sold_last(ground: Ground) -> None:
    await carry(ground, SMALL)

    products = (await snapshot(ground))["product"]
    assert "('21258', 'VICTORIAN SEWING BOX £ LARGE', None, 1095)" in products
    assert not [row for row in products if "'POST'" in row or "GIFT_" in row or "'PADS'" in row]


async def test_what_is_dated_later_is_left_out_until_it_is_time(ground: Ground) -> None:
    early = await carry(ground, SMALL, as_of=date(2011, 2, 28))
    async with ground.db.read() as session:
        brand = await ledger.brand_of(session, "online-retail")
        assert brand
        then = await figures(session, brand)
    assert early.counts["left_out"] > 0
    true = truth([SMALL], until=date(2011, 2, 28))
    assert (then["orders"], then["customers"]) == (true["orders"], true["customers"])

    await carry(ground, SMALL)

    assert await wrong_figures(ground, SMALL) == []


async def test_a_dry_run_says_the_same_and_keeps_nothing(ground: Ground) -> None:
    dry = await carry(ground, SMALL, dry_run=True)

    assert dry.dry_run
    assert await counts(ground, "brand", "import_run", "imported_place", *STAGING) == [0] * 7
    real = await carry(ground, SMALL)
    said = ("rows", "orders", "refunds", "customers", "ignored", "invoices")
    assert {key: dry.counts[key] for key in said} == {key: real.counts[key] for key in said}


async def test_another_brand_may_take_the_same_file(ground: Ground) -> None:
    await carry(ground, SMALL)

    await carry(ground, SMALL, brand_code="second")

    assert await counts(ground, "brand", "mall_order") == [2, 2 * truth([SMALL])["orders"]]
