"""Contacts at the partner, attempts to hand them over, and group chats."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.add_column(sa.Column("chats_listed_at", sa.DateTime(timezone=True), nullable=True))

    op.create_table(
        "group_chat",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("owner_user_id", sa.String(length=64), nullable=False),
        sa.Column("chat_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["account.brand_id", "account.id"],
            name=op.f("fk_group_chat_brand_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_group_chat")),
        sa.UniqueConstraint("brand_id", "chat_id", name=op.f("uq_group_chat_brand_id_chat_id")),
    )
    with op.batch_alter_table("group_chat", schema=None) as batch_op:
        batch_op.create_index("ix_group_chat_account", ["brand_id", "account_id"], unique=False)

    op.create_table(
        "handover_attempt",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("relationship_id", sa.Uuid(), nullable=False),
        sa.Column("course", sa.String(length=32), nullable=False),
        sa.Column("from_account_id", sa.Uuid(), nullable=False),
        sa.Column("to_account_id", sa.Uuid(), nullable=False),
        sa.Column("from_user_id", sa.String(length=64), nullable=False),
        sa.Column("to_user_id", sa.String(length=64), nullable=False),
        sa.Column("external_user_id", sa.String(length=64), nullable=False),
        sa.Column("there", sa.String(length=32), nullable=False),
        sa.Column("todo", sa.String(length=32), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.String(length=32), nullable=True),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("is_again", sa.Boolean(), nullable=False),
        sa.Column("was_started", sa.Boolean(), nullable=False),
        sa.Column("by_staff_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "from_account_id"],
            ["account.brand_id", "account.id"],
            name=op.f("fk_handover_attempt_brand_id_from_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "handover_id"],
            ["handover.brand_id", "handover.id"],
            name=op.f("fk_handover_attempt_brand_id_handover_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "to_account_id"],
            ["account.brand_id", "account.id"],
            name=op.f("fk_handover_attempt_brand_id_to_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_handover_attempt")),
    )
    with op.batch_alter_table("handover_attempt", schema=None) as batch_op:
        batch_op.create_index(
            "ix_handover_attempt_due",
            ["brand_id", "todo", "next_at"],
            unique=False,
            sqlite_where=sa.text("todo IS NOT NULL"),
            postgresql_where=sa.text("todo IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_handover_attempt_item", ["brand_id", "handover_id", "relationship_id", "id"], unique=False
        )
        batch_op.create_index("ix_handover_attempt_three", ["brand_id", "external_user_id", "to_user_id"], unique=False)
        batch_op.create_index(
            "uq_handover_attempt_open",
            ["brand_id", "from_user_id", "external_user_id"],
            unique=True,
            sqlite_where=sa.text("todo IN ('ask', 'look')"),
            postgresql_where=sa.text("todo IN ('ask', 'look')"),
        )

    op.create_table(
        "contact_link",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("relationship_id", sa.Uuid(), nullable=False),
        sa.Column("external_user_id", sa.String(length=64), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_why", sa.String(length=32), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["account.brand_id", "account.id"],
            name=op.f("fk_contact_link_brand_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "relationship_id"],
            ["relationship.brand_id", "relationship.id"],
            name=op.f("fk_contact_link_brand_id_relationship_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "account_id", "relationship_id", name=op.f("pk_contact_link")),
    )
    with op.batch_alter_table("contact_link", schema=None) as batch_op:
        batch_op.create_index("ix_contact_link_external", ["brand_id", "external_user_id"], unique=False)
        batch_op.create_index("ix_contact_link_gone", ["brand_id", "account_id", "gone_at"], unique=False)
        batch_op.create_index("ix_contact_link_relationship", ["brand_id", "relationship_id"], unique=False)

    op.create_table(
        "group_chat_move",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("group_chat_id", sa.Uuid(), nullable=False),
        sa.Column("course", sa.String(length=32), nullable=False),
        sa.Column("to_account_id", sa.Uuid(), nullable=False),
        sa.Column("from_user_id", sa.String(length=64), nullable=False),
        sa.Column("to_user_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "group_chat_id"],
            ["group_chat.brand_id", "group_chat.id"],
            name=op.f("fk_group_chat_move_brand_id_group_chat_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "handover_id"],
            ["handover.brand_id", "handover.id"],
            name=op.f("fk_group_chat_move_brand_id_handover_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "to_account_id"],
            ["account.brand_id", "account.id"],
            name=op.f("fk_group_chat_move_brand_id_to_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "handover_id", "group_chat_id", name=op.f("pk_group_chat_move")),
    )
    with op.batch_alter_table("group_chat_move", schema=None) as batch_op:
        batch_op.create_index("ix_group_chat_move_asked", ["brand_id", "from_user_id", "asked_at"], unique=False)
        batch_op.create_index(
            "ix_group_chat_move_due",
            ["brand_id", "next_at"],
            unique=False,
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )


def downgrade() -> None:
    for table in ("group_chat_move", "contact_link", "handover_attempt", "group_chat"):
        op.drop_table(table)
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.drop_column("chats_listed_at")
