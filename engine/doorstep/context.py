"""What templates see: frozen values without methods, every text already in the reader's language and isolated for bidi.

`PageContext` is the whole of it: its fields are the variables of a page template, and the same values are the JSON of
`GET /api/v1/pages/{number}` and `GET /api/v1/pages/orders/{token}`. Times are written the way the reader's culture writes
them; beside each stands the ISO text for `<time datetime>`.
"""

from enum import StrEnum
from typing import Any

from msgspec import Struct


class Tone(StrEnum):
    """The three meanings of colour, and none. Always told by icon and word too."""

    NEUTRAL = "neutral"
    GOOD = "good"
    ATTENTION = "attention"
    PROBLEM = "problem"


class Link(Struct, frozen=True):
    label: str
    url: str


class MenuEntry(Struct, frozen=True):
    """An entry of a menu; `links` are those below it, and `url` may be empty where there are any."""

    label: str
    url: str = ""
    links: tuple[Link, ...] = ()


class Language(Struct, frozen=True):
    """One entry of the language switch; `name` is in the language itself, `code` is BCP 47."""

    code: str
    name: str
    url: str
    dir: str
    current: bool = False


class StoreView(Struct, frozen=True, cache_hash=True):
    """The shop. Empty texts are not set; `base` is the path prefix of its tracking pages, without a slash at the end."""

    id: str
    name: str
    base: str = ""
    home_url: str = ""
    logo_url: str = ""
    contact_url: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    return_url: str = ""
    image_hosts: tuple[str, ...] = ()


class PageInfo(Struct, frozen=True):
    """The page itself. `kind` is tracking, order, messages, lookup, choose or error; `refresh` is seconds until it asks again,
    or 0.

    `embedded`: it stands in a frame of another page, which has a header and a footer of its own. `draft` names the draft that
    is shown, to those who have a link to it.
    """

    kind: str
    title: str
    language: str
    dir: str
    languages: tuple[Language, ...] = ()
    refresh: int = 0
    url: str = ""
    embedded: bool = False
    draft: str = ""


class Hero(Struct, frozen=True):
    """The answer: what is happening, when, what next. `when` and `action` may be missing.

    `status` is the machine name (models.Status), or `waiting`, `not_found`, `unavailable`, `link_only` when there is no
    shipment to speak of. `icon` is the name of a glyph in the theme's sprite.
    """

    status: str
    headline: str
    detail: str = ""
    when: str = ""
    when_iso: str = ""
    tone: Tone = Tone.NEUTRAL
    icon: str = "parcel"
    action: Link | None = None
    delayed: str = ""  # a short sentence when the parcel is late, else empty


class Step(Struct, frozen=True):
    """One of the four or five steps of the progress; `state` is done, current or todo."""

    label: str
    state: str


class EventView(Struct, frozen=True):
    """One line of the timeline. `clock` is the wall clock of the place, empty when only the day is known; `zone` is
    written when it would mislead without. `text` is the carrier's own, in `text_language` (BCP 47, may be empty)."""

    sentence: str
    iso: str = ""
    clock: str = ""
    zone: str = ""
    place: str = ""
    text: str = ""
    text_language: str = ""
    status: str = ""
    tone: Tone = Tone.NEUTRAL
    latest: bool = False


class Day(Struct, frozen=True):
    """The events of one day, newest first. `label` is as a person says it: Today, Yesterday, Monday 23 November."""

    label: str
    iso: str
    events: tuple[EventView, ...]


class Fact(Struct, frozen=True):
    """A labelled value. `ltr` marks what is always written left to right (numbers, codes); `copy` offers to copy it."""

    label: str
    value: str
    ltr: bool = False
    copy: bool = False
    url: str = ""


class CarrierView(Struct, frozen=True):
    """Who carries it; `url` is the carrier's own page for this number, `notice` what the carrier wants shown."""

    slug: str
    name: str
    url: str = ""
    notice: str = ""


class PickupView(Struct, frozen=True):
    """Where a parcel waits. `map_url` leads to a map's own site: nothing of it is on the page."""

    name: str
    lines: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    until: str = ""
    map_url: str = ""


