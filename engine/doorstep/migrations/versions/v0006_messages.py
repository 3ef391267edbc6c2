"""Messages to shoppers, what they agreed to, and addresses that take nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    at = sa.DateTime(timezone=True)
    op.add_column("orders", sa.Column("talk_at", at, nullable=True))
    op.create_index("ix_orders_talk_at", "orders", ["talk_at"])
    op.create_table(
        "messages",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("store", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(32), nullable=False),
        sa.Column("parcel_id", sa.String(32), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("once", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("due_at", at, nullable=True),
        sa.Column("until", at, nullable=True),
        sa.Column("handed_at", at, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.String(200), nullable=False),
        sa.Column("reference", sa.String(128), nullable=False),
        sa.Column("created_at", at, nullable=False),
        sa.Column("settled_at", at, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_messages_order_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcels.id"], name="fk_messages_parcel_id", ondelete="SET NULL"),
        sa.UniqueConstraint("once", "channel", name="uq_messages"),
    )
    op.create_index("ix_messages_due", "messages", ["channel", "due_at", "id"])
    op.create_index("ix_messages_order_id", "messages", ["order_id"])
    op.create_index("ix_messages_reference", "messages", ["reference"])
    op.create_table(
        "consents",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("store", sa.String(64), nullable=False),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("reach", sa.String(16), nullable=False),
        sa.Column("topic", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("order_id", sa.String(32), nullable=True),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("wording", sa.LargeBinary, nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("asked_at", at, nullable=True),
        sa.Column("given_at", at, nullable=True),
        sa.Column("withdrawn_at", at, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_consents_order_id", ondelete="SET NULL"),
        sa.UniqueConstraint("store", "contact", "reach", "topic", name="uq_consents"),
    )
    op.create_index("ix_consents_order_id", "consents", ["order_id"])
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("store", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(32), nullable=False),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", at, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_subscriptions_order_id", ondelete="CASCADE"),
        sa.UniqueConstraint("order_id", "contact", name="uq_subscriptions"),
    )
    op.create_table(
        "unreachable",
        sa.Column("store", sa.String(64), nullable=False),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("reach", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("at", at, nullable=False),
        sa.PrimaryKeyConstraint("store", "contact", "reach", name="pk_unreachable"),
    )


def downgrade() -> None:
    for table in ("unreachable", "subscriptions", "consents", "messages"):
        op.drop_table(table)
    op.drop_index("ix_orders_talk_at", "orders")
    op.drop_column("orders", "talk_at")
