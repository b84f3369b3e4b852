"""What a phone can show from its copy alone, and where that differs from what the server shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from kernel import clock
from tests.scenarios.copies import KINDS, READ_WHEN_SHOWN, TYPES, Copy, Key, Node

# Null for whoever is out of the viewer's sight, and no change tells when they come into it by moving to the store:
# a name under an old note isn't worth telling of ten years of notes again.
MAY_BE_LATE = frozenset(
    {"Note.author", "Visit.author", "Task.createdBy", "Task.closedBy", "CarriedTag.by", "TagChange.by", "Holding.by"}
    | {"Order.answeredBy"}
    # Of somebody who answers for a region, when it is cut anew.
    | {"Assignment.store", "Assignment.region"}
)


def differences(phone: Copy, fresh: Copy) -> Iterator[str]:
    """Where a phone has something else than the server: things, versions, and field by field."""
    yield from _misplaced(phone, fresh)
    mine, theirs = View(phone), View(fresh)
    for key in sorted(fresh.keys() & phone.keys()):
        yield from _unlike(key, mine.shown(key), theirs.given(key), "is")


def lean_differences(phone: Copy, fresh: Copy) -> Iterator[str]:
    """The same of things and versions alone."""
    yield from _misplaced(phone, fresh)


def unversioned(before: Copy, after: Copy) -> Iterator[str]:
    """Where a thing is another under the version that it had. What is out of sight, then or now, doesn't count."""
    then, now = View(before, also=after), View(after, also=before)
    for key in sorted(before.keys() & after.keys()):
        if before[key].version > after[key].version:
            yield f"{_name(key)} has version {after[key].version} after {before[key].version}"
        if before[key].version == after[key].version:
            yield from _unlike(key, then.own(key), now.own(key), "was, under the same version,")


def _misplaced(phone: Copy, fresh: Copy) -> Iterator[str]:
    for key in sorted(phone.keys() - fresh.keys()):
        yield f"{_name(key)} should be forgotten"
    for key in sorted(fresh.keys() - phone.keys()):
        yield f"{_name(key)} is missing"
    for key in sorted(fresh.keys() & phone.keys()):
        if phone[key].version != fresh[key].version:
            yield f"{_name(key)} has version {phone[key].version} instead of {fresh[key].version}"
        if phone[key].relationship != fresh[key].relationship:
            yield f"{_name(key)} belongs to {phone[key].relationship} instead of {fresh[key].relationship}"


def _unlike(key: Key, mine: Node, theirs: Node, verb: str) -> Iterator[str]:
    allowed = _allowed(TYPES[key[0]], mine, theirs)
    for name in theirs:
        if mine[name] != allowed[name]:
            yield f"{_name(key)}.{name} {verb} {mine[name]!r} instead of {theirs[name]!r}"


def _name(key: Key) -> str:
    return f"{key[0]} …{key[1][-6:]}"


def _allowed(kind: Any, shown: Any, given: Any) -> Any:
    """What the server gave; but what may be late, and what a phone looks for in vain when it shows it, as is shown."""
    if isinstance(given, list) and isinstance(shown, list) and len(given) == len(shown):
        return [_allowed(kind, mine, theirs) for mine, theirs in zip(shown, given, strict=True)]
    if kind.name in READ_WHEN_SHOWN and given is None:
        return shown
    if not isinstance(given, dict) or not isinstance(shown, dict):
        return given
    return {
        name: None
        if shown[name] is None and f"{kind.name}.{name}" in MAY_BE_LATE
        else _allowed(get_named_type(kind.fields[name].type), shown[name], value)
        for name, value in given.items()
    }


@dataclass
class View:
    """What is to be seen in a copy. What a field names is seen if the copy has it; and `also` has it, where given."""

    copy: Copy
    also: Copy | None = None

    def shown(self, key: Key) -> Node:
        """A thing as a phone shows it: what follows from other things of the copy is worked out from them."""
        return self._node(TYPES[key[0]], self.copy[key].node, lambda path, node: FOLLOWS[path](self, node))

    def given(self, key: Key) -> Node:
        """A thing as the server gave it."""
        return self._node(TYPES[key[0]], self.copy[key].node, None)

    def own(self, key: Key) -> Node:
        """A thing without what follows from others."""
        return self._node(TYPES[key[0]], self.copy[key].node, lambda _path, _node: None)

    def all(self, kind: str, **naming: str) -> list[Node]:
        """The things of a kind whose field of that name is the thing of that id."""
        return [
            held.node
            for (each, _), held in self.copy.items()
            if each == kind and all((held.node[name] or {}).get("id") == named for name, named in naming.items())
        ]

    def find(self, kind: str, named: Node | None) -> Node | None:
        held = self.copy.get((kind, named["id"])) if named else None
        return held.node if held else None

    def _node(self, kind: GraphQLObjectType, node: Node, follow: Callable[[str, Node], Any] | None) -> Node:
        return {
            name: follow(f"{kind.name}.{name}", node)
            if follow is not None and f"{kind.name}.{name}" in FOLLOWS
            else self._value(get_named_type(kind.fields[name].type), value, follow)
            for name, value in node.items()
        }

    def _value(self, kind: Any, value: Any, follow: Callable[[str, Node], Any] | None) -> Any:
        if isinstance(value, list):
            return [self._value(kind, each, follow) for each in value]
        if not isinstance(value, dict) or kind.name in READ_WHEN_SHOWN:
            return value
        if kind.name in KINDS:
            key = (KINDS[kind.name], value["id"])
            return value if key in self.copy and (self.also is None or key in self.also) else None
        return self._node(kind, value, follow)