class ShipmentView(Struct, frozen=True):
    """The parcel. `days` are the newest, `older` those a theme folds, `rest` leads to where the oldest of very many events
    stand too; `as_of` says when the carrier was last heard."""

    number: str
    carrier: CarrierView
    status: str
    status_label: str
    delayed: bool
    final: bool
    days: tuple[Day, ...] = ()
    older: tuple[Day, ...] = ()
    older_label: str = ""
    rest: Link | None = None
    window: str = ""
    facts: tuple[Fact, ...] = ()
    pickup: PickupView | None = None
    as_of: str = ""
    as_of_iso: str = ""


class Notice(Struct, frozen=True):
    """A sentence above the rest of the page: stale data, a merged parcel. `tone` chooses icon and colour."""

    text: str
    tone: Tone = Tone.ATTENTION
    link: Link | None = None


class Choice(Struct, frozen=True):
    """One of several carriers, or parcels, that a number may belong to."""

    name: str
    url: str
    detail: str = ""


class LookupForm(Struct, frozen=True):
    """The form that asks for a number: where it goes (a GET), what was typed, what was wrong with it, the parameters that
    are sent along."""

    action: str
    value: str = ""
    problem: str = ""
    kept: dict[str, str] = {}


class Option(Struct, frozen=True):
    """One choice of a field."""

    value: str
    label: str
    chosen: bool = False


class FieldView(Struct, frozen=True):
    """A field of a form. `type` is that of an HTML input, `textarea`, `select`, `checkboxes` or `hidden`; of several
    checkboxes each is sent by the field's name, a point and the option's value."""

    name: str
    label: str = ""
    type: str = "text"
    value: str = ""
    hint: str = ""
    required: bool = False
    autocomplete: str = "off"
    options: tuple[Option, ...] = ()


class FormView(Struct, frozen=True):
    """A form (a POST): what it is for, its fields with what was typed, what was wrong with it, the thanks after it.

    `name` is order (look an order up), proof (see more), problem, call, not_received, messages (choose them) or stop (no more
    of them). `points` are things to try first.
    """

    name: str
    title: str
    action: str
    button: str
    intro: str = ""
    points: tuple[str, ...] = ()
    fields: tuple[FieldView, ...] = ()
    problem: str = ""
    done: str = ""


class ItemView(Struct, frozen=True):
    """A line of an order. `amount` is the quantity as the page writes it, empty for one."""

    name: str
    quantity: int = 1
    amount: str = ""
    image: str = ""
    url: str = ""


class ParcelView(Struct, frozen=True):
    """A parcel of an order. `state` is attention, pickup, moving, preparing, arrived or ended; `shipment` is None until the
    carrier knows it. `share_url` shows what the number alone shows; `calendar_url` is there while a day is expected."""

    id: str
    number: str
    carrier: CarrierView
    state: str
    hero: Hero
    shipment: ShipmentView | None = None
    items: tuple[ItemView, ...] = ()
    documents: tuple[Link, ...] = ()
    share_url: str = ""
    calendar_url: str = ""
    notice: Notice | None = None


class ParcelGroup(Struct, frozen=True):
    """The parcels of one state."""

    state: str
    label: str
    parcels: tuple[ParcelView, ...]


class PromiseView(Struct, frozen=True):
    """What the shop promised against what the carrier expects. `state` is on_track, at_risk, missed or kept."""

    text: str
    state: str
    detail: str = ""
    reason: str = ""
    tone: Tone = Tone.NEUTRAL


class OrderView(Struct, frozen=True):
    """An order. `items` are those of which nobody said which parcel brings them, `unsent` those that no parcel brings yet."""

    number: str
    groups: tuple[ParcelGroup, ...] = ()
    parcels: int = 0
    items: tuple[ItemView, ...] = ()
    unsent: tuple[ItemView, ...] = ()
    promise: PromiseView | None = None
    note: str = ""
    facts: tuple[Fact, ...] = ()
    return_url: str = ""
    feed_url: str = ""
    qr_url: str = ""


class PageContext(Struct, frozen=True):
    """Every variable of a page template. What a page has not is None or empty."""

    store: StoreView
    page: PageInfo
    settings: dict[str, Any] = {}  # of the theme, by name
    sections: tuple[str, ...] = ()  # of the theme, in the store's order
    aside: tuple[str, ...] = ()  # those of them that stand in the second column
    hero: Hero | None = None
    steps: tuple[Step, ...] = ()
    notice: Notice | None = None
    shipment: ShipmentView | None = None
    choices: tuple[Choice, ...] = ()
    lookup: LookupForm | None = None
    banners: tuple[Notice, ...] = ()
    order: OrderView | None = None
    forms: tuple[FormView, ...] = ()
