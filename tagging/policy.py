"""Who sees which tags: the brand's are everybody's, a personal one is its owner's alone."""

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from kernel.actor import Actor
from tagging.models import Tag, TagGroup


def visible_to(actor: Actor) -> ColumnElement[bool]:
    return and_(
        col(Tag.brand_id) == actor.brand_id,
        or_(col(Tag.owner_id).is_(None), col(Tag.owner_id) == actor.id),
    )


def groups_visible_to(actor: Actor) -> ColumnElement[bool]:
    return col(TagGroup.brand_id) == actor.brand_id
