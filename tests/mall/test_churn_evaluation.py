"""Rankings tried on a brand's past: refused where the past doesn't say, exact where it does."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from kernel import ids
from kernel.errors import Refusal
from kernel.work import Ground
from mall.errors import CutTooEarly, CutTooLate, NobodyBoughtTwice
from mall.queries.churn_evaluation import Evaluation, evaluate
from tests.factories import World, build_world
from tests.mall.purchases import History, load, people

CUT = date(2026, 6, 30)


def bought(*before: int, amount: int = 1_000) -> History:
    return History([(CUT - timedelta(days=days), amount, 0, True) for days in before])


async def begin(ground: Ground, *histories: History) -> World:
    world = await build_world(ground, ids.new().hex[-12:])
    keys = await people(ground, world, len(histories))
    await load(ground, world, dict(zip(keys, histories, strict=True)))
    return world


async def evaluated(ground: Ground, world: World, cut: date = CUT) -> Evaluation:
    async with ground.db.read() as session:
        return await evaluate(session, world.brand.id, cut)


def shares(found: Evaluation, ranking: str) -> list[tuple[float | None, ...]]:
    return [(each.auc, each.gross_share, each.net_share) for each in found.rated if each.ranking == ranking]


def same(one: Evaluation, other: Evaluation) -> bool:
    """Whether they say the same; sums of fractions differ with the order of summing."""
    close = pytest.approx(other.patience_days, rel=1e-12)
    return one == replace(other, patience_days=one.patience_days) and one.patience_days == close


async def test_who_comes_back_on_the_91st_day_is_not_lost_and_on_the_92nd_is(ground: Ground) -> None:
    world = await begin(ground, bought(200, 30, -91), bought(200, 30, -92), bought(0, 1, -93))

    found = await evaluated(ground, world)

    assert (found.customers, found.lost) == (3, 2)
    assert shares(found, "rule_90_days")[0] == (0.5, 1 / 3, 1 / 3)
    assert shares(found, "days_since_last")[0] == (0.25, 0.5 * 2_000 / 4_000, 0.25)


async def test_nothing_after_the_cut_is_seen(ground: Ground) -> None:
    seen = [bought(200, 30), bought(100, 10, -5), bought(3), bought(0, 50, -2)]
    later = [bought(-1, -2, -40, -91, amount=90_000), bought(-91)]
    world, other = await begin(ground, *seen, bought(-91)), await begin(ground, *seen, *later)

    assert same(await evaluated(ground, world), await evaluated(ground, other))


async def test_cancelled_orders_are_none_and_refunds_take_from_the_net(ground: Ground) -> None:
    lost = History([(CUT, 1_000, 0, True), (CUT - timedelta(days=9), 1_000, 0, True), (CUT, 7_000, 0, False)])
    lost.refunds.append((CUT, 1_500, 0))
    still_lost = bought(20, amount=1_000)
    still_lost.orders.append((CUT + timedelta(days=3), 1_000, 0, False))
    back = bought(40, -4, amount=100)
    old = bought(365, -91)
    world = await begin(ground, lost, still_lost, back, old)

    found = await evaluated(ground, world)

    assert (found.customers, found.lost) == (4, 2)
    # The first of four, by silence: 365 days, who came back. By risk × net: 1,000 net of 1,500, and of 3,000 gross.
    assert shares(found, "days_since_last")[0] == (0.0, 0.0, 0.0)
    assert shares(found, "stays_away")[2][1:] == (1_000 / 3_000, 1_000 / 1_500)


async def test_where_all_are_lost_there_is_nothing_to_tell_apart(ground: Ground) -> None:
    world = await begin(ground, bought(200, 30), bought(3), bought(-91))

    found = await evaluated(ground, world)

    assert (found.customers, found.lost) == (2, 2)
    assert [each.auc for each in found.rated] == [None] * 9


REFUSED = [
    (CutTooLate, CUT + timedelta(days=1), "CUT_TOO_LATE"),
    (CutTooEarly, CUT - timedelta(days=201), "CUT_TOO_EARLY"),
    (NobodyBoughtTwice, CUT - timedelta(days=200), "NOBODY_BOUGHT_TWICE"),
    (CutTooEarly, date.min, "CUT_TOO_EARLY"),
    (CutTooLate, date.max, "CUT_TOO_LATE"),
]


@pytest.mark.parametrize(("refusal", "cut", "code"), REFUSED)
async def test_a_cut_about_which_the_past_says_nothing_is_refused(
    ground: Ground, refusal: type[Refusal], cut: date, code: str
) -> None:
    world = await begin(ground, bought(200, 30, -91), bought(100, 0))
    await evaluated(ground, world)

    with pytest.raises(refusal) as refused:
        await evaluated(ground, world, cut)

    assert refused.value.code == code
    assert refused.value.say("zh")


async def test_a_brand_without_orders_has_no_past(ground: Ground) -> None:
    world = await build_world(ground)

    with pytest.raises(CutTooEarly):
        await evaluated(ground, world)


async def test_other_brands_orders_are_theirs(ground: Ground) -> None:
    mine = await begin(ground, bought(200, 30), bought(20, 1, -91))
    before = await evaluated(ground, mine)

    await begin(ground, bought(10, 20, 30, -91), bought(5))

    assert same(await evaluated(ground, mine), before)
