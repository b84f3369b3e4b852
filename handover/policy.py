"""Who sees who is leaving, and handovers: those who answer for the stores."""

from sqlalchemy import ColumnElement, and_, exists, false, or_, true
from sqlmodel import col

from directory.models import Staff, StaffState
from directory.policy import in_sight, staff_visible_to
from handover.models import Handover, HandoverAccount
from kernel.actor import Actor, Role
from kernel.errors import Forbidden

_MANAGERS = (Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ, Role.SYSTEM)


def departures_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Managers see the leavers of the stores they answer for, but never themselves; guides and machines see none."""
    if actor.role not in _MANAGERS:
        return and_(col(Staff.brand_id) == actor.brand_id, false())
    return and_(staff_visible_to(actor), col(Staff.state) == StaffState.LEAVING, col(Staff.id) != actor.id)


def handovers_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Managers see the handovers of accounts of the stores they answer for; nobody sees their own."""
    ours = col(Handover.brand_id) == actor.brand_id
    if actor.role not in _MANAGERS:
        return and_(ours, false())
    touched = exists().where(
        col(HandoverAccount.brand_id) == col(Handover.brand_id),
        col(HandoverAccount.handover_id) == col(Handover.id),
        in_sight(actor, col(HandoverAccount.brand_id), col(HandoverAccount.store_id)),
    )
    return and_(ours, touched, not_own(actor))


def not_own(actor: Actor) -> ColumnElement[bool]:
    """Whoever is handed over themselves neither sees it nor decides on it, whatever their role."""
    if actor.staff_id is None:
        return true()
    return or_(col(Handover.staff_id).is_(None), col(Handover.staff_id) != actor.staff_id)


def require_manager(actor: Actor) -> None:
    """Handovers are started, changed, and approved by those who answer for the stores; these are in sight already."""
    if actor.role not in _MANAGERS:
        raise Forbidden
