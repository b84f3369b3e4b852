"""Rows of figures per day, week and month, and marks of what has to be counted anew."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "kpi_mark",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_kpi_mark")),
    )
    op.create_index("ix_kpi_mark_last", "kpi_mark", ["brand_id", "last"])
    op.create_table(
        "kpi_sales",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("span", sa.String(length=32), nullable=False),
        sa.Column("grain", sa.String(length=32), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("guest_orders", sa.Integer(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("refund_count", sa.Integer(), nullable=False),
        sa.Column("refunds", sa.BigInteger(), nullable=False),
        sa.Column("hours_known", sa.Integer(), nullable=False),
        sa.Column("off_hours", sa.Integer(), nullable=False),
        sa.Column("city_known", sa.Integer(), nullable=False),
        sa.Column("cross_city", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "brand_id",
            "span",
            "grain",
            "starts_on",
            "store_id",
            "account_id",
            "channel",
            "source",
            name=op.f("pk_kpi_sales"),
        ),
    )
    with op.batch_alter_table("kpi_sales", schema=None) as batch_op:
        batch_op.create_index(
            "ix_kpi_sales_account", ["brand_id", "account_id", "span", "grain", "starts_on"], unique=False
        )
        batch_op.create_index("ix_kpi_sales_store", ["brand_id", "store_id", "span", "starts_on"], unique=False)

    op.create_table(
        "kpi_store",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "store_id", name=op.f("pk_kpi_store")),
    )
    op.create_table(
        "kpi_work",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("span", sa.String(length=32), nullable=False),
        sa.Column("grain", sa.String(length=32), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("at_work", sa.Integer(), nullable=False),
        sa.Column("sharers", sa.Integer(), nullable=False),
        sa.Column("links", sa.Integer(), nullable=False),
        sa.Column("link_opens", sa.Integer(), nullable=False),
        sa.Column("link_orders", sa.Integer(), nullable=False),
        sa.Column("link_gross", sa.BigInteger(), nullable=False),
        sa.Column("tasks_due", sa.Integer(), nullable=False),
        sa.Column("tasks_done", sa.Integer(), nullable=False),
        sa.Column("tasks_on_time", sa.Integer(), nullable=False),
        sa.Column("contacts_due", sa.Integer(), nullable=False),
        sa.Column("contacts_reached", sa.Integer(), nullable=False),
        sa.Column("contacts_bought", sa.Integer(), nullable=False),
        sa.Column("customers_added", sa.Integer(), nullable=False),
        sa.Column("customers_lost", sa.Integer(), nullable=False),
        sa.Column("customers_active", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("answer_seconds", sa.BigInteger(), nullable=False),
        sa.Column("commission", sa.BigInteger(), nullable=False),
        sa.Column("tags_checked", sa.Integer(), nullable=False),
        sa.Column("tags_right", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "brand_id", "span", "grain", "starts_on", "store_id", "account_id", name=op.f("pk_kpi_work")
        ),
    )
    with op.batch_alter_table("kpi_work", schema=None) as batch_op:
        batch_op.create_index(
            "ix_kpi_work_account", ["brand_id", "account_id", "span", "grain", "starts_on"], unique=False
        )
        batch_op.create_index("ix_kpi_work_store", ["brand_id", "store_id", "span", "starts_on"], unique=False)

    op.create_table(
        "kpi_turn",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_kpi_turn_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_kpi_turn")),
    )
    with op.batch_alter_table("audit_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_audit_item_judged",
            ["brand_id", "store_id"],
            unique=False,
            sqlite_where=sa.text("verdict IS NOT NULL"),
            postgresql_where=sa.text("verdict IS NOT NULL"),
        )

    with op.batch_alter_table("commission_entry", schema=None) as batch_op:
        batch_op.create_index("ix_commission_entry_day", ["brand_id", "store_id", "day"], unique=False)

    with op.batch_alter_table("relationship", schema=None) as batch_op:
        batch_op.create_index("ix_relationship_begun", ["brand_id", "store_id", "created_at"], unique=False)

    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index("ix_task_due", ["brand_id", "store_id", "due_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index("ix_task_due")

    with op.batch_alter_table("relationship", schema=None) as batch_op:
        batch_op.drop_index("ix_relationship_begun")

    with op.batch_alter_table("commission_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_commission_entry_day")

    with op.batch_alter_table("audit_item", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_audit_item_judged",
            sqlite_where=sa.text("verdict IS NOT NULL"),
            postgresql_where=sa.text("verdict IS NOT NULL"),
        )

    op.drop_table("kpi_turn")
    with op.batch_alter_table("kpi_work", schema=None) as batch_op:
        batch_op.drop_index("ix_kpi_work_store")
        batch_op.drop_index("ix_kpi_work_account")

    op.drop_table("kpi_work")
    op.drop_table("kpi_store")
    with op.batch_alter_table("kpi_sales", schema=None) as batch_op:
        batch_op.drop_index("ix_kpi_sales_store")
        batch_op.drop_index("ix_kpi_sales_account")

    op.drop_table("kpi_sales")
    op.drop_table("kpi_mark")
