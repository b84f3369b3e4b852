"""Let customers, and people nobody knows, buy: orders through the day, lines, credit, refunds."""

from datetime import datetime, timedelta
from uuid import UUID

from mall.models import WHOLE, Channel, CreditReason, LineKind, OrderState
from server.demo.dice import DAY_SECONDS
from server.demo.house import Article, Row
from server.demo.lives import Making, Person, Purchase, Tie
from server.demo.sharing import come_through

MALL_SHARE = 0.38
REFUND_SHARE = 0.04
GUEST_SHARE = 0.05
POSTAGE = 1_200
POSTAGE_BELOW = 40_000

# How many of a hundred purchases fall in each hour: the till from 10 to 21, the mall all day.
_TILL_CURVE = {10: 3, 11: 7, 12: 8, 13: 8, 14: 11, 15: 13, 16: 11, 17: 9, 18: 9, 19: 12, 20: 9}
_MALL_CURVE = {0: 4, 1: 2, 6: 1, 7: 3, 8: 4, 9: 4, 10: 5, 11: 5, 12: 8, 13: 6, 14: 4, 15: 4, 16: 4, 17: 4}
_MALL_CURVE |= {18: 4, 19: 5, 20: 8, 21: 10, 22: 9, 23: 6}
_TILL_HOURS = tuple(hour for hour, share in _TILL_CURVE.items() for _ in range(share))
_MALL_HOURS = tuple(hour for hour, share in _MALL_CURVE.items() for _ in range(share))

# From which spending on, in fen over all that is known, a card has which name.
_TIERS = ((1_200_000, "钻石"), (500_000, "金卡"), (180_000, "银卡"))


def shop_on(making: Making, person: Person, days: list[int], *, online: bool = False) -> None:
    """Place the person's orders on those days, give the refunds, and set the tier they have earned."""
    dice = making.dice
    for days_ago in days:
        tie = person.ties[1] if len(person.ties) > 1 and dice.throw() < 0.3 else person.tie
        days_ago, second, in_mall = _moment(making, days_ago, in_mall=dice.throw() < MALL_SHARE or online)
        placed_at = making.today.at(days_ago, second)
        order = _order(making, days_ago, placed_at, tie, person.customer["id"], in_mall=in_mall)
        article = _fill_basket(making, order, person.likes, size=person.customer["id"].int)
        purchase = Purchase(days_ago, placed_at, order, article, tie)
        person.purchases.append(purchase)
        if days_ago >= 3 and order["state"] is OrderState.COMPLETED and dice.throw() < REFUND_SHARE:
            _refund(making, purchase)
    spent = sum(purchase.order["amount"] - purchase.refunded for purchase in person.purchases)
    person.customer["tier"] = next((tier for least, tier in _TIERS if spent >= least), "普卡")
    if person.customer["tier"] != "普卡":
        person.customer["tier_until"] = making.day(-(person.customer["id"].int % 365))


def let_guests_shop(making: Making) -> None:
    """Orders of people nobody knows: revenue of the store, looked after by its public account."""
    dice = making.dice
    shape = making.shape
    for _ in range(round(making.count * shape.orders_per_customer * GUEST_SHARE)):
        days_ago = 0 if dice.throw() < shape.buying_today else dice.between(1, 365)
        days_ago, second, in_mall = _moment(making, days_ago, in_mall=dice.throw() < MALL_SHARE)
        order = _order(making, days_ago, making.today.at(days_ago, second), None, None, in_mall=in_mall)
        _fill_basket(making, order, dice.one_of(tuple(making.house.articles)), size=order["id"].int)


def _moment(making: Making, days_ago: int, *, in_mall: bool) -> tuple[int, int, bool]:
    """The day, the second of the day and whether in the mall; nobody has bought later than now."""
    dice = making.dice
    second = dice.one_of(_MALL_HOURS if in_mall else _TILL_HOURS) * 3600 + int(dice.throw() * 3600)
    if days_ago > 0 or second <= making.today.seconds:
        return days_ago, second, in_mall
    if making.today.seconds < 60 or dice.throw() < 0.3:
        return 1, second, in_mall
    second = int(dice.throw() * making.today.seconds)
    return 0, second, in_mall or second // 3600 not in _TILL_CURVE


