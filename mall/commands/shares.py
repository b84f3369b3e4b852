"""Make links for customers, end them, and note that somebody followed one."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from directory.queries import accounts
from kernel import bulk, clock, ids
from kernel.errors import Forbidden, Invalid, NotFound, Unavailable, require_text, require_version
from kernel.work import Work
from mall.errors import ProductWithdrawn
from mall.events import ShareMade, ShareOpened
from mall.models import Share, ShareKind, ShareOpen
from mall.policy import require_share_keeper, require_sharer
from mall.queries import products, settings, shares

CODE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is taken for another
CODE_LENGTH = 10  # 49 bits
LONGEST_TITLE = 100
LONGEST_PAGE = 500
LEAST_OF_LOOK, MOST_OF_LOOK = 2, 9
LONGEST_LIFE = 365

_TRIES = 5
_PAGE = re.compile(r"/(?!/)[^\\#\s\x00-\x1f\x7f]*")


async def share_product(work: Work, product_id: UUID, *, days: int | None = None) -> Share:
    """A link to a product, for `days` of 1 to 365, by default as the brand says.

    Raises `FORBIDDEN`, `NOT_FOUND`, `PRODUCT_WITHDRAWN`, `INVALID`.
    """
    require_sharer(work.actor)
    [product] = await _products(work, [product_id])
    title = product.name[:LONGEST_TITLE]
    return await _add(work, days, kind=ShareKind.PRODUCT, title=title, product_id=product.id)


async def share_page(work: Work, page: str, *, title: str, days: int | None = None) -> Share:
    """A link to a page of the mall: a path of at most 500 characters that starts with one slash.

    Raises `FORBIDDEN`, `INVALID`.
    """
    require_sharer(work.actor)
    return await _add(work, days, kind=ShareKind.PAGE, title=_title(title), page=_page(page))


async def share_look(work: Work, product_ids: Sequence[UUID], *, title: str, days: int | None = None) -> Share:
    """A link to a look of 2 to 9 different products, in their order.

    Raises `FORBIDDEN`, `NOT_FOUND`, `PRODUCT_WITHDRAWN`, `INVALID`.
    """
    require_sharer(work.actor)
    if not LEAST_OF_LOOK <= len(product_ids) <= MOST_OF_LOOK or len(set(product_ids)) < len(product_ids):
        raise Invalid(field="productIds", reason="2 to 9 different products.", reason_zh="请选择 2 到 9 件不同的商品。")
    title = _title(title)
    found = await _products(work, product_ids)
    return await _add(work, days, kind=ShareKind.LOOK, title=title, look=[str(product.id) for product in found])


async def end_share(work: Work, share_id: UUID, *, expected_version: int | None = None) -> Share:
    """Let a link lead nowhere from now on; for whoever made it, and the store's manager.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `SHARE_OVER`.
    """
    share = await shares.lock(work.session, work.actor, share_id)
    require_share_keeper(work.actor, share)
    require_version(share, expected_version)
    share.end(clock.now())
    return share


async def note_open(work: Work, share_id: UUID, at: datetime) -> None:
    """Note that somebody followed a link, and nothing of who."""
    work.session.add(ShareOpen(brand_id=work.actor.brand_id, id=ids.new(), share_id=share_id, opened_at=at))
    work.record(ShareOpened(share_id, at))


async def _add(work: Work, days: int | None, **what: Any) -> Share:
    account = await accounts.own(work.session, work.actor)
    if account is None:
        raise Forbidden
    at = clock.now()
    usual = (await settings.setting_of(work.session, work.actor.brand_id)).share_days
    until = at + timedelta(days=usual if days is None else _checked(days))
    for _ in range(_TRIES):
        share = Share(
            brand_id=work.actor.brand_id,
            id=ids.new(),
            code=new_code(),
            store_id=account.store_id,
            account_id=account.id,
            created_at=at,
            expires_at=until,
            **what,
        )
        if await bulk.insert_missing(work.session, Share, [share.model_dump()]):
            work.record(ShareMade(share.id, at))
            return share
    raise Unavailable


def new_code() -> str:
    """A code that nobody guesses, and nobody misreads."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


async def _products(work: Work, product_ids: Sequence[UUID]) -> list[products.ProductRow]:
    """The products in the order in which they were named."""
    known = await products.by_ids(work.session, work.actor, product_ids)
    if len(known) < len(set(product_ids)):
        raise NotFound
    for product in known.values():
        if product.is_withdrawn:
            raise ProductWithdrawn(name=product.name)
    return [known[product_id] for product_id in product_ids]


def _title(title: str) -> str:
    return require_text("title", title, longest=LONGEST_TITLE)


def _page(page: str) -> str:
    page = require_text("page", page, longest=LONGEST_PAGE)
    steps = page.partition("?")[0].split("/")
    if not _PAGE.fullmatch(page) or {".", ".."} & set(steps):
        raise Invalid(
            field="page",
            reason="a path of the mall that starts with one slash, as in /new/spring.",
            reason_zh="请填商城内以一个 / 开头的路径，例如 /new/spring。",
        )
    return page


def _checked(days: int) -> int:
    if not 1 <= days <= LONGEST_LIFE:
        raise Invalid(field="days", reason=f"from 1 to {LONGEST_LIFE}.", reason_zh=f"请填 1 到 {LONGEST_LIFE}。")
    return days
