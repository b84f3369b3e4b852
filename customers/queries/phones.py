"""Read phone numbers as people write them, and find customers by them without storing them readable."""

import re
import unicodedata
from uuid import UUID

from customers.errors import BadPhone
from kernel.crypto import Vault

_SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015]")
_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[3-9]\d{9})")
_INTERNATIONAL = re.compile(r"\+[1-9]\d{7,14}")


def normalised(text: str) -> str:
    """The number in international form (E.164): `138 1234 5678` is `+8613812345678`.

    Raises `BAD_PHONE`.
    """
    # Full-width digits and signs, as Chinese keyboards make them, are folded into plain ones first.
    number = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    if number.isascii():
        if mainland := _MAINLAND.fullmatch(number):
            return f"+86{mainland[1]}"
        if _INTERNATIONAL.fullmatch(number) and not number.startswith("+86"):
            return number
    raise BadPhone


def masked(number: str) -> str:
    """What may be shown of a normalised number: `138****5678`, `+44****0958`."""
    local = number.removeprefix("+86")
    return f"{local[:3]}****{local[-4:]}"


def index_of(vault: Vault, brand_id: UUID, text: str) -> str | None:
    """Where to find the customer with this phone; nowhere if the text is no phone."""
    try:
        return vault.index(brand_id, normalised(text))
    except BadPhone:
        return None
