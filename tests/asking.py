"""Ask the schema as somebody, without a server in between."""

from typing import Any

from pydantic import SecretStr

from kernel.actor import Actor
from kernel.crypto import Vault
from kernel.work import Ground
from schema.context import Context
from schema.live import Readings
from schema.root import schema
from server.auth import open_auth
from server.hub import Hub
from server.settings import Settings

KEY = b"k" * 32
VAULT = Vault(KEY)
SETTINGS = Settings(secret_key=SecretStr("s" * 40))


def context(ground: Ground, actor: Actor | None, hub: Hub | None = None) -> Context:
    """What an operation of somebody's is given, in English. The hub only wakes if a test runs it."""
    return Context(
        ground=ground,
        vault=VAULT,
        auth=open_auth(ground, SETTINGS),
        hub=hub or Hub(ground),
        readings=Readings(ground.db),
        signed_in=actor,
        language="en",
        address="203.0.113.7",
    )


async def ask(ground: Ground, actor: Actor | None, document: str, **variables: Any) -> dict[str, Any]:
    """The data of an answer without errors; a field that answers with a problem shows it."""
    answer = await schema.execute(document, variables, context(ground, actor))
    assert answer.errors is None, answer.errors
    assert answer.data is not None
    return answer.data


async def refused(ground: Ground, actor: Actor | None, document: str, **variables: Any) -> list[Exception | None]:
    """What went wrong, by the original exceptions of the errors."""
    answer = await schema.execute(document, variables, context(ground, actor))
    assert answer.errors, answer.data
    return [error.original_error for error in answer.errors]
