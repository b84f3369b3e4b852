"""Make up customers: who they are, when they buy, which stores they belong to, and who holds them."""

from datetime import datetime
from uuid import UUID

from customers.models import HoldingReason
from customers.queries import phones
from server.demo import names
from server.demo.dice import Dice
from server.demo.house import Keeper, Row, Shop
from server.demo.lives import Making, Person, Tie
from server.demo.words import REMARKS

FURTHEST_BACK = 730
PUBLIC_SHARE = 0.1
SECOND_STORE_SHARE = 0.03
MOVED_SHARE = 0.06
DO_NOT_CONTACT_SHARE = 0.02
CAME_BACK_SHARE = 0.07
PHONE_SHARE = 0.96
BIRTHDAY_SHARE = 0.92
MOST_PURCHASES = 24

# Numbers that begin with 142 or 143 have been given to nobody.
PHONE_NUMBERS = 200_000_000
PHONE_STRIDE = 7_654_321


def make_person(making: Making, number: int, days: list[int]) -> Person:
    """A customer who buys on those days, counted back from today, the oldest first."""
    dice, today = making.dice, making.today
    is_woman = dice.throw() < 0.78
    first_seen = days[0] if days else dice.between(1, 400)
    # Joined before the first purchase, and in the afternoon before a leaver's access was closed at the latest.
    joined_at = today.at(first_seen + dice.between(1, 20), dice.between(10 * 3600, 17 * 3600))
    customer = _customer(making, number, is_woman, joined_at)
    ties = [_tie(making, customer["id"], making.shop, joined_at, number, is_primary=True)]
    neighbour = making.neighbour
    if neighbour is not None and dice.throw() < SECOND_STORE_SHARE:
        ties.append(_tie(making, customer["id"], neighbour, joined_at, number, is_primary=False))
    return Person(customer, is_woman, ties, likes=dice.one_of(tuple(making.house.articles)))


def buying_days(dice: Dice, orders_per_customer: float, buying_today: float) -> list[int]:
    """When somebody buys, in days before today, the oldest first: a rhythm with a wobble.

    It is kept, or broken off of late or long ago; and a few have just come back after a long pause.
    """
    # Rounding down, those who never buy and the orders of guests taken into account, the mean comes out right.
    count = min(MOST_PURCHASES, int(dice.waiting(orders_per_customer * 0.95 - 0.45)) + (dice.throw() < 0.92))
    if count == 0:
        return []
    rhythm = max(9.0, (0.5 + dice.throw()) * 400 / (count + 2))
    mood, pause = dice.throw(), 1.0
    if dice.throw() < buying_today:
        last = 0.0
    elif mood < CAME_BACK_SHARE:
        last, pause = 2 + dice.throw() * 16, 2.5
    elif mood < 0.53:
        last = 1 + dice.throw() * rhythm * 1.2
    elif mood < 0.84:
        last = rhythm * (1.5 + 2 * dice.throw())
    else:
        last = 180 + dice.throw() * 400
    days = [int(last)]
    for _ in range(count - 1):
        last += max(1.0, rhythm * (0.6 + 0.8 * dice.throw()) * pause)
        pause = 1.0
        if last > FURTHEST_BACK:
            break
        days.append(int(last))
    days.reverse()
    return days


def _customer(making: Making, number: int, is_woman: bool, joined_at: datetime) -> Row:
    dice, house = making.dice, making.house
    silent = dice.throw() < DO_NOT_CONTACT_SHARE
    customer = {
        "brand_id": house.brand_id,
        "id": dice.id(),
        "member_number": f"{house.trade.prefix}{number:08d}",
        "name": dice.one_of(names.SURNAMES) + dice.one_of(names.WOMEN if is_woman else names.MEN),
        "tier": "普卡",
        "tier_until": None,
        "birthday": None,
        "city": making.shop.city if dice.throw() < 0.88 else dice.one_of(tuple(names.CITIES.values())),
        **_phone(making, number),
        "do_not_contact": silent,
        "do_not_contact_at": max(joined_at, making.today.at(dice.between(2, 90), 15 * 3600)) if silent else None,
        "joined_at": joined_at,
        "version": 1,
    }
    if dice.throw() < BIRTHDAY_SHARE:
        # No day after the 28th, so that everybody has a birthday every year.
        born = making.today.this_day.year - dice.between(19, 66)
        customer["birthday"] = making.today.this_day.replace(
            year=born, month=dice.between(1, 12), day=dice.between(1, 28)
        )
    making.batch.customers.append(customer)
    return customer


