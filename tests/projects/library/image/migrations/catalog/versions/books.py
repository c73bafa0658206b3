import sqlalchemy as sa
from alembic import op

revision = "books"
down_revision = None


def upgrade():
    op.create_table(
        "book",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        schema="catalog",
    )


def downgrade():
    op.drop_table("book", schema="catalog")
