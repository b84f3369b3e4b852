"""Reckon with calendar days in SQL, on both engines."""

from typing import Any

from sqlalchemy import BigInteger, Date, DateTime, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class days_between(FunctionElement[int]):  # noqa: N801 - a function, as SQLAlchemy writes them
    """How many days the first day is after the second."""

    type = Integer()
    inherit_cache = True
    name = "days_between"


class day_after(FunctionElement[Any]):  # noqa: N801 - a function, as SQLAlchemy writes them
    """The day so many days after a day."""

    type = Date()
    inherit_cache = True
    name = "day_after"


class moment_after(FunctionElement[Any]):  # noqa: N801 - a function, as SQLAlchemy writes them
    """The instant so many times 24 hours after an instant."""

    type = DateTime(timezone=True)
    inherit_cache = True
    name = "moment_after"


class seconds_between(FunctionElement[int]):  # noqa: N801 - a function, as SQLAlchemy writes them
    """How many seconds the first instant is after the second, each cut down to a whole one."""

    type = BigInteger()
    inherit_cache = True
    name = "seconds_between"


@compiles(days_between)
def _subtracted(element: days_between, compiler: SQLCompiler, **options: Any) -> str:
    later, earlier = (compiler.process(part, **options) for part in element.clauses)
    return f"({later} - {earlier})"


@compiles(days_between, "sqlite")
def _by_julian_day(element: days_between, compiler: SQLCompiler, **options: Any) -> str:
    later, earlier = (compiler.process(part, **options) for part in element.clauses)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"


@compiles(day_after)
def _added(element: day_after, compiler: SQLCompiler, **options: Any) -> str:
    day, days = (compiler.process(part, **options) for part in element.clauses)
    return f"({day} + {days})"


@compiles(day_after, "sqlite")
def _by_modifier(element: day_after, compiler: SQLCompiler, **options: Any) -> str:
    day, days = (compiler.process(part, **options) for part in element.clauses)
    return f"date({day}, ({days}) || ' days')"


@compiles(moment_after)
def _later(element: moment_after, compiler: SQLCompiler, **options: Any) -> str:
    moment, days = (compiler.process(part, **options) for part in element.clauses)
    return f"({moment} + make_interval(hours => 24 * ({days})))"


@compiles(moment_after, "sqlite")
def _on_a_later_day(element: moment_after, compiler: SQLCompiler, **options: Any) -> str:
    # The time of day stays as it is written, to the microsecond: instants are compared as text.
    moment, days = (compiler.process(part, **options) for part in element.clauses)
    return f"(date({moment}, ({days}) || ' days') || substr({moment}, 11))"


@compiles(seconds_between)
def _by_epoch(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    later, earlier = (compiler.process(part, **options) for part in element.clauses)
    return f"(floor(extract(epoch from {later})) - floor(extract(epoch from {earlier})))::bigint"


@compiles(seconds_between, "sqlite")
def _by_format(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    later, earlier = (compiler.process(part, **options) for part in element.clauses)
    return f"(CAST(strftime('%s', {later}) AS INTEGER) - CAST(strftime('%s', {earlier}) AS INTEGER))"
