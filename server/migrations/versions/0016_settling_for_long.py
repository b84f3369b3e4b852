"""When managers were warned that the partner's time is running out, and how far its list of group chats was read."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_WARNED = sa.text("warned_at IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.add_column(sa.Column("chats_place", _JSON, server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_handover_warned",
            ["brand_id", "id"],
            unique=False,
            sqlite_where=_WARNED,
            postgresql_where=_WARNED,
        )
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.alter_column("chats_place", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.drop_index("ix_handover_warned", sqlite_where=_WARNED, postgresql_where=_WARNED)
        batch_op.drop_column("warned_at")
        batch_op.drop_column("chats_place")
