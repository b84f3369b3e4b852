"""Fill a brand's shelves: the catalogue, the tag library, and the words that guides keep for themselves."""

from uuid import UUID

from server.demo.brands import PERSONAL_TAGS, SYNONYMS, TagGroupWords
from server.demo.dice import Dice
from server.demo.house import Article, House

# In how many colours the last article of each category has just come.
NEW_SHADES = 2


def add_personal_tags(house: House, dice: Dice, owner_id: UUID) -> tuple[UUID, ...]:
    words = dice.some_of(PERSONAL_TAGS, 2)
    return tuple(
        _add_tag(house, dice, word, "#8c8c8c", position, owner_id=owner_id) for position, word in enumerate(words)
    )


def add_tag_library(house: House, dice: Dice) -> None:
    trade = house.trade
    for position, group in enumerate((trade.style, trade.fit, trade.family, trade.temper, trade.taste)):
        _add_tag_group(house, dice, group, position)


def _add_tag_group(house: House, dice: Dice, group: TagGroupWords, position: int) -> None:
    group_id = dice.id()
    house.add(
        "tag_groups",
        {
            "id": group_id,
            "name": group.name,
            "choice": group.choice,
            "color": group.color,
            "position": position,
            "shelf_life_days": group.shelf_life_days,
            "roles": [],
            "store_ids": [],
            "retired_at": None,
            "version": 1,
        },
    )
    for place, word in enumerate(group.tags):
        house.tags[word] = _add_tag(house, dice, word, group.color, place, group_id=group_id)
        house.shelf_lives[house.tags[word]] = group.shelf_life_days


def _add_tag(
    house: House,
    dice: Dice,
    word: str,
    color: str,
    position: int,
    *,
    group_id: UUID | None = None,
    owner_id: UUID | None = None,
) -> UUID:
    tag_id = dice.id()
    tag = {"id": tag_id, "group_id": group_id, "owner_id": owner_id, "name": word, "color": color}
    synonyms = list(SYNONYMS.get(word, ())) if group_id else []
    house.add("tags", {**tag, "position": position, "synonyms": synonyms, "retired_at": None, "version": 1})
    return tag_id


def add_catalogue(house: House, dice: Dice) -> None:
    trade = house.trade
    for shelf, (category, goods) in enumerate(trade.goods):
        for number, (item, yuan) in enumerate(goods):
            for shade, color in enumerate(trade.colors):
                code = f"{trade.prefix}-{shelf + 1}{number + 1:02d}-{shade + 1}"
                article = Article(dice.id(), code, color + item, category, color, yuan * 100)
                house.articles.setdefault(category, []).append(article)
                product = {"id": article.id, "code": code, "name": article.name, "category": category}
                is_new = number == len(goods) - 1 and shade < NEW_SHADES
                days_ago = shelf + shade if is_new else 60 + article.id.int % 300
                listed_on = house.today.day(days_ago)
                house.add(
                    "products",
                    {
                        **product,
                        "price": article.price,
                        "listed_on": listed_on,
                        "images": [],
                        "is_withdrawn": False,
                        "is_kept": True,
                        "version": 1,
                    },
                )
