import sqlalchemy as sa
from alembic import op

revision = "readers"
down_revision = None


def upgrade():
    op.create_table(
        "reader",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        schema="loans",
    )
    op.execute("INSERT INTO loans.reader (name) VALUES ('house')")


def downgrade():
    op.drop_table("reader", schema="loans")
