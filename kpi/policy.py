"""Who may ask for figures; what they count is what the asker sees."""

from kernel.actor import Actor, Scope
from kernel.errors import Forbidden


def require_reader(actor: Actor) -> None:
    """Everybody reads the figures of their own sight; a machine needs to be allowed to."""
    if not actor.may(Scope.REPORTS_READ):
        raise Forbidden
