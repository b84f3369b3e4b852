"""Turn passwords into what may be stored of them, and compare.

Both take tens of milliseconds of one core and 19 MiB by design: call them in a thread.
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from directory.errors import PasswordLength

SHORTEST = 8
LONGEST = 128

# OWASP's second choice for Argon2id: enough for a guide's password, little enough for a shop's PC.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_nobodys = _hasher.hash("nobody has this password")


def require_password(password: str) -> str:
    """The password, if it has 8 to 128 characters that can be stored. Raises `PASSWORD_LENGTH`."""
    if not SHORTEST <= len(password) <= LONGEST or not _is_text(password):
        raise PasswordLength
    return password


def hash_password(password: str) -> str:
    """What is stored of a password: Argon2id with its own salt. Raises `PASSWORD_LENGTH`."""
    return _hasher.hash(require_password(password))


def matches(hashed: str | None, password: str) -> bool:
    """Whether it is that password. Without a hash the answer is no, and takes as long."""
    usable = len(password) <= LONGEST and _is_text(password)
    try:
        same = _hasher.verify(hashed or _nobodys, password if usable else "")
    except (VerificationError, InvalidHashError):
        return False
    return same and usable and hashed is not None


def is_outdated(hashed: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(hashed)


def _is_text(password: str) -> bool:
    return "\x00" not in password and not any("\ud800" <= letter <= "\udfff" for letter in password)
