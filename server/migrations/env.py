"""Run migrations on the connection that `server.migrating` hands over, inside its transaction."""

from alembic import context

from server.migrations import columns
from server.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    render_item=columns.render,
    compare_type=columns.differ,
)
context.run_migrations()
