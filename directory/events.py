"""What happens to regions, stores and staff."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RegionAdded:
    region_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class RegionRenamed:
    region_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class RegionMoved:
    region_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class StoreOpened:
    store_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class StoreEdited:
    """`has_moved` is to another region."""

    store_id: UUID
    version: int
    has_moved: bool = False


@dataclass(frozen=True, slots=True)
class StoreShut:
    store_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class StoreReopened:
    store_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class StaffHired:
    staff_id: UUID
    store_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class StaffRenamed:
    staff_id: UUID
    store_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class StaffMoved:
    staff_id: UUID
    from_store_id: UUID | None
    store_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class PasswordReset:
    staff_id: UUID
    store_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class StaffAccessClosed:
    staff_id: UUID
    store_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class StaffAccessReopened:
    staff_id: UUID
    store_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class StaffDeparted:
    staff_id: UUID
    store_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class StaffLeaving:
    """Somebody is going to leave, or holds something again who had left."""

    staff_id: UUID
    store_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class StaffStays:
    staff_id: UUID
    store_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class CoverArranged:
    cover_id: UUID
    store_id: UUID
    staff_id: UUID
    delegate_id: UUID


@dataclass(frozen=True, slots=True)
class CoverDated:
    """A cover has other dates."""

    cover_id: UUID
    store_id: UUID
    staff_id: UUID
    delegate_id: UUID


@dataclass(frozen=True, slots=True)
class CoverStarted:
    cover_id: UUID
    store_id: UUID
    staff_id: UUID
    delegate_id: UUID


@dataclass(frozen=True, slots=True)
class CoverEnded:
    """A cover is over, or was cancelled before it began."""

    cover_id: UUID
    store_id: UUID
    staff_id: UUID
    delegate_id: UUID


RegionEvent = RegionAdded | RegionRenamed | RegionMoved
StoreEvent = StoreOpened | StoreEdited | StoreShut | StoreReopened
StaffEvent = (
    StaffHired
    | StaffRenamed
    | StaffMoved
    | PasswordReset
    | StaffAccessClosed
    | StaffAccessReopened
    | StaffDeparted
    | StaffLeaving
    | StaffStays
)
CoverEvent = CoverArranged | CoverDated | CoverStarted | CoverEnded
