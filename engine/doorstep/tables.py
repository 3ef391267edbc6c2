"""The tables, as SQLAlchemy Core sees them. Alembic's migrations in `migrations/` create and change them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from .database import Instant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

# What shoppers answered in a widget's form: one row per store, widget, shipment and moment; the last edit wins.
answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("store", String(64), nullable=False),
    Column("widget", String(64), nullable=False),
    Column("shipment", String(64), nullable=False),  # the shipment's or order's id, never a number
    Column("moment", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),  # JSON as the widget gave it
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("approved_at", Instant),  # when the shop allowed it to be shown to others
    UniqueConstraint("store", "widget", "shipment", "moment"),
    Index(None, "store", "widget", "updated_at"),
    Index("ix_answers_approved", "store", "approved_at"),
    Index("ix_answers_listed", "store", "updated_at", "id"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("number", String(64), nullable=False),
    Column("version", Integer, nullable=False),  # counts every change; the ETag
    Column(
        "document", LargeBinary, nullable=False
    ),  # doorstep.order.Order as JSON, without e-mail, postcode, shipments
    Column("contact", LargeBinary),  # doorstep.order.Contact, encrypted
    Column("email_hash", String(64)),
    Column("postcode_hash", String(64)),
    Column("placed_at", Instant, nullable=False),
    Column("promised_until", Date),
    Column("amount", BigInteger),  # of the total, in hundredths
    Column("currency", String(3)),
    Column("link_generation", Integer, nullable=False),  # counted up, links given before are void
    Column("promise", String(16), nullable=False),  # "", at_risk, missed: told already
    Column("closed_at", Instant),  # when the last parcel came to its end; retention counts from here
    Column(
        "talk_at", Instant
    ),  # when to see whether there is something to tell its customer; empty: when something changes
    Column("erased_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("store", "number"),
    Index(None, "email_hash"),
    Index(None, "promised_until"),
    Index(None, "closed_at"),
    Index(None, "talk_at"),
    Index("ix_orders_listed", "store", "placed_at", "id"),
)

# A parcel that belongs to orders, as its shop named it, with what the carrier last said. A number is used again: `era`.
parcels = Table(
    "parcels",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("number", String(64), nullable=False),  # normalised
    Column("carrier", String(64), nullable=False),  # slug; empty until one is known
    Column("era", Integer, nullable=False),
    Column("snapshot", LargeBinary),  # doorstep.models.Shipment as msgpack
    Column("version", Integer, nullable=False),  # counts changes of the summary
    Column("status", String(32), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("delayed", Boolean, nullable=False),
    Column("action_required", Boolean, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("expected", Date),  # the day the carrier expects it
    Column("fetched_at", Instant),
    Column("changed_at", Instant),  # when the summary changed
    Column("first_scan_at", Instant),
    Column("last_scan_at", Instant),
    Column("delivered_at", Instant),
    Column("stalled_at", Instant),  # when it was told that it stalls; empty again with the next scan
    Column("origin_country", String(2), nullable=False),
    Column("destination_country", String(2), nullable=False),
    Column("service", String(100), nullable=False),
    Column("registered_at", Instant),  # when the carrier was told to watch it
    Column("news_at", Instant),  # when the carrier last pushed that there is news: what it said before is old
    Column("due_at", Instant),  # when the worker asks again; empty: never
    Column("leased_until", Instant),
    Column("failures", Integer, nullable=False),
    Column("error", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("store", "number", "carrier", "era"),
    Index(None, "number"),
    Index(None, "due_at"),
)

order_parcels = Table(
    "order_parcels",
    metadata,
    Column("order_id", String(32), ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
    Column("parcel_id", String(32), ForeignKey("parcels.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("contents", LargeBinary, nullable=False),  # tuple[PackedItem, …] as JSON
    Column("shipped_at", Instant),
    Index(None, "parcel_id"),
)

# Each change of a parcel's summary.
history = Table(
    "history",
    metadata,
    Column("parcel_id", String(32), ForeignKey("parcels.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("status", String(32), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("delayed", Boolean, nullable=False),
    Column("expected", Date),
)

# What happened, written in the transaction in which it happened. The id is the webhook's id; `once` makes it happen once.
events = Table(
    "events",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("order_id", String(32), ForeignKey("orders.id", ondelete="CASCADE")),
    Column("parcel_id", String(32), ForeignKey("parcels.id", ondelete="CASCADE")),
    Column("data", LargeBinary, nullable=False),  # JSON
    Column("once", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("once"),
    Index(None, "order_id"),
    Index("ix_events_listed", "store", "at"),
)

# An event on its way to one of the store's endpoints.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("event_id", String(32), ForeignKey("events.id", ondelete="CASCADE"), nullable=False),
    Column("store", String(64), nullable=False),
    Column("endpoint", String(64), nullable=False),
    Column("state", String(16), nullable=False),  # pending, delivered, dead
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant),  # while somebody sends it, the end of the lease; empty when it is at its end
    Column("error", String(200), nullable=False),
    Column("delivered_at", Instant),
    UniqueConstraint("event_id", "endpoint"),
    Index("ix_deliveries_due", "store", "endpoint", "next_at", "id"),
)

# Endpoints that are in trouble: they are left alone for a while, or said that they are gone.
troubles = Table(
    "troubles",
    metadata,
    Column("store", String(64), primary_key=True),
    Column("endpoint", String(64), primary_key=True),
    Column("address", String(64), nullable=False),  # which address is meant, hashed: there may be a key in it
    Column("failures", Integer, nullable=False),  # in a row
    Column("paused_until", Instant),  # empty: for good
)

# What shoppers reported on an order's page.
reports = Table(
    "reports",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("order_id", String(32), ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("parcel_id", String(32), ForeignKey("parcels.id", ondelete="SET NULL")),
    Column("kind", String(32), nullable=False),  # problem, call, not_received
    Column("data", LargeBinary, nullable=False),  # what was written, encrypted
    Column("created_at", Instant, nullable=False),
    Index(None, "order_id"),
)

# Keys of the API. The key itself is shown once; kept is its hash.
keys = Table(
    "keys",
    metadata,
    Column("id", String(16), primary_key=True),  # the public part of the key
    Column("store", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", String(200), nullable=False),  # with spaces between
    Column("hash", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("used_at", Instant),
)

# What of a shop system an order came from (an order, a fulfilment there), by that system's own name for it.
sources = Table(
    "sources",
    metadata,
    Column("store", String(64), primary_key=True),
    Column("connector", String(64), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("order_id", String(32), ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("changed_at", Instant),  # by the shop system's clock; what it tells of before is old
    Column("parcels", LargeBinary, nullable=False),  # their normalised numbers, as JSON
    Index(None, "order_id"),
)

# Requests that must not be done twice (Idempotency-Key, a webhook's id), with the answer that was given.
requests = Table(
    "requests",
    metadata,
    Column("scope", String(64), primary_key=True),  # whose: a key's id, a connector and its shop
    Column("key", String(128), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer),  # empty while it is under way
    Column("headers", LargeBinary),
    Column("body", LargeBinary),
    Column("created_at", Instant, nullable=False),
    Index(None, "created_at"),
)

banners = Table(
    "banners",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("document", LargeBinary, nullable=False),  # doorstep.banner.Banner as JSON
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index(None, "store"),
)

# What the API sets of a store's appearance, over its settings.
appearances = Table(
    "appearances",
    metadata,
    Column("store", String(64), primary_key=True),
    Column("version", Integer, nullable=False),  # counts every change; the ETag
    Column("document", LargeBinary, nullable=False),  # doorstep.appearance.Appearance as JSON
    Column("updated_at", Instant, nullable=False),
)

# Codes of widgets: an order's for its next order, a customer's own for friends. An order gets one when it comes in; those
# that no order has yet are the pool's.
codes = Table(
    "codes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("store", String(64), nullable=False),
    Column("widget", String(64), nullable=False),  # empty while nobody has it
    Column("pool", String(64), nullable=False),  # empty: made by the engine
    Column("code", String(64), nullable=False),
    Column("order_id", String(32), ForeignKey("orders.id", ondelete="SET NULL")),
    Column("customer", String(64)),  # the hash of the e-mail address whose orders share it
    Column("reserved_at", Instant),
    Column("expires_at", Instant),
    Column("redeemed_at", Instant),
    Column("redeemed_by", String(64), nullable=False),  # the number of the order it was used for
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("store", "code"),
    Index("ix_codes_free", "store", "pool", "reserved_at", "id"),
    Index(None, "order_id"),
    Index(None, "customer"),
    Index(None, "redeemed_by"),
)

# Friends who came by somebody's code. A friend is brought once.
referrals = Table(
    "referrals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("code_id", Integer, ForeignKey("codes.id", ondelete="CASCADE"), nullable=False),
    Column("friend", String(64), nullable=False),  # the hash of the friend's e-mail address, or of the order's number
    Column("order_number", String(64), nullable=False),  # the friend's order
    Column("state", String(16), nullable=False),  # pending, earned, refused
    Column("reason", String(32), nullable=False),  # why it was refused
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    UniqueConstraint("store", "friend"),
    Index(None, "code_id"),
    Index(None, "order_number"),
)

# What is counted for a shop and a day. No row is about anybody.
tallies = Table(
    "tallies",
    metadata,
    Column("store", String(64), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("kind", String(32), primary_key=True),  # viewed, shown, clicked, answered, referred, redeemed
    Column("subject", String(64), primary_key=True),  # of a page its kind, of a widget its name
    Column("count", BigInteger, nullable=False),
)

# What is to be told to an order's customer, by one channel. `once` is the occasion: of one there is one message a channel.
messages = Table(
    "messages",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("order_id", String(32), ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("parcel_id", String(32), ForeignKey("parcels.id", ondelete="SET NULL")),  # empty: of the whole order
    Column("kind", String(32), nullable=False),  # doorstep.message.Kind
    Column("channel", String(64), nullable=False),  # the account
    Column("once", String(128), nullable=False),
    Column(
        "state", String(16), nullable=False
    ),  # waiting, sent, delivered, bounced, refused, dropped, in_doubt, failed
    Column("reason", String(64), nullable=False),  # why it was dropped
    Column("due_at", Instant),  # not before; while somebody sends it, the end of the lease; empty when it is at its end
    Column("until", Instant),  # stale from then on
    Column("handed_at", Instant),  # when it was given to the provider: without an end to it, it is in doubt
    Column("attempts", Integer, nullable=False),
    Column("error", String(200), nullable=False),
    Column("reference", String(128), nullable=False),  # the provider's own name for it
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    UniqueConstraint("once", "channel"),
    Index("ix_messages_due", "channel", "due_at", "id"),
    Index(None, "order_id"),
    Index(None, "reference"),
)

# What somebody agreed to, or not any more, and the proof of it. `contact` is a hash of the address.
consents = Table(
    "consents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("contact", String(64), nullable=False),
    Column("reach", String(16), nullable=False),  # doorstep.message.Reach
    Column("topic", String(16), nullable=False),  # doorstep.message.Topic
    Column("state", String(16), nullable=False),  # asked, given, withdrawn
    Column("order_id", String(32), ForeignKey("orders.id", ondelete="SET NULL")),  # on whose page it was given
    Column("language", String(35), nullable=False),
    Column("wording", LargeBinary, nullable=False),  # the text that was agreed to, UTF-8
    Column("source", String(32), nullable=False),  # where: page, mail, one_click, preferences, shop
    Column("asked_at", Instant),
    Column("given_at", Instant),
    Column("withdrawn_at", Instant),
    UniqueConstraint("store", "contact", "reach", "topic"),
    Index(None, "order_id"),
)

# Browsers that want pushes about an order.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("order_id", String(32), ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("contact", String(64), nullable=False),  # the hash of its address
    Column("sealed", LargeBinary, nullable=False),  # the subscription, encrypted
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("order_id", "contact"),
)

# Addresses that bounced, or whose owner complained: nothing is sent there.
unreachable = Table(
    "unreachable",
    metadata,
    Column("store", String(64), primary_key=True),
    Column("contact", String(64), primary_key=True),
    Column("reach", String(16), primary_key=True),
    Column("reason", String(200), nullable=False),
    Column("at", Instant, nullable=False),
)
