"""Who may ask for figures; what they count is what the asker sees."""

from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden


def require_reader(actor: Actor) -> None:
    """Everybody reads the figures of their own sight; a machine needs to be allowed to."""
    if not actor.may(Scope.REPORTS_READ):
        raise Forbidden


def require_manager(actor: Actor) -> None:
    """Figures of others are for those who answer for them, and for a machine that may read reports."""
    require_reader(actor)
    if actor.role is Role.GUIDE:
        raise Forbidden
