"""What happens to tasks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class TaskAdded:
    task_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TaskSeen:
    task_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TaskSnoozed:
    task_id: UUID
    account_id: UUID
    version: int
    until: datetime
    was_due_at: datetime


@dataclass(frozen=True, slots=True)
class TaskMoved:
    task_id: UUID
    from_account_id: UUID
    to_account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TaskEscalated:
    task_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TaskCompleted:
    task_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TaskSkipped:
    task_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TaskExpired:
    task_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TaskCancelled:
    task_id: UUID
    account_id: UUID
    version: int


TaskEvent = (
    TaskAdded
    | TaskSeen
    | TaskSnoozed
    | TaskMoved
    | TaskEscalated
    | TaskCompleted
    | TaskSkipped
    | TaskExpired
    | TaskCancelled
)


@dataclass(frozen=True, slots=True)
class WorkbenchArranged:
    staff_id: UUID


@dataclass(frozen=True, slots=True)
class WorkbenchDefaultSet:
    role: str


WorkbenchEvent = WorkbenchArranged | WorkbenchDefaultSet
