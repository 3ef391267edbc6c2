"""From a look-up to the values of its page, whatever the outcome: what templates, the JSON view model and the terminal show."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from . import order_views, views
from .access import Seen
from .banner import Banner
from .context import Choice, FormView, Hero, Language, Link, LookupForm, Notice, OrderView, PageContext, PageInfo, Tone
from .draft_links import LONGEST_TOKEN, PARAMETER
from .i18n import N_
from .languages import direction_of, name_of, tag_of
from .looks import Look
from .lookup import Lookup, Outcome
from .made_once import once
from .manifest import Manifest
from .models import Shipment, Status
from .order_views import Addresses, Looked
from .proof import seen as seen_by
from .shops import Shop
from .views import Reader

EMBED = "embed"  # a parameter: the page stands in a frame
REFRESH = 3  # seconds until a waiting page looks again
STATUS = {
    Outcome.FOUND: 200, Outcome.CHOOSE: 200, Outcome.LINK_ONLY: 200, Outcome.WAITING: 202,
    Outcome.NOT_FOUND: 404, Outcome.UNRECOGNISED: 404, Outcome.UNAVAILABLE: 503,
}  # fmt: skip
# Parameters that stay with a page from link to link, and how much of them.
_LONGEST_TYPED = 1000  # characters that are shown again: several numbers, however they are written
_CARRIED = {"carrier": 64, "parcel": 64, "lang": 64, EMBED: 64, PARAMETER: LONGEST_TOKEN}
ALL_EVENTS = {"events": "all"}  # another, of a page that has more than the newest
_SHOP_HELPS = frozenset({Status.EXCEPTION, Status.LOST, Status.RETURNED, Status.CANCELLED})


def carried_of(params: Mapping[str, str]) -> dict[str, str]:
    """Of the parameters of an address those that stay."""
    if not params:
        return {}
    kept = {key: value[:most] for key, most in _CARRIED.items() if (value := params.get(key))}
    return {**kept, **ALL_EVENTS} if params.get("events") == "all" else kept


class Visit(Struct, frozen=True, dict=True):
    """Who looks at what: the store, the reader, the path below the store's own, the parameters of the address."""

    shop: Shop
    reader: Reader
    path: str
    params: Mapping[str, str] = {}
    banners: tuple[Banner, ...] = ()
    home: str = ""  # the page's own address, where a form's is below it
    country: str = ""  # where the parcel or order goes, where that is known

    @once
    def carried(self) -> dict[str, str]:
        return carried_of(self.params)

    def with_all_events(self, path: str) -> str:
        """The address of the page at this path with all its events; "" where they are shown already."""
        if "events" in self.carried:
            return ""
        return f"{self.link(path)}{'&' if self.carried else '?'}events=all"

    @property
    def kept(self) -> dict[str, str]:
        """Those that stay on the way to another parcel, too: how the page is shown, not what is on it."""
        known = {"lang": self.reader.localizer.tag, EMBED: "1"}  # what else stands there is no language, and no page's
        if self.shop.draft:
            known[PARAMETER] = self.params[PARAMETER]
        return {name: value for name, value in known.items() if self.carried.get(name) == value}

    @once
    def look(self) -> Look:
        return self.shop.looks.find(self.country, self.reader.localizer.language, self.reader.today)

    def link(self, path: str, **params: str) -> str:
        """The address of another page of this store, with the parameters that stay."""
        query = {**self.carried, **params}
        return f"{self.shop.view.base}{path}" + (f"?{urlencode(query)}" if query else "")


