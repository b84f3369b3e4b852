"""Find whom an order itself names; of the buyer's words nothing else is kept."""

from kernel.work import Work
from mall.models import NamedBy, Order, OrderNews
from mall.models.naming import Named, named_in
from mall.queries import crediting as queries
from mall.queries import shares


async def name(work: Work, order: Order, news: OrderNews) -> None:
    """Note the link that the order came through, and the guide it names: by a staff number, or else in the note.

    Where a number is nobody's, or a note could mean several, only that is noted.
    """
    if news.share_code is not None:
        order.share_id = await shares.id_of_code(work.session, work.actor, news.share_code)
    at = news.paid_at or news.placed_at
    if news.guide_code is not None:
        order.named_by = NamedBy.CODE
        order.named_account_id = await queries.account_of_code(
            work.session, work.actor, news.guide_code, order.store_id, at
        )
    if news.note is not None and order.named_account_id is None:
        found = await _in_note(work, order, news.note, news)
        if found is not None:
            order.named_by, order.named_account_id = NamedBy.NOTE, found.id


async def _in_note(work: Work, order: Order, note: str, news: OrderNews) -> Named | None:
    names = await queries.guides_of(work.session, work.actor, order.store_id, news.paid_at or news.placed_at)
    found = named_in(note, names)
    if found is None or found.is_unclear or order.customer_id is None:
        return found
    return named_in(note, names, await queries.buyer_of(work.session, work.actor, order.customer_id))
