"""What people do on their phones, made up from what the phones show; each deed can be found again in the database."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from daogou_client import Edit, Phone, Row, mutation
from kernel import clock


class Deed(StrEnum):
    """What is done, by the name of the mutation."""

    NOTE = "addNote"
    VISIT = "noteVisit"
    TASK = "createTask"
    EDIT_NOTE = "editNote"
    SNOOZE = "snoozeTask"
    COMPLETE = "completeTask"
    REMARK = "editRemark"
    TAG = "addTags"
    UNTAG = "removeTags"
    PAINT = "editTag"
    REASSIGN = "reassignRelationship"
    ORDER = "recordOrder"


ADDING = (Deed.NOTE, Deed.VISIT, Deed.TASK, Deed.ORDER)  # makes one row that begins with the mark
EDITING = (Deed.EDIT_NOTE, Deed.SNOOZE, Deed.COMPLETE)  # gives one row exactly one version more

_NOTE, _TASK, _LINK = "note { id version }", "task { id version }", "relationship { id version }"
_VERSIONED = {"id": "ID!", "expectedVersion": "Int"}
_MANY = {"customerIds": "[ID!]!", "tagIds": "[ID!]!"}
_OF_CUSTOMER = {"customerId": "ID!", "remark": "String"}
_TAGGED = ("CustomersTagged", "customers { id version }")
_SIGNATURES: dict[Deed, tuple[dict[str, str], str, str]] = {
    Deed.NOTE: ({"customerId": "ID!", "body": "String!"}, "NoteChanged", _NOTE),
    Deed.VISIT: (_OF_CUSTOMER, "VisitChanged", "visit { id version }"),
    Deed.TASK: ({"input": "NewTask!"}, "TaskChanged", _TASK),
    Deed.EDIT_NOTE: (_VERSIONED | {"body": "String!"}, "NoteChanged", _NOTE),
    Deed.SNOOZE: (_VERSIONED | {"until": "DateTime!"}, "TaskChanged", _TASK),
    Deed.COMPLETE: (_VERSIONED, "TaskChanged", _TASK),
    Deed.REMARK: (_OF_CUSTOMER, "RelationshipChanged", _LINK),
    Deed.TAG: (_MANY, *_TAGGED),
    Deed.UNTAG: (_MANY, *_TAGGED),
    Deed.PAINT: ({"id": "ID!", "color": "String"}, "TagChanged", "tag { id version }"),
    Deed.REASSIGN: ({"id": "ID!", "toAccountId": "ID!"}, "RelationshipChanged", _LINK),
    Deed.ORDER: ({"input": "OrderInput!"}, "OrderChanged", "order { id version }"),
}
DOCUMENTS = {deed: mutation(deed.value, *signature) for deed, signature in _SIGNATURES.items()}


@dataclass(frozen=True, slots=True)
class Write:
    """One deed, with the mark of the row that it adds, or how the row that it edits is to look meanwhile."""

    deed: Deed
    variables: dict[str, Any]
    mark: str = ""
    edits: tuple[Edit, ...] = ()


Maker = Callable[[Phone, random.Random, str], Write | None]


def of_guide(phone: Phone, rng: random.Random, mark: str) -> Write | None:
    """What a guide does: most of all, write down and plan."""
    [make] = rng.choices(list(_GUIDES), list(_GUIDES.values()))
    return make(phone, rng, mark)


def of_manager(accounts: Sequence[str], *, reassigns: bool) -> Maker:
    """What a manager does: the same, and give a relationship to another of these accounts."""

    def make(phone: Phone, rng: random.Random, mark: str) -> Write | None:
        if not reassigns or rng.random() > 0.3:
            return of_guide(phone, rng, mark)
        link = _any(phone, "RELATIONSHIP", rng)
        return Write(Deed.REASSIGN, {"id": link.id, "toAccountId": rng.choice(accounts)}) if link else None

    return make


def of_headquarters(tag_ids: Sequence[str]) -> Maker:
    """What headquarters does: paint the brand's tags, which everybody hears of."""

    def make(_phone: Phone, rng: random.Random, _mark: str) -> Write | None:
        return Write(Deed.PAINT, {"id": rng.choice(tag_ids), "color": f"#{rng.randrange(1 << 24):06x}"})

    return make


