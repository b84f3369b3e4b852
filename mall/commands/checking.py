"""Check news of an order by itself, before anybody looks what it names."""

from dataclasses import replace
from datetime import datetime

from kernel.actor import Actor
from kernel.errors import Invalid, optional_text, require_text
from mall.commands.amounts import checked_lines, require_amount, require_past
from mall.models import OrderNews, OrderState
from mall.policy import require_recorder


def check_order(actor: Actor, news: OrderNews) -> OrderNews:
    """The news as it is kept, if the actor may bring it and it can be true.

    Raises `FORBIDDEN`, `INVALID`, `AMOUNTS_DIFFER`.
    """
    require_recorder(actor)
    require_amount("amount", news.amount, least=0)
    require_past("placedAt", news.placed_at)
    require_past("newsAt", news.news_at or news.placed_at)
    return replace(
        news,
        source=require_text("source", news.source, longest=32),
        number=require_text("number", news.number, longest=64),
        country=require_text("country", news.country, longest=60) if news.country is not None else None,
        city=optional_text("city", news.city, longest=60),
        guide_code=optional_text("guideCode", news.guide_code, longest=64),
        note=optional_text("note", news.note, longest=500),
        share_code=optional_text("shareCode", news.share_code, longest=64),
        paid_at=_checked_payment(news),
        completed_at=_checked_completion(news),
        lines=checked_lines(news.lines, news.amount),
    )


def _checked_payment(news: OrderNews) -> datetime | None:
    """When it was paid; what is pending or was never paid is not."""
    if news.state is OrderState.PENDING:
        if news.paid_at is not None:
            raise Invalid(field="paidAt", reason="a pending order isn't paid.", reason_zh="待付款的订单没有付款时间。")
        return None
    if news.paid_at is None:
        return None if news.state is OrderState.CANCELLED else news.placed_at
    require_past("paidAt", news.paid_at)
    if news.paid_at < news.placed_at:
        raise Invalid(field="paidAt", reason="lies before the order.", reason_zh="付款时间早于下单时间。")
    return news.paid_at


def _checked_completion(news: OrderNews) -> datetime | None:
    """When it reached the customer, for one that is completed; not before it was placed, whatever the clocks say."""
    if news.completed_at is None:
        return None
    if news.state is not OrderState.COMPLETED:
        raise Invalid(field="completedAt", reason="the order isn't completed.", reason_zh="订单尚未完成。")
    require_past("completedAt", news.completed_at)
    return max(news.completed_at, news.placed_at)
