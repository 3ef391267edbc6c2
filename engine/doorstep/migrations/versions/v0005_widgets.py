"""Codes and referrals, answers that may be shown to others, and what is counted a day."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    at = sa.DateTime(timezone=True)
    op.add_column("answers", sa.Column("approved_at", at, nullable=True))
    op.create_index("ix_answers_approved", "answers", ["store", "approved_at"])
    op.create_index("ix_answers_listed", "answers", ["store", "updated_at", "id"])
    op.create_table(
        "codes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("store", sa.String(64), nullable=False),
        sa.Column("widget", sa.String(64), nullable=False),
        sa.Column("pool", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(32), nullable=True),
        sa.Column("customer", sa.String(64), nullable=True),
        sa.Column("reserved_at", at, nullable=True),
        sa.Column("expires_at", at, nullable=True),
        sa.Column("redeemed_at", at, nullable=True),
        sa.Column("redeemed_by", sa.String(64), nullable=False),
        sa.Column("created_at", at, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_codes"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_codes_order_id", ondelete="SET NULL"),
        sa.UniqueConstraint("store", "code", name="uq_codes"),
    )
    op.create_index("ix_codes_free", "codes", ["store", "pool", "reserved_at", "id"])
    op.create_index("ix_codes_order_id", "codes", ["order_id"])
    op.create_index("ix_codes_customer", "codes", ["customer"])
    op.create_index("ix_codes_redeemed_by", "codes", ["redeemed_by"])
    op.create_table(
        "referrals",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("store", sa.String(64), nullable=False),
        sa.Column("code_id", sa.Integer, nullable=False),
        sa.Column("friend", sa.String(64), nullable=False),
        sa.Column("order_number", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("created_at", at, nullable=False),
        sa.Column("settled_at", at, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_referrals"),
        sa.ForeignKeyConstraint(["code_id"], ["codes.id"], name="fk_referrals_code_id", ondelete="CASCADE"),
        sa.UniqueConstraint("store", "friend", name="uq_referrals"),
    )
    op.create_index("ix_referrals_code_id", "referrals", ["code_id"])
    op.create_index("ix_referrals_order_number", "referrals", ["order_number"])
    op.create_table(
        "tallies",
        sa.Column("store", sa.String(64), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("store", "day", "kind", "subject", name="pk_tallies"),
    )


def downgrade() -> None:
    op.drop_table("tallies")
    op.drop_table("referrals")
    op.drop_table("codes")
    op.drop_index("ix_answers_listed", "answers")
    op.drop_index("ix_answers_approved", "answers")
    op.drop_column("answers", "approved_at")
