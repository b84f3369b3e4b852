"""Write down who takes commission away as a file."""

from kernel import audit
from kernel.work import Work
from mall.events import CommissionExported
from mall.queries.commission.exporting import EXPORTED, Export


async def note_export(work: Work, export: Export) -> None:
    """Note that a period goes out as a file; `exporting.begin` has said whether it may."""
    detail = {"first_day": export.period.first_day.isoformat()}
    await audit.write(work.session, work.actor, EXPORTED, "brand", work.actor.brand_id, detail)
    work.record(CommissionExported(actor_id=work.actor.id))
