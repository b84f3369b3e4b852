"""A small world to test in: plain rows, made when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import SQLModel, col

from customers.models import Customer, Holding, HoldingReason, Relationship
from directory.models import Account, AccountKind, Assignment, Brand, Region, Staff, StaffState, Store
from intake.models import ImportRun, Kind, Phase
from kernel import clock, feed, ids
from kernel.actor import Actor, Role
from kernel.feed import FeedEvent
from kernel.work import Ground
from tasks.models import Campaign, CampaignAim, Task, TaskKind, TaskSource

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # a Monday, twelve o'clock in Shanghai
Row = TypeVar("Row", bound=SQLModel)
HOURS = [["10:00", "22:00"]] * 7
_KINDS = (Brand, Region, Store, Staff, Account, Assignment)


@dataclass
class Shop:
    """A store with its public account, two guides and a manager."""

    store: Store
    public: Account
    guides: list[Actor]
    manager: Actor

    @property
    def guide(self) -> Actor:
        return self.guides[0]

    @property
    def other_guide(self) -> Actor:
        return self.guides[1]


@dataclass
class World:
    """A brand with a region tree `/cn/east/`, `/cn/north/`, and shops in both."""

    ground: Ground
    brand: Brand
    regions: dict[str, Region]
    shops: list[Shop]
    hq: Actor
    east_manager: Actor
    customers: list[Customer] = field(default_factory=list)

    @property
    def shop(self) -> Shop:
        return self.shops[0]


async def save(ground: Ground, *rows: SQLModel) -> None:
    """Commit rows as they are, neighbours of one kind in one statement, in the order given."""
    async with ground.db.write() as session:
        for _, alike in groupby(rows, type):
            session.add_all(alike)
            await session.flush()


async def build_world(ground: Ground, code: str = "qinghe") -> World:
    """A brand with two shops in the east and one in the north, everybody at work."""
    brand = Brand(id=ids.new(), code=code, name="青禾", created_at=NOON)
    root = _region(brand, None, "cn", "全国")
    east, north = _region(brand, root, "east", "华东"), _region(brand, root, "north", "华北")
    hq = _staff(brand, f"{code}-hq", Role.HQ)
    manager = _staff(brand, f"{code}-east", Role.REGIONAL_MANAGER, region=east)
    shops = [_shop(brand, region, f"{code}-{number}") for number, region in enumerate((east, east, north), 1)]
    await _keep(ground, brand, root, east, north, hq, manager, *(row for _, rows in shops for row in rows))
    return World(
        ground,
        brand,
        {"cn": root, "east": east, "north": north},
        [shop for shop, _ in shops],
        hq=_actor(hq),
        east_manager=_actor(manager, region_path=east.path),
    )


async def build_shop(ground: Ground, brand: Brand, region: Region, code: str) -> Shop:
    shop, rows = _shop(brand, region, code)
    await _keep(ground, *rows)
    return shop


def _shop(brand: Brand, region: Region, code: str) -> tuple[Shop, list[SQLModel]]:
    store = Store(
        brand_id=brand.id,
        id=ids.new(),
        region_id=region.id,
        code=code,
        name=f"{code} 店",
        time_zone="Asia/Shanghai",
        opening_hours=HOURS,
    )
    public = Account(brand_id=brand.id, id=ids.new(), store_id=store.id, kind=AccountKind.PUBLIC)
    manager = _staff(brand, f"{code}-M", Role.STORE_MANAGER, store=store)
    guides = [_staff(brand, f"{code}-G{number}", Role.GUIDE, store=store) for number in (1, 2)]
    accounts = [
        Account(brand_id=brand.id, id=ids.new(), store_id=store.id, kind=AccountKind.GUIDE, staff_id=guide.id)
        for guide in guides
    ]
    assignments = [
        Assignment(brand_id=brand.id, id=ids.new(), staff_id=s.id, role=s.role, store_id=store.id, starts_at=NOON)
        for s in (manager, *guides)
    ]
    shop = Shop(
        store,
        public,
        [_actor(guide, account.id) for guide, account in zip(guides, accounts, strict=True)],
        _actor(manager, public.id),
    )
    return shop, [store, public, manager, *guides, *accounts, *assignments]


async def _keep(ground: Ground, *rows: SQLModel) -> None:
    """Save who and what makes up a brand, all of a kind at once, and open the feeds that these have."""
    await save(ground, *sorted(rows, key=lambda row: _KINDS.index(type(row))))
    staff = [row for row in rows if isinstance(row, Staff)]
    stores = [row.id for row in rows if isinstance(row, Store)]
    feeds = [
        *(member.id for member in staff),
        *(feed_of(store_id) for store_id in stores for feed_of in (feed.of_store, feed.of_desk)),
    ]
    async with ground.db.write() as session:
        await feed.open_feeds(session, staff[0].brand_id, feeds)


async def build_customer(ground: Ground, holder: Actor, name: str = "王芳", **values: Any) -> Customer:
    """A customer whose relationship is held by the actor's account."""
    assert holder.store_id
    usual: dict[str, Any] = {
        "brand_id": holder.brand_id,
        "id": ids.new(),
        "member_number": f"M{uuid4().hex[:10]}",
        "name": name,
        "joined_at": NOON,
    }
    customer = Customer(**usual | values)
    relationship = Relationship(
        brand_id=holder.brand_id,
        id=ids.new(),
        customer_id=customer.id,
        store_id=holder.store_id,
        holder_id=holder.account_ids[0],
        is_primary=True,
        created_at=NOON,
    )
    await save(ground, customer, relationship, first_holding(relationship, holder))
    return customer


