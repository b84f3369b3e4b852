"""The demo's share links: opened by somebody, bought through, and credited as the usual rules would."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from directory.models import Account, AccountKind, Brand, Staff, StaffState
from kernel.actor import system
from kernel.pages import MOST, Page
from mall.models import Credit, CreditReason, Order, Share, ShareKey, ShareOpen
from mall.models.credit_rules import USUAL
from mall.queries import share_figures
from mall.queries.share_figures import Period
from tests.server.conftest import AS_OF, Demo

TODAY = AS_OF.date()


async def test_every_guide_has_a_link_that_was_opened(demo: Demo) -> None:
    guides: Any = (
        select(func.count())
        .select_from(Account)
        .join(Staff, col(Staff.id) == col(Account.staff_id))
        .where(col(Account.kind) == AccountKind.GUIDE, col(Staff.state) != StaffState.DEPARTED)
    )
    opens = await demo.all(ShareOpen)
    links = {link.id: link for link in await demo.all(Share)}

    assert len({link.account_id for link in links.values()}) == len(links) == await demo.one(guides)
    assert {opened.share_id for opened in opens} == set(links)
    assert all(links[opened.share_id].created_at <= opened.opened_at <= AS_OF for opened in opens)
    assert all(link.expires_at > AS_OF for link in links.values())


async def test_what_came_through_a_link_counts_by_it_as_the_rules_say(demo: Demo) -> None:
    within = timedelta(days=next(rule.days for rule in USUAL if rule.days is not None))
    came = await demo.rows(
        select(col(Order.placed_at), col(Share.created_at), col(Share.account_id), col(Credit.account_id))
        .join(Share, col(Share.id) == col(Order.share_id))
        .join(Credit, col(Credit.order_id) == col(Order.id))
    )
    by_link = await demo.one(select(func.count()).select_from(Credit).where(col(Credit.reason) == CreditReason.SHARE))

    assert len(came) == by_link > 10
    assert all(made_at <= placed_at <= made_at + within for placed_at, made_at, _, _ in came)
    assert all(maker == credited for _, _, maker, credited in came)


async def test_the_figures_of_links_have_something_to_show(demo: Demo) -> None:
    for brand in await demo.all(Brand):
        async with demo.ground.db.read() as session:
            rows = await share_figures.page(
                session,
                system(brand.id),
                Page(first=MOST),
                ShareKey.GUIDE,
                Period(TODAY - timedelta(days=30), TODAY),
            )

        assert all(row.links == 1 and row.opens > 1 for row in rows)
        assert sum(row.orders for row in rows) > 3
