"""Random customers, random expressions about them, and what plain Python says of the two: nothing of ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from sqlalchemy import delete

from customers.models import Customer, Relationship
from kernel import ids
from kernel.work import Ground
from mall.models import PurchaseProfile
from tagging.models import CustomerMark, CustomerTag, MarkPurpose, SetBy
from tagging.models.expressions import Compare, Node, Not, Op
from tagging.models.expressions.tree import All, Some
from tests.factories import NOON, World

SHANGHAI = timezone(timedelta(hours=8))
TODAY = NOON.astimezone(SHANGHAI).date()
TEXTS = ["金卡", "银卡", "?", 'a:b=1"\\']


@dataclass
class Person:
    """A customer as the test made them up; `stores` are by number, with who holds and when they were spoken to."""

    tier: str | None
    city: str | None
    birthday: date | None
    do_not_contact: bool
    joined_at: datetime
    stores: dict[int, tuple[int, datetime | None]]
    tags: dict[int, datetime | None]
    profile: dict[str, Any] | None
    id: UUID = field(default_factory=ids.new)


instants = st.integers(-3 * 24 * 60, 60).map(lambda minutes: NOON + timedelta(minutes=minutes * 7))
days = st.one_of(st.integers(-40, 3), st.sampled_from([-9000, -400, 300])).map(
    lambda back: TODAY + timedelta(days=back)
)
money = st.sampled_from([-500, 0, 1, 9_999, 10_000, 10_001, 123_456, 10**13])
score = st.none() | st.integers(1, 5)
profiles = st.fixed_dictionaries(
    {
        "orders": st.integers(0, 5),
        "purchase_days": st.integers(0, 3),
        "net": money,
        "net_12_months": money,
        "first_day": st.none() | days,
        "last_day": st.none() | days,
        "at_risk_from": st.none() | days,
        "lapsed_from": st.none() | days,
        "recency_score": score,
        "frequency_score": score,
        "monetary_score": score,
        "value_at_risk_score": score,
        "churn_risk": st.none() | st.sampled_from(["low", "medium", "high"]),
    }
)
people = st.builds(
    Person,
    tier=st.none() | st.sampled_from(TEXTS),
    city=st.none() | st.sampled_from(TEXTS),
    birthday=st.none() | st.dates(date(1960, 1, 1), date(2020, 1, 1)),
    do_not_contact=st.booleans(),
    joined_at=instants,
    stores=st.dictionaries(st.integers(0, 2), st.tuples(st.integers(0, 1), st.none() | instants), min_size=1),
    tags=st.dictionaries(st.integers(0, 3), st.none() | instants),
    profile=st.none() | profiles,
)

EQUAL, SEVERAL = [Op.IS, Op.IS_NOT], [Op.IN, Op.NOT_IN]
ORDERED = [*EQUAL, Op.LESS, Op.AT_MOST, Op.MORE, Op.AT_LEAST]
_QUANTITIES: Mapping[str, st.SearchStrategy[int]] = {
    "orders": st.integers(0, 6),
    "purchase_days": st.integers(0, 4),
    "spend": money.filter(lambda amount: 0 <= amount <= 10**12),
    "spend_12_months": money.filter(lambda amount: 0 <= amount <= 10**12),
    "days_since_purchase": st.integers(0, 45),
    "days_since_first_purchase": st.integers(0, 45),
    "days_since_joined": st.integers(0, 25),
    "days_since_contact": st.integers(0, 25),
    "recency_score": st.integers(1, 5),
    "frequency_score": st.integers(1, 5),
    "monetary_score": st.integers(1, 5),
    "value_at_risk_score": st.integers(1, 5),
}
# Stores, regions and tags by number: whoever uses the tree puts ids in their place.
_LABELS: Mapping[str, st.SearchStrategy[Any]] = {
    "tier": st.sampled_from(TEXTS),
    "city": st.sampled_from(TEXTS),
    "birthday_month": st.integers(1, 12),
    "churn_band": st.sampled_from(["new", "active", "at_risk", "lapsed", "none"]),
    "churn_risk": st.sampled_from(["low", "medium", "high"]),
    "tag": st.integers(0, 3),
    "stale_tag": st.integers(0, 3),
    "store": st.integers(0, 2),
    "region": st.sampled_from(["cn", "east", "north"]),
}
_FLAGS = ("do_not_contact", "birthday_this_month")


def _compares(word: str) -> st.SearchStrategy[Node]:
    one: st.SearchStrategy[Any] = {**_QUANTITIES, **_LABELS}.get(word, st.booleans())
    ops = ORDERED if word in _QUANTITIES else EQUAL
    single = st.builds(lambda op, value: Compare(word, op, (value,)), st.sampled_from(ops), one)
    if word not in _LABELS:
        return single
    several = st.lists(one, min_size=1, max_size=3, unique=True).map(tuple)
    return single | st.builds(lambda op, values: Compare(word, op, values), st.sampled_from(SEVERAL), several)


leaves = st.sampled_from([*_QUANTITIES, *_LABELS, *_FLAGS]).flatmap(_compares)
expressions: st.SearchStrategy[Node] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: Some(tuple(parts))),
    ),
    max_leaves=6,
)


def meets(person: Person, node: Node, areas: Sequence[str]) -> bool:
    """What the expression says of a person. `areas` are the regions of the stores, by the stores' numbers."""
    match node:
        case Not(part):
            return not meets(person, part, areas)
        case All(parts):
            return all(meets(person, part, areas) for part in parts)
        case Some(parts):
            return any(meets(person, part, areas) for part in parts)
    facts = _several(person, node.word, areas)
    if facts is not None:
        common = bool(facts & set(node.values))
        return common if node.op in (Op.IS, Op.IN) else not common
    fact = _single(person, node.word)
    return fact is not None and _COMPARED[node.op](fact, node.values)


