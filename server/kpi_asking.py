"""What somebody asks of figures by the address of a file or a chart."""

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from starlette.datastructures import QueryParams

from kernel.errors import Invalid, NotFound
from kpi.models import Days
from kpi.queries.scoping import Asked
from mall.models import Channel

SCOPE = ("fromDay", "untilDay", "regionId", "storeId", "staffId", "channel", "source")
_LONGEST_SOURCE = 32

Choice = TypeVar("Choice", bound=StrEnum)


def require_known(parameters: QueryParams, *also: str) -> None:
    """Refuse what isn't asked for here, `INVALID`: a slip would give figures of more than was meant."""
    known = {*SCOPE, *also}
    names = [name for name, _ in parameters.multi_items()]
    for name in names:
        if name not in known:
            raise Invalid(field=name[:40], reason="isn't known here.", reason_zh="参数不存在。")
        if names.count(name) > 1:
            raise Invalid(field=name, reason="is given more than once.", reason_zh="参数重复。")


def days_of(parameters: QueryParams) -> Days:
    """The range: `INVALID` unless it is 1 to 366 days."""
    return Days(_day(parameters, "fromDay"), _day(parameters, "untilDay"))


def asked_of(parameters: QueryParams) -> Asked:
    """The scope: `NOT_FOUND` for what is no id, `INVALID` for a channel that there isn't."""
    channel = choice(parameters, "channel", Channel) if "channel" in parameters else None
    source = parameters.get("source")
    if source is not None and not 1 <= len(source) <= _LONGEST_SOURCE:
        raise Invalid(
            field="source", reason=f"1 to {_LONGEST_SOURCE} characters.", reason_zh=f"1 到 {_LONGEST_SOURCE} 个字符。"
        )
    return Asked(
        _id(parameters, "regionId"),
        _id(parameters, "storeId"),
        _id(parameters, "staffId"),
        None if channel is None else channel.value,
        source,
    )


def choice(
    parameters: QueryParams, name: str, kind: type[Choice], default: Choice | None = None, of: Collection[Choice] = ()
) -> Choice:
    """One of some words: `INVALID` for another, and where there has to be one."""
    if name not in parameters and default is not None:
        return default
    allowed = [each.value for each in of or kind]
    said = parameters.get(name, "").lower()
    if said not in allowed:
        words = ", ".join(allowed)
        raise Invalid(field=name, reason=f"one of {words}.", reason_zh=f"应为 {words} 之一。")
    return kind(said)


def number(parameters: QueryParams, name: str, default: int, least: int, most: int) -> int:
    """A whole number within bounds: `INVALID` otherwise."""
    said = parameters.get(name, str(default))
    if not said.isascii() or not said.isdecimal() or len(said) > len(str(most)) or not least <= int(said) <= most:
        raise Invalid(field=name, reason=f"{least} to {most}.", reason_zh=f"应为 {least} 到 {most}。")
    return int(said)


def _day(parameters: QueryParams, name: str) -> date:
    try:
        return date.fromisoformat(parameters.get(name, ""))
    except ValueError as error:
        raise Invalid(field=name, reason="a day like 2026-03-01.", reason_zh="日期格式应为 2026-03-01。") from error


def _id(parameters: QueryParams, name: str) -> UUID | None:
    if name not in parameters:
        return None
    try:
        return UUID(parameters[name])
    except ValueError as error:
        raise NotFound from error
