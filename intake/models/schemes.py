"""How malls sign what they send: where a message's id, its time and its signature are, and what they are made of.

Each scheme is its partner's own. Signatures are compared in constant time, and with every secret that counts, whatever
came of the one before.
"""

import base64
import hashlib
import hmac
import re
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from secrets import token_bytes

import orjson

from kernel.errors import Invalid

_PREFIX = "whsec_"
_SECRET = re.compile(r"[\x21-\x7e]{8,512}")
_MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,128}")
_MOST_SIGNATURES = 10
_YOUZAN_CHANGES = ("sendCount", "sign")
_YOUZAN_SAYS = orjson.dumps({"code": 0, "msg": "success"})


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it came. Headers are asked for in small letters."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signature vouches for. `at` is when it was signed, where the scheme says so.

    `content` is what stays the same however often the message is sent, where that isn't the whole body.
    """

    message_id: str
    body: bytes
    at: datetime | None = None
    content: bytes | None = None

    @property
    def digest(self) -> str:
        """By which the same message is known again: SHA-256 in hexadecimal."""
        return hashlib.sha256(self.body if self.content is None else self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way of signing.

    `verify` gives nothing unless one of the secrets made the signature. `thanks` is what the partner wants to be
    answered with the status 200; others are content with any 2xx. `secret` says of what a secret consists.
    """

    name: str
    secret: str
    verify: Callable[[Arrived, Sequence[str]], Signed | None]
    is_secret: Callable[[str], bool] = lambda text: True
    thanks: bytes | None = None


def scheme(name: str) -> Scheme:
    """The scheme of that name. Raises `INVALID`."""
    found = SCHEMES.get(name)
    if found is None:
        known = ", ".join(SCHEMES)
        raise Invalid(field="scheme", reason=f"one of {known}.", reason_zh=f"应为 {known} 之一。")
    return found


def require_secret(signing: Scheme, text: str) -> str:
    """The secret without surrounding blanks; refused with `INVALID` if it can't be one."""
    secret = text.strip()
    if not _SECRET.fullmatch(secret) or not signing.is_secret(secret):
        raise Invalid(field="secret", reason=f"{signing.secret}.", reason_zh="密钥格式不正确，请参阅文档。")
    return secret


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks, for whoever sends. Raises `INVALID` if the secret can't be one."""
    stamp, key = str(int(at.timestamp())), _standard_key(require_secret(scheme("standard-webhooks"), secret))
    signature = _standard_signature(key or b"", message_id, stamp, body)
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def _standard(arrived: Arrived, secrets: Sequence[str]) -> Signed | None:
    message_id, stamp = arrived.headers.get("webhook-id", ""), arrived.headers.get("webhook-timestamp", "")
    listed = arrived.headers.get("webhook-signature", "").split()[:_MOST_SIGNATURES]
    given = [signature for version, _, signature in (each.partition(",") for each in listed) if version == "v1"]
    # A secret that was made for another way of signing is no key, and takes as long as one.
    keys = [_standard_key(secret) or token_bytes(32) for secret in secrets]
    made = [_standard_signature(key, message_id, stamp, arrived.body) for key in keys]
    if not _one_of(given, made):
        return None
    return _signed(message_id, arrived.body, _moment(stamp))


def _standard_signature(key: bytes, message_id: str, stamp: str, body: bytes) -> str:
    content = b".".join((message_id.encode(), stamp.encode(), body))
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def _standard_key(secret: str) -> bytes | None:
    """The bytes of a secret as it is written: Base64, with or without the prefix."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (NotBase64, ValueError):
        return None
    return key if 24 <= len(key) <= 64 else None


def _raw_body(signature_header: str, id_headers: Sequence[str]) -> Callable[[Arrived, Sequence[str]], Signed | None]:
    """HMAC-SHA-256 of the body in Base64, with the secret's own letters as the key; the id is beside it, unsigned."""

    def verify(arrived: Arrived, secrets: Sequence[str]) -> Signed | None:
        made = [base64.b64encode(hmac.digest(secret.encode(), arrived.body, "sha256")).decode() for secret in secrets]
        if not _one_of([arrived.headers.get(signature_header, "")], made):
            return None
        found = (arrived.headers[name] for name in id_headers if arrived.headers.get(name))
        return _signed(next(found, ""), arrived.body)

    return verify


def _youzan(arrived: Arrived, secrets: Sequence[str]) -> Signed | None:
    """MD5 of client id, body and client secret. The message's own id is in the body."""
    made = []
    for secret in secrets:
        client_id, _, client_secret = secret.partition(":")
        content = b"".join((client_id.encode(), arrived.body, client_secret.encode()))
        made.append(hashlib.md5(content, usedforsecurity=False).hexdigest())
    if not _one_of([arrived.headers.get("event-sign", "").lower()], made):
        return None
    try:
        said = orjson.loads(arrived.body)
        if not isinstance(said, dict):
            return _signed("", arrived.body)
        # A message that is sent again says so in itself.
        same = {name: value for name, value in said.items() if name not in _YOUZAN_CHANGES}
        content = orjson.dumps(same, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # no JSON, or too deep: whoever reads it says so
        return _signed("", arrived.body)
    return replace(_signed(str(said.get("msg_id", "")), arrived.body), content=content)


def _one_of(given: Sequence[str], made: Sequence[str]) -> bool:
    """Whether one of what was given is one of what was to be given. All are looked at, each in constant time."""
    looked_at = [
        hmac.compare_digest(one.encode("utf-8", "replace"), another.encode()) for one in given for another in made
    ]
    return any(looked_at)


def _signed(message_id: str, body: bytes, at: datetime | None = None) -> Signed:
    """Without an id of its own, or with one that is none, a message is told from others by what it says."""
    if not _MESSAGE_ID.fullmatch(message_id):
        message_id = hashlib.sha256(body).hexdigest()
    return Signed(message_id, body, at)


def _moment(stamp: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC)


SCHEMES: dict[str, Scheme] = {
    each.name: each
    for each in (
        Scheme(
            "standard-webhooks",
            "`whsec_` and 24 to 64 random bytes in Base64",
            _standard,
            lambda text: _standard_key(text) is not None,
        ),
        Scheme(
            "shopify",
            "the app's client secret, 8 to 512 letters",
            _raw_body("x-shopify-hmac-sha256", ("x-shopify-webhook-id", "x-shopify-event-id")),
        ),
        Scheme(
            "woocommerce",
            "the webhook's secret, 8 to 512 letters",
            # Its delivery id is made of the webhook and the second: two orders of one second share it.
            _raw_body("x-wc-webhook-signature", ()),
        ),
        Scheme(
            "youzan",
            "the app's client_id, a colon and its client_secret",
            _youzan,
            lambda text: all(text.partition(":")),
            _YOUZAN_SAYS,
        ),
    )
}
