"""Let the database itself refuse to change or take away the rows of a ledger."""

from sqlalchemy import DDL, Table, event

_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change_of_ledger() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
"""
_BOTH = """
CREATE TRIGGER keep_%(table)s BEFORE UPDATE OR DELETE ON %(table)s
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_ledger()
"""
_UPDATE = """
CREATE TRIGGER keep_%(table)s_update BEFORE UPDATE ON %(table)s
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
"""
_DELETE = """
CREATE TRIGGER keep_%(table)s_delete BEFORE DELETE ON %(table)s
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
"""

ON_POSTGRESQL = (_FUNCTION, _BOTH)
ON_SQLITE = (_UPDATE, _DELETE)


def keep(table: Table) -> None:
    """Say so when the table is made; migrations say the same."""
    for dialect, statements in (("postgresql", ON_POSTGRESQL), ("sqlite", ON_SQLITE)):
        for statement in statements:
            event.listen(table, "after_create", DDL(statement).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]
