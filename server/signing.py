"""Sign bytes so that anybody who has the public key can check them: detached JWS (RFC 7797) with Ed25519 (RFC 8037)."""

from base64 import urlsafe_b64encode
from hashlib import sha256

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

ALGORITHM = "EdDSA"


class KeyUnreadable(Exception):
    """This is no Ed25519 public key in PEM."""


def signed(key: Ed25519PrivateKey, payload: bytes) -> str:
    """The signature: `header..signature`, where what is signed is the header, a dot and the payload as it is."""
    headers = {"kid": key_id(key.public_key()), "typ": "JOSE", "crit": ["b64"]}
    return jwt.PyJWS().encode(payload, key, ALGORITHM, headers, is_payload_detached=True)


def is_signed(key: Ed25519PublicKey, payload: bytes, signature: str) -> bool:
    """Whether whoever has the private key signed exactly these bytes. Of ways to write the same bits one counts."""
    try:
        jwt.PyJWS().decode(signature, key, algorithms=[ALGORITHM], detached_payload=payload)
    except jwt.InvalidTokenError:
        return False
    return True


def as_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def from_pem(pem: bytes) -> Ed25519PublicKey:
    """Raises `KeyUnreadable`."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnreadable from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnreadable
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """The thumbprint of the key (RFC 7638)."""
    x = _base64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return _base64(sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
