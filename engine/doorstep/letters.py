"""Writes messages: from a job to what a channel sends, in the store's look and the reader's language, from what is so now."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec
import structlog
from markupsafe import Markup
from msgspec import Struct, structs

from .context import Link, StoreView
from .errors import ThemeError
from .fallback import fallback_letter
from .jobs import Job
from .languages import negotiate
from .letter import LetterContext, LetterInfo
from .letter_markup import markup_of
from .letter_text import short_text, text_part
from .letter_views import Said, Wanted, because, carrier_name, contact_links, expected_days, picture, say, whole
from .lines import header, one_line
from .mail_styles import inlined, inliner
from .message import Kind, Message, Reach, Topic
from .message_words import CHOOSE, UNSUBSCRIBE
from .order_views import Looked
from .orderbook import KeptOrder
from .secret import Secret
from .shops import Shop, Shops
from .views import Reader

LARGEST = 100_000  # bytes of HTML: Gmail cuts longer mails, and with them the way to get no more
_WITH_HTML = (Reach.EMAIL, Reach.SHOP)

log = structlog.get_logger("doorstep.letters")


class LetterLinks(Protocol):
    """The signed addresses that messages lead to."""

    def order(self, order: KeptOrder, kind: Kind) -> str: ...

    def preferences(self, order: KeptOrder) -> str: ...

    def unsubscribe(self, order: KeptOrder, topic: Topic, reach: Reach) -> str: ...

    def confirm(self, order: KeptOrder, reach: Reach, to: Secret) -> str: ...

    def opened(self, order: KeptOrder, message: str) -> str: ...


class Told(Struct, frozen=True, omit_defaults=True):
    """`Message.event`: what a shop's own sender gets, as JSON. No name and no address of a person. `status` is the parcel's
    (`doorstep.models.Status`), `expected` the day on which its carrier expects to deliver it; `item` is what HOW_TO, REPLENISH
    and WARRANTY are about. What there is none of is left out."""

    kind: Kind
    shop: str
    link: str
    order: str = ""
    parcel: str = ""
    carrier: str = ""
    status: str = ""
    expected: str = ""
    item: str = ""


class Composer:
    """Writes the messages of all stores. `links` gives the addresses that they lead to. Raises ConfigError where a store sends
    messages and what mails need is not installed."""

    def __init__(self, shops: Shops, links: LetterLinks) -> None:
        if any(shop.config.messages.channels for shop in shops.all):
            inliner()
        self._shops = shops
        self._links = links
        self._thread = ThreadPoolExecutor(
            1, "doorstep-letters"
        )  # more would wait for each other: it is work of the processor

    async def compose(self, job: Job, order: KeptOrder, looked: Sequence[Looked], to: Secret, at: datetime) -> Message:
        """The message of a job. In a thread: it takes a millisecond or two, and others are served meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self.write, job, order, looked, to, at)

    def write(self, job: Job, order: KeptOrder, looked: Sequence[Looked], to: Secret, at: datetime) -> Message:
        """The same, here and now. Raises LookupError for a store that there is not."""
        shop = next((shop for shop in self._shops.all if shop.id == job.store), None)
        if shop is None:
            raise LookupError(f"there is no store {job.store!r}")
        letter = Letter(shop, self._links, job, order, looked, to, at)
        return letter.message(_somehow(letter) if job.reach in _WITH_HTML else "")


class Letter:
    """A message of a store while it is made. `context` is what its template sees."""

    def __init__(
        self,
        shop: Shop,
        links: LetterLinks,
        job: Job,
        order: KeptOrder,
        looked: Sequence[Looked],
        to: Secret,
        at: datetime,
    ) -> None:
        self._wanted = wanted = _wanted(shop, job, order, looked, at)
        self._to = to
        self._said = say(wanted)
        self._localizer = wanted.reader.localizer
        self.look = shop.looks.find(order.order.country, self._localizer.language, wanted.reader.today)
        self._unsubscribe = links.unsubscribe(order, wanted.kind.topic, job.reach)
        asks = wanted.kind is Kind.CONFIRM
        address = links.confirm(order, job.reach, to) if asks else links.order(order, wanted.kind)
        context = _context(wanted, self._said, address, "" if asks else links.preferences(order), self._unsubscribe)
        self.context = structs.replace(
            context,
            settings=self.look.settings,
            pixel=links.opened(order, job.id) if _counts_opened(shop, job) else "",
            sheet=Markup(self.look.mail_sheet),  # noqa: S704  # a theme's
            markup=markup_of(wanted, context),
        )

    def html(self) -> str:
        """As the store's theme has it. Raises ThemeError with file and line."""
        html = inlined(self.look.render_letter(self.context, self._localizer))
        if (size := len(html.encode())) > LARGEST:
            raise ThemeError(f"the mail has {size} bytes, and {LARGEST} is the most", next_step="show less of an order")
        return html

    def message(self, html: str) -> Message:
        """What a channel gets."""
        context, job = self.context, self._wanted.job
        sentence = context.hero.headline if len(job.kinds) > 1 else self._said.subject
        return Message(
            id=job.id,
            store=job.store,
            kind=self._wanted.kind,
            to=self._to,
            language=context.letter.language,
            subject=context.letter.subject,
            preheader=context.letter.preheader,
            html=html,
            text=text_part(context, self._localizer),
            short=short_text(context.store.name, header(sentence), context.button.url, self._localizer),
            link=context.button.url,
            preferences=context.preferences.url if context.preferences else "",
            unsubscribe=self._unsubscribe,
            event=_event(self._wanted, self._said, context),
            at=self._wanted.reader.now,
        )


