"""Do what a mall's message says: all of it, or nothing that is left for a person."""

from dataclasses import dataclass
from uuid import UUID

from intake.models.notices import Notice
from kernel.errors import Refusal
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a notice: the order that it was about, or why it has to wait, with nothing changed.

    `waits_for_order`: a refund came before its order; it can be applied as soon as the order is there.
    """

    order_id: UUID | None
    parked: Refusal | None = None
    waits_for_order: bool = False


async def apply(work: Work, notice: Notice) -> Applied:
    """Take the order and its refunds; what a person has to mend first is parked."""
    raise NotImplementedError
