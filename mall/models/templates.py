"""Addresses in a brand's mall, made from templates with slots such as `{product}`."""

import re
from collections.abc import Collection, Mapping
from urllib.parse import quote, urlsplit

from kernel.errors import Invalid

LONGEST = 500
COMMON_SLOTS = ("share", "guide", "store")

_SLOT = re.compile(r"\{([a-z]+)\}")


def require_template(field: str, template: str, slots: Collection[str]) -> str:
    """The template, if links can lead there: an https address whose slots, all of them known, stand behind its host.

    So nothing that is put into a slot can lead to another host. Raises `INVALID`.
    """
    template = template.strip()
    found = _SLOT.findall(template)
    bare = _SLOT.sub("", template)
    if len(template) > LONGEST or not set(found) <= set(slots) or "{" in bare or "}" in bare:
        raise _wrong(field, slots)
    if not template.isprintable() or set(template) & set(" \\"):
        raise _wrong(field, slots)
    try:
        address = urlsplit(template)
        is_right = address.scheme == "https" and bool(address.hostname) and address.port != 0
    except ValueError as error:
        raise _wrong(field, slots) from error
    if not is_right or not address.netloc.isascii() or set(address.netloc) & set("{}@"):
        raise _wrong(field, slots)
    return template


def filled(template: str, values: Mapping[str, str]) -> str:
    """The address: each slot once by its value, URL-encoded. A path stays one where the template has its path."""
    path_ends = min((place for place in map(template.find, "?#") if place >= 0), default=len(template))

    def value_of(slot: re.Match[str]) -> str:
        value = values[slot[1]]
        if slot.start() >= path_ends:
            return quote(value, safe="")
        follows_slash = template[: slot.start()].endswith("/")
        return quote(value.removeprefix("/") if follows_slash else value, safe="/")

    return _SLOT.sub(value_of, template)


def _wrong(field: str, slots: Collection[str]) -> Invalid:
    known = ", ".join(f"{{{slot}}}" for slot in slots)
    return Invalid(
        field=field,
        reason=f"an https address of at most {LONGEST} characters; slots stand behind its host: {known}.",
        reason_zh=f"请填 https 地址，最多 {LONGEST} 个字符；占位符须在域名之后，可用：{known}。",
    )
