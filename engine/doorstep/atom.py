"""An order's changes as a private Atom feed (RFC 4287), the newest first; an entry never changes once it is there."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from unicodedata import category

from msgspec import Struct

from . import wording
from .changes import Change
from .i18n import N_
from .models import Shipment
from .orderbook import KeptOrder
from .summary import ENDS
from .views import Reader


class Entry(Struct, frozen=True):
    id: str
    title: str
    text: str
    at: datetime


class Feed(Struct, frozen=True):
    """`url` is the feed's own address, `page` the order's; `language` is BCP 47."""

    id: str
    title: str
    author: str
    language: str
    url: str
    page: str
    entries: tuple[Entry, ...]


def order_feed(
    order: KeptOrder, changes: Iterable[Change], reader: Reader, *, shop: str, url: str, page: str,
    described: Mapping[str, str],
) -> Feed:  # fmt: skip
    """The feed of an order; `described` says by a parcel's id which it is."""
    text, name = reader.localizer.text, f"urn:doorstep:{order.id}"
    entries = [_changed(change, reader, described[change.parcel_id]) for change in changes]
    entries.append(Entry(f"{name}:placed", text(wording.ORDER_STEPS[0]), "", order.placed_at))
    if order.order.cancelled_at:
        said = text(wording.ORDER["cancelled"].headline)
        entries.append(Entry(f"{name}:cancelled", said, "", order.order.cancelled_at))
    newest_first = tuple(sorted(entries, key=lambda entry: entry.at, reverse=True))
    title = text(N_("Order %(number)s, %(shop)s"), number=order.order.number, shop=shop)
    return Feed(name, title, shop, reader.localizer.tag, url, page, newest_first)


def document(feed: Feed) -> bytes:
    """The feed as XML."""
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{_xml(feed.language)}">',
        f"<id>{_xml(feed.id)}</id>",
        f"<title>{_xml(feed.title)}</title>",
        f"<updated>{_time(max(entry.at for entry in feed.entries))}</updated>",
        f"<author><name>{_xml(feed.author)}</name></author>",
        f'<link rel="self" type="application/atom+xml" href="{_xml(feed.url)}"/>',
        f'<link rel="alternate" type="text/html" href="{_xml(feed.page)}"/>',
        *(_entry(entry, feed.page) for entry in feed.entries),
        "</feed>\n",
    ]
    return "\n".join(parts).encode()


def _changed(change: Change, reader: Reader, parcel: str) -> Entry:
    text = reader.localizer.text
    words = wording.words(
        Shipment("", status=change.status, reason=change.reason, delayed=change.delayed)  # what a status alone says
    )
    lines = [text(words.detail) if words.detail else ""]
    if change.delayed:
        lines.append(text(N_("It is taking longer than planned.")))
    if change.expected and change.status not in ENDS:
        # The year is written where it is not the change's own, so that the entry reads the same in any year.
        day = reader.localizer.long_date(change.expected, change.at.date())
        lines.append(text(N_("Expected: %(day)s"), day=day))
    said = "\n".join(filter(None, [*lines, parcel]))
    return Entry(f"urn:doorstep:{change.parcel_id}:{change.version}", text(words.headline), said, change.at)


def _entry(entry: Entry, page: str) -> str:
    content = f'<content type="text">{_xml(entry.text)}</content>' if entry.text else ""
    return (
        f"<entry><id>{_xml(entry.id)}</id><title>{_xml(entry.title)}</title><updated>{_time(entry.at)}</updated>"
        f'<link rel="alternate" type="text/html" href="{_xml(page)}"/>{content}</entry>'
    )


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _xml(text: str) -> str:
    """Text for XML, without the characters that XML cannot hold."""
    return escape("".join(char for char in text if char == "\n" or category(char) not in ("Cc", "Cs", "Cn")))
