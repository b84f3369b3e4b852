"""What a workbench shows follows from three lists of cards, whatever stands in them."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tasks.models import BUILT_IN, FILTERED, Card, PlacedCard, laid_out, restored, stored


def card_of(chosen: Card) -> st.SearchStrategy[PlacedCard]:
    words = [*FILTERED.get(chosen, ())]
    only = st.lists(st.sampled_from(words), unique=True, max_size=2).map(tuple) if words else st.just(())
    return st.builds(PlacedCard, st.just(chosen), st.booleans(), st.booleans(), only)


lists = st.lists(st.sampled_from(Card), unique=True).flatmap(lambda cards: st.tuples(*map(card_of, cards)))


def order(cards: Sequence[PlacedCard]) -> list[Card]:
    return [each.card for each in cards]


@given(own=lists, default=lists)
def test_every_card_is_there_once_and_what_is_named_keeps_its_order(
    own: Sequence[PlacedCard], default: Sequence[PlacedCard]
) -> None:
    shown = laid_out(own, default)

    assert sorted(order(shown)) == sorted(Card)
    assert [card for card in order(shown) if card in order(own)] == order(own)
    if not own:
        assert [card for card in order(shown) if card in order(default)] == order(default)
    if not own and not default:
        assert shown == [*BUILT_IN]


@given(own=lists, default=lists)
def test_what_headquarters_fixes_is_seen_and_only_that_is_fixed(
    own: Sequence[PlacedCard], default: Sequence[PlacedCard]
) -> None:
    fixed = {each.card for each in default if each.is_locked}

    for each in laid_out(own, default):
        assert each.is_locked == (each.card in fixed)
        assert not (each.is_hidden and each.is_locked)


@given(own=lists, default=lists)
def test_what_somebody_says_of_a_card_counts_before_what_the_brand_says(
    own: Sequence[PlacedCard], default: Sequence[PlacedCard]
) -> None:
    said = {each.card: each for each in default} | {each.card: each for each in own}

    for each in laid_out(own, default):
        wanted = said.get(each.card, PlacedCard(each.card))
        assert each.only == wanted.only
        assert each.is_hidden == (wanted.is_hidden and not each.is_locked)


def test_a_card_that_came_later_stands_behind_the_one_before_it_in_the_default() -> None:
    own = [PlacedCard(Card.TILES), PlacedCard(Card.TASKS), PlacedCard(Card.ORDERS)]
    default = [PlacedCard(card) for card in (Card.BIRTHDAYS, Card.TASKS, Card.CAMPAIGNS, Card.ORDERS, Card.TILES)]

    assert order(laid_out(own, default)) == [
        Card.BIRTHDAYS,
        Card.TILES,
        Card.TASKS,
        Card.ESCALATED,
        Card.CUSTOMERS_AT_RISK,
        Card.CAMPAIGNS,
        Card.ORDERS,
        Card.TAG_CHECKS,
    ]


@given(cards=lists)
def test_what_is_stored_comes_back_and_what_a_newer_program_wrote_is_passed_over(cards: Sequence[PlacedCard]) -> None:
    kept = stored(cards)
    newer = [{"card": "weather", "hidden": False, "locked": True, "only": ["rain"]}, *kept]
    for each in newer:
        each["only"] = [*each["only"], "later"]

    assert restored(stored(cards)) == [*cards]
    assert restored(newer) == [*cards]
