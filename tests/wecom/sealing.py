"""Callbacks signed and encrypted as WeCom does it; written apart from the product, which has to read them (90968)."""

import os
import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1
from random import Random
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC


@dataclass(frozen=True)
class Seal:
    """What an address was set up with."""

    token: str
    aes_key: str
    receive_id: str

    def sign(self, timestamp: str, nonce: str, encrypted: str) -> str:
        return sha1("".join(sorted([self.token, timestamp, nonce, encrypted])).encode()).hexdigest()  # noqa: S324

    def encrypt(self, message: bytes, salt: bytes | None = None) -> str:
        framed = (salt or os.urandom(16)) + struct.pack(">I", len(message)) + message + self.receive_id.encode()
        fill = 32 - len(framed) % 32
        encryptor = self._cipher().encryptor()
        return b64encode(encryptor.update(framed + bytes([fill] * fill)) + encryptor.finalize()).decode()

    def decrypt(self, encrypted: str) -> tuple[bytes, str]:
        """The message, and whom it is for."""
        decryptor = self._cipher().decryptor()
        framed = decryptor.update(b64decode(encrypted)) + decryptor.finalize()
        framed = framed[: -framed[-1]]
        (length,) = struct.unpack(">I", framed[16:20])
        return framed[20 : 20 + length], framed[20 + length :].decode()

    def call(self, message: bytes, at: int, dice: Random) -> tuple[dict[str, str], str]:
        """The parameters of a call with this message, and what is encrypted of it."""
        encrypted, nonce = self.encrypt(message, dice.randbytes(16)), str(dice.randrange(10**9, 10**10))
        return {"msg_signature": self.sign(str(at), nonce, encrypted), "timestamp": str(at), "nonce": nonce}, encrypted

    def _cipher(self) -> Cipher[CBC]:
        key = b64decode(self.aes_key + "=")
        return Cipher(AES(key), CBC(key[:16]))


def event(corp_id: str, at: int, fields: Mapping[str, object]) -> bytes:
    """An event in XML, with the texts in CDATA."""
    head = {"ToUserName": corp_id, "FromUserName": "sys", "CreateTime": at, "MsgType": "event"}
    lines = "".join(f"<{name}>{_value(value)}</{name}>" for name, value in {**head, **fields}.items())
    return f"<xml>{lines}</xml>".encode()


def envelope(corp_id: str, encrypted: str, agent_id: str = "1000002") -> bytes:
    """What is posted."""
    return (
        f"<xml><ToUserName><![CDATA[{corp_id}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt>"
        f"<AgentID><![CDATA[{agent_id}]]></AgentID></xml>"
    ).encode()


def _value(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return escape(text) if "]]>" in text else f"<![CDATA[{text}]]>"
