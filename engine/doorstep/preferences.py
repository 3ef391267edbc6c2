"""The page on which messages are chosen, for whoever has a link to the order; and what the links in messages lead to.

A `GET` changes nothing: what scans mails follows their links. The one exception to forms from own pages alone is a mailbox's
one-click POST (RFC 8058), which the signed address speaks for.
"""

from collections.abc import Sequence
from functools import partial

import structlog
from msgspec import Struct, structs
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from . import consent_forms, order_forms
from . import message_words as words
from .access import Access
from .consents import Consents, Standing
from .context import FormView, Hero, Link, Tone
from .contexts import Contexts, Visit
from .database import Database
from .errors import StoreError
from .forms import own_origin
from .limits import Limits
from .message import Kind, Topic
from .message_links import Confirm, MessageLinks, Unsubscribe
from .order_forms import Missing, Typed
from .order_pages import PRIVATE
from .orderbook import KeptOrder, OrderBook
from .plugins import Plugins
from .shops import Shop
from .visits import TOO_OFTEN, form_of, network_of, rendered, visit_of
from .widget import Way

_ONE_CLICK = "List-Unsubscribe"
_DONE = {"saved": words.SAVED, "asked": words.ASKED, "stopped": words.STOPPED}

log = structlog.get_logger("doorstep.preferences")


class _Sight(Struct, frozen=True):
    """Who looks, at which order, and what is on."""

    visit: Visit
    order: KeptOrder
    ways: tuple[Way, ...]


