"""Which addresses the product may post to: nothing that lies within somebody's own network. No I/O."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from kernel.errors import Invalid

LONGEST_URL = 500

_CARRIES_OTHERS = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # IPv4 in disguise
_LOOPBACK_NAMES = {"localhost", "localhost.localdomain"}


def require_url(text: str, *, allows_loopback: bool) -> str:
    """An https address without a name and password in it; http, too, for this very machine where that is allowed.

    Names are looked up when something is posted. Raises `INVALID`.
    """
    url = text.strip()
    if not _is_fine(url, allows_loopback=allows_loopback):
        raise Invalid(
            field="url",
            reason="an https address of at most 500 characters, out on the internet.",
            reason_zh="应为互联网上的 https 地址，最多 500 个字符。",
        )
    return url


def may_post_to(address: str, *, allows_loopback: bool) -> bool:
    """Whether a machine's address is out on the internet; or this very machine, where that is allowed."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif found.sixtofour is not None or found.teredo is not None or any(found in net for net in _CARRIES_OTHERS):
            return False
    if found.is_loopback:
        return allows_loopback
    return found.is_global and not found.is_multicast and not found.is_reserved


def _is_fine(url: str, *, allows_loopback: bool) -> bool:
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # it may be no number
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
        return False
    if parts.scheme == "http" and not _is_loopback(parts):
        return False
    if parts.scheme not in ("https", "http") or (_is_loopback(parts) and not allows_loopback):
        return False
    try:
        return may_post_to(parts.hostname, allows_loopback=allows_loopback)
    except ValueError:
        return True  # a name


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES or host.endswith(".localhost")
