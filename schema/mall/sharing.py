"""Share links and what comes of them, in GraphQL."""

import asyncio
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from kernel import clock
from mall import commands
from mall.models import ShareKey, ShareKind
from mall.models.own_taps import PREVIEW_LASTS, mark_of_preview
from mall.queries import share_figures, shares
from schema.context import Act, Info
from schema.directory import Account, Store, account_of, store_of
from schema.fields import field, mutation
from schema.mall.wares import Product, product_of
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, Fen, read_id, shown_as, sought_id
from schema.versioned import Versioned

strawberry.enum(
    ShareKind, description="What a link shows: a product, a page of the mall, or a look of 2 to 9 products."
)
strawberry.enum(
    ShareKey, description="By what figures are told apart: who made the links, their product, store, or each link."
)


@strawberry.type(
    description="A link's address for a look of one's own. That look isn't counted, and neither is what the same "
    "browser opens in the next 90 days. Not to be sent to customers."
)
class SharePreview:
    url: str
    expires_at: datetime = strawberry.field(description="From when on it is an address as any other; 10 minutes.")


@strawberry.type(
    description="A guide's link (分享). Whoever follows it comes to the brand's mall, to the guide who made it, "
    "or else to whoever took most of their customers over. The credit of what comes through it stays the maker's."
)
class Share(Versioned):
    code: str = strawberry.field(description="Ten letters and digits, without look-alikes.")
    kind: ShareKind
    title: str
    page: str | None = strawberry.field(description="The path in the mall, of a link to a page.")
    created_at: datetime = strawberry.field(description="In UTC.")
    expires_at: datetime = strawberry.field(description="From when on it leads nowhere, in UTC.")
    brand_id: strawberry.Private[UUID]
    store_id: strawberry.Private[UUID]
    account_id: strawberry.Private[UUID]
    product_id: strawberry.Private[UUID | None]
    look: strawberry.Private[list[str]]

    @field("Whether it leads somewhere now.")
    def is_live(self) -> bool:
        return self.expires_at > clock.now()

    @field("The address to send to customers.")
    def url(self, info: Info) -> str:
        return _address(self, info)

    @field("The way for whoever shares it to have a look.")
    def preview(self, info: Info) -> SharePreview:
        at = clock.now()
        mark = mark_of_preview(info.context.vault, self.brand_id, UUID(str(self.id)), at)
        return SharePreview(url=f"{_address(self, info)}?own={mark}", expires_at=at + PREVIEW_LASTS)

    @field("Where its QR code is as PNG; `?size=` 100 to 1200 is its longest side in pixels.")
    def qr_png(self, info: Info) -> str:
        return f"{_address(self, info)}.png"

    @field("Where its QR code is as SVG.")
    def qr_svg(self, info: Info) -> str:
        return f"{_address(self, info)}.svg"

    @field("The store that it leads to.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("The account that made it, and has the credit of what comes through it.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)

    @field("The product that it shows; null for a page and for a look.")
    async def product(self, info: Info) -> Product | None:
        return await product_of(info, self.product_id)

    @field("The products of a look, in their order; empty for others.")
    async def look_products(self, info: Info) -> list[Product]:
        found = await asyncio.gather(*(product_of(info, UUID(each)) for each in self.look))
        return [product for product in found if product is not None]

    @field("How often customers opened it, without bots, the guide's own looks, and repeats within 30 minutes.")
    async def opens(self, info: Info) -> int:
        return (await _totals(self, info)).opens

    @field("How many orders came through it that are paid for and not taken back.")
    async def orders(self, info: Info) -> int:
        return (await _totals(self, info)).orders

    @field("What those orders come to.")
    async def gross(self, info: Info) -> Fen:
        return Fen((await _totals(self, info)).gross)


