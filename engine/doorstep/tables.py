"""The tables, as SQLAlchemy Core sees them. Alembic's migrations in `migrations/` create and change them."""

from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# What shoppers answered in a widget's form: one row per store, widget, shipment and moment; the last edit wins.
answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("store", String(64), nullable=False),
    Column("widget", String(64), nullable=False),
    Column("shipment", String(64), nullable=False),  # the shipment's id, never its number
    Column("moment", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),  # JSON as the widget gave it
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("store", "widget", "shipment", "moment"),
    Index(None, "store", "widget", "updated_at"),
)
