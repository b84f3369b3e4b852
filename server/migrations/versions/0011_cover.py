"""Cover for leave."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "cover",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("delegate_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("arranged_by_id", sa.Uuid(), nullable=True),
        sa.Column("arranged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "arranged_by_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_cover_brand_id_arranged_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "delegate_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_cover_brand_id_delegate_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "ended_by_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_cover_brand_id_ended_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_cover_brand_id_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id", "account_id"],
            ["account.brand_id", "account.store_id", "account.id"],
            name=op.f("fk_cover_brand_id_store_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_cover")),
    )
    with op.batch_alter_table("cover", schema=None) as batch_op:
        batch_op.create_index("ix_cover_delegate", ["brand_id", "delegate_id", "ends_at"], unique=False)
        batch_op.create_index("ix_cover_staff", ["brand_id", "staff_id", "ends_at"], unique=False)
        batch_op.create_index("ix_cover_state", ["brand_id", "state", "starts_at"], unique=False)
        batch_op.create_index("ix_cover_store", ["brand_id", "store_id", "starts_at"], unique=False)


def downgrade() -> None:
    op.drop_table("cover")
