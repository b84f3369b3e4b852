"""What the customers domain refuses."""

from kernel.errors import Conflict, Forbidden, Invalid


class BadPhone(Invalid):
    """The phone is neither a mainland mobile number nor one in international form."""

    code = "BAD_PHONE"
    en = "This is not a phone number. Give 11 digits, or a number with its country code as in +44 20 7946 0958."
    zh = "电话号码无效：请填写 11 位手机号，或带国家区号的号码，如 +44 20 7946 0958。"


class PhoneTaken(Conflict):
    """A customer of the brand has this phone."""

    code = "PHONE_TAKEN"
    en = "A customer with this phone is known already."
    zh = "该手机号已登记为其他顾客。"


class MemberNumberTaken(Conflict):
    """A customer of the brand has this member number."""

    code = "MEMBER_NUMBER_TAKEN"
    en = "A customer with this member number is known already."
    zh = "该会员号已登记为其他顾客。"


class IdentityMismatch(Conflict):
    """The phone and the member number that were given are not of one customer."""

    code = "IDENTITY_MISMATCH"
    en = "The phone and the member number don't belong to the same customer."
    zh = "手机号与会员号不是同一位顾客。"


class AlreadyHeld(Conflict):
    """Somebody in this store holds the relationship; only a manager moves it. Doesn't say who."""

    code = "ALREADY_HELD"
    en = "This customer is already looked after in your store. A manager can reassign them."
    zh = "该顾客在本店已有专属服务人员，如需调整请联系店长。"


class OtherStore(Invalid):
    """The account belongs to another store than the relationship."""

    code = "OTHER_STORE"
    en = "Choose an account of the store that the relationship belongs to."
    zh = "请选择该客户关系所属门店的账号。"


class HolderUnfit(Conflict):
    """Whoever the account belongs to is leaving, has left, or works elsewhere now."""

    code = "HOLDER_UNFIT"
    en = "This account takes no customers: its owner is leaving or works elsewhere."
    zh = "该账号不能接收顾客：员工正在离职或已调离。"


class NoPhone(Conflict):
    """The customer left no phone."""

    code = "NO_PHONE"
    en = "This customer left no phone number."
    zh = "该顾客没有留下电话。"


class TooManyReveals(Forbidden):
    """One person looked at as many phones as is allowed within an hour."""

    code = "TOO_MANY_REVEALS"
    en = "You have looked at {most} phone numbers within an hour. Try again later."
    zh = "一小时内最多查看 {most} 个电话，请稍后再试。"


class LookOver(Conflict):
    """A request for a phone was repeated when the look that it had made was no longer good."""

    code = "REVEAL_OVER"
    en = "You looked at this phone number over an hour ago. Ask for it anew."
    zh = "距离上次查看该电话已超过一小时，请重新查看。"


class VisitInTheFuture(Invalid):
    """A visit is noted once it has happened."""

    code = "VISIT_IN_THE_FUTURE"
    en = "A visit can't be in the future."
    zh = "到访时间不能晚于现在。"
