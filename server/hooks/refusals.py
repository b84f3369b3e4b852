"""What is refused of a webhook before it is read, and with which status."""

from intake.errors import HookMessageDiffers, MappingUnknown
from kernel.errors import Forbidden, Invalid, Refusal, Unavailable
from server.refusals import BadRequest


class SignatureWrong(Forbidden):
    """The signature is missing or wrong, or there is no such source: a stranger isn't told which."""

    code = "HOOK_SIGNATURE_WRONG"
    en = "The signature doesn't match: look at the address, the secret, and that the raw body is what is signed."
    zh = "签名不匹配：请检查地址、密钥，并确认签名对象是原始请求体。"


class TimeWrong(Invalid):
    """It was signed too long ago, or in the future: it may be an old one played again."""

    code = "HOOK_TIME_WRONG"
    en = "It was signed more than {minutes} minutes from now: sign each attempt anew, and look at the clock."
    zh = "签名时间与当前时间相差超过 {minutes} 分钟：每次发送都要重新签名，并请检查时钟。"


class BodyWrong(Invalid):
    """The body isn't JSON, in UTF-8, of a sensible shape."""

    code = "HOOK_BODY_WRONG"
    en = "The body must be JSON in UTF-8, nested at most {deep} levels deep, without NaN or Infinity."
    zh = "请求体应为 UTF-8 编码的 JSON，嵌套不超过 {deep} 层，且不含 NaN 或 Infinity。"


_STATUS: tuple[tuple[type[Refusal], int], ...] = (
    (SignatureWrong, 401),
    (TimeWrong, 400),
    (BodyWrong, 400),
    (HookMessageDiffers, 409),
    (MappingUnknown, 503),  # of a source that was connected with another version of the program
    (Unavailable, 503),
)
_UNPROCESSABLE = 422


def status_of(refusal: Refusal) -> int:
    """The status of a refusal. What is well signed and well formed, and can't be an order of the brand, is 422."""
    if isinstance(refusal, BadRequest):
        return refusal.status
    return next((status for kind, status in _STATUS if isinstance(refusal, kind)), _UNPROCESSABLE)
