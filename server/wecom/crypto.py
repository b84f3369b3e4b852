"""What WeCom signs and encrypts its calls with (its documents 90968 and 91144)."""

import base64
import binascii
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32  # of the padding; AES's own is 16
_AES_BLOCK = 16
_RANDOM = 16
_LENGTH = 4


class SignatureWrong(Exception):
    """It isn't signed with the token, or something of it was altered."""


class Unreadable(Exception):
    """It is signed, and can't be decrypted with this key, or is meant for another corp."""


class Letterbox:
    """The three things that an address is set up with at WeCom: `token`, EncodingAESKey (43 characters), the corp."""

    def __init__(self, token: str, aes_key: str, corp_id: str) -> None:
        self._token = token
        self._key = base64.b64decode(aes_key + "=")
        self._corp_id = corp_id.encode()

    def signature(self, timestamp: str, nonce: str, encrypted: str) -> str:
        """What a call with these carries as `msg_signature`."""
        parts = sorted((self._token, timestamp, nonce, encrypted))
        return hashlib.sha1("".join(parts).encode(errors="replace")).hexdigest()  # noqa: S324 - WeCom's choice

    def open(self, encrypted: str, *, signature: str, timestamp: str, nonce: str) -> bytes:
        """The message. Nothing is decrypted before the signature is right. Raises `SignatureWrong`, `Unreadable`."""
        mine = self.signature(timestamp, nonce, encrypted)
        if not hmac.compare_digest(mine.encode(), signature.encode(errors="replace")):
            raise SignatureWrong
        try:
            plain = self._decrypt(base64.b64decode(encrypted, validate=True))
        except (binascii.Error, ValueError) as error:
            raise Unreadable from error
        start = _RANDOM + _LENGTH
        end = start + int.from_bytes(plain[_RANDOM:start], "big")
        if len(plain) < start or end > len(plain) or not hmac.compare_digest(plain[end:], self._corp_id):
            raise Unreadable
        return plain[start:end]

    def _decrypt(self, sealed: bytes) -> bytes:
        if not sealed or len(sealed) % _AES_BLOCK:
            raise Unreadable
        reader = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:_AES_BLOCK])).decryptor()
        padded = reader.update(sealed) + reader.finalize()
        length = padded[-1]
        if not 1 <= length <= _BLOCK or padded[-length:] != bytes([length]) * length:
            raise Unreadable
        return padded[:-length]
