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


# People, stores and regions


class CodeTaken(Conflict):
    """Another region, store or staff member of the brand has this code or number."""

    code = "CODE_TAKEN"
    en = "{value} is already in use. Choose another."
    zh = "编号 {value} 已被使用，请换一个。"


class RegionCycle(Conflict):
    """A region can't be moved into itself or into a region below it."""

    code = "REGION_CYCLE"
    en = "A region can't be moved below itself."
    zh = "不能把区域移动到它自己或它的下级区域中。"


class RegionTooDeep(Invalid):
    """The codes from the root down would not fit."""

    code = "REGION_TOO_DEEP"
    en = "The region tree would become too deep here."
    zh = "区域层级过深。"


class BadTimeZone(Invalid):
    """The time zone is not a name from the IANA database."""

    code = "BAD_TIME_ZONE"
    en = "{value} is not a time zone. Write it as in Asia/Shanghai."
    zh = "时区 {value} 无效，请使用如 Asia/Shanghai 的名称。"


class BadOpeningHours(Invalid):
    """Opening hours are seven entries from Monday on, each from and to, or none."""

    code = "BAD_OPENING_HOURS"
    en = "Give opening hours for seven days from Monday on, each as 10:00 and 22:00, or none when shut."
    zh = "请从周一起依次填写七天的营业时间，如 10:00 到 22:00，休息日留空。"


class PlaceMismatch(Invalid):
    """Guides and store managers work in a store, regional managers over a region, HQ for the whole brand."""

    code = "PLACE_MISMATCH"
    en = "A guide or store manager needs a store, a regional manager a region, and HQ neither."
    zh = "导购和店长必须指定门店，区域经理必须指定区域，总部人员两者都不填。"


class StoreClosed(Conflict):
    """The store no longer trades."""

    code = "STORE_CLOSED"
    en = "This store is closed."
    zh = "该门店已关闭。"


class StoreOpen(Conflict):
    """The store trades already."""

    code = "STORE_OPEN"
    en = "This store is open already."
    zh = "该门店已在营业。"


class StoreStaffed(Conflict):
    """People still work in the store."""

    code = "STORE_STAFFED"
    en = "{count} staff still work in this store. Move them or close their access first."
    zh = "还有 {count} 名员工在该门店，请先调动或办理离职。"


class StillHolds(Conflict):
    """Relationships are still held, and would be left with nobody in the store to serve them."""

    code = "STILL_HOLDS"
    en = "{count} customers are still held here. Hand them over first."
    zh = "名下还有 {count} 位顾客，请先完成交接。"


class PartnerUserTaken(Conflict):
    """Another guide's account, or a public one, goes by this user id at the partner."""

    code = "PARTNER_USER_TAKEN"
    en = "Somebody else goes by {user_id} in WeCom already."
    zh = "企业微信账号 {user_id} 已对应其他账号。"


class AccessClosed(Conflict):
    """The person's access is closed: they are leaving, or have left."""

    code = "ACCESS_CLOSED"
    en = "This person's access is closed."
    zh = "该员工的账号已停用。"


class AccessOpen(Conflict):
    """The person's access is not closed."""

    code = "ACCESS_OPEN"
    en = "This person's access is open already."
    zh = "该员工的账号正在使用中。"


class NotLeaving(Conflict):
    """The person isn't leaving, so there is nothing to take back."""

    code = "NOT_LEAVING"
    en = "This person isn't leaving."
    zh = "该员工没有待离职的登记。"


class OwnAccess(Forbidden):
    """Nobody changes their own role or place, or closes their own access."""

    code = "OWN_ACCESS"
    en = "You can't change your own role or place, or close your own access."
    zh = "不能调整自己的岗位，也不能停用自己的账号。"


# Cover for leave


class CoverDates(Invalid):
    """A cover ends after it begins and after now, lasts at most 90 days, and begins within a year."""

    code = "COVER_DATES"
    en = "A cover ends later than it begins and later than now, lasts at most 90 days, and begins within a year."
    zh = "代班的结束时间须晚于开始时间和当前时间，最长 90 天，且须在一年内开始。"


class AbsentUnfit(Conflict):
    """Cover is for a guide who works in the store, also one who is leaving; not for managers, nor for who has left."""

    code = "ABSENT_UNFIT"
    en = "Cover is arranged for a guide who works in a store. This person isn't one."
    zh = "只能为门店在岗的导购安排代班。"


class DelegateUnfit(Conflict):
    """The delegate is a guide at work in the same store, or its manager."""

    code = "DELEGATE_UNFIT"
    en = "The cover must be a guide at work in the same store, or its manager."
    zh = "代班人须是同一门店的在岗导购或店长。"


class OwnCover(Invalid):
    """Nobody covers for themselves."""

    code = "OWN_COVER"
    en = "Nobody can cover for themselves. Choose somebody else."
    zh = "代班人不能是本人，请另选他人。"


class CoverOverlaps(Conflict):
    """The same delegate covers for the same person in some of that time already."""

    code = "COVER_OVERLAPS"
    en = "This person covers for them in some of that time already. Change that cover instead."
    zh = "该时间段内两人之间已有代班安排，请修改原安排。"


class CoverChain(Conflict):
    """The delegate would be away in that time, or the person who is away would cover for others."""

    code = "COVER_CHAIN"
    en = "In that time the cover is away themselves, or the person who is away covers for others. Arrange that first."
    zh = "该时间段内代班人自己休假，或休假人正在为他人代班，请先调整。"


class TooManyCovers(Conflict):
    """One person covers for at most ten at a time, and is covered by at most ten."""

    code = "TOO_MANY_COVERS"
    en = "At most {most} covers at a time for one person."
    zh = "每人同一时间最多 {most} 个代班安排。"


class CoverUnderWay(Conflict):
    """The cover has begun: only its end can be changed."""

    code = "COVER_UNDER_WAY"
    en = "This cover has begun; only its end can be changed."
    zh = "代班已开始，只能修改结束时间。"


class CoverOver(Conflict):
    """The cover has ended, or was cancelled."""

    code = "COVER_OVER"
    en = "This cover is over already. Arrange a new one."
    zh = "该代班已结束，请重新安排。"
