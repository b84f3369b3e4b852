"""Who sees which orders: those who see the relationship, and the managers of the store."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from customers.policy import relationship_ids_of
from directory import policy as directory
from directory.models import Account
from directory.policy import in_sight
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden
from mall.events import (
    CreditCorrected,
    CreditEvent,
    MallEvent,
    RefundCharged,
    RefundRecorded,
    RefundVoided,
    ServingMoved,
)
from mall.models import (
    CommissionEntry,
    CommissionPlan,
    CommissionPlanState,
    Credit,
    Order,
    Product,
    PurchaseProfile,
    Refund,
    Share,
)

ORDER = "order"
REFUND = "refund"
CREDIT = "credit"


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """A guide sees the orders of relationships they hold; managers those of their stores, guests' too; HQ all."""
    if not actor.may(Scope.ORDERS_READ, Scope.ORDERS_WRITE):
        return and_(col(Order.brand_id) == actor.brand_id, false())
    if actor.role is Role.GUIDE:
        return and_(col(Order.brand_id) == actor.brand_id, col(Order.relationship_id).in_(relationship_ids_of(actor)))
    return in_sight(actor, col(Order.brand_id), col(Order.store_id))


def refunds_visible_to(actor: Actor) -> ColumnElement[bool]:
    """As orders are: a guide's through the relationship, managers' through the store."""
    if not actor.may(Scope.ORDERS_READ, Scope.ORDERS_WRITE):
        return and_(col(Refund.brand_id) == actor.brand_id, false())
    if actor.role is not Role.GUIDE:
        return in_sight(actor, col(Refund.brand_id), col(Refund.store_id))
    held = col(Refund.relationship_id).in_(relationship_ids_of(actor))
    return and_(col(Refund.brand_id) == actor.brand_id, held)


def credits_visible_to(actor: Actor) -> ColumnElement[bool]:
    """What somebody in a store earned without holding the relationship. Others see credits with the order."""
    ours = col(Credit.brand_id) == actor.brand_id
    if actor.store_id is None:
        return and_(ours, false())
    return and_(ours, col(Credit.account_id).in_(actor.account_ids), col(Credit.is_elsewhere))


def profiles_visible_to(actor: Actor) -> ColumnElement[bool]:
    """What customers' purchases amount to, for whoever may read orders; ask of customers in sight only."""
    ours = col(PurchaseProfile.brand_id) == actor.brand_id
    return ours if actor.may(Scope.ORDERS_READ, Scope.ORDERS_WRITE) else and_(ours, false())


def products_visible_to(actor: Actor) -> ColumnElement[bool]:
    """The catalogue is the brand's, for everybody in it."""
    return col(Product.brand_id) == actor.brand_id


def shares_visible_to(actor: Actor) -> ColumnElement[bool]:
    """A guide sees the links that they made; managers those of their stores; HQ, and machines that may, all."""
    if not actor.may(Scope.ORDERS_READ, Scope.ORDERS_WRITE):
        return and_(col(Share.brand_id) == actor.brand_id, false())
    if actor.role is Role.GUIDE:
        return and_(col(Share.brand_id) == actor.brand_id, col(Share.account_id).in_(actor.account_ids))
    return in_sight(actor, col(Share.brand_id), col(Share.store_id))


def commission_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Everybody's own; a store manager's and a regional manager's stores; HQ's and a reporting machine's brand.

    By the store of the order, so what a guide earns elsewhere shows there and to themselves.
    """
    ours = col(CommissionEntry.brand_id) == actor.brand_id
    if not actor.may(Scope.REPORTS_READ):
        return and_(ours, false())
    own = and_(ours, col(CommissionEntry.staff_id) == actor.staff_id)
    match actor.role:
        case Role.GUIDE:
            return own
        case Role.STORE_MANAGER | Role.REGIONAL_MANAGER:
            return or_(own, in_sight(actor, col(CommissionEntry.brand_id), col(CommissionEntry.store_id)))
        case _:
            return ours


def commission_plans_visible_to(actor: Actor) -> ColumnElement[bool]:
    """HQ and reporting machines see all; whoever is paid by a plan sees those that are live."""
    ours = col(CommissionPlan.brand_id) == actor.brand_id
    if not actor.may(Scope.REPORTS_READ):
        return and_(ours, false())
    if actor.role in (Role.HQ, Role.SERVICE, Role.SYSTEM):
        return ours
    return and_(ours, col(CommissionPlan.state) == CommissionPlanState.LIVE)


def require_paymaster(actor: Actor) -> None:
    """Plans are written, and periods closed, by HQ."""
    if actor.role is not Role.HQ:
        raise Forbidden


def require_accountant(actor: Actor) -> None:
    """What all stores' commission is tied to is for HQ, for machines that report, and for the product itself."""
    if actor.role is not Role.HQ and not _is_machine(actor, Scope.REPORTS_READ):
        raise Forbidden


def require_recorder(actor: Actor) -> None:
    """Orders come from machines: a till, a mall, an import."""
    if not _is_machine(actor, Scope.ORDERS_WRITE):
        raise Forbidden


def require_keeper(actor: Actor, order: Order) -> None:
    """An order is moved on by the machine it came from, by whoever serves or covers it, or by the store's manager."""
    serves = order.serving_account_id in actor.served_ids
    if not (serves or _is_machine(actor, Scope.ORDERS_WRITE) or _manages(actor, order)):
        raise Forbidden


