"""Decide on what rules suggest: the guide who holds the customer, or the manager of the store."""

from uuid import UUID

from kernel import clock
from kernel.errors import require_version
from kernel.work import Work
from tagging.commands import carrying
from tagging.commands.carrying import Pair
from tagging.commands.writing import say
from tagging.models import SetBy, SuggestionState, TagSuggestion
from tagging.policy import require_adviser
from tagging.queries import suggestions
from tagging.queries.carrying import lock


async def accept_suggestion(work: Work, suggestion_id: UUID, *, expected_version: int | None = None) -> TagSuggestion:
    """Put the tag on the customer, as one's own opinion; in a single-choice group it replaces the other.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `SUGGESTION_DECIDED`.
    """
    suggestion = await _decide(work, suggestion_id, SuggestionState.ACCEPTED, expected_version)
    changed = await carrying.put(
        work,
        [Pair(suggestion.customer_id, suggestion.tag_id)],
        set_by=SetBy.GUIDE,
        by_staff_id=work.actor.staff_id,
        rule_id=suggestion.rule_id,
        reason=suggestion.reason,
    )
    await say(work, {suggestion.customer_id} - set(changed))
    return suggestion


async def decline_suggestion(work: Work, suggestion_id: UUID, *, expected_version: int | None = None) -> TagSuggestion:
    """Say that the tag doesn't fit: no rule suggests or sets it on the customer for 180 days.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `SUGGESTION_DECIDED`.
    """
    suggestion = await _decide(work, suggestion_id, SuggestionState.DECLINED, expected_version)
    await say(work, {suggestion.customer_id})
    return suggestion


async def _decide(
    work: Work, suggestion_id: UUID, state: SuggestionState, expected_version: int | None
) -> TagSuggestion:
    # The customer first, as whoever evaluates rules: what is decided here isn't withdrawn meanwhile.
    customer_id = await suggestions.customer_of(work.session, work.actor, suggestion_id)
    await lock(work.session, work.actor.brand_id, [customer_id])
    suggestion = await suggestions.lock(work.session, work.actor, suggestion_id)
    require_adviser(work.actor)
    require_version(suggestion, expected_version)
    suggestion.decide(state, clock.now(), work.actor.staff_id)
    await work.session.flush()
    return suggestion
