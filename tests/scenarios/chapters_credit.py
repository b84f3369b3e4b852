"""Orders are earned by guides who don't hold the customer, change, are given back, and are corrected."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from kernel import clock, ids
from kernel.actor import system
from kernel.work import unit_of_work
from mall.events import ShareMade
from mall.models import Share, ShareKind
from tests.scenarios.stage import Stage
from tests.scenarios.story import LINE, POSTAGE, Deed, Given, Step, ahead, held, order, refund, thing


async def share(stage: Stage) -> None:
    """The neighbour, of another store, sends a link."""
    now = clock.now()
    row = Share(
        brand_id=stage.world.brand.id,
        id=ids.new(),
        code="abcd2345",
        store_id=UUID(stage.shop(2)),
        account_id=UUID(stage.account("neighbour", 2)),
        kind=ShareKind.PAGE,
        title="新品",
        page="/new",
        created_at=now - timedelta(days=2),
        expires_at=now + timedelta(days=28),
    )
    async with unit_of_work(stage.ground, system(row.brand_id)) as work:
        work.session.add(row)
        work.record(ShareMade(row.id, row.created_at))


def corrected(number: str, *parts: tuple[str | None, int]) -> Given:
    """The order's credit goes to these, and to the store where nobody is named."""

    def given(stage: Stage) -> dict[str, Any]:
        shares = [
            {"points": points} | ({"accountId": stage.account(who)} if who else {"store": True})
            for who, points in parts
        ]
        return {"orderId": stage.things[number], "parts": shares, "reason": "同事接待的"}

    return given


LESS: dict[str, Any] = {"amount": 11_000, "lines": [LINE | {"amount": 10_000, "name": "羊绒围巾"}, POSTAGE]}
RULES = [
    {"kind": "SHARE", "days": 7, "shares": [{"party": "SHARER", "points": 7000}, {"party": "HOLDER", "points": 3000}]},
    {"kind": "NAMED", "shares": [{"party": "NAMED", "points": 6667}, {"party": "HOLDER", "points": 3333}]},
    {"kind": "HOLDER"},
    {"kind": "STORE"},
]

CREDIT: list[Step | Deed] = [
    Step("recordOrder", "machine", order("C1", customer="li", guideCode="ours-1-g2", channel="MINI_MALL"), "C1"),
    Step("changeCreditRules", "hq", lambda _: {"rules": RULES}),
    Step("recordOrder", "machine", order("C2", customer="li", guideCode=" OURS-1-G2 "), "C2"),
    Deed("a link is sent", share),
    Step("recordOrder", "machine", order("C3", customer="li", shareCode="abcd2345"), "C3"),
    Step("recordOrder", "machine", order("C4", guideCode="ours-1-G2"), "C4"),
    Step("recordOrder", "machine", order("C2", customer="li", guideCode="x", newsAt=ahead(minutes=5), **LESS), "C2"),
    Step("recordRefund", "machine", refund("CR1", of="C2")),
    Step("recordRefund", "machine", refund("CR2", of="C3")),
    Step("correctCredit", "manager", corrected("C2", ("owner", 5000), (None, 5000))),
    Step("correctCredit", "regional", corrected("C2", ("colleague", 10_000))),
    Step("correctCredit", "hq", corrected("C3", ("colleague", 2500), ("owner", 7500))),
    Step("answerOrder", "owner", thing("C1")),
    Step("answerOrder", "manager", thing("C4")),
    Step("shipOrder", "owner", thing("C1")),
    Step("reassignRelationship", "manager", held("li", to="colleague")),
    Step("completeOrder", "colleague", thing("C1")),
    Step("cancelOrder", "manager", thing("C4")),
    Step("recordOrder", "machine", order("C3", customer="li", state="CANCELLED", newsAt=ahead(minutes=6)), "C3"),
    Step("reassignRelationship", "manager", held("li", to="owner")),
]
