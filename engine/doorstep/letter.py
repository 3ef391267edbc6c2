"""What the template of a mail sees: frozen values without methods, as those of a page (`doorstep.context`).

`LetterContext` is the whole of it: its fields are the template's variables. Every address is a whole one, for a mail stands
on no page.
"""

from typing import Any

from markupsafe import Markup
from msgspec import Struct

from .context import Hero, ItemView, Link, PickupView, Step, StoreView


class LetterInfo(Struct, frozen=True):
    """The message itself. `kind` is what it is about (the reference lists the kinds), `preheader` the line that a list of
    mails shows after the subject."""

    kind: str
    language: str
    dir: str
    subject: str
    preheader: str = ""


class LetterParcel(Struct, frozen=True):
    """A parcel of the order. `more` says how many more items are in it than are listed: "+12"; `pickup` is there while it
    waits. `state` is attention, pickup, moving, preparing, arrived or ended."""

    number: str
    carrier: str
    state: str
    hero: Hero
    items: tuple[ItemView, ...] = ()
    more: str = ""
    pickup: PickupView | None = None


class LetterContext(Struct, frozen=True):
    """Every variable of a mail's template. What a message has not is None or empty.

    `hero` is the answer, `notes` are the sentences after it, `button` leads to the order's page. `parcels` are those the
    message is about, `others` the rest of the order's, `items` what a message about no parcel is about. `pixel` is there where
    the store counts which mails are opened. `sheet` is the style sheet with the store's colours in it, `markup` what mail
    programs read (schema.org, JSON).
    """

    store: StoreView
    letter: LetterInfo
    hero: Hero
    button: Link
    settings: dict[str, Any] = {}  # of the theme, by name
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    order: str = ""  # its number
    parcels: tuple[LetterParcel, ...] = ()
    others: tuple[LetterParcel, ...] = ()
    more: str = ""  # "+12", others than those
    items: tuple[ItemView, ...] = ()
    reason: str = ""  # why the reader gets it
    preferences: Link | None = None
    unsubscribe: Link | None = None
    contact: tuple[Link, ...] = ()
    pixel: str = ""  # address of a picture that counts, where the store wants that
    sheet: Markup = Markup()
    markup: Markup = Markup()
