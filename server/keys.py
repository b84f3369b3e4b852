"""Keep the two keys of a development copy in its home folder."""

import base64
import binascii
import json
import os
import secrets
from pathlib import Path

from server.errors import CannotStart

DATA_KEY_BYTES = 32
FILE = "keys.json"
HOW_TO_MAKE = "make each with: python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"


def decode_data_key(text: str) -> bytes:
    """The bytes of a key in base64. Raises `ValueError` unless there are 32."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(key) != DATA_KEY_BYTES:
        raise ValueError(f"a key has {DATA_KEY_BYTES} bytes, this one {len(key)}")
    return key


def kept_in(home: Path) -> dict[str, str]:
    """The keys in the home folder, made the first time; only the owner can read the file."""
    path = home / FILE
    try:
        if not path.exists():
            _make(path)
        kept = json.loads(path.read_text())
        decode_data_key(kept["DATA_KEY"])
        if len(kept["SECRET_KEY"]) < DATA_KEY_BYTES:
            raise ValueError("a short key")
    except OSError as error:
        raise CannotStart(f"{path} can't be used: {error.strerror or 'unknown error'}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CannotStart(f"{path} is damaged; put it back from a copy, or phones stay unreadable.") from error
    return {name: kept[name] for name in ("SECRET_KEY", "DATA_KEY")}


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATA_KEY": base64.b64encode(secrets.token_bytes(DATA_KEY_BYTES)).decode(),
    }
    draft = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(made, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails if another process was first; then its keys count
        except FileExistsError:
            return
    finally:
        draft.unlink()
