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
