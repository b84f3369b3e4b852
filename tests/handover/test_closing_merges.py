"""Where the customer is known in the successor store, the two relationships are merged."""

from datetime import timedelta

from handover.queries import succession
from kernel.work import Ground
from tests.factories import NOON, reload
from tests.handover.closing import broken, build_closing, close, history, items_of
from tests.handover.ending import also_known, describe, notes_on, with_everything


async def test_where_the_customer_is_known_already_it_is_merged(ground: Ground) -> None:
    closed = await with_everything(ground)
    present = await also_known(ground, closed.customer, closed.other.other_guide)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    await close(ground, handover)

    old, kept = await reload(ground, closed.old), await reload(ground, present)
    assert old.succeeded_by_id == kept.id
    assert (kept.holder_id, kept.is_primary, kept.remark) == (present.holder_id, True, "只收邮件")
    assert (kept.last_contact_at, kept.version) == (NOON, 2)
    assert await history(ground, kept) == [(present.holder_id, "created", True)]
    [item] = await items_of(ground, handover)
    assert (item.successor_id, item.is_merged, item.to_account_id) == (kept.id, True, kept.holder_id)
    assert item.version_after == 2
    now = {
        name: await reload(ground, closed.things[name]) for name in ("note", "visit", "paid", "done", "refund", "task")
    }
    assert {thing.relationship_id for thing in now.values()} == {kept.id}
    assert (now["task"].account_id, now["paid"].serving_account_id) == (kept.holder_id, kept.holder_id)
    async with ground.db.read() as session:
        assert await succession.counts(session, closed.world.brand.id, handover.id) == {"succeeded": 0, "merged": 1}
    assert await broken(ground, closed.world) == {}


async def test_of_two_remarks_one_stays_and_the_other_becomes_a_note(ground: Ground) -> None:
    closed = await with_everything(ground)
    present = await also_known(
        ground, closed.customer, closed.other.guide, remark="爱喝茶", last_contact_at=NOON - timedelta(1)
    )
    await describe(ground, closed.old, is_primary=False)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    await close(ground, handover)

    kept = await reload(ground, present)
    assert (kept.remark, kept.last_contact_at, kept.is_primary) == ("爱喝茶", NOON, False)
    assert await notes_on(ground, kept) == {"喜欢羊绒", "只收邮件"}
