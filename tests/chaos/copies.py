"""Compare what a phone holds with what the server would give to a new phone of the same person."""

from collections.abc import Mapping

from daogou_client import Documents, Row, Server, Store
from tests.chaos.handset import PATIENCE
from tests.chaos.kept import KEPT
from tests.chaos.people import Person

Copy = Mapping[tuple[str, str], Row]
_PAGE = 500


async def fresh(url: str, person: Person) -> Copy:
    """Everything that the server tells the person now."""
    documents = Documents(KEPT)
    server = Server(url, person, PATIENCE)
    found: dict[tuple[str, str], Row] = {}
    after: str | None = None
    try:
        while True:
            variables = {"after": after, "first": _PAGE, "types": documents.types}
            page = documents.page(await server.ask(documents.snapshot, variables))
            found |= {(row.entity_type, row.id): row for row in page.rows}
            after = page.next
            if after is None:
                return found
    finally:
        await server.aclose()


def held(store: Store) -> Copy:
    """Everything that a phone shows."""
    return {(row.entity_type, row.id): row for entity_type in Documents().types for row in store.rows(entity_type)}


def differences(ours: Copy, theirs: Copy) -> list[str]:
    """How a phone's copy differs from the server's, a line each."""
    found = [f"missing {kind} {id}" for kind, id in theirs.keys() - ours.keys()]
    found += [f"left over {kind} {id}" for kind, id in ours.keys() - theirs.keys()]
    found += [
        f"another {kind} {id}: {_unlike(ours[kind, id], theirs[kind, id])}"
        for kind, id in ours.keys() & theirs.keys()
        if ours[kind, id] != theirs[kind, id]
    ]
    return sorted(found)


def _unlike(ours: Row, theirs: Row) -> str:
    fields = [name for name in theirs.node if ours.node.get(name) != theirs.node[name]]
    return f"version {ours.version} instead of {theirs.version}, another {', '.join(fields)}"
