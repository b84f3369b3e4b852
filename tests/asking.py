"""Ask the schema as somebody, without a server in between."""

from typing import Any

from kernel.actor import Actor
from kernel.crypto import Vault
from kernel.work import Ground
from schema.context import Context
from schema.root import schema

VAULT = Vault(b"k" * 32)


async def ask(ground: Ground, actor: Actor | None, document: str, **variables: Any) -> dict[str, Any]:
    """The data of an answer without errors; a field that answers with a problem shows it."""
    answer = await schema.execute(document, variables, Context(ground, VAULT, actor, language="en"))
    assert answer.errors is None, answer.errors
    assert answer.data is not None
    return answer.data


async def refused(ground: Ground, actor: Actor | None, document: str, **variables: Any) -> list[Exception | None]:
    """What went wrong, by the original exceptions of the errors."""
    answer = await schema.execute(document, variables, Context(ground, VAULT, actor, language="en"))
    assert answer.errors, answer.data
    return [error.original_error for error in answer.errors]
