"""What the store knows of a customer besides the orders: tags, notes, visits."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from server.demo.brands import Trade
from server.demo.house import Row
from server.demo.lives import Making, Person, Tie
from server.demo.ruling import CONFIDENCE, rule_id_of
from server.demo.words import (
    FAMILY_NOTES,
    FIT_NOTES,
    PURCHASE_NOTES,
    STYLE_NOTES,
    TEMPER_NOTES,
    VISIT_REMARKS,
)
from tagging.models import CERTAIN, SetBy

TAGGED_SHARE = 0.75
NOTED_SHARE = 0.22
VISITED_SHARE = 0.3
PERSONAL_SHARE = 0.08
GUESSED = 8  # one in so many sizes is not what the customer buys
# Everything a guide wrote is older than this, and so from before a leaver's access was closed.
_NEWEST = 2


def get_to_know(making: Making, person: Person) -> None:
    """Tags by guides and by the rule of categories; notes that agree with tags and purchases; visits."""
    dice, detail = making.dice, making.shape.detail
    joined = (making.today.midnight - person.customer["joined_at"]).days
    if dice.throw() < TAGGED_SHARE * detail:
        _set_traits(making, person, dice.between(_NEWEST, max(_NEWEST, joined)))
    if dice.throw() < NOTED_SHARE * detail:
        _note(making, person)
    for tie in person.ties:
        if joined > _NEWEST and dice.throw() < VISITED_SHARE * detail:
            _visit(making, person, tie, dice.between(_NEWEST, min(joined, 120)))
    _tag_by_rule(making, person)


def called(person: Person) -> str:
    """她 or 他."""
    return "她" if person.is_woman else "他"


def _set_traits(making: Making, person: Person, days_ago: int) -> None:
    """Up to one tag of each of the library's first groups, and now and then one of the guide's own."""
    dice, trade = making.dice, making.house.trade
    set_at = max(person.customer["joined_at"], making.today.at(days_ago, 20 * 3600))
    wanted = dice.some_of((trade.fit, trade.style, trade.family, trade.temper), dice.between(1, 3))
    for group in wanted:
        word = dice.one_of(group.tags)
        if group is trade.fit and making.serial % GUESSED:
            word = trade.size_of(person.customer["id"].int)
        person.traits[group.name] = word
        _tag(making, person, making.house.tags[word], set_at)
    keeper = person.tie.keeper
    if keeper.personal_tags and dice.throw() < PERSONAL_SHARE:
        _tag(making, person, dice.one_of(keeper.personal_tags), set_at, by_staff_id=keeper.staff_id)


def _tag_by_rule(making: Making, person: Person) -> None:
    """A category is somebody's habit from the third purchase in it on; the rule runs at night."""
    settled = [purchase for purchase in person.purchases if purchase.days_ago >= _NEWEST]
    counts = Counter(purchase.article.category for purchase in settled)
    for category, count in counts.items():
        if count >= 3:
            latest = min(purchase.days_ago for purchase in settled if purchase.article.category == category)
            tag_id = making.house.tags[category]
            _tag(making, person, tag_id, making.today.at(latest - 1, 3 * 3600), by_rule=True)


def _tag(
    making: Making,
    person: Person,
    tag_id: UUID,
    set_at: datetime,
    *,
    by_staff_id: UUID | None = None,
    by_rule: bool = False,
) -> None:
    tie = person.tie
    days = making.house.shelf_lives.get(tag_id)
    setter = by_staff_id or tie.keeper_at(set_at).staff_id or tie.shop.manager_id
    making.batch.customer_tags.append(
        {
            "brand_id": person.customer["brand_id"],
            "customer_id": person.customer["id"],
            "tag_id": tag_id,
            "set_by": SetBy.RULE if by_rule else SetBy.GUIDE,
            "by_staff_id": None if by_rule else setter,
            "rule_id": rule_id_of(tag_id) if by_rule else None,
            "set_at": set_at,
            "checked_at": set_at,
            "valid_until": set_at + timedelta(days=days) if days is not None else None,
            "confidence": CONFIDENCE if by_rule else CERTAIN,
        }
    )


def _note(making: Making, person: Person) -> None:
    dice, tie = making.dice, person.tie
    at = max(tie.row["created_at"], making.today.at(dice.between(_NEWEST, 90), 20 * 3600))
    sentences = _trait_sentences(making, making.house.trade, person)
    bought = [purchase for purchase in person.purchases if purchase.days_ago >= _NEWEST and purchase.tie is tie]
    if bought:
        purchase = bought[-1]
        at = max(at, making.today.at(purchase.days_ago, 22 * 3600))
        bought_on = making.day(purchase.days_ago)
        day = f"{bought_on.year} 年 {bought_on.month} 月 {bought_on.day} 日"
        price = f"{purchase.article.price // 100}"
        words = dice.one_of(PURCHASE_NOTES)
        sentences.append(words.format(day=day, item=purchase.article.name, price=price, ta=called(person)))
    if not sentences:
        return
    making.batch.notes.append(
        {
            "brand_id": person.customer["brand_id"],
            "id": dice.id(),
            "relationship_id": tie.row["id"],
            "store_id": tie.shop.id,
            "by_staff_id": tie.keeper_at(at).staff_id or tie.shop.manager_id,
            "body": "".join(sentences),
            "at": at,
            "version": 1,
        }
    )


def _trait_sentences(making: Making, trade: Trade, person: Person) -> list[str]:
    """What the tags say, in a guide's words."""
    dice, traits, ta = making.dice, person.traits, called(person)
    found = []
    if word := traits.get(trade.family.name):
        found.append(dice.one_of(FAMILY_NOTES[word]).format(ta=ta))
    if word := traits.get(trade.temper.name):
        found.append(TEMPER_NOTES[word])
    if word := traits.get(trade.style.name):
        found.append(dice.one_of(STYLE_NOTES).format(style=word, ta=ta))
    if word := traits.get(trade.fit.name):
        found.append(dice.one_of(FIT_NOTES).format(fit=word, ta=ta))
    return found


def _visit(making: Making, person: Person, tie: Tie, days_ago: int) -> None:
    dice = making.dice
    at = max(tie.row["created_at"], making.today.at(days_ago, dice.between(11 * 3600, 20 * 3600)))
    keeper = tie.keeper_at(at)
    visit: Row = {
        "brand_id": person.customer["brand_id"],
        "id": dice.id(),
        "relationship_id": tie.row["id"],
        "store_id": tie.shop.id,
        "account_id": keeper.account_id,
        "by_staff_id": keeper.staff_id or tie.shop.manager_id,
        "remark": dice.one_of(VISIT_REMARKS).format(ta=called(person)),
        "at": at,
        "version": 1,
    }
    making.batch.visits.append(visit)
    tie.row["last_contact_at"] = at
