"""Find what came to somebody by a handover of late, without reading every relationship's history."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_HANDED = sa.text("reason = 'handover'")


def upgrade() -> None:
    op.create_index(
        "ix_holding_handed",
        "holding",
        ["brand_id", "from_at"],
        unique=False,
        sqlite_where=_HANDED,
        postgresql_where=_HANDED,
    )


def downgrade() -> None:
    op.drop_index("ix_holding_handed", table_name="holding", sqlite_where=_HANDED, postgresql_where=_HANDED)
