"""Take many orders at once: all of them, or none."""

from collections.abc import Sequence

from kernel.errors import Invalid, Refusal
from kernel.work import Work
from mall.commands.orders import record_order
from mall.models import Order, OrderNews

MOST = 50


async def record_orders(work: Work, news: Sequence[OrderNews]) -> list[Order]:
    """Take 1 to 50 orders, or newer news of them, in the order given; where one is refused, `index` says which.

    Raises what `record_order` raises.
    """
    if not 1 <= len(news) <= MOST:
        raise Invalid(field="input", reason=f"1 to {MOST} orders.", reason_zh=f"应有 1 到 {MOST} 笔订单。")
    taken: list[Order] = []
    for index, each in enumerate(news):
        try:
            taken.append(await record_order(work, each))
        except Refusal as refusal:
            refusal.index = index
            raise
        # The next one may be newer news of the same order.
        await work.session.flush()
    return taken
