"""The GraphQL that the client sends: which kinds of rows it keeps, and which of their fields."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from daogou_client.errors import ProtocolBroken
from daogou_client.news import Batch, Gone, Json, Page, Row, read_places

PLACES = "places { feed seq }"
_FIELD = re.compile(r"\s*(?:(\w+)\s*:\s*)?(\w+)")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of row to keep: its name in `EntityType`, its GraphQL type, and one entry per field.

    A field may have an alias, arguments and a selection: `"lines { name quantity }"`.
    """

    entity_type: str
    graphql_type: str
    fields: tuple[str, ...]


KINDS = (
    Kind("STORE", "Store", ("code", "name", "city", "timeZone", "state", "openingHours { opens closes }")),
    Kind("STAFF", "Staff", ("number", "name", "role", "state", "hiredAt", "accessClosedAt", "lastDay")),
    Kind("TAG_GROUP", "TagGroup", ("name", "choice")),
    Kind("TAG", "Tag", ("name", "color", "retiredAt", "isPersonal", "group { id }")),
    Kind(
        "RELATIONSHIP",
        "Relationship",
        ("isPrimary", "remark", "lastContactAt", "createdAt", "customer { id }", "holder { id }"),
    ),
    Kind(
        "CUSTOMER",
        "Customer",
        (
            *("memberNumber", "name", "tier", "tierUntil", "birthday", "city", "phoneMasked", "doNotContact"),
            *("doNotContactAt", "joinedAt", "lastContactAt", "tags { id name color }"),
        ),
    ),
    Kind(
        "TASK",
        "Task",
        (
            *("kind", "title", "reason", "suggestedWords", "priority", "dueAt", "snoozedUntil", "state", "source"),
            *("outcome", "outcomeRemark", "skipReason", "createdAt", "closedAt", "customer { id }", "keeper { id }"),
            *("alertAt", "seenAt", "escalatesAt", "escalatedAt", "expiresAt", "ruleId", "campaignId"),
            "campaignName",
        ),
    ),
    Kind("NOTE", "Note", ("body", "at", "author { id name }", "relationship { id }")),
    Kind("VISIT", "Visit", ("at", "remark", "author { id name }", "relationship { id }")),
    Kind(
        "ORDER",
        "Order",
        (
            *(
                "source",
                "number",
                "state",
                "channel",
                "amount",
                "currency",
                "placedAt",
                "day",
                "paidAt",
                "completedAt",
                "city",
                "answeredAt",
            ),
            "customer { id }",
            *("servedBy { id }", "lines { line productCode name kind quantity amount }"),
        ),
    ),
    Kind(
        "REFUND",
        "Refund",
        ("source", "number", "amount", "currency", "placedAt", "day", "customer { id }", "order { id }"),
    ),
    Kind(
        "CREDIT",
        "Credit",
        (
            *("reason", "points", "amount", "refunded", "decidedAt", "orderNumber", "orderAmount", "orderState"),
            *("currency", "placedAt", "article", "store { id }", "account { id }"),
        ),
    ),
    Kind(
        "IMPORT_RUN",
        "ImportRun",
        (
            *("kind", "source", "fileName", "phase", "startedAt", "finishedAt", "leftBehindAt"),
            *("progress { done total unit }", "counts { rows new changed unchanged leftOut }"),
        ),
    ),
)
"""All kinds, with the fields that stand in them; give your own to keep less or more."""


