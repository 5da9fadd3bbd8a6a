"""Whom a campaign left out; campaigns from before left nobody out."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Go up from the revision before."""
    said = "JSON list of connections that it passed over, and why"
    op.add_column("campaign", sa.Column("left_out", sa.Text(), nullable=False, server_default="[]", comment=said))