def visit(customer_id: str, mark: str) -> Write:
    """A visit of that customer."""
    return Write(Deed.VISIT, {"customerId": customer_id, "remark": mark}, mark)


def order(store_id: str, customer_id: str, mark: str) -> Write:
    """An order of that customer's in the mini-mall, which a job is to have followed up."""
    line = {"productCode": "P1", "name": "亚麻衬衫", "quantity": 1, "amount": 19_900}
    said = {
        "source": "mall",
        "number": mark,
        "placedAt": clock.now().isoformat(),
        "amount": 19_900,
        "currency": "CNY",
        "channel": "MINI_MALL",
        "storeId": store_id,
        "customerId": customer_id,
        "lines": [line],
    }
    return Write(Deed.ORDER, {"input": said}, mark)


def _note(phone: Phone, rng: random.Random, mark: str) -> Write | None:
    customer = _any(phone, "CUSTOMER", rng)
    return Write(Deed.NOTE, {"customerId": customer.id, "body": mark}, mark) if customer else None


def _visit(phone: Phone, rng: random.Random, mark: str) -> Write | None:
    customer = _any(phone, "CUSTOMER", rng)
    return visit(customer.id, mark) if customer else None


def _task(phone: Phone, rng: random.Random, mark: str) -> Write | None:
    said = {"title": mark, "dueAt": _later(rng)}
    customer = _any(phone, "CUSTOMER", rng)
    if customer and rng.random() < 0.5:
        said |= {"kind": "REVISIT", "customerId": customer.id}
    return Write(Deed.TASK, {"input": said}, mark)


def _edit_note(phone: Phone, rng: random.Random, mark: str) -> Write | None:
    note = _any(phone, "NOTE", rng)
    if note is None:
        return None
    first = note.node["body"].split()[0]  # the mark of whoever added it stays
    body = f"{first} {mark}"
    return Write(Deed.EDIT_NOTE, {**_of(note, rng), "body": body}, edits=(Edit("NOTE", note.id, {"body": body}),))


def _snooze(phone: Phone, rng: random.Random, _mark: str) -> Write | None:
    task = _open_task(phone, rng)
    return (
        Write(Deed.SNOOZE, {**_of(task, rng), "until": _later(rng)}, edits=(Edit("TASK", task.id, {}),))
        if task
        else None
    )


def _complete(phone: Phone, rng: random.Random, _mark: str) -> Write | None:
    task = _open_task(phone, rng)
    return Write(Deed.COMPLETE, _of(task, rng), edits=(Edit("TASK", task.id, {"state": "DONE"}),)) if task else None


def _remark(phone: Phone, rng: random.Random, mark: str) -> Write | None:
    customer = _any(phone, "CUSTOMER", rng)
    return Write(Deed.REMARK, {"customerId": customer.id, "remark": mark}) if customer else None


def _tag(phone: Phone, rng: random.Random, _mark: str) -> Write | None:
    customer, tag = _any(phone, "CUSTOMER", rng), _any(phone, "TAG", rng)
    deed = rng.choice((Deed.TAG, Deed.UNTAG))
    if customer is None or tag is None:
        return None
    return Write(deed, {"customerIds": [customer.id], "tagIds": [tag.id]})


_GUIDES: dict[Maker, int] = {
    _note: 6, _visit: 6, _task: 4, _edit_note: 4, _snooze: 3, _complete: 2, _remark: 3, _tag: 4
}  # fmt: skip


def _any(phone: Phone, entity_type: str, rng: random.Random) -> Row | None:
    # Only the one is read: a phone may have thousands.
    ids = [id for kind, id in phone.store.versions() if kind == entity_type]
    return phone.store.row(entity_type, rng.choice(ids)) if ids else None


def _open_task(phone: Phone, rng: random.Random) -> Row | None:
    """A task that goes with no customer: the others get versions by changing hands as well."""
    some = (_any(phone, "TASK", rng) for _ in range(10))
    return next((row for row in some if row and row.node["state"] == "PENDING" and not row.node["customer"]), None)


def _of(row: Row, rng: random.Random) -> dict[str, Any]:
    """The row's id, and often the version that the phone has of it."""
    return {"id": row.id, "expectedVersion": row.version if rng.random() < 0.7 else None}


def _later(rng: random.Random) -> str:
    return (clock.now() + timedelta(minutes=rng.randint(60, 10_000))).isoformat()