def _counts_opened(shop: Shop, job: Job) -> bool:
    """Of mails alone, and none to an address that nobody has confirmed."""
    return shop.config.messages.opened and job.reach is Reach.EMAIL and Kind.CONFIRM not in job.kinds


def _somehow(letter: Letter) -> str:
    """The mail by the store's theme; where that fails, the plain one."""
    try:
        return letter.html()
    except ThemeError as error:
        log.error("the theme failed, a plain mail is sent", theme=letter.look.theme.name, reason=str(error))
        return fallback_letter(letter.context)


def _wanted(shop: Shop, job: Job, order: KeptOrder, looked: Sequence[Looked], at: datetime) -> Wanted:
    asked = (job.language or order.order.language).replace("_", "-")
    language = negotiate(asked, "", shop.languages, shop.config.language)
    reader = Reader(shop.localizer(language), at, ZoneInfo(shop.config.timezone), level=1)
    origin = shop.config.public_url.rstrip("/")
    return Wanted(job, order, looked, reader, _from_outside(shop.view, origin), shop.config.image_hosts, origin)


@lru_cache(256)  # what is the same object, a theme writes once
def _from_outside(store: StoreView, origin: str) -> StoreView:
    """The shop as a mail shows it: whole addresses, and no logo that mail programs do not draw."""
    return structs.replace(
        store,
        base=origin + store.base,
        home_url=whole(store.home_url, origin),
        logo_url=picture(store.logo_url, origin),
        contact_url=whole(store.contact_url, origin),
        return_url=whole(store.return_url, origin),
    )


def _context(wanted: Wanted, said: Said, address: str, preferences: str, unsubscribe: str) -> LetterContext:
    localizer, kind, order = wanted.reader.localizer, wanted.kind, wanted.order
    text, asks = localizer.text, kind is Kind.CONFIRM
    subject = header(said.subject)
    first = said.hero.headline if said.hero.headline != said.subject else ""
    preheader = " · ".join(filter(None, (first, said.hero.when, "" if said.hero.when else said.hero.detail)))
    return LetterContext(
        store=wanted.store,
        letter=LetterInfo(kind.value, localizer.tag, localizer.dir, subject, header(preheader)),
        hero=said.hero,
        button=Link(said.button, address),
        notes=said.notes,
        steps=said.steps,
        order="" if asks else one_line(order.order.number),
        parcels=said.parcels,
        others=said.others,
        more=said.more,
        items=said.items,
        reason=because(wanted),
        preferences=None if asks else Link(text(CHOOSE), preferences),
        unsubscribe=None if asks else Link(text(UNSUBSCRIBE), unsubscribe),
        contact=contact_links(wanted.store, localizer),
    )


def _event(wanted: Wanted, said: Said, context: LetterContext) -> Mapping[str, Any]:
    told = Told(wanted.kind, context.store.name, context.button.url)
    if wanted.kind is not Kind.CONFIRM:
        item = said.items[0].name if said.items else ""
        told = structs.replace(told, order=wanted.order.order.number, item=item)
    if said.parcels:
        speaking = wanted.concerned[0]
        _, expected = expected_days(speaking)
        told = structs.replace(
            told,
            parcel=speaking.parcel.number,
            carrier=carrier_name(speaking),
            status=speaking.parcel.status if speaking.shipment is None else speaking.shipment.status.value,
            expected=expected.isoformat() if expected else "",
        )
    event: Mapping[str, Any] = msgspec.to_builtins(told)
    return event