class Contexts:
    """Builds page contexts. `manifests` are all carriers, by slug."""

    def __init__(self, manifests: Mapping[str, Manifest]) -> None:
        self._manifests = manifests

    def of(self, visit: Visit, lookup: Lookup) -> PageContext:
        """The page of a look-up."""
        if lookup.outcome is Outcome.FOUND:
            return self._tracking(visit, lookup, lookup.shipments[0])
        if lookup.outcome is Outcome.CHOOSE:
            return self._choose(visit, lookup)
        return self._without_shipment(visit, lookup)

    def form(
        self, visit: Visit, typed: str = "", problem: str = "", *, forms: tuple[FormView, ...] = ()
    ) -> PageContext:
        """The page that asks for a number; `forms` are other ways in."""
        title = visit.reader.localizer.text(N_("Track your parcel"))
        shown = "".join(char for char in typed[:_LONGEST_TYPED] if char.isprintable())
        form = LookupForm(visit.link("/"), shown, problem, visit.kept)
        return self._page(visit, "lookup", title, lookup=form, forms=forms, banners=_banners(visit, [None]))

    def message(self, visit: Visit, kind: str, *, forms: tuple[FormView, ...] = ()) -> PageContext:
        """A page that only says something; `kind` is a key of `wording.WITHOUT`."""
        hero = views.hero_without(kind, visit.reader.localizer)
        return self._page(visit, "error", hero.headline, hero=hero, forms=forms)

    def messages(self, visit: Visit, hero: Hero, forms: tuple[FormView, ...]) -> PageContext:
        """A page on which messages are chosen, or that says what became of it."""
        return self._page(visit, "messages", hero.headline, hero=hero, forms=forms)

    def several(self, visit: Visit, lookups: Sequence[Lookup]) -> PageContext:
        """The list of several numbers, each with its answer."""
        title = visit.reader.localizer.text(N_("Your parcels"))
        choices = tuple(
            Choice(lookup.number, visit.link(f"/track/{lookup.number}"), self._answer(visit, lookup))
            for lookup in lookups
        )
        return self._page(visit, "choose", title, hero=Hero("choose", title), choices=choices)

    def order(
        self, visit: Visit, seen: Seen, looked: Sequence[Looked], at: Addresses, forms: tuple[FormView, ...]
    ) -> PageContext:
        """The page of an order."""
        reader, order = visit.reader, seen.order
        packing = order_views.packing(order, visit.shop.config.image_hosts, reader)
        hero = order_views.hero(order, looked, packing.unsent, reader)
        promise = order_views.promise(order, looked, packing.unsent, reader)
        if promise is not None and promise.state == "on_track" and not hero.when:
            hero = msgspec.structs.replace(hero, when=promise.text)
        if promise is not None and promise.detail:
            hero = msgspec.structs.replace(hero, delayed="")  # the promise says it better
        contact = visit.shop.view.contact_url
        if contact and hero.status in _SHOP_HELPS:
            hero = msgspec.structs.replace(hero, action=Link(reader.localizer.text(N_("Contact the shop")), contact))
        parcels = [order_views.parcel_view(one, packing.packed.get(one.parcel.id, ()), at, reader) for one in looked]
        told: dict[str, Any] = {
            "number": order.order.number,
            "note": order.order.note,
            "items": packing.somewhere,
            "promised": promise,
        }
        visible = seen_by(seen.level, "order", told)
        view = OrderView(
            number=visible["number"],
            groups=order_views.groups(parcels, reader),
            parcels=len(parcels),
            items=visible["items"],
            unsent=packing.unsent,
            promise=visible["promised"],
            note=visible["note"],
            facts=order_views.facts(order, reader),
            return_url=visit.shop.config.return_url,
            feed_url=at.below("feed.atom"),
            qr_url=at.below("qr.svg"),
        )
        known = [one.shipment for one in looked]
        waiting = any(one.shipment is None and one.outcome is Outcome.WAITING for one in looked)
        return self._page(
            visit,
            "order",
            hero.headline,
            refresh=REFRESH if waiting else 0,
            hero=hero,
            steps=order_views.steps(order, looked, reader),
            banners=_banners(visit, known or [None], order.order.country),
            order=view,
            forms=forms,
        )

    def _answer(self, visit: Visit, lookup: Lookup) -> str:
        """A look-up in a few words."""
        if lookup.outcome is Outcome.FOUND:
            hero = views.hero(lookup.shipments[0], visit.reader)
            return " · ".join(filter(None, (hero.headline, hero.when)))
        context = self.of(visit, lookup)
        return context.hero.headline if context.hero else ""

    def _tracking(self, visit: Visit, lookup: Lookup, shipment: Shipment) -> PageContext:
        reader, manifest = visit.reader, self._manifests[shipment.carrier]
        fetched_at = reader.past(lookup.fetched_at)
        hero = views.hero(shipment, reader)
        contact = visit.shop.view.contact_url
        if contact and (shipment.status in _SHOP_HELPS or shipment.action_required):
            hero = msgspec.structs.replace(hero, action=Link(reader.localizer.text(N_("Contact the shop")), contact))
        return self._page(
            visit,
            "tracking",
            hero.headline,
            hero=hero,
            steps=views.progress(shipment, reader),
            banners=_banners(visit, [shipment]),
            notice=views.notice(lookup.freshness, manifest, reader, fetched_at),
            shipment=views.shipment_view(
                shipment, manifest, reader, fetched_at, rest=visit.with_all_events(f"/track/{lookup.number}")
            ),
        )

    def _choose(self, visit: Visit, lookup: Lookup) -> PageContext:
        text = visit.reader.localizer.text
        several = len({shipment.carrier for shipment in lookup.shipments}) > 1
        choices = []
        for shipment in lookup.shipments:
            url = visit.link(f"/track/{lookup.number}", carrier=shipment.carrier, parcel=shipment.id)
            hero = views.hero(shipment, visit.reader)
            detail = " · ".join(filter(None, (hero.headline, hero.when)))
            choices.append(Choice(shipment.carrier_name or self._manifests[shipment.carrier].name, url, detail))
        question = (
            text(N_("Which carrier brings your parcel?")) if several else text(N_("Which of these parcels is yours?"))
        )
        hero = Hero("choose", question, text(N_("This number belongs to more than one parcel.")), icon="question")
        return self._page(visit, "choose", question, hero=hero, choices=tuple(choices))

    def _without_shipment(self, visit: Visit, lookup: Lookup) -> PageContext:
        outcome, localizer = lookup.outcome, visit.reader.localizer
        manifests = [self._manifests[slug] for slug in lookup.carriers]
        names = localizer.alternatives([manifest.name for manifest in manifests[:3]]) if manifests else ""
        hero = views.hero_without(outcome.value, localizer, carrier=names)
        linked = [manifest for manifest in manifests if manifest.link]
        if outcome in (Outcome.LINK_ONLY, Outcome.UNAVAILABLE) and linked:
            label = localizer.text(N_("See it at %(carrier)s"), carrier=linked[0].name)
            hero = msgspec.structs.replace(hero, action=Link(label, linked[0].link_for(lookup.number, localizer.tag)))
        others = linked[1:] if outcome is Outcome.LINK_ONLY else []
        unknown = outcome in (Outcome.NOT_FOUND, Outcome.UNRECOGNISED)
        return self._page(
            visit,
            "tracking",
            hero.headline,
            refresh=REFRESH if outcome is Outcome.WAITING else 0,
            hero=hero,
            choices=tuple(Choice(one.name, one.link_for(lookup.number, localizer.tag)) for one in others),
            lookup=LookupForm(visit.link("/"), lookup.number, kept=visit.kept) if unknown else None,
            banners=_banners(visit, [None]),
        )

    def _page(self, visit: Visit, kind: str, title: str, *, refresh: int = 0, **values: object) -> PageContext:
        shop, localizer = visit.shop, visit.reader.localizer
        look = visit.look
        info = PageInfo(
            kind=kind,
            title=f"{title} · {localizer.isolate(shop.config.name)}",
            language=localizer.tag,
            dir=localizer.dir,
            languages=_languages(visit),
            refresh=refresh,
            url=visit.home or visit.link(visit.path),
            embedded=EMBED in visit.carried,
            draft=shop.draft,
        )
        sections = look.order_sections if kind == "order" else look.sections
        return PageContext(shop.view, info, look.settings, sections, look.theme.aside, **values)  # type: ignore[arg-type]


