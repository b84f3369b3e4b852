"""Reckon with powers in SQL on both engines: an SQLite that was built without them learns them from Python."""

import math
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

_LEARNT: Mapping[str, tuple[int, Callable[..., float]]] = {"exp": (1, math.exp), "power": (2, math.pow)}


def teach(connection: Any) -> None:
    """Make `exp` and `power` known to a fresh SQLite connection that lacks them; its own are several times faster."""
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT exp(0.0), power(1.0, 0.0)")
    except sqlite3.OperationalError:
        for name, (arguments, function) in _LEARNT.items():
            connection.create_function(name, arguments, _of_known(function), deterministic=True)
    finally:
        cursor.close()


def _of_known(function: Callable[..., float]) -> Callable[..., float | None]:
    def asked(*values: float | None) -> float | None:
        return None if None in values else function(*values)

    return asked
