"""Every state of every page, rendered in the process for one language after the other: what a shopper, or a merchant, reads."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from doorstep import order_forms, wording
from doorstep.access import Seen
from doorstep.clock import SystemClock
from doorstep.config import Config, Store
from doorstep.contexts import Contexts, Visit
from doorstep.database import Database
from doorstep.demo.month import send_month
from doorstep.fallback import fallback_page
from doorstep.freshness import Freshness
from doorstep.i18n import Localizer
from doorstep.insight_report import html as report
from doorstep.insights import Insights, insights, period
from doorstep.languages import tag_of
from doorstep.links import Proof, Ticket
from doorstep.lookup import Lookup, Outcome
from doorstep.metrics import Metrics
from doorstep.models import Document, Shipment, Status
from doorstep.order import Promise
from doorstep.order_forms import Typed
from doorstep.order_views import Addresses, Looked
from doorstep.orderbook import KeptOrder
from doorstep.packages import installed
from doorstep.plugins import load_plugins
from doorstep.preview import parcels
from doorstep.preview.cases import CASES, Shown
from doorstep.preview.orders import invented_order, looked_at
from doorstep.refusals import PROBLEMS
from doorstep.scenes import Scene, view_of
from doorstep.shops import Outfitter
from doorstep.views import Reader
from doorstep.widget import MessageFacts, Way, When
from doorstep.widget_rules.trial import Trial

from .letter_states import WAYS, Written, choosing, written

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
SHOP = "Leaf & Loom"
STORE = Store(
    name=SHOP, home_url="https://shop.example/", contact_url="https://shop.example/help", contact_email="help@shop.example",
    contact_phone="+44 20 7946 0000", return_url="https://shop.example/returns",
)  # fmt: skip
_AT = {
    "recipient.neighbour": Status.DELIVERED, "recipient.not_home": Status.DELIVERY_ATTEMPTED, "carrier.lost": Status.LOST,
    "recipient.business_closed": Status.DELIVERY_ATTEMPTED, "sender.cancelled": Status.CANCELLED,
    "sender.request": Status.RETURNING,
}  # fmt: skip
_TALKING = {"comment": True, "share": True}
_SURVEYS: tuple[dict[str, Any], ...] = (
    {"after_checkout": {"kind": "stars"}, "on_the_way": {"kind": "csat", **_TALKING},
     "after_delivery": {"kind": "nps", **_TALKING}, "review_url": "https://shop.example/review"},
    {"after_checkout": {"kind": "csat"}, "on_the_way": {"kind": "nps"}, "after_delivery": {"kind": "questions", "questions": [
        {"id": "a", "text": "7", "kind": "scale"}, {"id": "b", "text": "8"}]}},
    {"on_the_way": {"kind": "stars"}, "after_delivery": {"kind": "csat"}, "after_checkout": {"kind": "nps"}},
)  # fmt: skip
# What a form may say that was sent and not taken, beside what each page says of its own.
_REFUSED = (
    "You have answered often enough for now. Nothing you wrote is lost: please send it again in an hour.",
    "You have written to the shop often enough for now. Please wait an hour, or use its contact below.",
    "Your answer could not be read. Please try again.",
    "Your answer could not be saved just now. Please send it again in a minute.",
    "Your answer was not sent. Please send it again.",
    "Your message could not be saved just now. Nothing you wrote is lost: please send it again in a minute.",
    "Too many attempts. Please wait an hour before you try again.",
    "We cannot look your order up just now. Please try again in a minute.",
    "This form cannot be sent.",
    "This question cannot be answered for this parcel right now.",
    "Please write the number that we should call.",
    "Please answer at least one question.",
    "Please answer every question that is not optional.",
    "Please choose one of the answers.",
)
_PRODUCTS = "id\ttitle\tlink\tprice\tsale_price\tavailability\n" + "".join(
    f"{i}\t{i}\thttps://shop.example/{i}\t{i}9.00 EUR\t{sale}\t{there}\n"
    for i, (sale, there) in enumerate(
        (("", "in_stock"), ("9.00 EUR", "in_stock"), ("", "preorder"), ("", "backorder")), 1
    )
)
_REPORT_DAYS = period(None, None, today=NOW.date())
_SILENT = re.compile(r"(?s)<(script|style|svg)\b.*?</\1>|<!--.*?-->")
_NAMED = re.compile(r'\b(?:aria-label|title|placeholder|alt|data-copy|data-copied)="([^"]*)"')
_TAG = re.compile(r"<[^>]*>")
Change = Callable[[Scene], Scene]


class States:
    """A shop with everything switched on, in the classic theme, whose catalogs lie in a folder (`shipped("locales")`)."""

    def __init__(self, folder: Path) -> None:
        config = Config(stores={"main": STORE})
        self.plugins = load_plugins(config, installed())
        self.outfitter = Outfitter(config, self.plugins, clock=SystemClock(), metrics=Metrics())
        self.contexts = Contexts({**self.plugins.manifests, parcels.CARRIER.slug: parcels.CARRIER})
        self.shop = self.outfitter.shop("main", STORE)
        self._folder = folder
        self._trials: dict[str, Trial] = {}

    def localizer(self, language: str) -> Localizer:
        return self.shop.localizer(language)

    def pages(self, localizer: Localizer) -> Iterator[tuple[str, str]]:
        """Every state by its name, as HTML; what is no page is a text."""
        yield from self._tracking(localizer)
        yield from self._messages(localizer)
        yield from self._choosing(localizer)
        yield from self._orders(localizer)
        yield from self._widgets(localizer)
        yield "report", report(self._month, shop=SHOP, carriers={}, localizer=localizer, today=NOW.date())
        for code, problem in PROBLEMS.items():
            yield f"problem {code}", f"<p>{localizer.text(problem.title)}</p><p>{localizer.text(problem.detail)}</p>"

    def letters(self, localizer: Localizer) -> Iterator[Written]:
        """Every message by its name."""
        return written(self.shop, localizer, NOW)

    @cached_property
    def _month(self) -> Insights:
        database = Database("sqlite:///month.db", base=self._folder)
        database.open_now()
        try:
            with database.writing() as connection:
                send_month(connection, "main", today=NOW.date(), widgets=("cross_sell", "survey", "referral", "offer"))
            with database.reading() as connection:
                return insights(connection, "main", _REPORT_DAYS, ZONE, today=NOW.date())
        finally:
            database.close_now()

    def _visit(self, localizer: Localizer, path: str) -> Visit:
        return Visit(self.shop, Reader(localizer, NOW, ZONE, 1), path)

    def _html(self, shown: Shown, localizer: Localizer) -> str:
        return self.shop.look.render(shown.template, shown.context, localizer, {})

    def _tracking(self, localizer: Localizer) -> Iterator[tuple[str, str]]:
        for case in CASES.values():
            if not case.every_widget:
                visit = self._visit(localizer, f"/track/{case.name}")
                yield case.name, self._html(case.made(self.contexts, visit, NOW), localizer)
        for reason in wording.REASON:
            kind = reason.partition(".")[0]
            usual = {"customs": Status.CUSTOMS, "address": Status.EXCEPTION, "carrier": Status.EXCEPTION}
            made = parcels.at_status(_AT.get(reason, usual.get(kind, Status.IN_TRANSIT)), NOW)
            newest, *older = made.events
            because = structs.replace(made, reason=reason, events=(structs.replace(newest, reason=reason), *older))
            yield f"reason {reason}", self._of(because, localizer)
        moving = parcels.in_transit(NOW)
        for days in (-1, 1, 3, 9):
            yield f"expected in {days} days", self._of(_expected(moving, days), localizer)
        at_the_door = _expected(parcels.at_status(Status.DELIVERY_ATTEMPTED, NOW), 1, moving)
        yield "attempted and expected again", self._of(at_the_door, localizer)
        yield "of another carrier", self._of(structs.replace(moving, carrier_name="Fenland Post"), localizer)
        nowhen = tuple(
            structs.replace(one, moment=structs.replace(one.moment, local=None, instant=None)) for one in moving.events
        )
        yield "without times", self._of(structs.replace(moving, events=nowhen), localizer)

    def _of(self, shipment: Shipment, localizer: Localizer) -> str:
        lookup = Lookup(Outcome.FOUND, shipment.number, (shipment,), NOW, Freshness.FRESH, (parcels.CARRIER.slug,))
        context = self.contexts.of(self._visit(localizer, "/track/x"), lookup)
        return self._html(Shown("tracking.html", context), localizer)

    def _messages(self, localizer: Localizer) -> Iterator[tuple[str, str]]:
        for kind in wording.WITHOUT.keys() - {one.value for one in Outcome}:
            context = self.contexts.message(self._visit(localizer, "/x"), kind)
            yield f"message {kind}", self._html(Shown("error.html", context), localizer)
            yield f"plain {kind}", fallback_page(context)
        form = order_forms.lookup("/", localizer, order_forms.not_found({"order": "4711"}, localizer))
        asking = self.contexts.form(self._visit(localizer, "/"), "x", forms=(form,))
        yield "order not found", self._html(Shown("lookup.html", asking), localizer)

    def _choosing(self, localizer: Localizer) -> Iterator[tuple[str, str]]:
        for number, (hero, forms) in enumerate(choosing(localizer)):
            context = self.contexts.messages(self._visit(localizer, "/o/x/messages"), hero, forms)
            yield f"choosing messages {number}", self._html(Shown("messages.html", context), localizer)

    def _orders(self, localizer: Localizer) -> Iterator[tuple[str, str]]:
        moving, here = Status.IN_TRANSIT, Status.DELIVERED
        yield self._order("cancelled", localizer, cancelled=True)
        yield self._order("all arrived", localizer, here, here, until=1)
        yield self._order("a day late", localizer, here, until=-1)
        yield self._order("three days late", localizer, here, until=-3)
        yield self._order("in part", localizer, here, packed=True)
        yield self._order("in part, and more", localizer, here, Status.OUT_FOR_DELIVERY, packed=True)
        yield self._order("missed", localizer, Status.EXCEPTION, until=-2, reason="weather")
        yield self._order("slipping a day", localizer, moving, until=1)
        yield self._order("slipping", localizer, moving, until=0)
        yield self._order("at risk", localizer, Status.CUSTOMS, until=9, promise="at_risk")
        yield self._order("not scanned", localizer, Status.PENDING, known=False)
        every = (
            moving,
            Status.AVAILABLE_FOR_PICKUP,
            Status.LABEL_CREATED,
            Status.RETURNED,
            here,
            Status.DELIVERY_ATTEMPTED,
        )
        yield self._order("every state", localizer, *every)
        for said in _REFUSED:
            yield self._order(f"refused: {said}", localizer, here, typed=Typed("problem", {}, localizer.text(said)))
        for name in ("problem", "call", "not_received"):
            typed = Typed(name, {"text": "…"}, localizer.text("Please write what is wrong."))
            yield self._order(f"{name} refused", localizer, here, typed=typed)
            yield self._order(f"{name} sent", localizer, here, done=name)

    def _order(
        self, name: str, localizer: Localizer, *states: Status, until: int | None = None, reason: str = "", promise: str = "",
        cancelled: bool = False, packed: bool = False, known: bool = True, typed: Typed | None = None, done: str = "",
    ) -> tuple[str, str]:  # fmt: skip
        looked = [_looked(i, status, reason=reason, known=known) for i, status in enumerate(states, 1)]
        kept = _kept(looked, until=until, promise=promise, cancelled=cancelled, packed=packed)
        visit = self._visit(localizer, "/o/x/")
        at = Addresses("/o/x/", "/track/")
        seen = Seen(kept, 2, Ticket(kept.id, Proof.LINK, NOW + timedelta(days=30), 1))
        forms = order_forms.reports(looked, at, localizer, typed=typed, done=done)
        for email, postcode in ((b"x", None), (None, b"x"), (b"x", b"x")):
            other = structs.replace(kept, email_hash=email, postcode_hash=postcode)
            asked = order_forms.second(
                structs.replace(seen, level=1, order=other), at, localizer, order_forms.not_proved({}, localizer)
            )
            forms += (asked,) if asked else ()
        context = self.contexts.order(visit, seen, looked, at, forms)
        return f"order {name}", self._html(Shown("order.html", context), localizer)

    def _widgets(self, localizer: Localizer) -> Iterator[tuple[str, str]]:
        for settings in _SURVEYS:
            for status in (Status.PENDING, Status.IN_TRANSIT, Status.DELIVERED):
                yield self._widget("survey", localizer, settings, status)
        for score in (2, 8, 10):
            yield self._widget("survey", localizer, _SURVEYS[0], change=_answered(score, done="survey"))
        yield self._widget("review", localizer, {"url": "https://shop.example/"}, change=_answered(10))
        for name in ("offer", "loyalty", "referral", "content", "cross_sell"):
            for level in (0, 1):
                yield self._widget(name, localizer, self.plugins.registered.widgets[name].type.example, level=level)
        loyalty = {"rewards": [{"points": 150, "name": "7"}, {"points": 900, "name": "8"}]}
        for points in (0, 1, 149, 480, 2000):
            yield self._widget("loyalty", localizer, loyalty, change=_with_points(points))
        referral = {
            "link": "https://shop.example/",
            "reward": "7",
            "friend_reward": "8",
            "terms_url": "https://shop.example/t",
        }
        for friends, earned in ((0, 0), (1, 1), (2, 2), (5, 3)):
            yield self._widget("referral", localizer, referral, change=_with_code(friends=friends, earned=earned))
        yield self._widget(
            "offer", localizer, {"text": "7", "terms_url": "https://shop.example/t"}, change=_with_code(ends=None)
        )
        for ways in (WAYS, WAYS[1:], (structs.replace(WAYS[0], states={}),)):
            yield self._widget("notify", localizer, {}, change=_told_by(ways))
        yield self._widget("cross_sell", localizer, {"feed": "products.tsv", "count": 6}, feed=_PRODUCTS)

    def _widget(
        self, name: str, localizer: Localizer, settings: Any, status: Status = Status.DELIVERED, *, level: int = 1,
        change: Change = lambda page: page, feed: str = "",
    ) -> tuple[str, str]:  # fmt: skip
        trial = self._trial(name, settings)
        page = change(trial.page(tag_of(localizer.language), level=level, status=status))
        placed = structs.replace(trial.own, when=When())
        view = view_of(page, placed.declared)
        read = {one.name: one.read(feed.encode(), "p.tsv") for one in placed.widget.sources(view)} if feed else {}
        view = structs.replace(view, sources={key: getattr(value, "value", value) for key, value in read.items()})
        context = placed.widget.context(view)
        written = (
            trial.shop.look.render_widget(name, context, view, localizer, "", widget_id=trial.id) if context else ""
        )
        return f"widget {name} {status} {settings}", str(written)

    def _trial(self, name: str, settings: Any) -> Trial:
        key = f"{name} {settings}"
        if key not in self._trials:
            self._trials[key] = Trial(self.plugins.registered.widgets[name], self.outfitter, dict(settings), {})
        return self._trials[key]


def spoken(page: str) -> list[str]:
    """The texts of a page, and those of attributes that are read out."""
    page = _SILENT.sub(" ", page)
    listed = [*_NAMED.findall(page), *_TAG.split(page)]
    return [text for one in listed if (text := " ".join(html.unescape(one).split()))]


def _expected(shipment: Shipment, days: int, like: Shipment | None = None) -> Shipment:
    window = (like or shipment).window
    assert window is not None
    assert window.start is not None
    moved = structs.replace(window.start, local=(NOW + timedelta(days=days)).replace(tzinfo=None))
    return structs.replace(shipment, window=structs.replace(window, start=None, end=moved))


def _looked(i: int, status: Status, *, reason: str, known: bool) -> Looked:
    looked = looked_at(i, status, NOW)
    documents = tuple(Document(kind, kind) for kind in ("proof_of_delivery", "signature", "photo", "letter"))
    shipment = (
        structs.replace(looked.shipment, reason=reason, documents=documents) if looked.shipment and known else None
    )
    return structs.replace(looked, shipment=shipment)


def _kept(looked: list[Looked], *, until: int | None, promise: str, cancelled: bool, packed: bool) -> KeptOrder:
    inside = tuple(one.parcel if packed else structs.replace(one.parcel, items=()) for one in looked)
    kept = invented_order(inside, NOW)
    order = structs.replace(kept.order, cancelled_at=NOW if cancelled else None)
    promised = kept.promised if until is None else Promise(None, NOW.date() + timedelta(days=until))
    return structs.replace(kept, order=order, promised=promised, promise=promise)


def _answered(score: int, done: str = "") -> Change:
    answer = {"survey": {"after_delivery": {"score": score, "of": 10}}}
    return lambda page: structs.replace(page, answers=answer, done=done)


def _told_by(ways: tuple[Way, ...]) -> Change:
    return lambda page: structs.replace(page, messages=MessageFacts(ways, "/o/x/messages"))


def _with_points(points: int) -> Change:
    return lambda page: structs.replace(page, customer=page.customer and structs.replace(page.customer, points=points))


def _with_code(**facts: Any) -> Change:
    return lambda page: structs.replace(
        page, codes={key: structs.replace(one, **facts) for key, one in page.codes.items()}
    )
