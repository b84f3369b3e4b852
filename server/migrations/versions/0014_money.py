"""What stores bear of commission that was taken back after whoever had earned it was paid for the last time."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Not in a batch: SQLite would make the table anew, without what keeps it from being changed.
    op.add_column(
        "commission_entry", sa.Column("is_borne_by_store", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("commission_entry", "is_borne_by_store")
