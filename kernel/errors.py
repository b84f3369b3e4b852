"""The five kinds of refusal. A domain subclasses one, names a code, and says a sentence a guide understands."""

from typing import ClassVar, Protocol
from uuid import UUID


class Refusal(Exception):
    """Something a person asked for and may not have; says why in two languages and changes nothing."""

    code: ClassVar[str]
    en: ClassVar[str]
    zh: ClassVar[str]
    index: int | None = None
    """Of several things that were named, the place of the one that it is said of, from 0."""

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.en.format(**facts))

    def say(self, language: str) -> str:
        """The sentence in the reader's language: `zh` or `en`."""
        return (self.zh if language == "zh" else self.en).format(**self.facts)


class NotFound(Refusal):
    """There is no such thing, or none that the actor may see: the two are one answer."""

    code = "NOT_FOUND"
    en = "There is no such record, or it isn't yours to see."
    zh = "没有找到这条记录，或者您无权查看。"


class Forbidden(Refusal):
    """The actor sees the thing but may not do this to it."""

    code = "FORBIDDEN"
    en = "Your role doesn't allow this."
    zh = "您的角色没有这项权限。"


class Conflict(Refusal):
    """The thing is not in a state in which this can be done."""

    code = "CONFLICT"
    en = "Somebody changed this meanwhile. Refresh and try again."
    zh = "这条记录刚刚被修改过，请刷新后再试。"


class Invalid(Refusal):
    """An argument is not acceptable, whatever the state."""

    code = "INVALID"
    en = "{field}: {reason}"
    zh = "{field}：{reason_zh}"


class Unavailable(Refusal):
    """Something the answer depends on cannot be reached now; trying again later may help."""

    code = "UNAVAILABLE"
    en = "The service is busy. Try again in a moment."
    zh = "系统繁忙，请稍后再试。"


class NotSignedIn(Forbidden):
    """Nobody is signed in, or the sign-in has ended."""

    code = "UNAUTHENTICATED"
    en = "Sign in first."
    zh = "请先登录。"


class StaleVersion(Conflict):
    """The row was changed since the caller read it."""

    code = "STALE_VERSION"
    en = "This was changed meanwhile: you have version {expected}, the newest is {actual}."
    zh = "内容已被更新：您看到的是第 {expected} 版，最新是第 {actual} 版。"

    def __init__(self, row: "Versioned", expected: int) -> None:
        super().__init__(expected=expected, actual=row.version)
        self.row_id = row.id


class Versioned(Protocol):
    """A row with an id, whose version grows with each change."""

    @property
    def id(self) -> UUID: ...
    @property
    def version(self) -> int: ...


def require_version(row: Versioned, expected: int | None) -> None:
    """Refuse an edit that was made on another version of the row. `None` asks for no check.

    Call it when the actor may see the row and change it: who is refused with `STALE_VERSION` is shown the row.
    """
    if expected is not None and expected != row.version:
        raise StaleVersion(row, expected)


def optional_text(field: str, value: str | None, *, longest: int) -> str | None:
    """The text without surrounding blanks, or nothing where there is none; refused as `require_text` does."""
    return require_text(field, value, longest=longest) if value is not None and value.strip() else None


def require_text(field: str, value: str, *, longest: int) -> str:
    """The text without surrounding blanks; refused when empty, or longer than `longest` characters."""
    text = value.strip()
    if not text:
        raise Invalid(field=field, reason="must not be empty.", reason_zh="不能为空。")
    if len(text) > longest:
        raise Invalid(field=field, reason=f"at most {longest} characters.", reason_zh=f"最多 {longest} 个字符。")
    if "\x00" in text:
        raise Invalid(field=field, reason="contains a forbidden character.", reason_zh="含有不允许的字符。")
    return text
