import sqlalchemy as sa
from alembic import op

revision = "loans"
down_revision = "readers"


def upgrade():
    op.create_table(
        "loan",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("reader_id", sa.Integer, sa.ForeignKey("loans.reader.id"), nullable=False),
        schema="loans",
    )


def downgrade():
    op.drop_table("loan", schema="loans")
