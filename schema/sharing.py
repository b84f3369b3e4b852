"""Carry an event of a subscription out once for all who are given the very same event.

An event that is shared is one object, made for one actor's sight, and what is made of it is kept on the event
itself: whoever is not given the event can't come near it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, Protocol

import orjson
from graphql import ExecutionResult, FragmentDefinitionNode, Node, OperationDefinitionNode, VariableNode
from graphql.language import FieldNode
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

_REMEMBERED = 500


class Shared:
    """The data of a result that many are sent: put into JSON once."""

    __slots__ = ("_json", "data")

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self._json: orjson.Fragment | None = None

    @property
    def json(self) -> orjson.Fragment:
        if self._json is None:
            self._json = orjson.Fragment(orjson.dumps(self.data))
        return self._json


class Data(dict[str, Any]):
    """Shared data, in the hands of one of those who are sent it."""

    __slots__ = ("shared",)

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared.data)
        self.shared: Shared | None = shared

    def clear(self) -> None:
        """Let go of it: whoever waits for the next event would otherwise hold all of the last."""
        super().clear()
        self.shared = None


Kept = dict[Hashable, asyncio.Future[Shared | None]]


class Shareable(Protocol):
    """An event that has somewhere to keep what was made of it."""

    @property
    def kept(self) -> Kept: ...


class Event:
    """An event, in the hands of one of those who are given it. It is let go of once it has been carried out."""

    __slots__ = ("of",)

    def __init__(self, of: Shareable) -> None:
        self.of: Shareable | None = of


class SharingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Carries operations out, and an event that is shared only once for each selection."""

    def execute_operation(self, serially: bool | None = None) -> Any:
        execute = partial(super().execute_operation, serially)
        if not isinstance(self.root_value, Event):
            return execute()
        given, self.root_value = self.root_value, self.root_value.of
        given.of = None
        return _once(self.root_value.kept, self._selection(), execute)

    def _selection(self) -> Hashable:
        """All that the result depends on besides the event: the document, the variables in it, and the language."""
        asked = _Asked(self.operation, self.fragment_definitions.values())
        coerced = self.variable_values.coerced
        values = tuple((name, repr(coerced[name])) for name in _variables_of(asked) if name in coerced)
        return asked, values, getattr(self.context_value, "language", None)


class _Asked:
    """What is asked for. Equal to nothing but itself: documents are parsed once and remembered."""

    __slots__ = ("fragments", "operation")

    def __init__(self, operation: OperationDefinitionNode, fragments: Iterable[FragmentDefinitionNode]) -> None:
        self.operation = operation
        self.fragments = fragments

    def __hash__(self) -> int:
        return id(self.operation)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.operation is other.operation


async def _once(kept: Kept, selection: Hashable, execute: Callable[[], Any]) -> ExecutionResult:
    """The result of the first who asks for this selection. One with errors is kept for nobody else."""
    while (first := kept.get(selection)) is not None:
        shared = await asyncio.shield(first)
        if shared is not None:
            return ExecutionResult(Data(shared), None)
    kept[selection] = answer = asyncio.get_running_loop().create_future()
    shared = None
    try:
        executed = execute()
        result: ExecutionResult = await executed if isinstance(executed, Awaitable) else executed
        if not result.errors and result.data is not None:
            shared = Shared(result.data)
            return ExecutionResult(Data(shared), None)
        return result
    finally:
        if shared is None:  # also when the first has left in the midst of it: the next takes its place
            del kept[selection]
        answer.set_result(shared)


@lru_cache(maxsize=_REMEMBERED)
def _variables_of(asked: _Asked) -> tuple[str, ...]:
    """The variables that the result of an event can depend on: all but those given to the subscription itself."""
    parts: list[Node] = list(asked.fragments)
    for root in asked.operation.selection_set.selections:
        parts += [*(root.directives or ()), *_below(root)]
    return tuple(sorted({name for part in parts for name in _named_in(part)}))


def _below(root: Node) -> Iterator[Node]:
    if not isinstance(root, FieldNode):
        yield root
    elif root.selection_set is not None:
        yield root.selection_set


def _named_in(node: Node) -> Iterator[str]:
    if isinstance(node, VariableNode):
        yield node.name.value
    for key in node.keys:
        child = getattr(node, key)
        for each in child if isinstance(child, (list, tuple)) else (child,):
            if isinstance(each, Node):
                yield from _named_in(each)