_COMPARED: Mapping[Op, Callable[[Any, Sequence[Any]], bool]] = {
    Op.IS: lambda fact, values: fact == values[0],
    Op.IS_NOT: lambda fact, values: fact != values[0],
    Op.LESS: lambda fact, values: fact < values[0],
    Op.AT_MOST: lambda fact, values: fact <= values[0],
    Op.MORE: lambda fact, values: fact > values[0],
    Op.AT_LEAST: lambda fact, values: fact >= values[0],
    Op.IN: lambda fact, values: fact in values,
    Op.NOT_IN: lambda fact, values: fact not in values,
}


def _several(person: Person, word: str, areas: Sequence[str]) -> set[Any] | None:
    match word:
        case "tag":
            return set(person.tags)
        case "stale_tag":
            return {tag for tag, until in person.tags.items() if until and _day(until) < TODAY}
        case "store":
            return set(person.stores)
        case "region":
            return {"cn"} | {areas[store] for store in person.stores}
    return None


def _single(person: Person, word: str) -> Any:
    bought = person.profile or {"orders": 0, "purchase_days": 0, "net": 0, "net_12_months": 0}
    match word:
        case "tier" | "city" | "do_not_contact":
            return getattr(person, word)
        case "birthday_month":
            return person.birthday and person.birthday.month
        case "birthday_this_month":
            return person.birthday and person.birthday.month == TODAY.month
        case "orders" | "purchase_days":
            return bought[word]
        case "spend":
            return max(0, bought["net"])
        case "spend_12_months":
            return max(0, bought["net_12_months"])
        case "days_since_purchase":
            return _since(bought.get("last_day"))
        case "days_since_first_purchase":
            return _since(bought.get("first_day"))
        case "days_since_joined":
            return _since(_day(person.joined_at))
        case "days_since_contact":
            spoken = [at for _, at in person.stores.values() if at]
            return _since(_day(max(spoken))) if spoken else None
        case "churn_band":
            return _band(bought)
    return bought.get(word)


