"""What the tagging domain refuses."""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.errors import Conflict, Forbidden, Invalid


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


class TagNotForYou(Forbidden):
    """The group is for other roles or other stores."""

    code = "TAG_NOT_FOR_YOU"
    en = "The tags of the group {group} are for others to put on."
    zh = "“{group}”的标签不由您的岗位或门店来打。"


class SomeCarrySeveral(Conflict):
    """A group in which customers carry several tags can't become a single-choice one."""

    code = "SOME_CARRY_SEVERAL"
    en = "Customers that carry several tags of this group: {count}. Let each carry one first."
    zh = "有 {count} 位顾客带有该组的多个标签，请先各保留一个。"


class TagsDontMerge(Conflict):
    """What one tag says can't be said by the other."""

    code = "TAGS_DONT_MERGE"
    en = "These tags can't be merged: {reason}"
    zh = "这两个标签不能合并：{reason_zh}"


class TooManySynonyms(Conflict):
    """A tag has as many other words as it may."""

    code = "TOO_MANY_SYNONYMS"
    en = "A tag may have {most} synonyms: remove some first."
    zh = "一个标签最多 {most} 个同义词，请先删减。"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one row of a file, in both languages."""

    row: int
    reason: str
    reason_zh: str

    def said(self, language: str) -> dict[str, object]:
        return {"row": self.row, "reason": self.reason_zh if language == "zh" else self.reason}


class LibraryFileWrong(Invalid):
    """A file of the tag library can't be taken over, and nothing was; names the first 50 of what is wrong."""

    code = "LIBRARY_FILE_WRONG"
    en = "Nothing was changed. Mistakes: {count}; the first in row {row}: {reason}"
    zh = "未做任何更改。共 {count} 处错误，第一处在第 {row} 行：{reason_zh}"
    MOST = 50

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems[: self.MOST]
        first = problems[0]
        super().__init__(count=len(problems), row=first.row, reason=first.reason, reason_zh=first.reason_zh)


class BadRule(BadExpression):
    """One of a rule's expressions can't be read: `condition` or `enough`, and where in it."""

    en = "{part}, line {line}, column {column}: {reason}."
    zh = "{part_zh}第 {line} 行第 {column} 列：{reason_zh}。"


class RuleNameTaken(Conflict):
    """Two rules in use may not have one name."""

    code = "RULE_NAME_TAKEN"
    en = "There is a rule of this name already."
    zh = "已有同名的规则。"


class TooManyRules(Conflict):
    """The brand has as many rules as it may."""

    code = "TOO_MANY_RULES"
    en = "At most {most} rules: retire one first."
    zh = "最多 {most} 条规则，请先停用一条。"


class RuleRetired(Conflict):
    """The rule is not used any more."""

    code = "RULE_RETIRED"
    en = "This rule is retired."
    zh = "这条规则已停用。"


class RuleIsLive(Conflict):
    """The rule acts already."""

    code = "RULE_IS_LIVE"
    en = "This rule is live already."
    zh = "这条规则已经生效。"


class SuggestionDecided(Conflict):
    """Somebody has decided, or the evidence has gone."""

    code = "SUGGESTION_DECIDED"
    en = "This suggestion is not open any more."
    zh = "这条标签建议已被处理或已失效。"


class SegmentNameTaken(Conflict):
    """Two segments of one person, or two that the brand shares, may not have one name."""

    code = "SEGMENT_NAME_TAKEN"
    en = "There is a segment of this name already."
    zh = "已有同名的分组。"


class TooManySegments(Conflict):
    """As many as there may be are kept."""

    code = "TOO_MANY_SEGMENTS"
    en = "At most {most} segments: retire one first."
    zh = "最多 {most} 个分组，请先停用一个。"


class SegmentRetired(Conflict):
    """The segment is not used any more."""

    code = "SEGMENT_RETIRED"
    en = "This segment is retired."
    zh = "这个分组已停用。"


class SegmentInUse(Conflict):
    """Others name it."""

    code = "SEGMENT_IN_USE"
    en = "{count} other segments name this one: {names}."
    zh = "有 {count} 个分组引用了它：{names}。"


class SegmentNamesPrivate(Conflict):
    """What the brand shares would depend on what only one person sees."""

    code = "SEGMENT_NAMES_PRIVATE"
    en = "It names personal tags or private segments, so it can't be shared with the brand."
    zh = "其中用到了个人标签或私人分组，不能与全品牌共享。"


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
