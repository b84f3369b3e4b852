"""Insert many rows at once: COPY on PostgreSQL, one prepared statement on SQLite."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    BindParameter,
    Column,
    FromClause,
    Row,
    Select,
    Table,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from kernel.db import Database

_ID = Uuid()


async def insert_rows(session: AsyncSession, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same keys, in the session's transaction.

    Values are given as on the model; a column that is left out gets the database's default, so
    name every NOT NULL column.
    """
    if not rows:
        return
    table: Table = model.__table__  # type: ignore[attr-defined]
    if session.get_bind().dialect.name == "sqlite":
        await _insert_prepared(session, table, rows)
        return
    names = list(rows[0])
    json_names = [name for name in names if isinstance(table.columns[name].type, JSON)]
    if json_names:
        rows = [{**row, **{name: _json(row[name]) for name in json_names}} for row in rows]
    # Read one by one while they are sent: the server works meanwhile.
    records = map(itemgetter(*names), rows) if len(names) > 1 else ((row[names[0]],) for row in rows)
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    if not driver.is_in_transaction():
        await session.execute(text("SELECT 1"))  # the driver opens its transaction at the first statement
    await driver.copy_records_to_table(table.name, records=records, columns=names)


def paired(session: AsyncSession, pairs: Mapping[UUID, Any], kind: TypeEngine[Any] = _ID) -> FromClause:
    """A table with the columns `key` and `value`, for a statement that gives each of many rows a value of its own.

    The values are ids, or whole numbers if their kind is named. It is one or two parameters, however many there are,
    and the statement stays the same.
    """
    if session.get_bind().dialect.name == "sqlite":
        plain = [[key.hex, value.hex if kind is _ID else value] for key, value in pairs.items()]
        listed = orjson.dumps(plain).decode()
        each = func.json_each(bindparam(None, listed)).table_valued("value", name="each_pair")
        cells = (func.json_extract(each.c.value, f"$[{place}]") for place in (0, 1))
        key, value = (type_coerce(cell, its) for cell, its in zip(cells, (_ID, kind), strict=True))
        return _made_first(select(key.label("key"), value.label("value"))).subquery("pair")
    sides = ((pairs.keys(), _ID), (pairs.values(), kind))
    columns = (bindparam(None, list(side), type_=ARRAY(its)) for side, its in sides)
    return func.unnest(*columns).table_valued(Column("key", _ID), Column("value", kind), name="pair").render_derived()


def listed(session: AsyncSession, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> FromClause:
    """The rows, which all have the same keys, as a table for a statement: its columns are those of the model."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return tabled(session, {name: table.columns[name].type for name in rows[0]}, rows)


def tabled(
    session: AsyncSession, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Mapping[str, Any]]
) -> FromClause:
    """The rows, which may be none and all have these columns, as a table for a statement.

    It is one parameter per column, or one in all, however many rows there are, and the statement stays the same.
    """
    values = filled(session, columns, rows, "row")
    return _table(session.get_bind().dialect.name, columns, "row", lambda name, its: bindparam(None, values[name], its))


def shaped(dialect: str, columns: Mapping[str, TypeEngine[Any]], name: str) -> FromClause:
    """The same table without its rows: for a statement that is made once, and given `filled` when it is run.

    The name tells several of one statement apart.
    """
    return _table(dialect, columns, name, lambda parameter, its: bindparam(parameter, type_=its))


def filled(
    session: AsyncSession, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Mapping[str, Any]], name: str
) -> dict[str, Any]:
    """The values of a `shaped` table's parameters: these rows."""
    dialect = session.get_bind().dialect
    if dialect.name != "sqlite":
        return {f"{name}_{column}": [row[column] for row in rows] for column in columns}
    converts = [kind.dialect_impl(dialect).bind_processor(dialect) or _as_it_is for kind in columns.values()]
    said = [[convert(row[column]) for convert, column in zip(converts, columns, strict=True)] for row in rows]
    return {name: orjson.dumps(said).decode()}


def _table(
    dialect: str,
    columns: Mapping[str, TypeEngine[Any]],
    name: str,
    bind: Callable[[str, TypeEngine[Any] | None], BindParameter[Any]],
) -> FromClause:
    if dialect == "sqlite":
        each = func.json_each(bind(name, None)).table_valued("value", name=f"each_{name}")
        values = [
            type_coerce(func.json_extract(each.c.value, f"$[{place}]"), kind).label(column)
            for place, (column, kind) in enumerate(columns.items())
        ]
        return _made_first(select(*values)).subquery()
    arrays = (bind(f"{name}_{column}", ARRAY(kind)) for column, kind in columns.items())
    named = (Column(column, kind) for column, kind in columns.items())
    return func.unnest(*arrays).table_valued(*named).render_derived()


def _made_first(listed: Select[Any]) -> Select[Any]:
    """A limit that leaves nothing out: what has one is made before the rest of the statement.

    SQLite takes the list for a large table otherwise, and reads all of a brand's rows to look each up in it.
    """
    return listed.limit(-1)


def _as_it_is(value: Any) -> Any:
    return value


async def look_at_sizes(db: Database, *tables: str) -> None:
    """Have PostgreSQL look at tables that have just grown: it plans a statement by how large it last saw them."""
    if db.is_sqlite:
        return
    async with db.write() as session:
        await session.execute(text(f"ANALYZE {', '.join(tables)}"))


async def _insert_prepared(session: AsyncSession, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """What `execute(insert(table), rows)` does, at a third of its cost: the parameters are laid out here."""
    dialect = session.get_bind().dialect
    columns = [column for column in table.columns if column.name in rows[0]]
    statement = str(insert(table).compile(dialect=dialect, column_keys=[column.name for column in columns]))
    # Column by column: most need no conversion at all.
    values = []
    for column in columns:
        convert = column.type.dialect_impl(dialect).bind_processor(dialect)
        cells = [row[column.name] for row in rows]
        values.append(cells if convert is None else [convert(cell) for cell in cells])
    await (await session.connection()).exec_driver_sql(statement, list(zip(*values, strict=True)))


async def insert_missing(
    session: AsyncSession, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Insert the rows whose unique values are free, leave the others as they are; returns the keys of the new ones.

    Two writers of the same row wait for each other: the second finds that it is there.
    """
    if not rows:
        return []
    table: Table = model.__table__  # type: ignore[attr-defined]
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return (await session.execute(statement, list(rows))).all()


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
