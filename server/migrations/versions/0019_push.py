"""Who is told of which figures, what they were told, and where notices are posted to."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "kpi_hook",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_kpi_hook_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_kpi_hook")),
    )
    op.create_table(
        "kpi_notice",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_kpi_notice_brand_id")),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_kpi_notice_brand_id_staff_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_kpi_notice")),
        sa.UniqueConstraint("brand_id", "staff_id", "kind", "day", name="uq_kpi_notice_day"),
    )
    with op.batch_alter_table("kpi_notice", schema=None) as batch_op:
        batch_op.create_index("ix_kpi_notice_staff", ["brand_id", "staff_id", "sent_at", "id"], unique=False)
    op.create_table(
        "kpi_watch",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("figures", _JSON, nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("of_staff_id", sa.Uuid(), nullable=True),
        sa.Column("side", sa.String(length=32), nullable=True),
        sa.Column("line", sa.BigInteger(), nullable=True),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("paused_because", sa.String(length=32), nullable=True),
        sa.Column("sent_for", sa.Date(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_kpi_watch_brand_id")),
        sa.ForeignKeyConstraint(
            ["brand_id", "of_staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_kpi_watch_brand_id_of_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "region_id"], ["region.brand_id", "region.id"], name=op.f("fk_kpi_watch_brand_id_region_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_kpi_watch_brand_id_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_kpi_watch_brand_id_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_kpi_watch")),
    )
    with op.batch_alter_table("kpi_watch", schema=None) as batch_op:
        batch_op.create_index("ix_kpi_watch_staff", ["brand_id", "staff_id", "kind"], unique=False)


def downgrade() -> None:
    op.drop_table("kpi_watch")
    op.drop_table("kpi_notice")
    op.drop_table("kpi_hook")
