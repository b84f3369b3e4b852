"""How our column types stand in a migration, and when one counts as changed."""

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, Column, DateTime, Enum, String
from sqlmodel.sql.sqltypes import AutoString

from kernel.db import UtcDateTime


def render(kind: str, thing: Any, context: AutogenContext) -> str | Literal[False]:
    """Write our types as plain ones, so that an old step doesn't change when our code does."""
    if kind != "type":
        return False
    match thing:
        case UtcDateTime():
            return "sa.DateTime(timezone=True)"
        case JSON():
            context.imports.add("from sqlalchemy.dialects import postgresql")
            return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
        case Enum() | AutoString() if thing.length:
            return f"sa.String(length={thing.length})"
        case AutoString():
            return "sa.String()"
        case _:
            return False


def differ(_context: Any, _there: Column[Any], _here: Column[Any], there: Any, here: Any) -> bool | None:
    """Whether a column's type has changed; `None` leaves it to alembic."""
    match here:
        case UtcDateTime():
            return not isinstance(there, DateTime)
        case Enum() | AutoString():
            return not isinstance(there, String) or there.length != here.length
        case _:
            return None
