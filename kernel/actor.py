"""Who is acting: taken from the token and the directory, never from an argument."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Role(StrEnum):
    """What somebody is to the brand; decides what they see."""

    GUIDE = "guide"
    STORE_MANAGER = "store_manager"
    REGIONAL_MANAGER = "regional_manager"
    HQ = "hq"
    SERVICE = "service"
    SYSTEM = "system"


class Scope(StrEnum):
    """What a service account may be allowed to do."""

    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PRODUCTS_WRITE = "products:write"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    TAGS_READ = "tags:read"
    TAGS_WRITE = "tags:write"
    DIRECTORY_READ = "directory:read"
    DIRECTORY_WRITE = "directory:write"
    REPORTS_READ = "reports:read"


class Covered(NamedTuple):
    """An account that somebody serves for a colleague who is away, and whose it is."""

    account_id: UUID
    staff_id: UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody (or a machine) that reads or writes within one brand.

    `id` is the staff member's or service account's id. `account_ids` are a guide's own accounts,
    and for a store manager also the public account of the store: what is earned, shared or taken on goes by these.
    `covered` are those that they serve besides for colleagues who are away at this moment. `region_path` bounds a
    regional manager's sight: the region itself and everything below it.
    """

    brand_id: UUID
    id: UUID
    role: Role
    staff_id: UUID | None = None
    store_id: UUID | None = None
    region_path: str | None = None
    account_ids: tuple[UUID, ...] = ()
    scopes: frozenset[str] = frozenset()
    sign_in_id: UUID | None = None
    covered: tuple[Covered, ...] = ()

    @property
    def served_ids(self) -> tuple[UUID, ...]:
        """The accounts whose customers, tasks and orders are in the actor's care: their own, and those they cover."""
        return (*self.account_ids, *(each.account_id for each in self.covered))

    def alone(self) -> "Actor":
        """The same without what they cover: for figures that are of nobody but themselves."""
        return replace(self, covered=())

    @property
    def is_staff(self) -> bool:
        """Whether a person acts, not a machine."""
        return self.staff_id is not None

    def may(self, *scopes: Scope) -> bool:
        """Whether one of these scopes lets a machine do something; people and the product itself need none."""
        return self.role is not Role.SERVICE or not self.scopes.isdisjoint(scopes)


def system(brand_id: UUID) -> Actor:
    """The product itself, when a job, an import or an operator's command acts in a brand."""
    return Actor(brand_id=brand_id, id=UUID(int=0), role=Role.SYSTEM)
