"""Turn what a mall sends into a notice, as a mapping says."""

from intake.models.hook_mapping import HookMapping
from intake.models.notices import Notice


def adapt(
    mapping: HookMapping, body: bytes, source: str, *, currency: str | None = None, store_code: str | None = None
) -> Notice | None:
    """What a message says; none if it is none of our business, as one of another topic or of a test.

    `currency` is the brand's, `store_code` the store of what names none. Raises `PayloadWrong`, which names the place.
    """
    raise NotImplementedError
