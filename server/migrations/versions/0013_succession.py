"""Relationships that end with their store and go on in another, and what was merged."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_LIVE = sa.text("ended_at IS NULL")
_OPEN = sa.text("verdict IS NULL")
_SUCCEEDED = sa.text("succeeded_by_id IS NOT NULL")
_ONE_A_STORE = "uq_relationship_brand_id_customer_id_store_id"


def upgrade() -> None:
    with op.batch_alter_table("relationship", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("succeeded_by_id", sa.Uuid(), nullable=True))
        batch_op.drop_constraint(op.f(_ONE_A_STORE), type_="unique")
    op.create_index(
        "uq_relationship_live",
        "relationship",
        ["brand_id", "customer_id", "store_id"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index("ix_relationship_customer", "relationship", ["brand_id", "customer_id", "store_id"])
    op.create_index(
        "ix_relationship_succeeded",
        "relationship",
        ["brand_id", "succeeded_by_id"],
        sqlite_where=_SUCCEEDED,
        postgresql_where=_SUCCEEDED,
    )
    op.create_index("ix_refund_relationship", "refund", ["brand_id", "relationship_id"])
    op.create_index(
        "ix_audit_item_relationship",
        "audit_item",
        ["brand_id", "relationship_id"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "handover_merger",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("relationship_id", sa.Uuid(), nullable=False),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("parts", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "handover_id"],
            ["handover.brand_id", "handover.id"],
            name=op.f("fk_handover_merger_brand_id_handover_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "handover_id", "relationship_id", name=op.f("pk_handover_merger")),
    )


def downgrade() -> None:
    op.drop_table("handover_merger")
    op.drop_index("ix_audit_item_relationship", "audit_item")
    op.drop_index("ix_refund_relationship", "refund")
    for index in ("ix_relationship_succeeded", "ix_relationship_customer", "uq_relationship_live"):
        op.drop_index(index, "relationship")
    with op.batch_alter_table("relationship", schema=None) as batch_op:
        batch_op.create_unique_constraint(op.f(_ONE_A_STORE), ["brand_id", "customer_id", "store_id"])
        batch_op.drop_column("succeeded_by_id")
        batch_op.drop_column("ended_at")
