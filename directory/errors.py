"""What the directory refuses."""

from kernel.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Unavailable

# Signing in


class SignInFailed(Forbidden):
    """The one answer to a wrong brand, number or password, and to somebody who may not sign in any more."""

    code = "SIGN_IN_FAILED"
    en = "The brand, the staff number or the password is wrong."
    zh = "品牌、工号或密码不正确。"


class TooManyAttempts(Unavailable):
    """Too many failed attempts for this number or from this address; `retry_after` is in seconds."""

    code = "TOO_MANY_ATTEMPTS"
    en = "Too many attempts. Try again in {retry_after} seconds."
    zh = "尝试次数过多，请在 {retry_after} 秒后再试。"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(retry_after=retry_after)


class SignInEnded(NotSignedIn):
    """The sign-in has expired, was revoked, or its owner's access is closed."""

    code = "SIGN_IN_ENDED"
    en = "Your sign-in has ended. Sign in again."
    zh = "登录已失效，请重新登录。"


class RefreshReused(SignInEnded):
    """A refresh token came a second time: somebody has a copy, so the whole sign-in is ended."""

    code = "REFRESH_REUSED"
    en = "This sign-in was continued from somewhere else and is ended for safety. Sign in again."
    zh = "此登录已在别处续期，为安全起见已失效，请重新登录。"


class PasswordLength(Invalid):
    """A password has 8 to 128 characters."""

    code = "PASSWORD_LENGTH"
    en = "A password has 8 to 128 characters."
    zh = "密码长度为 8 至 128 个字符。"


class NobodyToSignIn(NotFound):
    """There is no such staff member, or their access is closed."""

    code = "NOBODY_TO_SIGN_IN"
    en = "There is no staff member {number} with open access in this brand."
    zh = "该品牌下没有工号为 {number} 且可登录的员工。"


class UnknownSignIn(NotFound):
    """There is no such sign-in in the brand."""

    code = "UNKNOWN_SIGN_IN"
    en = "There is no such sign-in."
    zh = "没有找到这个登录。"


class ServiceAccountClosed(Conflict):
    """The service account was closed for good."""

    code = "SERVICE_ACCOUNT_CLOSED"
    en = "The service account {name} is closed."
    zh = "服务账号 {name} 已关闭。"


class ServiceAccountScopes(Conflict):
    """The service account has other scopes; changing them would change what its other tokens may do."""

    code = "SERVICE_ACCOUNT_SCOPES"
    en = "The service account {name} has the scopes {scopes}. Use another name for other scopes."
    zh = "服务账号 {name} 的权限为 {scopes}，如需其他权限请使用新的名称。"
