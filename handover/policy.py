"""Who sees who is leaving: those who answer for the store."""

from sqlalchemy import ColumnElement, and_, false
from sqlmodel import col

from directory.models import Staff, StaffState
from directory.policy import staff_visible_to
from kernel.actor import Actor, Role

_MANAGERS = (Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ, Role.SYSTEM)


def departures_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Managers see the leavers of the stores they answer for; guides and machines see none."""
    if actor.role not in _MANAGERS:
        return and_(col(Staff.brand_id) == actor.brand_id, false())
    return and_(staff_visible_to(actor), col(Staff.state) == StaffState.LEAVING)