def _band(bought: dict[str, Any]) -> str:
    if not bought.get("at_risk_from") or not bought.get("lapsed_from"):
        return "none"
    if bought["lapsed_from"] <= TODAY:
        return "lapsed"
    if bought["at_risk_from"] <= TODAY:
        return "at_risk"
    return "new" if bought["purchase_days"] == 1 else "active"


def _day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def _since(day: date | None) -> int | None:
    return None if day is None else (TODAY - day).days


@dataclass
class Crowd:
    """The people in a world's shops; tags by their numbers."""

    world: World
    tags: Sequence[UUID]
    people: list[Person] = field(default_factory=list)

    @property
    def areas(self) -> list[str]:
        return ["east", "east", "north"]

    def with_ids(self, node: Node) -> Node:
        """The expression as it is kept: with ids for numbers."""
        match node:
            case Compare(word="tag" | "stale_tag"):
                return Compare(node.word, node.op, tuple(str(self.tags[int(value)]) for value in node.values))
            case Compare(word="store"):
                shops = self.world.shops
                return Compare(node.word, node.op, tuple(str(shops[int(value)].store.id) for value in node.values))
            case Compare(word="region"):
                regions = self.world.regions
                return Compare(node.word, node.op, tuple(str(regions[str(value)].id) for value in node.values))
            case Not(part):
                return Not(self.with_ids(part))
            case All(parts):
                return All(tuple(map(self.with_ids, parts)))
            case Some(parts):
                return Some(tuple(map(self.with_ids, parts)))
        return node

    async def enter(self, ground: Ground, people: Sequence[Person]) -> None:
        """Save new people, each with a mark, as their registration would leave it."""
        self.people += people
        async with ground.db.write() as session:
            session.add_all([self._customer(person) for person in people])
            await session.flush()
            for person in people:
                session.add_all([*self._hanging(person), self._mark(person)])

    async def change(self, ground: Ground, before: Person, after: Person) -> None:
        """Make one person like another, stores apart that they can't lose, and leave a mark."""
        after.id, after.stores = before.id, before.stores | after.stores
        self.people[self.people.index(before)] = after
        async with ground.db.write() as session:
            await session.merge(self._customer(after))
            for model in (CustomerTag, PurchaseProfile, Relationship):
                await session.execute(_of(model, before, self.world.brand.id))
            session.add_all([*self._hanging(after), self._mark(after)])

    def _mark(self, person: Person) -> CustomerMark:
        brand_id = self.world.brand.id
        return CustomerMark(brand_id=brand_id, id=ids.new(), purpose=MarkPurpose.SEGMENTS, customer_id=person.id)

    def _customer(self, person: Person) -> Customer:
        return Customer(
            brand_id=self.world.brand.id,
            id=person.id,
            member_number=f"M{person.id.hex}",
            name="王芳",
            tier=person.tier,
            city=person.city,
            birthday=person.birthday,
            do_not_contact=person.do_not_contact,
            joined_at=person.joined_at,
        )

    def _hanging(self, person: Person) -> list[Any]:
        its: Any = {"brand_id": self.world.brand.id, "customer_id": person.id}
        rows: list[Any] = []
        for number, (holder, contact) in person.stores.items():
            shop = self.world.shops[number]
            rows.append(
                Relationship(
                    **its,
                    id=uuid4(),
                    store_id=shop.store.id,
                    holder_id=shop.guides[holder].account_ids[0],
                    last_contact_at=contact,
                    created_at=NOON,
                )
            )
        for tag, until in person.tags.items():
            set_at: Any = {"set_by": SetBy.GUIDE, "set_at": NOON, "checked_at": NOON}
            rows.append(CustomerTag(**its, **set_at, tag_id=self.tags[tag], valid_until=until))
        if person.profile is not None:
            rows.append(PurchaseProfile(**its, **person.profile, as_of=datetime.now(UTC).date()))
        return rows


def _of(model: Any, person: Person, brand_id: UUID) -> Any:
    return delete(model).where(model.brand_id == brand_id, model.customer_id == person.id)