@strawberry.type(description="What came of links in a period.")
class ShareFigures:
    links: int = strawberry.field(description="Links made in the period.")
    opens: int = strawberry.field(description="Opens in the period, as `Share.opens` counts them.")
    orders: int = strawberry.field(description="Orders of the period that came through, paid for and not taken back.")
    gross: Fen = strawberry.field(description="What those orders come to.")
    account_id: strawberry.Private[UUID | None] = None
    product_id: strawberry.Private[UUID | None] = None
    store_id: strawberry.Private[UUID | None] = None
    share_id: strawberry.Private[UUID | None] = None

    @field("Who made the links, where figures are by guide. Store managers share as the store's public account.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)

    @field("What the links show, where figures are by product.")
    async def product(self, info: Info) -> Product | None:
        return await product_of(info, self.product_id)

    @field("Whose links they are, where figures are by store.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("The link, where figures are by link.")
    async def share(self, info: Info) -> Share | None:
        return await share_of(info, self.share_id)


@strawberry.input(description="Which links: all that is given must hold.")
class ShareFilter:
    own: bool = strawberry.field(default=False, description="Made by the viewer; by a manager, for the store.")
    live: bool = strawberry.field(default=False, description="That lead somewhere now.")
    store_id: strawberry.ID | None = None
    account_id: strawberry.ID | None = None
    product_id: strawberry.ID | None = None


@strawberry.type(description="The link as it is after the change.")
class ShareChanged:
    share: Share | None = seen()
    places: list[Place] = told()


ShareResult = Annotated[ShareChanged | Problem, strawberry.union("ShareResult")]

_NAME_OF_KEY = {
    ShareKey.GUIDE: "account_id",
    ShareKey.PRODUCT: "product_id",
    ShareKey.STORE: "store_id",
    ShareKey.SHARE: "share_id",
}


async def share_of(info: Info, share_id: UUID | None) -> Share | None:
    """The link, if there is one in sight."""
    return shown_as(Share, await info.context.load(shares.by_ids, share_id)) if share_id else None


@strawberry.type
class ShareQueries:
    @field("Links in sight, the newest first; at most 100 a page. Guides see those that they made.")
    async def shares(
        self, info: Info, filter: ShareFilter | None = None, first: int = 20, after: Cursor | None = None
    ) -> Connection[Share]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await shares.page(session, info.context.actor, page, _wanted(filter))
        return connection(Share, rows, page, lambda row: (row.created_at, row.id))

    @field("One link; null if there is none in sight.")
    async def share(self, info: Info, id: strawberry.ID) -> Share | None:
        return await share_of(info, sought_id(id))

    @field(
        "What came of the links in sight on these days of the stores' calendars, both included and at most 366; those "
        "that sold most first, at most 100 a page. By product, links to that product alone. Refused with `INVALID`."
    )
    async def share_figures(
        self,
        info: Info,
        from_day: date,
        until_day: date,
        by: ShareKey,
        filter: ShareFilter | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[ShareFigures]:
        page, period = page_of(first, after), share_figures.Period(from_day, until_day)
        async with info.context.read() as session:
            rows = await share_figures.page(session, info.context.actor, page, by, period, _wanted(filter))
        found = connection(ShareFigures, rows, page, lambda row: (row.gross, row.opens, row.key))
        for edge in found.edges:
            edge.node = _figures(by, edge.node)
        return found


@strawberry.type
class ShareMutations:
    @mutation(
        "Make a link to a product, for 1 to 365 days, by default as the brand says. For guides and store managers: "
        "`FORBIDDEN`, `NOT_FOUND`, `PRODUCT_WITHDRAWN`, `INVALID`."
    )
    async def share_product(
        self, info: Info, product_id: strawberry.ID, days: int | None = None, idempotency_key: str | None = None
    ) -> ShareResult:
        return await _changed(
            info, idempotency_key, lambda work: commands.share_product(work, read_id(product_id), days=days)
        )

    @mutation(
        "Make a link to a page of the mall: a path that starts with one slash, in at most 500 characters; the title in "
        "at most 100. Otherwise as `shareProduct`: `FORBIDDEN`, `INVALID`."
    )
    async def share_page(
        self, info: Info, page: str, title: str, days: int | None = None, idempotency_key: str | None = None
    ) -> ShareResult:
        return await _changed(
            info, idempotency_key, lambda work: commands.share_page(work, page, title=title, days=days)
        )

    @mutation(
        "Make a link to a look of 2 to 9 different products, in their order; the title in at most 100 characters. "
        "Otherwise as `shareProduct`: `FORBIDDEN`, `NOT_FOUND`, `PRODUCT_WITHDRAWN`, `INVALID`."
    )
    async def share_look(
        self,
        info: Info,
        product_ids: list[strawberry.ID],
        title: str,
        days: int | None = None,
        idempotency_key: str | None = None,
    ) -> ShareResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.share_look(work, [read_id(each) for each in product_ids], title=title, days=days),
        )

    @mutation(
        "Let a link lead nowhere from now on; what came of it stays. For whoever made it and the store's manager: "
        "`NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `SHARE_OVER`.",
        edited=(Share, share_of),
    )
    async def end_share(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> ShareResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.end_share(work, read_id(id), expected_version=expected_version),
        )


async def _changed(info: Info, key: str | None, act: Act) -> ShareChanged:
    done = await info.context.mutate(info, key, act)
    return ShareChanged(share=await share_of(info, done.id), places=done.places)


async def _totals(share: Share, info: Info) -> share_figures.Totals:
    found: share_figures.Totals | None = await info.context.load(share_figures.totals, share.id)
    return found or share_figures.Totals(0, 0, 0)


def _figures(by: ShareKey, row: Any) -> ShareFigures:
    named: dict[str, UUID] = {_NAME_OF_KEY[by]: row.key}
    return ShareFigures(links=row.links, opens=row.opens, orders=row.orders, gross=Fen(row.gross), **named)


def _wanted(wanted: ShareFilter | None) -> shares.Filter:
    if wanted is None:
        return shares.Filter()
    return shares.Filter(
        is_own=wanted.own,
        is_live=wanted.live,
        store_id=sought_id(wanted.store_id),
        account_id=sought_id(wanted.account_id),
        product_id=sought_id(wanted.product_id),
    )


def _address(share: Share, info: Info) -> str:
    return f"{info.context.public_url}/s/{share.code}"
