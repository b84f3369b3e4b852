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
