"""The words in which a mall's messages are described."""

from intake.models.words import Strict


class HookMapping(Strict):
    """How the messages of a mall become orders and refunds. `scheme` is how they are signed."""

    name: str
    title: str
    scheme: str
