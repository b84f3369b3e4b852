"""Open a brand: its regions, stores, staff and accounts, with everything on the shelves."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from directory.models import AccountKind, StaffState, StoreState
from kernel.actor import Role
from server.demo import names
from server.demo.brands import Trade
from server.demo.campaigning import add_campaigns
from server.demo.dice import TIME_ZONE, Dice, Today
from server.demo.house import House, Keeper, Row, Shop
from server.demo.ruling import add_revisit_rules, add_rules, add_segments
from server.demo.shape import Shape
from server.demo.sharing import add_links
from server.demo.stocking import add_catalogue, add_personal_tags, add_stock, add_tag_library

# Seven entries from Monday on. Every till is open from 10:00 to 21:00.
OPENING_HOURS = (
    [["10:00", "22:00"]] * 7,
    [["10:00", "21:30"]] * 4 + [["10:00", "22:00"]] * 3,
    [["10:00", "21:00"]] * 7,
)
LEAVER_EVERY = 25
DEPARTED_EVERY = 3


def lay_out(trade: Trade, shape: Shape, today: Today, dice: Dice, password_hash: str) -> House:
    """The brand with everybody who works there. Staff numbers count up from G0001, M0001, R0001, H0001."""
    house = House(trade, dice.id(), today, customers=round(shape.customers * trade.share))
    founded = today.at(4_000, 0)
    brand = {"id": house.brand_id, "code": trade.code, "name": trade.name, "currency": "CNY", "created_at": founded}
    house.rows["brands"] = [brand]
    hiring = _Hiring(house, dice, password_hash)
    for _ in range(2):
        hiring.hire("H", Role.HQ)
    cities = _cities_of(trade, round(shape.stores * trade.share))
    regions = _add_regions(house, dice, cities, hiring)
    guides = _shared_out(round(shape.guides * trade.share), len(cities))
    add_tag_library(house, dice)
    add_rules(house)
    add_revisit_rules(house)
    for index, (city, count) in enumerate(zip(cities, guides, strict=True)):
        house.shops.append(_add_shop(house, dice, hiring, index, city, regions[city], count))
    add_catalogue(house, dice)
    add_stock(house)
    add_links(house)
    add_segments(house)
    add_campaigns(house)
    return house


@dataclass(slots=True)
class _Hiring:
    """Hires people and gives them the next number of their kind."""

    house: House
    dice: Dice
    password_hash: str
    counts: dict[str, int] = field(default_factory=dict)

    def hire(self, letter: str, role: Role, *, store_id: UUID | None = None, region_id: UUID | None = None) -> Row:
        """Somebody who has worked here for longer than the customers' history goes back."""
        dice = self.dice
        self.counts[letter] = self.counts.get(letter, 0) + 1
        woman = dice.throw() < 0.8
        hired_at = self.house.today.at(dice.between(1_000, 3_500), 9 * 3600)
        person = {
            "id": dice.id(),
            "number": f"{letter}{self.counts[letter]:04d}",
            "name": dice.one_of(names.SURNAMES) + dice.one_of(names.WOMEN if woman else names.MEN),
            "role": role,
            "state": StaffState.ACTIVE,
            "store_id": store_id,
            "region_id": region_id,
            "password_hash": self.password_hash,
            "access_closed_at": None,
            "hired_at": hired_at,
            "version": 1,
        }
        self._assign(person)
        return self.house.add("staff", person)

    def _assign(self, person: Row) -> None:
        posting = {key: person[key] for key in ("role", "store_id", "region_id")}
        self.house.add(
            "assignments",
            {
                "id": self.dice.id(),
                "staff_id": person["id"],
                **posting,
                "starts_at": person["hired_at"],
                "ends_at": None,
            },
        )

    def close(self, person: Row, state: StaffState, at: datetime) -> None:
        """Close somebody's access; who has departed has no open assignment."""
        person["state"] = state
        person["access_closed_at"] = at
        person["version"] = 2
        if state is StaffState.DEPARTED:
            assignment = self.house.rows["assignments"][-1]
            assignment["ends_at"] = at


def _cities_of(trade: Trade, count: int) -> list[str]:
    """A city per store: the brand's first ones, then round and round through all."""
    rest = [city for city in names.CITIES if city not in trade.first_cities]
    cycle = [*dict.fromkeys(trade.first_cities), *rest]
    return [*trade.first_cities, *(cycle[i % len(cycle)] for i in range(count))][:count]