def _order(
    making: Making, days_ago: int, placed_at: datetime, tie: Tie | None, customer_id: UUID | None, *, in_mall: bool
) -> Row:
    house, store = making.house, tie.shop if tie else making.shop
    day = making.day(days_ago)
    channel = Channel.MINI_MALL if in_mall else Channel.POS
    making.serial += 1
    order: Row = {
        "brand_id": house.brand_id,
        "id": making.dice.id(),
        "source": channel.value,
        "number": f"{day:%y%m%d}{making.shop.index + 1:04d}{making.part:02d}{making.serial:05d}",
        "store_id": store.id,
        "customer_id": customer_id,
        "relationship_id": tie.row["id"] if tie else None,
        "share_id": None,
        "serving_account_id": (tie.keeper if tie else store.public).account_id,
        "state": _state(making, days_ago) if in_mall else OrderState.COMPLETED,
        "channel": channel,
        "country": None,
        "amount": 0,
        "currency": "CNY",
        "placed_at": placed_at,
        "day": day,
        "paid_at": placed_at,
        "completed_at": None,
        "version": 1,
    }
    if in_mall and order["state"] is OrderState.COMPLETED:
        order["completed_at"] = placed_at + timedelta(days=_days_on_the_way(order["id"], days_ago))
    making.batch.orders.append(order)
    making.batch.order_credits.append(
        {
            "brand_id": house.brand_id,
            "id": order["id"],
            "order_id": order["id"],
            "part": 1,
            "store_id": store.id,
            "account_id": tie.keeper_at(placed_at).account_id if tie else None,
            "reason": CreditReason.HOLDER if tie else CreditReason.STORE,
            "points": WHOLE,
            "amount": 0,
            "is_elsewhere": False,
            "decided_at": placed_at,
            "version": 1,
        }
    )
    if in_mall and tie:
        come_through(making, order, tie.keeper_at(placed_at))
    return order


def _state(making: Making, days_ago: int) -> OrderState:
    """A parcel leaves within a day or two, mostly, and arrives within a week."""
    if days_ago > 8:
        return OrderState.COMPLETED
    luck = making.dice.throw()
    if days_ago == 0 or luck < 0.5 ** (days_ago + 1):
        return OrderState.PAID
    return OrderState.SHIPPED if days_ago < 4 or luck < 0.3 else OrderState.COMPLETED


def _days_on_the_way(order_id: UUID, days_ago: int) -> int:
    """Two to seven, and over by yesterday."""
    return 2 + order_id.int % (min(days_ago, 8) - 2)


def _fill_basket(making: Making, order: Row, likes: str, *, size: int) -> Article:
    """Lines for one to three articles and the postage of a small parcel; returns the first article."""
    if order["id"].int % 10 == 0:  # a gift, or a try
        size += 1
    dice = making.dice
    luck = dice.throw()
    picks = [_pick(making, likes) for _ in range(1 if luck < 0.75 else 2 if luck < 0.95 else 3)]
    for line, article in enumerate(picks, 1):
        quantity = 2 if dice.throw() < 0.07 else 1
        _line(
            making,
            order,
            line,
            article.id,
            article.code,
            article.name,
            LineKind.GOODS,
            quantity,
            article.price * quantity,
            _variant(making, article, size),
        )
    if order["channel"] is Channel.MINI_MALL and order["amount"] < POSTAGE_BELOW:
        _line(making, order, len(picks) + 1, None, "POST", "运费", LineKind.SERVICE, 1, POSTAGE)
    return picks[0]


def _variant(making: Making, article: Article, size: int) -> str:
    """The colour, and the size of what comes in sizes."""
    trade = making.house.trade
    return f"{article.color} {trade.size_of(size)}" if article.category in trade.sized else article.color


def _pick(making: Making, likes: str) -> Article:
    dice, shelves = making.dice, making.house.articles
    return dice.one_of(shelves[likes if dice.throw() < 0.55 else dice.one_of(tuple(shelves))])


def _line(
    making: Making,
    order: Row,
    line: int,
    product_id: UUID | None,
    code: str,
    name: str,
    kind: LineKind,
    quantity: int,
    amount: int,
    variant: str | None = None,
) -> None:
    order["amount"] += amount
    making.batch.order_credits[-1]["amount"] += amount
    making.batch.order_lines.append(
        {
            "brand_id": order["brand_id"],
            "order_id": order["id"],
            "line": line,
            "product_id": product_id,
            "product_code": code,
            "name": name,
            "variant": variant,
            "kind": kind,
            "quantity": quantity,
            "amount": amount,
        }
    )


def _refund(making: Making, purchase: Purchase) -> None:
    """The first article is given back, within a week of the purchase."""
    dice, order, article = making.dice, purchase.order, purchase.article
    days_ago = purchase.days_ago - dice.between(1, min(7, purchase.days_ago - 1))
    placed_at = making.today.at(days_ago, dice.between(11 * 3600, 20 * 3600) % DAY_SECONDS)
    refund: Row = {
        "brand_id": order["brand_id"],
        "id": dice.id(),
        "source": order["source"],
        "number": f"R{order['number']}",
        "store_id": order["store_id"],
        "customer_id": order["customer_id"],
        "relationship_id": order["relationship_id"],
        "order_id": order["id"],
        "amount": article.price,
        "currency": "CNY",
        "placed_at": placed_at,
        "day": making.day(days_ago),
        "is_void": False,
        "version": 1,
    }
    making.batch.refunds.append(refund)
    charge: Row = {"brand_id": order["brand_id"], "refund_id": refund["id"], "part": 1, "amount": article.price}
    charge |= {"account_id": purchase.tie.keeper_at(order["placed_at"]).account_id, "placed_at": placed_at}
    making.batch.refund_charges.append(charge)
    line = {"brand_id": order["brand_id"], "refund_id": refund["id"], "line": 1, "product_code": article.code}
    line |= {"name": article.name, "kind": LineKind.GOODS, "quantity": 1, "amount": article.price}
    making.batch.refund_lines.append(line)
    purchase.refunded, purchase.refunded_at = article.price, placed_at
