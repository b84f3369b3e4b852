"""What the tagging domain refuses."""

from kernel.errors import Conflict, Invalid


class TagNameTaken(Conflict):
    """Two tags of a group, or two of one person, may not have one name."""

    code = "TAG_NAME_TAKEN"
    en = "There is a tag or group of this name already."
    zh = "已有同名的标签或标签组。"


class TooManyTags(Conflict):
    """The library is full."""

    code = "TOO_MANY_TAGS"
    en = "At most {most} tags: retire one first."
    zh = "最多 {most} 个标签，请先停用一个。"


class TagRetired(Conflict):
    """The tag is not used any more."""

    code = "TAG_RETIRED"
    en = "This tag is retired."
    zh = "这个标签已停用。"


class LibraryChanged(Conflict):
    """The groups or tags to be put in order are not those that there are."""

    code = "LIBRARY_CHANGED"
    en = "The tag library changed meanwhile. Refresh and order it again."
    zh = "标签库已有变化，请刷新后重新排序。"


class OnlyOneOfGroup(Invalid):
    """A customer carries one tag of a single-choice group."""

    code = "ONLY_ONE_OF_GROUP"
    en = "Choose one tag of the group {group}."
    zh = "“{group}”是单选标签组，只能选一个标签。"


class BadExpression(Invalid):
    """A rule or segment can't be read; says where, counted from 1, and what is wrong there."""

    code = "BAD_EXPRESSION"
    en = "Line {line}, column {column}: {reason}."
    zh = "第 {line} 行第 {column} 列：{reason_zh}。"


class AuditClosed(Conflict):
    """The audit waits for no more answers."""

    code = "AUDIT_CLOSED"
    en = "This audit is closed already."
    zh = "这次抽查已经结束。"


class NothingToAudit(Conflict):
    """No tag is in what the audit was narrowed down to."""

    code = "NOTHING_TO_AUDIT"
    en = "There are no tags to audit in this scope."
    zh = "所选范围内没有可抽查的标签。"


class AuditTooWide(Conflict):
    """More tags than one drawing looks through."""

    code = "AUDIT_TOO_WIDE"
    en = "There are more than {most} tags in this scope: choose a region, a group or a tag."
    zh = "所选范围内的标签超过 {most} 个，请选择区域、标签组或标签。"


class TooManyAudits(Conflict):
    """As many audits are open, or were drawn today, as a brand may have."""

    code = "TOO_MANY_AUDITS"
    en = "At most {open} audits may be open at once, and {daily} be drawn in 24 hours."
    zh = "同时进行的抽查最多 {open} 次，24 小时内最多发起 {daily} 次。"
