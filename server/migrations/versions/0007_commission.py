"""Plans, ledger, periods and statements of commission; the ledger refuses to be changed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION refuse_change_of_ledger() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
    """,
    """
    CREATE TRIGGER keep_commission_entry BEFORE UPDATE OR DELETE ON commission_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_ledger()
    """,
)
_SQLITE = (
    """
    CREATE TRIGGER keep_commission_entry_update BEFORE UPDATE ON commission_entry
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER keep_commission_entry_delete BEFORE DELETE ON commission_entry
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
)


def upgrade() -> None:
    op.create_table(
        "commission_plan",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=True),
        sa.Column("rates", _JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_commission_plan_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_commission_plan")),
    )
    with op.batch_alter_table("commission_plan", schema=None) as batch_op:
        batch_op.create_index("ix_commission_plan_day", ["brand_id", "state", "from_day"], unique=False)

    op.create_table(
        "commission_setting",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("rhythms", _JSON, nullable=False),
        sa.Column("closed_until", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_commission_setting_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_commission_setting")),
    )
    op.create_table(
        "commission_terms",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("categories", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_commission_terms_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "order_id", name=op.f("pk_commission_terms")),
    )
    op.create_table(
        "commission_entry",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=True),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("basis", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "plan_id"],
            ["commission_plan.brand_id", "commission_plan.id"],
            name=op.f("fk_commission_entry_brand_id_plan_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_commission_entry_brand_id_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_commission_entry_brand_id_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_commission_entry")),
    )
    with op.batch_alter_table("commission_entry", schema=None) as batch_op:
        batch_op.create_index("ix_commission_entry_order", ["brand_id", "order_id"], unique=False)
        batch_op.create_index("ix_commission_entry_period", ["brand_id", "period", "id"], unique=False)
        batch_op.create_index("ix_commission_entry_staff", ["brand_id", "staff_id", "period", "id"], unique=False)
        batch_op.create_index("ix_commission_entry_store", ["brand_id", "store_id", "period", "id"], unique=False)

    op.create_table(
        "commission_period",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by_id", sa.Uuid(), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sealed_to", sa.Uuid(), nullable=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "closed_by_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_commission_period_brand_id_closed_by_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_commission_period_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_commission_period")),
        sa.UniqueConstraint("brand_id", "first_day", name=op.f("uq_commission_period_brand_id_first_day")),
    )
    op.create_table(
        "commission_statement",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("basis", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("sums", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_commission_statement_brand_id_staff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_commission_statement_brand_id_store_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "period", "store_id", "staff_id", name=op.f("pk_commission_statement")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index("ix_assignment_brand_id_store_id", ["brand_id", "store_id", "starts_at"], unique=False)

    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index("ix_assignment_brand_id_store_id")

    op.drop_table("commission_statement")
    op.drop_table("commission_period")
    with op.batch_alter_table("commission_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_commission_entry_store")
        batch_op.drop_index("ix_commission_entry_staff")
        batch_op.drop_index("ix_commission_entry_period")
        batch_op.drop_index("ix_commission_entry_order")

    op.drop_table("commission_entry")
    op.drop_table("commission_terms")
    op.drop_table("commission_setting")
    with op.batch_alter_table("commission_plan", schema=None) as batch_op:
        batch_op.drop_index("ix_commission_plan_day")

    op.drop_table("commission_plan")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_change_of_ledger()")
