"""Malls that call us, their secrets, what they sent, and what was refused of it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "hook_source",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=65), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("mapping", sa.String(length=64), nullable=False),
        sa.Column("store_code", sa.String(length=32), nullable=True),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_hook_source_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_hook_source")),
        sa.UniqueConstraint("brand_id", "slug", name=op.f("uq_hook_source_brand_id_slug")),
        sa.UniqueConstraint("brand_id", "title", name=op.f("uq_hook_source_brand_id_title")),
    )
    op.create_table(
        "hook_secret",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "source_id"],
            ["hook_source.brand_id", "hook_source.id"],
            name=op.f("fk_hook_secret_brand_id_source_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_hook_secret")),
    )
    with op.batch_alter_table("hook_secret", schema=None) as batch_op:
        batch_op.create_index("ix_hook_secret_source", ["brand_id", "source_id"], unique=False)

    op.create_table(
        "hook_message",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_number", sa.String(length=64), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("facts", _JSON, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "source_id"],
            ["hook_source.brand_id", "hook_source.id"],
            name=op.f("fk_hook_message_brand_id_source_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_hook_message")),
        sa.UniqueConstraint(
            "brand_id", "source_id", "message_id", name=op.f("uq_hook_message_brand_id_source_id_message_id")
        ),
    )
    with op.batch_alter_table("hook_message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_hook_message_body",
            ["brand_id", "state", "state_at"],
            unique=False,
            sqlite_where=sa.text("body IS NOT NULL"),
            postgresql_where=sa.text("body IS NOT NULL"),
        )
        batch_op.create_index("ix_hook_message_number", ["brand_id", "source_id", "order_number"], unique=False)
        batch_op.create_index("ix_hook_message_source", ["brand_id", "source_id", "state", "state_at"], unique=False)
        batch_op.create_index("ix_hook_message_state", ["brand_id", "state", "id"], unique=False)

    op.create_table(
        "hook_refusal",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=True),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "source_id"],
            ["hook_source.brand_id", "hook_source.id"],
            name=op.f("fk_hook_refusal_brand_id_source_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_hook_refusal")),
    )
    with op.batch_alter_table("hook_refusal", schema=None) as batch_op:
        batch_op.create_index("ix_hook_refusal_at", ["brand_id", "at"], unique=False)
        batch_op.create_index("ix_hook_refusal_source", ["brand_id", "source_id", "id"], unique=False)


def downgrade() -> None:
    for table in ("hook_refusal", "hook_message", "hook_secret", "hook_source"):
        op.drop_table(table)