# ------------------------------------------------------------------------------------------------------------------
# Fields that follow from other things of the copy, and how. The server need not tell of these: the other thing's own
# change is enough. That it is enough is proved by comparing what follows with what the server says.

Follow = Callable[[View, Node], Any]


def _moment(value: str | None) -> datetime:
    return datetime.fromisoformat(value) if value else datetime.min.replace(tzinfo=UTC)


def _ids(nodes: list[Node], most: int | None = None) -> list[Node]:
    return [{"id": node["id"]} for node in nodes[:most]]


def _newest(nodes: list[Node], by: str) -> list[Node]:
    return sorted(nodes, key=lambda node: (_moment(node[by]), node["id"]), reverse=True)


def _relationships(view: View, customer: Node) -> list[Node]:
    found = view.all("RELATIONSHIP", customer=customer["id"])
    return sorted(found, key=lambda each: (not each["isPrimary"], _moment(each["createdAt"]), each["id"]))


def _last_contact(view: View, customer: Node) -> str | None:
    found = [each["lastContactAt"] for each in view.all("RELATIONSHIP", customer=customer["id"])]
    return max((each for each in found if each), key=_moment, default=None)


def _orders(view: View, customer: Node) -> list[Node]:
    found = view.all("ORDER", customer=customer["id"])
    return _newest([order for order in found if order["state"] != "CANCELLED"], "placedAt")


def _open_tasks(view: View, customer: Node) -> list[Node]:
    found = [task for task in view.all("TASK", customer=customer["id"]) if task["state"] == "PENDING"]
    return sorted(found, key=lambda task: (_moment(task["dueAt"]), task["id"]))


def _tags_in_use(view: View, group: Node) -> list[Node]:
    found = [tag for tag in view.all("TAG", group=group["id"]) if not tag["retiredAt"]]
    return sorted(found, key=lambda tag: (tag["position"], tag["id"]))


def _carried(view: View, customer: Node) -> list[Node]:
    """The library's order, one's own last; of a tag the library has the name, the colour and the shelf life.

    A tag that was merged is the other one: of several that became one, that itself, or else the oldest.
    """
    found: dict[str, Any] = {}
    for carried in sorted(customer["tags"], key=lambda each: _moment(each["setAt"]), reverse=True):
        tag = view.find("TAG", carried)
        tag = view.find("TAG", tag["mergedInto"]) if tag and tag["mergedInto"] else tag
        if tag is None or tag["retiredAt"] or (found.get(tag["id"]) and carried["id"] != tag["id"]):
            continue
        group = view.find("TAG_GROUP", tag["group"]) or {"position": 0, "id": "", "shelfLifeDays": None}
        place = (tag["isPersonal"], group["position"], group["id"], tag["position"], tag["id"])
        by = carried["by"] if view.find("STAFF", carried["by"]) else None
        named = {name: tag[name] for name in ("id", "name", "color", "group")}
        found[tag["id"]] = (place, {**carried, "by": by, **named, **_freshness(carried, group)})
    return [each for _, each in sorted(found.values(), key=lambda pair: pair[0])]


def _freshness(carried: Node, group: Node) -> Node:
    days = group["shelfLifeDays"]
    until = _moment(carried["checkedAt"]) + timedelta(days=days) if days is not None else None
    return {"validUntil": until and until.isoformat(), "isStale": until is not None and until <= clock.now()}


def _owner(view: View, account: Node) -> Node | None:
    owners = [each for each in view.all("STAFF") if account["id"] in [own["id"] for own in each["accounts"]]]
    return next(iter(_ids(owners)), None)


def _accounts(view: View, store: Node) -> list[Node]:
    """The public one as it was given: a store has it from the first day on."""
    found = [own for own in store["accounts"] if own["kind"] == "PUBLIC"]
    for person in sorted(view.all("STAFF", store=store["id"]), key=lambda each: (each["number"], each["id"])):
        found += [own for own in person["accounts"] if (own["store"] or {}).get("id") == store["id"]]
    return [{**own, "owner": _owner(view, own)} for own in found]


FOLLOWS: dict[str, Follow] = {
    "Account.owner": _owner,
    "Customer.lastContactAt": _last_contact,
    "Customer.lastOrder": lambda view, customer: next(iter(_ids(_orders(view, customer))), None),
    "Customer.openTasks": lambda view, customer: _ids(_open_tasks(view, customer)),
    "Customer.orders": lambda view, customer: _ids(_orders(view, customer), 5),
    "Customer.refunds": lambda view, who: _ids(_newest(view.all("REFUND", customer=who["id"]), "placedAt"), 5),
    "Customer.relationships": lambda view, customer: _ids(_relationships(view, customer)),
    "Customer.tags": _carried,
    "Order.refunds": lambda view, order: _ids(_newest(view.all("REFUND", order=order["id"]), "placedAt")[::-1]),
    "Relationship.notes": lambda view, each: _ids(_newest(view.all("NOTE", relationship=each["id"]), "at"), 5),
    "Relationship.visits": lambda view, each: _ids(_newest(view.all("VISIT", relationship=each["id"]), "at"), 5),
    "Store.accounts": _accounts,
    "TagGroup.tags": lambda view, group: _ids(_tags_in_use(view, group)),
}
