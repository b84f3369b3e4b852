"""Tags have a history, a shelf life and evidence; customers can be put into segments, and tags audited."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "customer_mark",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_customer_mark")),
    )
    with op.batch_alter_table("customer_mark", schema=None) as batch_op:
        batch_op.create_index("ix_customer_mark_customer", ["brand_id", "customer_id"], unique=False)
        batch_op.create_index("ix_customer_mark_purpose", ["brand_id", "purpose", "id"], unique=False)

    op.create_table(
        "tagging_night",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("after_id", sa.Uuid(), nullable=True),
        sa.Column("counts", _JSON, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_tagging_night_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "day", name=op.f("pk_tagging_night")),
    )
    op.create_table(
        "segment_bits",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("term", sa.String(length=80), nullable=False),
        sa.Column("chunk", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_segment_bits_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "term", "chunk", name=op.f("pk_segment_bits")),
    )
    with op.batch_alter_table("segment_bits", schema=None) as batch_op:
        batch_op.create_index("ix_segment_bits_revision", ["brand_id", "term", "revision"], unique=False)

    op.create_table(
        "segment_index",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stale_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_segment_index_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_segment_index")),
    )
    op.create_table(
        "purchase_profile",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("purchase_days", sa.Integer(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("refunds", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("net_12_months", sa.BigInteger(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("median_gap_days", sa.Float(), nullable=True),
        sa.Column("at_risk_from", sa.Date(), nullable=True),
        sa.Column("lapsed_from", sa.Date(), nullable=True),
        sa.Column("recency_score", sa.Integer(), nullable=True),
        sa.Column("frequency_score", sa.Integer(), nullable=True),
        sa.Column("monetary_score", sa.Integer(), nullable=True),
        sa.Column("counted_from", sa.Date(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_purchase_profile_brand_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "customer_id", name=op.f("pk_purchase_profile")),
    )
    with op.batch_alter_table("purchase_profile", schema=None) as batch_op:
        batch_op.create_index(
            "ix_purchase_profile_counted_from", ["brand_id", "counted_from", "customer_id"], unique=False
        )

    op.create_table(
        "score_scale",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("scored_on", sa.Date(), nullable=False),
        sa.Column("cuts", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_score_scale_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_score_scale")),
    )

    op.create_table(
        "segment_member",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("terms", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_segment_member_brand_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "number", name=op.f("pk_segment_member")),
        sa.UniqueConstraint("brand_id", "customer_id", name=op.f("uq_segment_member_brand_id_customer_id")),
    )
    op.create_table(
        "segment",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("sharing", sa.String(length=32), nullable=False),
        sa.Column("tree", _JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "owner_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_segment_brand_id_owner_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_segment_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_segment")),
    )
    with op.batch_alter_table("segment", schema=None) as batch_op:
        batch_op.create_index(
            "uq_segment_own",
            ["brand_id", "owner_id", "name"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )
        batch_op.create_index(
            "uq_segment_shared",
            ["brand_id", "name"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL AND sharing = 'brand'"),
            postgresql_where=sa.text("retired_at IS NULL AND sharing = 'brand'"),
        )

    op.create_table(
        "tag_audit",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("region_id", sa.Uuid(), nullable=True),
        sa.Column("scope", _JSON, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("strata", _JSON, nullable=False),
        sa.Column("by_staff_id", sa.Uuid(), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "by_staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_tag_audit_brand_id_by_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "region_id"], ["region.brand_id", "region.id"], name=op.f("fk_tag_audit_brand_id_region_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_tag_audit_brand_id_store_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_tag_audit_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_tag_audit")),
    )
    with op.batch_alter_table("tag_audit", schema=None) as batch_op:
        batch_op.create_index("ix_tag_audit_drawn", ["brand_id", "drawn_at", "id"], unique=False)

    op.create_table(
        "audit_item",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("stratum", sa.Integer(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("relationship_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("setter_id", sa.Uuid(), nullable=True),
        sa.Column("is_inherited", sa.Boolean(), nullable=False),
        sa.Column("carried_ids", _JSON, nullable=False),
        sa.Column("asked_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_ids", _JSON, nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.String(length=32), nullable=True),
        sa.Column("because", sa.String(length=200), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "asked_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_audit_item_brand_id_asked_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "audit_id"],
            ["tag_audit.brand_id", "tag_audit.id"],
            name=op.f("fk_audit_item_brand_id_audit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_audit_item_brand_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_audit_item_brand_id_store_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "tag_id"], ["tag.brand_id", "tag.id"], name=op.f("fk_audit_item_brand_id_tag_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_audit_item")),
    )
    with op.batch_alter_table("audit_item", schema=None) as batch_op:
        batch_op.create_index("ix_audit_item_asked", ["brand_id", "asked_id", "answered_at"], unique=False)
        batch_op.create_index("ix_audit_item_audit", ["brand_id", "audit_id", "id"], unique=False)
        batch_op.create_index(
            "ix_audit_item_open",
            ["brand_id", "store_id", "id"],
            unique=False,
            sqlite_where=sa.text("verdict IS NULL"),
            postgresql_where=sa.text("verdict IS NULL"),
        )

    op.create_table(
        "segment_night",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "segment_id"],
            ["segment.brand_id", "segment.id"],
            name=op.f("fk_segment_night_brand_id_segment_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "segment_id", "day", name=op.f("pk_segment_night")),
    )
    op.create_table(
        "segment_use",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("used_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "segment_id"],
            ["segment.brand_id", "segment.id"],
            name=op.f("fk_segment_use_brand_id_segment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "used_id"], ["segment.brand_id", "segment.id"], name=op.f("fk_segment_use_brand_id_used_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "segment_id", "used_id", name=op.f("pk_segment_use")),
    )
    with op.batch_alter_table("segment_use", schema=None) as batch_op:
        batch_op.create_index("ix_segment_use_used", ["brand_id", "used_id", "segment_id"], unique=False)

    op.create_table(
        "segment_version",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("tree", _JSON, nullable=False),
        sa.Column("by_staff_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "segment_id"],
            ["segment.brand_id", "segment.id"],
            name=op.f("fk_segment_version_brand_id_segment_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "segment_id", "version", name=op.f("pk_segment_version")),
    )
    op.create_table(
        "tag_change",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("other_tag_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("set_by", sa.String(length=32), nullable=False),
        sa.Column("by_staff_id", sa.Uuid(), nullable=True),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_tag_change_brand_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "tag_id"], ["tag.brand_id", "tag.id"], name=op.f("fk_tag_change_brand_id_tag_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_tag_change")),
    )
    with op.batch_alter_table("tag_change", schema=None) as batch_op:
        batch_op.create_index("ix_tag_change_customer", ["brand_id", "customer_id", "at", "id"], unique=False)
        batch_op.create_index("ix_tag_change_tag", ["brand_id", "tag_id", "at"], unique=False)

    op.create_table(
        "tag_rule",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("condition", _JSON, nullable=False),
        sa.Column("enough", _JSON, nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("by_staff_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("live_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "tag_id"], ["tag.brand_id", "tag.id"], name=op.f("fk_tag_rule_brand_id_tag_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_tag_rule_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_tag_rule")),
    )
    with op.batch_alter_table("tag_rule", schema=None) as batch_op:
        batch_op.create_index("ix_tag_rule_tag", ["brand_id", "tag_id", "state"], unique=False)
        batch_op.create_index(
            "uq_tag_rule_name",
            ["brand_id", "name"],
            unique=True,
            sqlite_where=sa.text("state <> 'retired'"),
            postgresql_where=sa.text("state <> 'retired'"),
        )

    op.create_table(
        "tag_suggestion",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_tag_suggestion_brand_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "rule_id"],
            ["tag_rule.brand_id", "tag_rule.id"],
            name=op.f("fk_tag_suggestion_brand_id_rule_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "tag_id"], ["tag.brand_id", "tag.id"], name=op.f("fk_tag_suggestion_brand_id_tag_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_tag_suggestion")),
    )
    with op.batch_alter_table("tag_suggestion", schema=None) as batch_op:
        batch_op.create_index("ix_tag_suggestion_customer", ["brand_id", "customer_id", "tag_id", "at"], unique=False)
        batch_op.create_index(
            "uq_tag_suggestion_open",
            ["brand_id", "customer_id", "tag_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    _keep_what_is_known_of_tags()
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tag_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_task_brand_id_tag_id"), "tag", ["brand_id", "tag_id"], ["brand_id", "id"]
        )
        batch_op.create_index("ix_task_tag", ["brand_id", "tag_id", "state"], unique=False)

    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("variant", sa.String(length=100), nullable=True))
        batch_op.create_index(
            "ix_order_line_residue",
            ["brand_id", "order_id"],
            unique=False,
            sqlite_where=sa.text("residue IS NOT NULL"),
            postgresql_where=sa.text("residue IS NOT NULL"),
        )

    with op.batch_alter_table("refund_line", schema=None) as batch_op:
        batch_op.create_index(
            "ix_refund_line_residue",
            ["brand_id", "refund_id"],
            unique=False,
            sqlite_where=sa.text("residue IS NOT NULL"),
            postgresql_where=sa.text("residue IS NOT NULL"),
        )

    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.add_column(sa.Column("synonyms", _JSON, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("merged_into_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("merged_by_id", sa.Uuid(), nullable=True))
        batch_op.create_index("ix_tag_merged", ["brand_id", "merged_into_id"], unique=False)
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.alter_column("synonyms", server_default=None)

    with op.batch_alter_table("tag_group", schema=None) as batch_op:
        batch_op.add_column(sa.Column("color", sa.String(length=7), nullable=False, server_default="#8c8c8c"))
        batch_op.add_column(sa.Column("shelf_life_days", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("roles", _JSON, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("store_ids", _JSON, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_tag_group_brand_id_name"), type_="unique")
        batch_op.create_index(
            "uq_tag_group_name",
            ["brand_id", "name"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )
    with op.batch_alter_table("tag_group", schema=None) as batch_op:
        for name in ("color", "roles", "store_ids"):
            batch_op.alter_column(name, server_default=None)


def _keep_what_is_known_of_tags() -> None:
    """A tag that is there was checked when it was set, and that is the first line of its history."""
    with op.batch_alter_table("customer_tag", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rule_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("reason", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("confidence", sa.Integer(), nullable=False, server_default="100"))
        batch_op.add_column(sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_customer_tag_valid_until", ["brand_id", "valid_until"], unique=False)
    op.execute("UPDATE customer_tag SET checked_at = set_at")
    with op.batch_alter_table("customer_tag", schema=None) as batch_op:
        batch_op.alter_column("confidence", server_default=None)
        batch_op.alter_column("checked_at", existing_type=sa.DateTime(timezone=True), nullable=False)
    new_id = "gen_random_uuid()" if op.get_bind().dialect.name == "postgresql" else "lower(hex(randomblob(16)))"
    op.execute(
        "INSERT INTO tag_change (brand_id, id, customer_id, tag_id, kind, set_by, by_staff_id, confidence, at) "  # noqa: S608 - nothing here comes from outside
        f"SELECT brand_id, {new_id}, customer_id, tag_id, 'set', set_by, by_staff_id, 100, set_at FROM customer_tag"
    )


def downgrade() -> None:
    with op.batch_alter_table("tag_group", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_tag_group_name",
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )
        batch_op.create_unique_constraint(batch_op.f("uq_tag_group_brand_id_name"), ["brand_id", "name"])
        batch_op.drop_column("retired_at")
        batch_op.drop_column("store_ids")
        batch_op.drop_column("roles")
        batch_op.drop_column("shelf_life_days")
        batch_op.drop_column("color")

    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.drop_index("ix_tag_merged")
        batch_op.drop_column("merged_by_id")
        batch_op.drop_column("merged_into_id")
        batch_op.drop_column("synonyms")

    with op.batch_alter_table("refund_line", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_refund_line_residue",
            sqlite_where=sa.text("residue IS NOT NULL"),
            postgresql_where=sa.text("residue IS NOT NULL"),
        )

    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_order_line_residue",
            sqlite_where=sa.text("residue IS NOT NULL"),
            postgresql_where=sa.text("residue IS NOT NULL"),
        )
        batch_op.drop_column("variant")

    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index("ix_task_tag")
        batch_op.drop_constraint(batch_op.f("fk_task_brand_id_tag_id"), type_="foreignkey")
        batch_op.drop_column("tag_id")

    with op.batch_alter_table("customer_tag", schema=None) as batch_op:
        batch_op.drop_index("ix_customer_tag_valid_until")
        batch_op.drop_column("asked_at")
        batch_op.drop_column("valid_until")
        batch_op.drop_column("checked_at")
        batch_op.drop_column("confidence")
        batch_op.drop_column("reason")
        batch_op.drop_column("rule_id")

    with op.batch_alter_table("tag_suggestion", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_tag_suggestion_open", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
        )
        batch_op.drop_index("ix_tag_suggestion_customer")

    op.drop_table("tag_suggestion")
    with op.batch_alter_table("tag_rule", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_tag_rule_name",
            sqlite_where=sa.text("state <> 'retired'"),
            postgresql_where=sa.text("state <> 'retired'"),
        )
        batch_op.drop_index("ix_tag_rule_tag")

    op.drop_table("tag_rule")
    with op.batch_alter_table("tag_change", schema=None) as batch_op:
        batch_op.drop_index("ix_tag_change_tag")
        batch_op.drop_index("ix_tag_change_customer")

    op.drop_table("tag_change")
    op.drop_table("segment_version")
    with op.batch_alter_table("segment_use", schema=None) as batch_op:
        batch_op.drop_index("ix_segment_use_used")

    op.drop_table("segment_use")
    op.drop_table("segment_night")
    with op.batch_alter_table("audit_item", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_audit_item_open",
            sqlite_where=sa.text("verdict IS NULL"),
            postgresql_where=sa.text("verdict IS NULL"),
        )
        batch_op.drop_index("ix_audit_item_audit")
        batch_op.drop_index("ix_audit_item_asked")

    op.drop_table("audit_item")
    with op.batch_alter_table("tag_audit", schema=None) as batch_op:
        batch_op.drop_index("ix_tag_audit_drawn")

    op.drop_table("tag_audit")
    with op.batch_alter_table("segment", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_segment_shared",
            sqlite_where=sa.text("retired_at IS NULL AND sharing = 'brand'"),
            postgresql_where=sa.text("retired_at IS NULL AND sharing = 'brand'"),
        )
        batch_op.drop_index(
            "uq_segment_own",
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

    op.drop_table("segment")
    op.drop_table("segment_member")
    op.drop_table("score_scale")
    with op.batch_alter_table("purchase_profile", schema=None) as batch_op:
        batch_op.drop_index("ix_purchase_profile_counted_from")

    op.drop_table("purchase_profile")
    op.drop_table("segment_index")
    with op.batch_alter_table("segment_bits", schema=None) as batch_op:
        batch_op.drop_index("ix_segment_bits_revision")

    op.drop_table("segment_bits")
    op.drop_table("tagging_night")
    with op.batch_alter_table("customer_mark", schema=None) as batch_op:
        batch_op.drop_index("ix_customer_mark_purpose")
        batch_op.drop_index("ix_customer_mark_customer")

    op.drop_table("customer_mark")
