"""Let guides share: links to what they sell, customers who open them, and orders that come through."""

from datetime import timedelta
from uuid import UUID

from mall.commands.shares import CODE_LENGTH, CODE_LETTERS
from mall.models import CreditReason, ShareKind
from server.demo.house import Article, House, Keeper, Link, Row
from server.demo.lives import Making

SHARING_SHOPS = 20
# Within the days that the usual rules give a link, so that whatever comes through it counts by it.
MADE_DAYS_AGO = 6
LASTS = timedelta(days=30)
OPENING = 11 * 3600


def add_links(house: House) -> None:
    """A link of each guide's, of the larger brands' first shops, and who opened it."""
    articles = [article for shelf in house.articles.values() for article in shelf]
    for shop in house.shops[:SHARING_SHOPS]:
        for place, keeper in enumerate(shop.guides):
            _add_link(house, keeper, shop.id, articles[keeper.account_id.int % len(articles)], OPENING + place * 600)


def come_through(making: Making, order: Row, keeper: Keeper) -> None:
    """Every other order of the mall since then came through the link of whoever held the customer.

    Not by chance: the customers are the same as without links.
    """
    link = making.house.links.get(keeper.account_id)
    if link is None or order["placed_at"] < link.made_at or order["id"].int % 2:
        return
    order["share_id"] = link.id
    making.batch.order_credits[-1]["reason"] = CreditReason.SHARE
    opened_at = max(link.made_at, order["placed_at"] - timedelta(seconds=60 + order["id"].int % 1_800))
    making.batch.share_opens.append(_open(order["brand_id"], order["id"], link.id, opened_at))


def _add_link(house: House, keeper: Keeper, store_id: UUID, article: Article, second: int) -> None:
    link = Link(UUID(int=keeper.account_id.int ^ 1), house.today.at(MADE_DAYS_AGO, second))
    house.links[keeper.account_id] = link
    house.add(
        "shares",
        {
            "id": link.id,
            "code": _code(link.id.int),
            "store_id": store_id,
            "account_id": keeper.account_id,
            "kind": ShareKind.PRODUCT,
            "title": article.name,
            "product_id": article.id,
            "look": [],
            "page": None,
            "created_at": link.made_at,
            "expires_at": link.made_at + LASTS,
            "version": 1,
        },
    )
    opens = 2 + link.id.int % 9
    apart = (house.today.now - link.made_at) // (opens + 1)
    for turn in range(1, opens + 1):
        opened_at = (link.made_at + apart * turn).replace(microsecond=0)
        house.add("share_opens", _open(house.brand_id, UUID(int=link.id.int ^ turn), link.id, opened_at))


def _open(brand_id: UUID, open_id: UUID, share_id: UUID, opened_at: object) -> Row:
    return {"brand_id": brand_id, "id": open_id, "share_id": share_id, "opened_at": opened_at}


def _code(number: int) -> str:
    """Letters that only look thrown: the same link has the same address each time."""
    letters = ""
    for _ in range(CODE_LENGTH):
        number, letter = divmod(number, len(CODE_LETTERS))
        letters += CODE_LETTERS[letter]
    return letters
