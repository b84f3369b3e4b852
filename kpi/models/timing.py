"""When somebody is told of figures, by the clock on their wall. No I/O."""

from datetime import date, datetime, time, timedelta

from kpi.models.periods import Days, Span, begin_of, end_of
from kpi.models.watching import WatchKind

WAKES, SLEEPS = time(8), time(20)
"""Nothing is sent before or from then on."""

PATIENCE = time(9, 45)
"""Until then whoever watches several things is told of them at once; from then on of what there is."""

_DAY = timedelta(days=1)
_SPANS = {WatchKind.WEEKLY: Span.WEEK, WatchKind.MONTHLY: Span.MONTH}


def is_quiet(local: datetime) -> bool:
    """Whether it is a time at which nobody is to be disturbed."""
    return not WAKES <= local.time() < SLEEPS


def last_period(kind: WatchKind, today: date) -> Days:
    """The last day, week or month that is over today; alerts look at days."""
    span = _SPANS.get(kind, Span.DAY)
    last = begin_of(today, span) - _DAY
    return Days(begin_of(last, span), end_of(begin_of(last, span), span))
