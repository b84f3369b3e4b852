"""Keep personal data unreadable at rest, and findable by equality only."""

import hashlib
import hmac
import os
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_FORMAT = b"\x01"
_NONCE_BYTES = 12


class Unreadable(Exception):
    """A sealed value was made with another key, for another brand, or was altered."""


class Vault:
    """Seals short texts (AES-256-GCM) and makes blind indexes (HMAC-SHA-256), each bound to a brand.

    `signing_key` is this installation's, for what others are to check.
    """

    def __init__(self, key: bytes) -> None:
        self._seal_key = AESGCM(_derive(key, b"seal"))
        self._index_key = _derive(key, b"index")
        self.signing_key = Ed25519PrivateKey.from_private_bytes(_derive(key, b"sign"))

    def seal(self, brand_id: UUID, text: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._seal_key.encrypt(nonce, text.encode(), brand_id.bytes)

    def open(self, brand_id: UUID, sealed: bytes) -> str:
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _FORMAT:
            raise Unreadable
        try:
            return self._seal_key.decrypt(nonce, body, brand_id.bytes).decode()
        except (InvalidTag, ValueError) as error:
            raise Unreadable from error

    def index(self, brand_id: UUID, text: str) -> str:
        """The same for the same text in the same brand, and no way back without the key."""
        return hmac.new(self._index_key, brand_id.bytes + text.encode(), hashlib.sha256).hexdigest()


def new_secret() -> str:
    """A secret for somebody to present later: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a random secret. Fast on purpose: 256 random bits need no stretching."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"daogou/" + purpose).derive(key)
