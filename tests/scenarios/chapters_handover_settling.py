"""A customer declined their new guide at the partner, and the manager has them asked again."""

from uuid import UUID

from customers.commands import links
from customers.commands.links import Contact
from handover.models import (
    Handover,
    HandoverAccount,
    HandoverItem,
    HandoverKind,
    HandoverState,
    HeldHere,
    LinkedThere,
    Strategy,
)
from kernel import ids
from kernel.actor import system
from kernel.work import carry_out
from tests.factories import NOON, save
from tests.handover.partners import name_at_partner
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Step


async def decline(stage: Stage) -> None:
    """What the owner held once went to the colleague; the customer wouldn't have them."""
    brand_id = stage.world.brand.id
    leaver, taker = UUID(stage.account("owner")), UUID(stage.account("colleague"))
    for account_id, user_id in ((leaver, "wx-owner"), (taker, "wx-colleague")):
        await name_at_partner(stage.ground, account_id, brand_id, user_id)
    handover = Handover(
        brand_id=brand_id,
        id=ids.new(),
        kind=HandoverKind.TRANSFER,
        state=HandoverState.DONE,
        staff_id=stage.people["owner"].id,
        store_id=UUID(stage.shop(1)),
        strategy=Strategy.TO_ONE,
        started_at=NOON,
    )
    relationship_id = UUID(stage.held("li"))
    item = HandoverItem(
        brand_id=brand_id,
        handover_id=handover.id,
        relationship_id=relationship_id,
        from_account_id=leaver,
        to_account_id=taker,
        here=HeldHere.MOVED,
        there=LinkedThere.REFUSED,
    )
    account = HandoverAccount(
        brand_id=brand_id, handover_id=handover.id, account_id=leaver, store_id=UUID(stage.shop(1))
    )
    await save(stage.ground, handover, account, item)
    contact = Contact(leaver, relationship_id, "wm-li", NOON)
    await carry_out(stage.ground, system(brand_id), lambda work: links.link(work, [contact]))
    stage.things["declined"] = str(handover.id)


HANDOVER_SETTLING: list[Step | Deed] = [
    Deed("a refusal", decline),
    Step("askPartnerAgain", "manager", lambda s: {"handoverId": s.things["declined"], "relationshipId": s.held("li")}),
]
