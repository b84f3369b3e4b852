"""Reckon with powers in SQL on both engines: an SQLite that was built without them learns them from Python."""

import math
import sqlite3
from typing import Any

_LEARNT = {"exp": (1, math.exp), "power": (2, math.pow)}


def teach(connection: Any) -> None:
    """Make `exp` and `power` known to a fresh SQLite connection that lacks them; its own are several times faster."""
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT exp(0.0), power(1.0, 0.0)")
    except sqlite3.OperationalError:
        for name, (arguments, function) in _LEARNT.items():
            connection.create_function(name, arguments, function, deterministic=True)
    finally:
        cursor.close()
