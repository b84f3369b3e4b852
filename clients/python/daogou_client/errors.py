"""What can go wrong between a phone and the server, told apart by what the phone should do about it."""


class Unreachable(Exception):
    """No usable answer this time: the network, a time-out, a server that is busy or broken. Try again later.

    Whether what was asked for has happened is not known. `code` is the server's word for it, or `NETWORK`.
    """

    def __init__(self, message: str, code: str = "NETWORK") -> None:
        super().__init__(message)
        self.code = code


class NoSocket(Unreachable):
    """Something on the way lets no socket through; plain requests may still work."""


class TokenRefused(Exception):
    """The access token is not good any more: get another one and ask again."""


class SignedOut(Exception):
    """The sign-in is over: somebody has to sign in with a password again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Rejected(Exception):
    """The server understood and will not do it, however often it is asked."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ProtocolBroken(Exception):
    """Server and client don't speak the same protocol: a bug in one of them, which no retry mends."""