def _phone(making: Making, number: int) -> Row:
    if making.dice.throw() >= PHONE_SHARE:
        return {"phone_sealed": None, "phone_index": None, "phone_masked": None}
    # The stride has no factor in common with the range: no two customers share a number.
    phone = phones.normalised(str(14_200_000_000 + number * PHONE_STRIDE % PHONE_NUMBERS))
    brand_id = making.house.brand_id
    return {
        "phone_sealed": making.vault.seal(brand_id, phone),
        "phone_index": making.vault.index(brand_id, phone),
        "phone_masked": phones.masked(phone),
    }


def _tie(making: Making, customer_id: UUID, shop: Shop, since: datetime, number: int, *, is_primary: bool) -> Tie:
    dice = making.dice
    keeper = shop.public if dice.throw() < PUBLIC_SHARE else shop.guides[number % len(shop.guides)]
    former, moved_at, reason = _former(making, shop, keeper, since)
    has_remark = dice.throw() < 0.12 * making.shape.detail
    remarked_at = max(since, making.today.at(dice.between(2, 60), 17 * 3600)) if has_remark else None
    row: Row = {
        "brand_id": making.house.brand_id,
        "id": dice.id(),
        "customer_id": customer_id,
        "store_id": shop.id,
        "holder_id": keeper.account_id,
        "is_primary": is_primary,
        "remark": dice.one_of(REMARKS) if has_remark else None,
        "last_contact_at": None,
        "touched_at": max((at for at in (moved_at, remarked_at) if at), default=None),
        "created_at": since,
        "version": 1 + (moved_at is not None) + has_remark,
    }
    making.batch.relationships.append(row)
    begun = moved_at or since
    if former is not None:
        by_guide = former.staff_id or shop.manager_id
        _hold(making, row["id"], former, HoldingReason.CREATED, by_guide, since, moved_at)
        by_mover = keeper.staff_id if reason is HoldingReason.CLAIMED else None
        _hold(making, row["id"], keeper, reason, by_mover or shop.manager_id, begun, None)
    else:
        _hold(making, row["id"], keeper, HoldingReason.CREATED, keeper.staff_id or shop.manager_id, begun, None)
    return Tie(row, shop, keeper, former, moved_at)


def _former(
    making: Making, shop: Shop, keeper: Keeper, since: datetime
) -> tuple[Keeper | None, datetime | None, HoldingReason]:
    """Who held the relationship before, until when, and why it moved; mostly nobody."""
    dice = making.dice
    if dice.throw() >= MOVED_SHARE:
        return None, None, HoldingReason.CREATED
    if shop.former is not None and dice.throw() < 0.7:
        # Handed over the day after the former guide had left; who came later was never theirs.
        moved_at, former, reason = making.today.at(shop.former_left - 1, 11 * 3600), shop.former, HoldingReason.HANDOVER
        begun_by = making.today.at(shop.former_left, 0)
    else:
        moved_at, former, reason = making.today.at(dice.between(40, 300), 11 * 3600), shop.public, HoldingReason.CLAIMED
        begun_by = moved_at
        if keeper is shop.public:
            former, reason = dice.one_of(shop.guides), HoldingReason.REASSIGNED
    return (former, moved_at, reason) if since < begun_by else (None, None, HoldingReason.CREATED)


def _hold(
    making: Making,
    relationship_id: UUID,
    keeper: Keeper,
    reason: HoldingReason,
    by_actor_id: UUID,
    from_at: datetime,
    until_at: datetime | None,
) -> None:
    making.batch.holdings.append(
        {
            "brand_id": making.house.brand_id,
            "id": making.dice.id(),
            "relationship_id": relationship_id,
            "account_id": keeper.account_id,
            "reason": reason,
            "by_actor_id": by_actor_id,
            "from_at": from_at,
            "until_at": until_at,
        }
    )
