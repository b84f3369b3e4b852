"""What people see of an import has a version."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_runs = sa.table(
    "import_run",
    sa.column("brand_id", sa.Uuid()),
    sa.column("id", sa.Uuid()),
    sa.column("phase", sa.String()),
    sa.column("counts", _json),
    sa.column("told", _json),
)


def upgrade() -> None:
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(
            sa.Column(
                "told", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), server_default="{}", nullable=False
            )
        )
        batch_op.add_column(sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("left_behind_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("started_over_at", sa.DateTime(timezone=True), nullable=True))
    _tell_what_came_of_earlier_imports()


def downgrade() -> None:
    # Older programs know one word for all that comes before the first step that is applied.
    op.execute(_runs.update().where(_runs.c.phase == "comparing").values(phase="staging"))
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.drop_column("started_over_at")
        batch_op.drop_column("left_behind_at")
        batch_op.drop_column("told_at")
        batch_op.drop_column("told")
        batch_op.drop_column("version")


def _tell_what_came_of_earlier_imports() -> None:
    connection = op.get_bind()
    for brand_id, run_id, counts in connection.execute(sa.select(_runs.c.brand_id, _runs.c.id, _runs.c.counts)).all():
        shown = {key: value for key, value in counts.items() if key != "vacated"}
        connection.execute(
            _runs.update().where(_runs.c.brand_id == brand_id, _runs.c.id == run_id).values(told={"counts": shown})
        )
