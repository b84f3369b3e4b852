"""Break the product from outside: put something else where it looks for a function."""

from datetime import timedelta
from typing import Any

import kernel.jobs
import server.worker
from intake.commands import inbox
from server.worker import Worker

SHORT_LEASE = timedelta(seconds=2)
_SHORT_WAITS = (timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8))


def replace(owner: Any, name: str, broken: Any) -> None:
    if not hasattr(owner, name):  # otherwise the mutant would break nothing, and prove nothing
        raise AttributeError(f"{owner} has no {name} any more: adapt the mutant")
    setattr(owner, name, broken)


def shorten_waits() -> None:
    """What a dead program had taken is free after seconds, as a test can't wait for a minute; refunds look as often."""
    replace(kernel.jobs, "LEASE", SHORT_LEASE)
    replace(server.worker, "Worker", _brisk)
    replace(inbox, "_LOOK_AGAIN_AFTER", _SHORT_WAITS)


def _brisk(*given: Any, **also: Any) -> Worker:
    """A worker that sweeps more often than the product's."""
    return Worker(*given, **also | {"sweep_seconds": 0.5})