@dataclass(frozen=True)
class Documents:
    """The queries for some kinds of rows, and how to read what they answer with."""

    kinds: Sequence[Kind] = KINDS

    @cached_property
    def snapshot(self) -> str:
        """One page of everything: `$after`, `$first`, `$types`."""
        return (
            "query ($after: Cursor, $first: Int!, $types: [EntityType!]) "
            "{ snapshot(after: $after, first: $first, types: $types) { next cursor "
            f"{PLACES} items {{ entityType id version relationshipId {self.node} }} }} }}"
        )

    @cached_property
    def changes(self) -> str:
        """What changed, asked for once: `$after`, `$first`."""
        return f"query ($after: Cursor, $first: Int!) {{ changes(after: $after, first: $first) {self._changes} }}"

    @cached_property
    def live(self) -> str:
        """What changes, told as it happens: `$after`."""
        return f"subscription ($after: Cursor) {{ changes(after: $after) {self._changes} }}"

    @cached_property
    def node(self) -> str:
        """The selection of `node`.

        A field that several kinds have is renamed: in one selection, one name must mean one type.
        """
        fragments = (
            f"... on {kind.graphql_type} {{ {' '.join(self._written(kind, field) for field in kind.fields)} }}"
            for kind in self.kinds
            if kind.fields
        )
        return f"node {{ __typename {' '.join(fragments)} }}"

    @cached_property
    def types(self) -> list[str]:
        """The names of the kinds."""
        return [kind.entity_type for kind in self.kinds]

    def page(self, data: Json) -> Page:
        """What a snapshot query answered."""
        try:
            said = data["snapshot"]
            rows = tuple(self._row(item) for item in said["items"] if item["entityType"] in self.types)
            return Page(rows, said["next"], said["cursor"], read_places(said["places"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ProtocolBroken(f"a snapshot that can't be read: {error!r}") from error

    def batch(self, data: Json) -> Batch:
        """What a query or subscription for changes answered. Kinds that are not kept are stepped over."""
        try:
            said = data["changes"]
            return Batch(
                changes=tuple(self._change(change) for change in said["changes"] if change["entityType"] in self.types),
                cursor=said["cursor"],
                places=read_places(said["places"]),
                must_refetch=said["mustRefetch"],
                is_up_to_date=said["upToDate"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ProtocolBroken(f"changes that can't be read: {error!r}") from error

    @property
    def _changes(self) -> str:
        return (
            f"{{ cursor mustRefetch upToDate {PLACES} "
            f"changes {{ op entityType id version relationshipId {self.node} }} }}"
        )

    @cached_property
    def _shared(self) -> set[str]:
        counts = Counter(name for kind in self.kinds for name in {_answered_as(field) for field in kind.fields})
        return {name for name, count in counts.items() if count > 1}

    def _written(self, kind: Kind, field: str) -> str:
        name = _answered_as(field)
        if name not in self._shared:
            return field
        return f"{kind.graphql_type}_{name}: {_without_alias(field)}"

    def _change(self, change: Json) -> Row | Gone:
        if change["op"] == "DEL":
            return Gone(change["entityType"], change["id"])
        return self._row(change)

    def _row(self, said: Json) -> Row:
        prefix = f"{said['node']['__typename']}_"
        node = {name.removeprefix(prefix): value for name, value in said["node"].items() if name != "__typename"}
        return Row(said["entityType"], said["id"], said["version"], said["relationshipId"], node)


def mutation(field: str, arguments: Mapping[str, str], changed: str, selection: str, current: str = "") -> str:
    """A mutation as the outbox sends it: `mutation("editNote", {"id": "ID!"}, "NoteChanged", "note { id version }")`.

    `arguments` are the GraphQL types by name; the key is added. `changed` is the type of a success and `selection`
    what to ask of it; `current` is what to ask of the row as it is now when the edit was made on an old version.
    """
    declared = ", ".join(f"${name}: {kind}" for name, kind in arguments.items())
    passed = ", ".join(f"{name}: ${name}" for name in (*arguments, "idempotencyKey"))
    return (
        f"mutation ({declared}, $idempotencyKey: String) {{ {field}({passed}) {{ __typename "
        f"... on {changed} {{ {PLACES} {selection} }} "
        f"... on Problem {{ code message current {{ __typename id version {current} }} }} }} }}"
    )


def _answered_as(field: str) -> str:
    """The name under which a field comes back."""
    alias, name = _parts(field)
    return name if alias is None else alias


def _without_alias(field: str) -> str:
    alias, _ = _parts(field)
    return field.split(":", 1)[1].lstrip() if alias else field.lstrip()


def _parts(field: str) -> tuple[str | None, str]:
    match = _FIELD.match(field)
    if match is None:
        raise ValueError(f"not a GraphQL field: {field!r}")
    alias, name = match.groups()
    return alias, name
