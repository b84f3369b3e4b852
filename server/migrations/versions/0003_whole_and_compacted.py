"""Feeds can tell of a thing with all that hangs on it, and know how far they have been compacted."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.add_column(sa.Column("compacted", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.alter_column("compacted", server_default=None)
    with op.batch_alter_table("feed_event", schema=None) as batch_op:
        batch_op.alter_column("op", existing_type=sa.String(length=3), type_=sa.String(length=8), nullable=False)


def downgrade() -> None:
    # What was told of whole was told in a word that the former programs don't know: they take it as a change.
    op.execute("UPDATE feed_event SET op = 'put' WHERE op = 'whole'")
    with op.batch_alter_table("feed_event", schema=None) as batch_op:
        batch_op.alter_column("op", existing_type=sa.String(length=8), type_=sa.String(length=3), nullable=False)
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.drop_column("compacted")
