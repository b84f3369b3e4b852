"""Write down who takes figures away as a file."""

from kernel import audit
from kernel.work import Work
from kpi.models import Days
from kpi.queries.exporting import EXPORTED


async def note_export(work: Work, kind: str, days: Days) -> None:
    """Note that figures of these days go out as a file; `exporting` has said whether they may."""
    detail = {"kind": kind, "from_day": days.first.isoformat(), "until_day": days.last.isoformat()}
    await audit.write(work.session, work.actor, EXPORTED, "brand", work.actor.brand_id, detail)
