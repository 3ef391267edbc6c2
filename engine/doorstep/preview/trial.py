"""Every page and every mail once, before a shopper gets one: a template that can be read may still fail when it is rendered."""

from collections.abc import Callable, Mapping

from ..contexts import Contexts, Visit
from ..manifest import Manifest
from ..shops import Shop
from .cases import CASES
from .letters import LETTERS, letter
from .parcels import CARRIER

Trial = Callable[[Shop], None]


def trial_of(manifests: Mapping[str, Manifest]) -> Trial:
    """What renders the pages of a store, without its widgets, and its mails where it sends any; raises ThemeError for the
    first that fails."""
    contexts = Contexts({**manifests, CARRIER.slug: CARRIER})

    def tried(shop: Shop) -> None:
        reader = shop.reader("", "", level=1)
        for case in CASES.values():
            shown = case.made(contexts, Visit(shop, reader, f"/track/{case.name}"), reader.now)
            shop.look.render(shown.template, shown.context, reader.localizer, {})
        for one in LETTERS.values() if shop.config.messages.channels else ():
            letter(shop, one, reader.now).html()

    return tried