def _languages(visit: Visit) -> tuple[Language, ...]:
    """The page in each language of the shop. A tag is letters, digits and hyphens, which an address takes as they are."""
    own = visit.reader.localizer.language
    kept = urlencode({key: value for key, value in visit.carried.items() if key != "lang"})
    url = f"{visit.home}?{kept}&lang=" if kept else f"{visit.home}?lang="
    return _menu(visit.shop.languages, own, url)


@lru_cache(1024)
def _menu(languages: tuple[str, ...], own: str, url: str) -> tuple[Language, ...]:
    """The same for most pages; what is the same object, a theme writes once."""
    return tuple(
        Language(tag_of(one), name_of(one), url + tag_of(one), direction_of(one), one == own) for one in languages
    )


def _banners(visit: Visit, shipments: Iterable[Shipment | None], country: str = "") -> tuple[Notice, ...]:
    """What the shop tells many shoppers at once, where it is meant for one of these parcels."""
    reader, listed = visit.reader, list(shipments)
    more = reader.localizer.text(N_("Read more"))
    return tuple(
        Notice(
            banner.says(reader.localizer.tag, visit.shop.config.language),
            Tone.NEUTRAL,
            Link(more, banner.url) if banner.url else None,
        )
        for banner in visit.banners
        if any(banner.shown(reader.now, shipment, country) for shipment in listed)
    )