def first_holding(relationship: Relationship, by: Actor) -> Holding:
    """The first line of a relationship's history: with whoever holds it, made by that actor."""
    return Holding(
        brand_id=relationship.brand_id,
        id=ids.new(),
        relationship_id=relationship.id,
        account_id=relationship.holder_id,
        reason=HoldingReason.CREATED,
        by_actor_id=by.id,
        from_at=NOON,
    )


async def relationship_of(ground: Ground, customer: Customer) -> Relationship:
    async with ground.db.read() as session:
        found = await session.scalar(
            select(Relationship).where(
                col(Relationship.brand_id) == customer.brand_id, col(Relationship.customer_id) == customer.id
            )
        )
    assert found
    return found


async def build_task(ground: Ground, keeper: Actor, customer: Customer | None = None, **values: Any) -> Task:
    """A pending task that the actor keeps, due tomorrow."""
    relationship = await relationship_of(ground, customer) if customer else None
    usual: dict[str, Any] = {
        "brand_id": keeper.brand_id,
        "id": ids.new(),
        "store_id": keeper.store_id,
        "account_id": keeper.account_ids[0],
        "relationship_id": relationship and relationship.id,
        "customer_id": customer and customer.id,
        "kind": TaskKind.REVISIT if customer else TaskKind.TODO,
        "title": "回访" if customer else "整理陈列",
        "due_at": clock.now() + timedelta(days=1),
        "source": TaskSource.PERSON,
        "created_at": NOON,
    }
    task = Task(**usual | values)
    await save(ground, task)
    return task


async def build_campaign(ground: Ground, author: Actor, **values: Any) -> Campaign:
    """A draft about all customers in the author's sight, due in two days."""
    usual: dict[str, Any] = {
        "brand_id": author.brand_id,
        "id": ids.new(),
        "name": "春装上新",
        "aim": CampaignAim.CUSTOMERS,
        "title": "邀请到店试穿",
        "seed": 7,
        "due_at": clock.now() + timedelta(days=2),
        "created_by_id": author.staff_id,
        "created_at": NOON,
    }
    campaign = Campaign(**usual | values)
    await save(ground, campaign)
    return campaign


async def build_run(ground: Ground, brand_id: UUID, **values: Any) -> ImportRun:
    """An import that is done; nothing of what it would have brought is there."""
    usual: dict[str, Any] = {
        "brand_id": brand_id,
        "id": ids.new(),
        "brand_code": "qinghe",
        "kind": Kind.ORDERS,
        "source": "till",
        "file_name": "orders.csv",
        "fingerprint": "0" * 64,
        "mapping": {},
        "phase": Phase.DONE,
        "counts": {},
        "token": uuid4(),
        "lease_until": NOON,
        "started_at": NOON,
        "finished_at": NOON,
    }
    run = ImportRun(**usual | values)
    await save(ground, run)
    return run


async def said(ground: Ground, feed_id: UUID) -> list[tuple[str, str, UUID]]:
    """What a feed says, oldest first: op, entity type, entity id."""
    async with ground.db.read() as session:
        found: Sequence[FeedEvent] = (
            await session.scalars(
                select(FeedEvent).where(col(FeedEvent.feed_id) == feed_id).order_by(col(FeedEvent.seq))
            )
        ).all()
    return [(entry.op, entry.entity_type, entry.entity_id) for entry in found]


async def reload(ground: Ground, row: Row) -> Row:
    """The row as it is now in the database."""
    async with ground.db.read() as session:
        fresh = await session.get(type(row), (row.brand_id, row.id))  # type: ignore[attr-defined]  # every table has both
    assert fresh
    return fresh


def _region(brand: Brand, parent: Region | None, code: str, name: str) -> Region:
    path = f"{parent.path if parent else '/'}{code}/"
    return Region(
        brand_id=brand.id, id=ids.new(), parent_id=parent.id if parent else None, code=code, name=name, path=path
    )


def _staff(brand: Brand, number: str, role: Role, store: Store | None = None, region: Region | None = None) -> Staff:
    return Staff(
        brand_id=brand.id,
        id=ids.new(),
        number=number,
        name=f"员工{number}",
        role=role,
        state=StaffState.ACTIVE,
        store_id=store.id if store else None,
        region_id=region.id if region else None,
        hired_at=NOON,
    )


def _actor(staff: Staff, *account_ids: UUID, region_path: str | None = None) -> Actor:
    return Actor(
        brand_id=staff.brand_id,
        id=staff.id,
        role=staff.role,
        staff_id=staff.id,
        store_id=staff.store_id,
        region_path=region_path,
        account_ids=account_ids,
    )
