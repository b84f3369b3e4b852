"""Handovers: whose accounts, by which plan, each relationship's way, and the ledger."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "handover_setting",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("undo_hours", sa.Integer(), nullable=False),
        sa.Column("telling", sa.String(length=32), nullable=False),
        sa.Column("welcomes_a_day", sa.Integer(), nullable=False),
        sa.Column("reveals_an_hour", sa.Integer(), nullable=False),
        sa.Column("exports_a_day", sa.Integer(), nullable=False),
        sa.Column("deletions_an_hour", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_handover_setting_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_handover_setting")),
    )
    op.create_table(
        "handover",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("strategy", sa.String(length=32), nullable=False),
        sa.Column("options", _JSON, nullable=False),
        sa.Column("plan", _JSON, nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("started_by_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by_id", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "approved_by_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_handover_brand_id_approved_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_handover_brand_id_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "started_by_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_handover_brand_id_started_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_handover_brand_id_store_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "undoes_id"], ["handover.brand_id", "handover.id"], name=op.f("fk_handover_brand_id_undoes_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_handover_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_handover")),
    )
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.create_index("ix_handover_staff", ["brand_id", "staff_id", "started_at"], unique=False)
        batch_op.create_index("ix_handover_state", ["brand_id", "state", "started_at"], unique=False)
        batch_op.create_index(
            "uq_handover_in_flight_staff",
            ["brand_id", "staff_id"],
            unique=True,
            sqlite_where=sa.text("staff_id IS NOT NULL AND state IN ('draft', 'approved', 'moving', 'paused')"),
            postgresql_where=sa.text("staff_id IS NOT NULL AND state IN ('draft', 'approved', 'moving', 'paused')"),
        )
        batch_op.create_index(
            "uq_handover_in_flight_store",
            ["brand_id", "store_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'closing' AND state IN ('draft', 'approved', 'moving', 'paused')"),
            postgresql_where=sa.text("kind = 'closing' AND state IN ('draft', 'approved', 'moving', 'paused')"),
        )
        batch_op.create_index(
            "uq_handover_undoes",
            ["brand_id", "undoes_id"],
            unique=True,
            sqlite_where=sa.text("undoes_id IS NOT NULL"),
            postgresql_where=sa.text("undoes_id IS NOT NULL"),
        )

    op.create_table(
        "takeover_capacity",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_takeover_capacity_brand_id_staff_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "staff_id", name=op.f("pk_takeover_capacity")),
    )
    op.create_table(
        "handover_account",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["account.brand_id", "account.id"],
            name=op.f("fk_handover_account_brand_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "handover_id"],
            ["handover.brand_id", "handover.id"],
            name=op.f("fk_handover_account_brand_id_handover_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_handover_account_brand_id_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "handover_id", "account_id", name=op.f("pk_handover_account")),
    )
    with op.batch_alter_table("handover_account", schema=None) as batch_op:
        batch_op.create_index("ix_handover_account_account", ["brand_id", "account_id"], unique=False)
        batch_op.create_index("ix_handover_account_store", ["brand_id", "store_id"], unique=False)

    op.create_table(
        "handover_item",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("relationship_id", sa.Uuid(), nullable=False),
        sa.Column("from_account_id", sa.Uuid(), nullable=False),
        sa.Column("to_account_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("because", _JSON, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("here", sa.String(length=32), nullable=False),
        sa.Column("there", sa.String(length=32), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version_after", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(length=40), nullable=True),
        sa.Column("successor_id", sa.Uuid(), nullable=True),
        sa.Column("is_merged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "from_account_id"],
            ["account.brand_id", "account.id"],
            name=op.f("fk_handover_item_brand_id_from_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "handover_id"],
            ["handover.brand_id", "handover.id"],
            name=op.f("fk_handover_item_brand_id_handover_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "to_account_id"],
            ["account.brand_id", "account.id"],
            name=op.f("fk_handover_item_brand_id_to_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "handover_id", "relationship_id", name=op.f("pk_handover_item")),
    )
    with op.batch_alter_table("handover_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_handover_item_here", ["brand_id", "handover_id", "here", "relationship_id"], unique=False
        )
        batch_op.create_index(
            "ix_handover_item_relationship", ["brand_id", "relationship_id", "handover_id"], unique=False
        )
        batch_op.create_index(
            "ix_handover_item_there", ["brand_id", "handover_id", "there", "relationship_id"], unique=False
        )
        batch_op.create_index(
            "ix_handover_item_to", ["brand_id", "handover_id", "to_account_id", "relationship_id"], unique=False
        )

    op.create_table(
        "ledger_entry",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "handover_id"],
            ["handover.brand_id", "handover.id"],
            name=op.f("fk_ledger_entry_brand_id_handover_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "handover_id", "line", "entity_id", name=op.f("pk_ledger_entry")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_entry_entity", ["brand_id", "entity_id"], unique=False)

    op.create_table(
        "ledger_total",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "handover_id"],
            ["handover.brand_id", "handover.id"],
            name=op.f("fk_ledger_total_brand_id_handover_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "handover_id", "line", name=op.f("pk_ledger_total")),
    )
    op.create_table(
        "partner_tie",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("corp_id", sa.String(length=64), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("callback_token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("callback_key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("tied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_partner_tie_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_partner_tie")),
    )


def downgrade() -> None:
    for table in (
        "partner_tie",
        "handover_item",
        "ledger_total",
        "ledger_entry",
        "handover_account",
        "takeover_capacity",
        "handover",
        "handover_setting",
    ):
        op.drop_table(table)
