"""What the partner has told us: each event once."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "partner_news",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=True),
        sa.Column("external_user_id", sa.String(length=64), nullable=True),
        sa.Column("chat_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("is_transfer", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_partner_news_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "key", name=op.f("pk_partner_news")),
    )
    with op.batch_alter_table("partner_news", schema=None) as batch_op:
        batch_op.create_index(
            "ix_partner_news_applied",
            ["brand_id", "applied_at"],
            unique=False,
            sqlite_where=sa.text("applied_at IS NOT NULL"),
            postgresql_where=sa.text("applied_at IS NOT NULL"),
        )


def downgrade() -> None:
    op.drop_table("partner_news")
