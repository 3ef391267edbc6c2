"""The widget contract: slots, typed settings, when it shows, what it needs to see, a context for a template, a form.

    class Note(Widget[Settings]):
        name = "note"
        settings_type = Settings

        def context(self, view: WidgetView) -> Context | None:
            return Context(self.settings.text)      # None: nothing to say, the slot stays empty

The engine renders `widgets/<name>.html` from the plugin's `templates/` (any theme may override it) with the fields of the
context and of `view`. A widget does no I/O: what a form gives is returned from `submit` and stored by the engine. Of the same
view it says the same: where only the number is known, what it said on one page is kept for others.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from .addresses import mail_address, phone_number
from .context import StoreView
from .message import Kind, Reach, Topic
from .models import Status
from .order import Country, CustomerFacts, Money
from .subscription import push_subscription


class NoWidgetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """For a widget that needs none."""


class Need(StrEnum):
    """What a widget may ask to see. What it does not name in `needs` is empty in its view, whoever reads the page."""

    SHIPMENT = "shipment"
    ORDER = "order"  # level 1
    ITEMS = "items"  # level 1
    CUSTOMER = "customer"  # level 1
    CODE = "code"  # level 1: the code that the order has of this widget
    MESSAGES = "messages"  # level 1: by which ways the customer may be told of the order, and what is on
    VOICES = "voices"  # what customers said, and the shop approved


class When(Struct, frozen=True, forbid_unknown_fields=True):
    """When a widget shows; every rule that is set must hold, one that is empty always does.

    `status` and `except_status` are of the parcel; `from_day` and `to_day` are whole days since that status began;
    `markets` are countries the parcel goes to (ISO 3166-1), `languages` those of the page (BCP 47; `pt` covers `pt-BR`);
    `segments` are tags of the order or the customer, one of which must be there; `orders_from` and `orders_to` count the
    customer's orders; `value_from` is what they are worth; `level` is the reader's proof level. A rule about an order or
    a customer does not hold where none is known.
    """

    status: tuple[Status, ...] = ()
    except_status: tuple[Status, ...] = ()
    from_day: Annotated[int, Meta(ge=0, le=3650)] = 0
    to_day: Annotated[int, Meta(ge=0, le=3650)] | None = None
    markets: tuple[Country, ...] = ()
    languages: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    orders_from: Annotated[int, Meta(ge=0)] = 0
    orders_to: Annotated[int, Meta(ge=0)] | None = None
    value_from: Money | None = None
    level: Annotated[int, Meta(ge=0, le=2)] = 0


class FriendRule(Struct, frozen=True):
    """What a code is for that brings friends.

    Its link leads to `landing`, with the code as its `parameter`. A reward is earned `days` days after the friend's order
    has arrived. Of those whom one code brings `most_a_day` count in a day, and `most` in all.
    """

    landing: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
    parameter: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.~-]{1,64}$")] = "ref"
    days: Annotated[int, Meta(ge=0, le=365)] = 14
    most_a_day: Annotated[int, Meta(ge=1)] = 5
    most: Annotated[int, Meta(ge=1)] = 50


class CodeRule(Struct, frozen=True):
    """How an order gets a code of a widget when it comes in; never by looking at a page.

    With a `pool` it is one of those that the shop has put there, else the engine makes one: `prefix` and eight letters and
    digits that nobody mistakes for others. `per_customer`: one for all orders with the same e-mail address. It ends with the
    day `lasts` days after `start`; None: never. With `friends` it is used by many, to bring them.
    """

    pool: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] = ""
    prefix: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})?$")] = ""
    per_customer: bool = False
    lasts: Annotated[int, Meta(ge=1, le=3650)] | None = None
    start: Literal["placed", "delivered"] = "placed"
    friends: FriendRule | None = None


class CodeFacts(Struct, frozen=True):
    """The code that an order has of a widget. It holds to the end of the day `ends`. `link` is the address that brings
    friends, `friends` how many came by it, and `earned` how many of them earned a reward."""

    code: str
    ends: date | None = None
    redeemed: bool = False
    friends: int = 0
    earned: int = 0
    link: str = ""  # the address that brings friends, where the rule has any


class Voice(Struct, frozen=True):
    """What a customer said, and the shop approved to be shown to others."""

    text: str
    score: int  # of five; 0 where none was given
    name: str = ""  # as the customer wants to be called
    language: str = ""  # BCP 47
    day: date | None = None


class Agreed(StrEnum):
    """How a topic of messages stands: off, asked for and waiting for the address to confirm it, or on."""

    OFF = "off"
    ASKED = "asked"
    ON = "on"


class Way(Struct, frozen=True):
    """A way by which an order's customer may be told: `shown` is the address as far as its owner needs to know it again (empty:
    none is known), `states` are the topics. `settled`: another address cannot be written."""

    reach: Reach
    shown: str = ""
    states: Mapping[Topic, Agreed] = {}
    settled: bool = False


class Browsers(Struct, frozen=True):
    """How the reader's own browser may be told: `key` is what it subscribes with (`applicationServerKey`), `known` are those
    that are told already, each as the SHA-256 of its endpoint (base64)."""

    key: str
    known: tuple[str, ...] = ()


class MessageFacts(Struct, frozen=True):
    """By which ways the customer of an order may be told of it; none: the store sends nothing. `url` leads to where they are
    chosen; `browsers` is there where the store reaches browsers."""

    ways: tuple[Way, ...] = ()
    url: str = ""
    browsers: Browsers | None = None


class ConsentRequest(Struct, frozen=True):
    """Somebody wants messages about these topics: at the address that the order has, or at this `address` (an e-mail address,
    a number in E.164, or a browser's subscription) where it has none. The engine asks the address itself, before anything is
    sent there; a browser has asked whoever sits before it."""

    reach: Reach
    topics: tuple[Topic, ...]
    address: str = ""

    def __post_init__(self) -> None:
        wholes = {Reach.EMAIL: mail_address, Reach.PHONE: phone_number, Reach.PUSH: push_subscription}
        whole = wholes.get(self.reach, str)
        if self.address and whole(self.address) != self.address:
            raise ValueError(f"the address is no whole one of {self.reach}")


class Source(Struct, frozen=True):
    """What a widget needs from outside. The engine reads it, keeps it and asks again; the widget gets what `read` makes of it.

    `address` is https://… or a file, relative to `doorstep.toml`; `read` is pure, gets the bytes and the content type (or
    the file's name), and raises ValueError with what is wrong and where; what it had to leave out it tells as a `PartRead`.
    `every` is in seconds, `largest` in bytes. The last good one stays while a newer one cannot be had. Where there need not be
    one (`may_lack`), HTTP 404 or 410, or a file that is not there, means nothing: its value is None, and nobody is told.
    """

    name: str
    address: str
    read: Callable[[bytes, str], Any]
    every: float = 900.0
    largest: int = 20_000_000
    may_lack: bool = False

    @property
    def is_remote(self) -> bool:
        return self.address.lower().startswith(("https://", "http://"))


class Mistake(Struct, frozen=True):
    """What `read` left out of a source: its line (0 where there are none), and why."""

    line: int
    reason: str


class PartRead(Struct, frozen=True):
    """A `value` without what was wrong in its source: how much that is, and the first of the mistakes."""

    value: Any
    left_out: int
    mistakes: tuple[Mistake, ...]


class ShipmentFacts(Struct, frozen=True):
    """What a widget may know of the shipment at proof level 0: nothing that tells one parcel from another."""

    carrier: str
    status: Status
    final: bool
    delayed: bool
    country: str  # of the destination, when known
    days: int | None = None  # whole days since this status began, where that is known


class OrderFacts(Struct, frozen=True):
    """What a widget may know of the order from proof level 1 on; no name, no address."""

    id: str
    placed_on: date
    country: str = ""
    tags: tuple[str, ...] = ()
    quantity: int = 0  # pieces


class ItemFacts(Struct, frozen=True):
    """A line of the order, as far as a widget may know it, from proof level 1 on."""

    name: str
    quantity: int = 1
    sku: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    url: str = ""


class WidgetView(Struct, frozen=True):
    """What a widget sees: of the shop and the page always, of the rest what it names in `needs`.

    `language` is the page's (BCP 47), `today` the shop's day; `done` is true on the page shown after its form was sent.
    `answers` are those that the order gave already, by widget (of `answers_of`) and moment; `sources` what was read, by name
    (missing until it was). `shipment` is None while an order has none that its carrier knows.
    """

    store: StoreView
    language: str
    level: int
    today: date
    action: str  # where the widget's form posts to
    shipment: ShipmentFacts | None = None
    order: OrderFacts | None = None
    items: tuple[ItemFacts, ...] = ()
    customer: CustomerFacts | None = None
    code: CodeFacts | None = None
    messages: MessageFacts | None = None
    voices: tuple[Voice, ...] = ()
    answers: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}
    sources: Mapping[str, Any] = {}
    done: bool = False
    problem: str = ""  # translated: why the form was refused
    values: Mapping[str, str] = {}  # what was typed into the refused form


class Submission(Struct, frozen=True):
    """What a form gave. `data` is kept, one per shipment and `moment`, the last edit wins; nothing is, where it is empty and
    there are `consents`, which only the page of an order can ask for."""

    data: Mapping[str, Any] = {}
    moment: str = ""
    consents: tuple[ConsentRequest, ...] = ()


class FormProblem(Exception):
    """The form cannot be accepted; the message (a msgid) is translated and shown beside it, with what was typed."""


S = TypeVar("S", bound=Struct)


class Widget(Generic[S]):
    """Base of widgets. One instance per store, stateless."""

    name: ClassVar[str]
    slot: ClassVar[str] = "after_timeline"  # where it stands unless the store says otherwise
    settings_type: ClassVar[type[Struct]] = NoWidgetSettings
    example: ClassVar[
        Mapping[str, Any]
    ] = {}  # settings with which it is shown where no store has it, as in the preview
    when: ClassVar[When] = When()  # unless the store says otherwise, rule by rule
    needs: ClassVar[frozenset[Need]] = frozenset({Need.SHIPMENT})
    answers_of: ClassVar[tuple[str, ...]] = ()  # widgets whose answers of this order it sees, beside its own

    def __init__(self, settings: S) -> None:
        self.settings = settings

    def context(self, view: WidgetView) -> Struct | None:
        """What the template gets besides `view`, or None when there is nothing to say."""
        raise NotImplementedError(f"{type(self).__name__} has no context()")

    def sources(self, view: WidgetView) -> Sequence[Source]:
        """What it needs from outside for this view. Called with a view without `sources`."""
        return ()

    def codes(self) -> CodeRule | None:
        """How an order gets a code of this widget; None: it has none."""
        return None

    def follows(self, kind: Kind, item: ItemFacts | None = None) -> bool:
        """Whether a message leads to what it shows: of this item, or (None) of the whole order."""
        return False

    def submit(self, form: Mapping[str, str], view: WidgetView) -> Submission:
        """Reads a sent form. Raises FormProblem when it cannot be accepted."""
        raise FormProblem("This form cannot be sent.")
