"""Begin a brand."""

import re

from directory.errors import CodeTaken
from directory.models import Brand
from kernel import clock
from kernel.actor import Role
from kernel.db import flush_or_refuse
from kernel.errors import Forbidden, Invalid, require_text
from kernel.work import Work

_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_CURRENCY = re.compile(r"[A-Z]{3}")


async def found(work: Work, *, code: str, name: str, currency: str = "CNY") -> Brand:
    """Begin the brand that the work's actor, the product itself, acts in.

    `code` is what people name it by when they sign in. Raises `FORBIDDEN`, `INVALID`, `CODE_TAKEN`.
    """
    if work.actor.role is not Role.SYSTEM:
        raise Forbidden
    if not _CODE.fullmatch(code):
        raise Invalid(
            field="code", reason="1 to 32 of a-z, 0-9, - and _.", reason_zh="应为 1 到 32 位小写字母、数字、- 或 _。"
        )
    if not _CURRENCY.fullmatch(currency):
        raise Invalid(field="currency", reason="three capital letters.", reason_zh="应为三个大写字母。")
    brand = Brand(
        id=work.actor.brand_id,
        code=code,
        name=require_text("name", name, longest=100),
        currency=currency,
        created_at=clock.now(),
    )
    work.session.add(brand)
    await flush_or_refuse(work.session, "code", CodeTaken(value=code))
    return brand
