"""What the edge itself refuses, before or around an operation."""

from typing import ClassVar

from kernel.errors import Forbidden, Invalid, Unavailable

CHALLENGE = 'Bearer realm="daogou", error="invalid_token"'  # of who has to sign in, or sign in again


class BadRequest(Invalid):
    """The request is not one that can be carried out; says why in English, to whoever writes the client."""

    code = "BAD_REQUEST"
    en = "{reason}"
    zh = "{reason}"
    status: ClassVar[int] = 400

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class NotAcceptable(BadRequest):
    """None of the media types that the client takes can be given."""

    code = "NOT_ACCEPTABLE"
    status = 406


class WrongMethod(BadRequest):
    """The method can't carry this operation."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class WrongMediaType(BadRequest):
    """The body is in a format that is not understood."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class TooLarge(BadRequest):
    """The body is longer than is read."""

    code = "REQUEST_TOO_LARGE"
    status = 413


class TooSlow(BadRequest):
    """The body takes longer to come than is waited for."""

    code = "REQUEST_TIMEOUT"
    status = 408


class AddressTooLong(BadRequest):
    """The address is longer than is read: use POST."""

    code = "URI_TOO_LONG"
    status = 414


class TookTooLong(Unavailable):
    """The operation was stopped; a mutation may or may not have happened, and its key tells which."""

    code = "TIMEOUT"
    en = "This took too long. Try again in a moment."
    zh = "操作超时，请稍后再试。"


class TooManyOperations(Unavailable):
    """A socket carries so many operations at once and no more."""

    code = "TOO_MANY_OPERATIONS"
    en = "Too many operations at once on this connection."
    zh = "此连接上同时进行的操作过多。"


class BadToken(Forbidden):
    """What was shown is not a token of ours."""

    code = "BAD_TOKEN"
    en = "The Authorization header must be `Bearer` and a token."
    zh = "Authorization 请求头应为 Bearer 加令牌。"