def _shared_out(total: int, parts: int) -> list[int]:
    """Whole numbers that add up to the total and differ by one at most."""
    return [total // parts + (part < total % parts) for part in range(parts)]


def _add_regions(house: House, dice: Dice, cities: list[str], hiring: _Hiring) -> dict[str, UUID]:
    """The tree as far as there are stores, with a manager for each region; the region's id by city."""
    root = dice.id()
    house.add("regions", _region(root, None, "cn", "全国", "/cn/"))
    found: dict[str, UUID] = {}
    for code, name, region_cities in names.REGIONS:
        inside = [city for city in region_cities if city[0] in cities]
        if not inside:
            continue
        region_id, path = dice.id(), f"/cn/{code}/"
        house.add("regions", _region(region_id, root, code, name, path))
        hiring.hire("R", Role.REGIONAL_MANAGER, region_id=region_id)
        for city_code, city_name in inside:
            found[city_code] = dice.id()
            house.add("regions", _region(found[city_code], region_id, city_code, city_name, f"{path}{city_code}/"))
    return found


def _region(region_id: UUID, parent_id: UUID | None, code: str, name: str, path: str) -> Row:
    return {"id": region_id, "parent_id": parent_id, "code": code, "name": name, "path": path, "version": 1}


def _add_shop(
    house: House, dice: Dice, hiring: _Hiring, index: int, city: str, region_id: UUID, guide_count: int
) -> Shop:
    store_id = dice.id()
    city_name = names.CITIES[city]
    nth = sum(shop.city == city_name for shop in house.shops)
    place = names.PLACES[(list(names.CITIES).index(city) * 3 + nth * 5) % len(names.PLACES)]
    name = f"{city_name}{place}店"
    store: Row = {
        "id": store_id,
        "region_id": region_id,
        "code": f"{house.trade.prefix}{index + 1:04d}",
        "name": name,
        "city": city_name,
        "time_zone": TIME_ZONE,
        "opening_hours": dice.one_of(OPENING_HOURS),
        "state": StoreState.OPEN,
        "version": 1,
    }
    house.add("stores", store)
    manager = hiring.hire("M", Role.STORE_MANAGER, store_id=store_id)
    public = Keeper(_add_account(house, dice, store_id, AccountKind.PUBLIC, None), None)
    # The second guide of the first store is leaving, and so is one in every 25th store after it.
    leaver = 1 if index % LEAVER_EVERY == 0 and guide_count > 1 else None
    guides = tuple(_add_guide(house, dice, hiring, store_id, is_leaving=n == leaver) for n in range(guide_count))
    former, left = None, dice.between(60, 300)
    if index % DEPARTED_EVERY == 0:
        former = _add_guide(house, dice, hiring, store_id, left=left)
    return Shop(store_id, index, name, city_name, manager["id"], public, guides, former, left)


def _add_guide(
    house: House, dice: Dice, hiring: _Hiring, store_id: UUID, *, is_leaving: bool = False, left: int = 0
) -> Keeper:
    # Those who left long ago are numbered apart, so that the others' numbers have no gaps.
    person = hiring.hire("F" if left else "G", Role.GUIDE, store_id=store_id)
    if is_leaving:
        hiring.close(person, StaffState.LEAVING, house.today.at(1, 18 * 3600))
    if left:
        hiring.close(person, StaffState.DEPARTED, house.today.at(left, 18 * 3600))
    partner_user_id = f"{house.trade.code}.{person['number'].lower()}"
    account_id = _add_account(house, dice, store_id, AccountKind.GUIDE, person["id"], partner_user_id)
    return Keeper(account_id, person["id"], is_leaving, () if left else add_personal_tags(house, dice, person["id"]))


def _add_account(
    house: House,
    dice: Dice,
    store_id: UUID,
    kind: AccountKind,
    staff_id: UUID | None,
    partner_user_id: str | None = None,
) -> UUID:
    account_id = dice.id()
    account = {
        "id": account_id,
        "store_id": store_id,
        "kind": kind,
        "staff_id": staff_id,
        "partner_user_id": partner_user_id,
        "version": 1,
    }
    house.add("accounts", account)
    return account_id
