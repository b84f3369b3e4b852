"""When leavers have their last day, and what managers are warned of."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STILL_HERE = sa.text("last_day IS NOT NULL AND access_closed_at IS NULL")
_TAKEN_OFF = sa.text("kind = 'removed' AND by_staff_id IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_day", sa.Date(), nullable=True))
        batch_op.create_index(
            "ix_staff_last_day",
            ["brand_id", "last_day"],
            unique=False,
            sqlite_where=_STILL_HERE,
            postgresql_where=_STILL_HERE,
        )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_actor", ["brand_id", "actor_id", "action", "at"], unique=False)
    with op.batch_alter_table("tag_change", schema=None) as batch_op:
        batch_op.create_index(
            "ix_tag_change_removed",
            ["brand_id", "by_staff_id", "at"],
            unique=False,
            sqlite_where=_TAKEN_OFF,
            postgresql_where=_TAKEN_OFF,
        )
    op.create_table(
        "alert",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        sa.Column("words", sa.String(length=500), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_alert_brand_id")),
        sa.ForeignKeyConstraint(
            ["brand_id", "settled_by_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_alert_brand_id_settled_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_alert_brand_id_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_alert_brand_id_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_alert")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_raised", ["brand_id", "raised_at", "id"], unique=False)
        batch_op.create_index("ix_alert_staff", ["brand_id", "staff_id", "kind", "raised_at"], unique=False)


def downgrade() -> None:
    op.drop_table("alert")
    with op.batch_alter_table("tag_change", schema=None) as batch_op:
        batch_op.drop_index("ix_tag_change_removed")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entry_actor")
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_index("ix_staff_last_day")
        batch_op.drop_column("last_day")