class Preferences:
    """Endpoints `/o/{token}/messages` and `/m/{token}`."""

    def __init__(
        self, access: Access, book: OrderBook, consents: Consents, links: MessageLinks, database: Database, limits: Limits,
        plugins: Plugins,
    ) -> None:  # fmt: skip
        self._access = access
        self._book = book
        self._consents = consents
        self._links = links
        self._database = database
        self._limits = limits
        self._contexts = Contexts(plugins.manifests)

    async def page(self, request: Request) -> Response:
        """`GET /o/{token}/messages`: what is on, by way and topic."""
        try:
            sight = await self._sight(request)
        except StoreError as error:
            return self._not_now(request, error)
        return self._shown(request, sight) if sight else self._gone(request)

    async def save(self, request: Request) -> Response:
        """`POST /o/{token}/messages`: keeps to it, then back to the page (303)."""
        form = await form_of(request)
        try:
            sight = await self._sight(request)
            return await self._saved(request, sight, form) if sight else self._gone(request)
        except StoreError as error:
            visit, typed = visit_of(request), Typed(consent_forms.NAME, form)
            at, localizer = visit.link(visit.path), visit.reader.localizer
            return self._not_now(request, error, order_forms.again(typed, at, localizer, words.QUESTION, words.SAVE))

    async def _saved(self, request: Request, sight: _Sight, form: dict[str, str]) -> Response:
        """Raises StoreError."""
        text, network = sight.visit.reader.localizer.text, network_of(request, self._limits.networks)
        if after := await self._limits.answer(consent_forms.NAME, sight.order.id, network):
            typed = Typed(consent_forms.NAME, form, text(TOO_OFTEN))
            return self._shown(request, sight, typed, 429, {"Retry-After": str(round(after) or 1)})
        if form.get(consent_forms.STOP):
            await self._database.write(partial(self._stop, sight=sight))
            return self._back(request, sight, "stopped")
        try:
            wishes = consent_forms.wishes(form, sight.ways)
        except Missing as missing:
            return self._shown(request, sight, Typed(consent_forms.NAME, form, text(str(missing))), 422)
        await self._database.write(partial(self._keep, sight=sight, wishes=wishes))
        return self._back(request, sight, "asked" if wishes.asked else "saved")

    async def letter(self, request: Request) -> Response:
        """`GET /m/{token}`: a button that does what the link is for."""
        try:
            found = await self._linked(request)
            if found is None:
                return self._gone(request)
            order, said = found
            visit = visit_of(request, language=order.order.language)
            if isinstance(said, Confirm):
                standing = await self._standing(order, said)
                return self._question(request, visit, standing)
        except StoreError as error:
            return self._not_now(request, error)
        localizer = visit.reader.localizer
        form = consent_forms.no_more(said.topic, said.reach, visit.link(visit.path), localizer)
        return self._said(request, visit, Hero("messages", localizer.text(words.UNSUBSCRIBE), icon="mail"), (form,))

    async def answer(self, request: Request) -> Response:
        """`POST /m/{token}`: acts at once, and says so; no redirect, which mailboxes do not follow."""
        form = await form_of(request)
        if form.get(_ONE_CLICK) != "One-Click" and not own_origin(request):
            return PlainTextResponse("This form was sent from another site.", 403)
        try:
            found = await self._linked(request)
            if found is None:
                return self._gone(request)
            order, said = found
            visit = visit_of(request, language=order.order.language)
            if isinstance(said, Unsubscribe):
                source = "one_click" if _ONE_CLICK in form else "mail"
                await self._database.write(partial(self._unsubscribe, order=order, said=said, source=source))
                return self._stopped(request, visit, order)
            if not own_origin(request):
                return PlainTextResponse("This form was sent from another site.", 403)
            topics = consent_forms.agreed(form)
            work = partial(self._consents.confirm, order=order, reach=said.reach, print=said.print, topics=topics)
            await self._database.write(work)
            return self._question(request, visit, await self._standing(order, said), words.CONFIRMED)
        except StoreError as error:
            return self._not_now(request, error)

    # The order

    async def _sight(self, request: Request) -> _Sight | None:
        """Raises StoreError."""
        shop: Shop = request.state.shop
        token = request.path_params["token"]
        seen = await self._access.by_token(token, shop.id)
        if seen is None:
            return None
        ways = await self._database.read(partial(self._consents.ways, order=seen.order))
        visit = visit_of(request, level=seen.level, language=seen.order.order.language)
        home = f"{shop.view.base}/o/{token}/messages"
        return _Sight(structs.replace(visit, home=home), seen.order, ways)

    async def _linked(self, request: Request) -> tuple[KeptOrder, Unsubscribe | Confirm] | None:
        """What a link in a message is for; None where it does not hold (any more) in this store. Raises StoreError."""
        said = self._links.read(request.path_params["token"])
        if said is None:
            return None
        order = await self._database.read(partial(self._book.by_id, order_id=said.order_id))
        shop: Shop = request.state.shop
        if order is None or order.store != shop.id or order.erased_at is not None:
            return None
        return (order, said) if order.link_generation == said.generation else None

    async def _standing(self, order: KeptOrder, said: Confirm) -> Standing:
        work = partial(self._consents.standing, order=order, reach=said.reach, print=said.print)
        return await self._database.read(work)

    # What is written

    def _keep(self, connection: Connection, sight: _Sight, wishes: consent_forms.Wishes) -> None:
        localizer = sight.visit.reader.localizer
        for reach, topics in wishes.off.items():
            if topics:
                self._consents.withdraw(connection, sight.order, topics, [reach], "preferences")
        for wanted in wishes.asked:
            shown = consent_forms.shown(wanted.reach, localizer, "preferences")
            self._consents.ask(connection, sight.order, wanted, shown)

    def _stop(self, connection: Connection, sight: _Sight) -> None:
        reaches = [way.reach for way in sight.ways]
        self._consents.withdraw(connection, sight.order, list(Topic), reaches, "preferences")

    def _unsubscribe(self, connection: Connection, order: KeptOrder, said: Unsubscribe, source: str) -> None:
        self._consents.withdraw(connection, order, [said.topic], [said.reach], source)

    # What is shown

    def _shown(
        self, request: Request, sight: _Sight, typed: Typed | None = None, status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:  # fmt: skip
        visit, localizer = sight.visit, sight.visit.reader.localizer
        action = visit.link(visit.path)
        forms = [consent_forms.choose(sight.ways, action, localizer, typed), consent_forms.stop(action, localizer)]
        done = _DONE.get(visit.params.get("done", "")) if typed is None else None
        said, tone = (localizer.text(done), Tone.GOOD) if done else ("", Tone.NEUTRAL)
        hero = Hero("messages", localizer.text(words.TITLE), said, tone=tone, icon="mail")
        return self._said(request, visit, hero, forms if sight.ways else (), status, headers)

    def _question(self, request: Request, visit: Visit, standing: Standing, done: str = "") -> Response:
        """What an address may agree to; or that it did."""
        text = visit.reader.localizer.text
        if standing.open:
            hero = Hero("messages", text(words.LETTERS[Kind.CONFIRM].subject), text(words.CONFIRM), icon="mail")
            form = consent_forms.agree(standing.open, visit.link(visit.path), visit.reader.localizer)
            return self._said(request, visit, hero, (form,))
        if not standing.is_on:
            return self._gone(request)
        hero = Hero("messages", text(words.TITLE), text(done or words.TOLD), tone=Tone.GOOD, icon="check")
        return self._said(request, visit, hero)

    def _stopped(self, request: Request, visit: Visit, order: KeptOrder) -> Response:
        text = visit.reader.localizer.text
        again = Link(text(words.CHOOSE), self._links.preferences(order))
        hero = Hero("messages", text(words.STOPPED), text(words.MISTAKEN), tone=Tone.GOOD, icon="check", action=again)
        return self._said(request, visit, hero)

    def _said(
        self, request: Request, visit: Visit, hero: Hero, forms: Sequence[FormView] = (), status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:  # fmt: skip
        context = self._contexts.messages(visit, hero, tuple(forms))
        return rendered(request, visit, "messages.html", context, status=status, headers={**PRIVATE, **(headers or {})})

    def _gone(self, request: Request) -> Response:
        """The answer to whoever has no link that holds, whichever way it does not."""
        visit = visit_of(request)
        text = visit.reader.localizer.text
        hero = Hero("messages", text(words.NO_LONGER), text(words.ASK_AGAIN), icon="link")
        return self._said(request, visit, hero, status=404)

    def _not_now(self, request: Request, error: StoreError, *forms: FormView) -> Response:
        log.error("messages cannot be chosen", reason=str(error))
        visit = visit_of(request)
        context = self._contexts.message(visit, "not_now", forms=forms)
        return rendered(request, visit, "error.html", context, status=503, headers={**PRIVATE, "Retry-After": "60"})

    def _back(self, request: Request, sight: _Sight, done: str) -> Response:
        return RedirectResponse(sight.visit.link(sight.visit.path, done=done), 303, PRIVATE)
