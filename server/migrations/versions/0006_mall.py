"""Unpaid orders, parts of credit, SKUs with stock, links that are shared, and how a brand runs its mini-mall."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:

    op.create_table(
        "credit_setting",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("rules", _JSON, nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_credit_setting_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_credit_setting")),
    )
    op.create_table(
        "mall_setting",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("product_url", sa.String(length=500), nullable=True),
        sa.Column("page_url", sa.String(length=500), nullable=True),
        sa.Column("look_url", sa.String(length=500), nullable=True),
        sa.Column("share_days", sa.Integer(), nullable=False),
        sa.Column("answer_minutes", sa.Integer(), nullable=False),
        sa.Column("guides_may_add_products", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_mall_setting_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_mall_setting")),
    )
    op.create_table(
        "sku",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.String(length=100), nullable=True),
        sa.Column("barcode", sa.String(length=32), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "product_id"], ["product.brand_id", "product.id"], name=op.f("fk_sku_brand_id_product_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_sku")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_sku_brand_id_code")),
    )
    with op.batch_alter_table("sku", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sku_barcode",
            ["brand_id", "barcode"],
            unique=False,
            sqlite_where=sa.text("barcode IS NOT NULL"),
            postgresql_where=sa.text("barcode IS NOT NULL"),
        )
        batch_op.create_index("ix_sku_product", ["brand_id", "product_id"], unique=False)

    op.create_table(
        "stock",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_stock_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_stock_brand_id_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "store_id", "sku_id", name=op.f("pk_stock")),
    )
    with op.batch_alter_table("stock", schema=None) as batch_op:
        batch_op.create_index("ix_stock_sku", ["brand_id", "sku_id"], unique=False)

    op.create_table(
        "share",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("look", _JSON, nullable=False),
        sa.Column("page", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"], ["account.brand_id", "account.id"], name=op.f("fk_share_brand_id_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "product_id"], ["product.brand_id", "product.id"], name=op.f("fk_share_brand_id_product_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_share_brand_id_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_share")),
        sa.UniqueConstraint("code", name=op.f("uq_share_code")),
    )
    with op.batch_alter_table("share", schema=None) as batch_op:
        batch_op.create_index("ix_share_account", ["brand_id", "account_id", "created_at"], unique=False)
        batch_op.create_index("ix_share_product", ["brand_id", "product_id", "created_at"], unique=False)
        batch_op.create_index("ix_share_store", ["brand_id", "store_id", "created_at"], unique=False)

    op.create_table(
        "share_open",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stands_for", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "share_id"], ["share.brand_id", "share.id"], name=op.f("fk_share_open_brand_id_share_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_share_open")),
    )
    with op.batch_alter_table("share_open", schema=None) as batch_op:
        batch_op.create_index("ix_share_open_share", ["brand_id", "share_id", "opened_at"], unique=False)
        batch_op.create_index(
            "ix_share_open_single",
            ["brand_id", "opened_at"],
            unique=False,
            sqlite_where=sa.text("stands_for IS NULL"),
            postgresql_where=sa.text("stands_for IS NULL"),
        )

    op.create_table(
        "credit_decision",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("turn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("steps", _JSON, nullable=False),
        sa.Column("parts", _JSON, nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("words", sa.String(length=200), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"],
            ["mall_order.brand_id", "mall_order.id"],
            name=op.f("fk_credit_decision_brand_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_credit_decision_brand_id_staff_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "order_id", "turn", name=op.f("pk_credit_decision")),
    )
    op.create_table(
        "order_step",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"],
            ["mall_order.brand_id", "mall_order.id"],
            name=op.f("fk_order_step_brand_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_order_step_brand_id_staff_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_order_step")),
    )
    with op.batch_alter_table("order_step", schema=None) as batch_op:
        batch_op.create_index("ix_order_step_order", ["brand_id", "order_id", "noted_at"], unique=False)

    op.create_table(
        "refund_charge",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["account.brand_id", "account.id"],
            name=op.f("fk_refund_charge_brand_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "refund_id"],
            ["refund.brand_id", "refund.id"],
            name=op.f("fk_refund_charge_brand_id_refund_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "refund_id", "part", name=op.f("pk_refund_charge")),
    )
    with op.batch_alter_table("refund_charge", schema=None) as batch_op:
        batch_op.create_index("ix_refund_charge_account", ["brand_id", "account_id", "placed_at"], unique=False)

    with op.batch_alter_table("mall_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("city", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("share_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("named_account_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("named_by", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("answered_by_id", sa.Uuid(), nullable=True))
        batch_op.create_index(
            "ix_mall_order_number",
            ["brand_id", "number"],
            unique=False,
            postgresql_ops={"number": "text_pattern_ops"},
        )
        batch_op.create_index(
            "ix_mall_order_share",
            ["brand_id", "share_id"],
            unique=False,
            sqlite_where=sa.text("share_id IS NOT NULL"),
            postgresql_where=sa.text("share_id IS NOT NULL"),
        )
        batch_op.create_foreign_key(
            "fk_mall_order_named_account", "account", ["brand_id", "named_account_id"], ["brand_id", "id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_mall_order_brand_id_share_id"), "share", ["brand_id", "share_id"], ["brand_id", "id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_mall_order_brand_id_answered_by_id"),
            "staff",
            ["brand_id", "answered_by_id"],
            ["brand_id", "id"],
        )

    op.create_index("ix_holding_account", "holding", ["brand_id", "account_id", "until_at"], unique=False)

    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sku_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("sku_code", sa.String(length=64), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_order_line_brand_id_sku_id"), "sku", ["brand_id", "sku_id"], ["brand_id", "id"]
        )

    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.add_column(sa.Column("images", _JSON, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("is_withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("is_kept", sa.Boolean(), nullable=False, server_default=sa.false()))

    _charge_refunds()
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_void", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_index(batch_op.f("ix_refund_charged"))
        batch_op.drop_constraint(batch_op.f("fk_refund_charged_account"), type_="foreignkey")
        batch_op.drop_column("charged_account_id")
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.alter_column("images", server_default=None)
        batch_op.alter_column("is_withdrawn", server_default=None)
        batch_op.alter_column("is_kept", server_default=None)
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.alter_column("is_void", server_default=None)
    # Until now an order was heard of when it was paid.
    op.execute("UPDATE mall_order SET paid_at = placed_at")
    # Until now a product that was edited kept its own name and price.
    op.execute("UPDATE product SET is_kept = true WHERE version > 1")
    _share_credit_out()


def _charge_refunds() -> None:
    op.execute(
        "INSERT INTO refund_charge (brand_id, refund_id, part, account_id, amount, placed_at) "
        "SELECT brand_id, id, 1, charged_account_id, amount, placed_at FROM refund"
    )


def _share_credit_out() -> None:
    """Each order had one credit: the whole. It keeps the order's id as its own."""
    op.execute("CREATE TABLE credit_before AS SELECT * FROM credit")
    op.drop_table("credit")
    op.create_table(
        "credit",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("is_elsewhere", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *_credit_references(),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_credit")),
        sa.UniqueConstraint("brand_id", "order_id", "part", name=op.f("uq_credit_brand_id_order_id_part")),
    )
    op.execute(
        "INSERT INTO credit (brand_id, id, order_id, part, store_id, account_id, reason, points, amount, is_elsewhere, "
        "decided_at, version) "
        "SELECT c.brand_id, c.order_id, c.order_id, 1, c.store_id, c.account_id, c.reason, 10000, o.amount, false, "
        "c.decided_at, 1 FROM credit_before c JOIN mall_order o ON o.brand_id = c.brand_id AND o.id = c.order_id"
    )
    op.drop_table("credit_before")
    with op.batch_alter_table("credit", schema=None) as batch_op:
        batch_op.create_index("ix_credit_account", ["brand_id", "account_id", "decided_at"], unique=False)


def _credit_references() -> list[sa.ForeignKeyConstraint]:
    names = (("account_id", "account"), ("order_id", "mall_order"), ("store_id", "store"))
    return [
        sa.ForeignKeyConstraint(
            ["brand_id", column], [f"{table}.brand_id", f"{table}.id"], name=op.f(f"fk_credit_brand_id_{column}")
        )
        for column, table in names
    ]


def downgrade() -> None:
    _put_credit_together()
    op.drop_index("ix_holding_account", "holding")

    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.add_column(sa.Column("charged_account_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_refund_charged_account"), "account", ["brand_id", "charged_account_id"], ["brand_id", "id"]
        )
        batch_op.create_index(batch_op.f("ix_refund_charged"), ["brand_id", "charged_account_id", "day"], unique=False)
        batch_op.drop_column("is_void")
    op.execute(
        "UPDATE refund SET charged_account_id = (SELECT c.account_id FROM refund_charge c WHERE "
        "c.brand_id = refund.brand_id AND c.refund_id = refund.id AND c.part = 1)"
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.drop_column("is_kept")
        batch_op.drop_column("is_withdrawn")
        batch_op.drop_column("images")

    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_order_line_brand_id_sku_id"), type_="foreignkey")
        batch_op.drop_column("sku_code")
        batch_op.drop_column("sku_id")

    with op.batch_alter_table("mall_order", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_mall_order_brand_id_answered_by_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_mall_order_brand_id_share_id"), type_="foreignkey")
        batch_op.drop_constraint("fk_mall_order_named_account", type_="foreignkey")
        batch_op.drop_index("ix_mall_order_number")
        batch_op.drop_index(
            "ix_mall_order_share",
            sqlite_where=sa.text("share_id IS NOT NULL"),
            postgresql_where=sa.text("share_id IS NOT NULL"),
        )
        batch_op.drop_column("answered_by_id")
        batch_op.drop_column("answered_at")
        batch_op.drop_column("named_by")
        batch_op.drop_column("named_account_id")
        batch_op.drop_column("share_id")
        batch_op.drop_column("paid_at")
        batch_op.drop_column("city")

    with op.batch_alter_table("refund_charge", schema=None) as batch_op:
        batch_op.drop_index("ix_refund_charge_account")

    op.drop_table("refund_charge")
    with op.batch_alter_table("order_step", schema=None) as batch_op:
        batch_op.drop_index("ix_order_step_order")

    op.drop_table("order_step")
    op.drop_table("credit_decision")
    with op.batch_alter_table("share_open", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_share_open_single",
            sqlite_where=sa.text("stands_for IS NULL"),
            postgresql_where=sa.text("stands_for IS NULL"),
        )
        batch_op.drop_index("ix_share_open_share")

    op.drop_table("share_open")
    with op.batch_alter_table("share", schema=None) as batch_op:
        batch_op.drop_index("ix_share_store")
        batch_op.drop_index("ix_share_product")
        batch_op.drop_index("ix_share_account")

    op.drop_table("share")
    with op.batch_alter_table("stock", schema=None) as batch_op:
        batch_op.drop_index("ix_stock_sku")

    op.drop_table("stock")
    with op.batch_alter_table("sku", schema=None) as batch_op:
        batch_op.drop_index("ix_sku_product")
        batch_op.drop_index(
            "ix_sku_barcode",
            sqlite_where=sa.text("barcode IS NOT NULL"),
            postgresql_where=sa.text("barcode IS NOT NULL"),
        )

    op.drop_table("sku")
    op.drop_table("mall_setting")
    op.drop_table("credit_setting")


def _put_credit_together() -> None:
    """The first part of a credit is the whole of it."""
    op.execute("CREATE TABLE credit_parts AS SELECT * FROM credit")
    op.drop_table("credit")
    op.create_table(
        "credit",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        *_credit_references(),
        sa.PrimaryKeyConstraint("brand_id", "order_id", name=op.f("pk_credit")),
    )
    op.execute(
        "INSERT INTO credit (brand_id, order_id, store_id, account_id, reason, decided_at) "
        "SELECT brand_id, order_id, store_id, account_id, reason, decided_at FROM credit_parts WHERE part = 1"
    )
    op.drop_table("credit_parts")
    with op.batch_alter_table("credit", schema=None) as batch_op:
        batch_op.create_index("ix_credit_account", ["brand_id", "account_id", "decided_at"], unique=False)
