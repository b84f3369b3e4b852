"""Who sees which orders: those who see the relationship; a guest's order, whoever serves it."""

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from customers.policy import relationship_ids_of
from directory.policy import in_sight
from kernel.actor import Actor, Role
from mall.models import Order, Product, Refund


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """A guide sees the orders of relationships they hold; managers those of their stores; HQ all."""
    if actor.role is not Role.GUIDE:
        return in_sight(actor, col(Order.brand_id), col(Order.store_id))
    held = col(Order.relationship_id).in_(relationship_ids_of(actor))
    guest = and_(col(Order.relationship_id).is_(None), col(Order.serving_account_id).in_(actor.account_ids))
    return and_(col(Order.brand_id) == actor.brand_id, or_(held, guest))


def refunds_visible_to(actor: Actor) -> ColumnElement[bool]:
    """As orders are: a guide's through the relationship, managers' through the store."""
    if actor.role is not Role.GUIDE:
        return in_sight(actor, col(Refund.brand_id), col(Refund.store_id))
    held = col(Refund.relationship_id).in_(relationship_ids_of(actor))
    return and_(col(Refund.brand_id) == actor.brand_id, held)


def products_visible_to(actor: Actor) -> ColumnElement[bool]:
    """The catalogue is the brand's, for everybody in it."""
    return col(Product.brand_id) == actor.brand_id