def require_canceller(actor: Actor, order: Order) -> None:
    """An order is cancelled by the machine it came from, or by the store's manager."""
    if not (_is_machine(actor, Scope.ORDERS_WRITE) or _manages(actor, order)):
        raise Forbidden


def require_answerer(actor: Actor, order: Order) -> None:
    """An order is answered by the guide who holds its relationship or covers it (no other sees it), or the manager."""
    if actor.role is not Role.GUIDE and not _manages(actor, order):
        raise Forbidden


def require_credit_corrector(actor: Actor) -> None:
    """Who earned an order is corrected by a manager who has it in sight, or by HQ."""
    if actor.role not in (Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ):
        raise Forbidden


def require_credit_ruler(actor: Actor) -> None:
    """By which rules credit is given, HQ says."""
    if actor.role is not Role.HQ:
        raise Forbidden


def require_catalogue_keeper(actor: Actor) -> None:
    """The catalogue is kept by HQ, or by a machine that may."""
    if actor.role is not Role.HQ and not _is_machine(actor, Scope.PRODUCTS_WRITE):
        raise Forbidden


def require_mall_keeper(actor: Actor) -> None:
    """How the mini-mall is run is said by HQ."""
    if actor.role is not Role.HQ:
        raise Forbidden


def require_sharer(actor: Actor) -> None:
    """Links are made by whoever serves customers: guides and store managers."""
    if actor.role not in (Role.GUIDE, Role.STORE_MANAGER):
        raise Forbidden


def require_share_keeper(actor: Actor, share: Share) -> None:
    """A link is ended by whoever made it, or by the store's manager."""
    manages = actor.role is Role.STORE_MANAGER and actor.store_id == share.store_id
    if not (share.account_id in actor.account_ids or manages):
        raise Forbidden


def require_shelf_keeper(actor: Actor, *, guides_may: bool) -> None:
    """What stands in a store is said by its manager, and by its guides where the brand lets them."""
    if actor.role is not Role.STORE_MANAGER and not (actor.role is Role.GUIDE and guides_may):
        raise Forbidden


async def seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[MallEvent]) -> list[feed.Entry]:
    """Whoever holds the relationship, and the managers of the store; whoever served an order before forgets it."""
    readers = await _holders(session, brand_id, events)
    former = {event.from_account_id for event in events if isinstance(event, ServingMoved) and event.from_account_id}
    left = await directory.watchers(session, brand_id, former) if former else {}
    entries: list[feed.Entry] = []
    for event in events:
        own = readers.get(event.relationship_id) if event.relationship_id else None
        if isinstance(event, ServingMoved) and event.from_account_id in left:
            gone = left[event.from_account_id].own
            if gone and gone != own:
                entries.append(feed.Entry(gone, ORDER, event.order_id, event.version, feed.Op.DEL))
        feeds = [own, feed.of_desk(event.store_id)] if own else [feed.of_desk(event.store_id)]
        entries += [entry for feed_id in feeds for entry in _news(feed_id, event)]
    return entries


async def credits_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[CreditEvent]) -> list[feed.Entry]:
    """Whoever earned an order that isn't in their sight; who lost it by a correction forgets it."""
    told = [(each, feed.Op.PUT) for event in events for each in event.elsewhere]
    told += [(each, feed.Op.DEL) for event in events if isinstance(event, CreditCorrected) for each in event.lost]
    if not told:
        return []
    watchers = await directory.watchers(session, brand_id, {each.account_id for each, _ in told})
    owners = {account_id: watcher.own for account_id, watcher in watchers.items()}
    return [
        feed.Entry(own, CREDIT, each.credit_id, each.version, op)
        for each, op in told
        if (own := owners.get(each.account_id)) is not None
    ]


def _news(feed_id: UUID, event: MallEvent) -> Iterator[feed.Entry]:
    if not isinstance(event, RefundRecorded | RefundVoided | RefundCharged):
        yield feed.Entry(feed_id, ORDER, event.order_id, event.version)
        return
    if isinstance(event, RefundRecorded) and event.order_id and event.order_version:
        yield feed.Entry(feed_id, ORDER, event.order_id, event.order_version)
    yield feed.Entry(feed_id, REFUND, event.refund_id, event.version)


async def _holders(session: AsyncSession, brand_id: UUID, events: Sequence[MallEvent]) -> dict[UUID, UUID]:
    """The feeds of those who hold the relationships, where it is somebody and not the store's public account."""
    wanted = sorted({event.relationship_id for event in events if event.relationship_id})
    if not wanted:
        return {}
    found = await session.execute(
        select(col(Relationship.id), col(Account.staff_id))
        .join(
            Account,
            (col(Account.brand_id) == col(Relationship.brand_id)) & (col(Account.id) == col(Relationship.holder_id)),
        )
        .where(
            col(Relationship.brand_id) == brand_id,
            col(Relationship.id).in_(wanted),
        )
    )
    return {relationship_id: feed.of_staff(staff_id) for relationship_id, staff_id in found if staff_id}


def _is_machine(actor: Actor, scope: Scope) -> bool:
    return actor.role in (Role.SYSTEM, Role.SERVICE) and actor.may(scope)


def _manages(actor: Actor, order: Order) -> bool:
    return actor.role is Role.STORE_MANAGER and actor.store_id == order.store_id
