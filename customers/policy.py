"""Who sees which customers: whoever holds a relationship, and those who answer for its store."""

from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, select
from sqlmodel import col

from customers.models import Customer, Note, Relationship, Visit
from directory.policy import in_sight
from kernel.actor import Actor, Role


def relationships_visible_to(actor: Actor) -> ColumnElement[bool]:
    """A guide sees what their accounts hold; managers see their stores; HQ the brand."""
    if actor.role is Role.GUIDE:
        return and_(col(Relationship.brand_id) == actor.brand_id, col(Relationship.holder_id).in_(actor.account_ids))
    return in_sight(actor, col(Relationship.brand_id), col(Relationship.store_id))


def relationship_ids_of(actor: Actor) -> Select[UUID]:
    """The ids of the relationships in sight, for tables that hang on them."""
    return select(col(Relationship.id)).where(relationships_visible_to(actor))


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """A customer is seen through a relationship; HQ and machines see all of the brand's."""
    ours = col(Customer.brand_id) == actor.brand_id
    if actor.role in (Role.HQ, Role.SERVICE, Role.SYSTEM):
        return ours
    through = exists().where(col(Relationship.customer_id) == col(Customer.id), relationships_visible_to(actor))
    return and_(ours, through)


def notes_visible_to(actor: Actor) -> ColumnElement[bool]:
    return and_(col(Note.brand_id) == actor.brand_id, col(Note.relationship_id).in_(relationship_ids_of(actor)))


def visits_visible_to(actor: Actor) -> ColumnElement[bool]:
    return and_(col(Visit.brand_id) == actor.brand_id, col(Visit.relationship_id).in_(relationship_ids_of(actor)))
