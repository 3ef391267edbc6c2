"""Every message, written in the process for one language after the other: what a mail program shows, the text part, the line on
a telephone; and the pages on which messages are chosen."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import structs

from doorstep import Reach, Topic, consent_forms
from doorstep import message_words as words
from doorstep.context import FormView, Hero
from doorstep.fallback import fallback_letter
from doorstep.i18n import Localizer
from doorstep.message import Kind
from doorstep.order_forms import Typed
from doorstep.preview import letters, pseudo
from doorstep.shops import Shop
from doorstep.widget import Agreed, Way

Written = tuple[str, str, Sequence[str]]  # the name of a message, its HTML, and its lines of plain text
WAYS = (
    Way(Reach.EMAIL, "a…@shop.example", {Topic.ORDER: Agreed.ON, Topic.MORE: Agreed.ASKED}),
    Way(Reach.PHONE),
    Way(Reach.PUSH, settled=True),
)
_HEADINGS = (
    (words.TITLE, words.SAVED), (words.TITLE, words.ASKED), (words.TITLE, words.STOPPED), (words.UNSUBSCRIBE, ""),
    (words.LETTERS[Kind.CONFIRM].subject, words.CONFIRM), (words.TITLE, words.CONFIRMED), (words.TITLE, words.TOLD),
    (words.STOPPED, words.MISTAKEN), (words.NO_LONGER, words.ASK_AGAIN),
)  # fmt: skip


def written(shop: Shop, localizer: Localizer, now: datetime) -> Iterator[Written]:
    """Every kind in every status in which it is sent. Addresses, a line each, are left out."""
    spoken = structs.replace(shop, catalogs=pseudo.Alone(localizer))
    for name, case in letters.LETTERS.items():
        letter = letters.letter(spoken, case, now)
        message = letter.message(letter.html())
        lines = (message.subject, message.preheader, *message.text.splitlines(), *message.short.splitlines())
        yield name, message.html, [line for line in lines if line and not line.startswith("https://")]
        yield f"plain {name}", fallback_letter(letter.context), ()


def choosing(localizer: Localizer) -> Iterator[tuple[Hero, tuple[FormView, ...]]]:
    """What stands on the pages on which messages are chosen."""
    text = localizer.text
    heroes = [Hero("messages", text(headline), text(detail) if detail else "") for headline, detail in _HEADINGS]
    for hero, problem in zip(heroes, (words.WHOLE_ADDRESS, words.WHOLE_NUMBER), strict=False):
        typed = Typed(consent_forms.NAME, {}, text(problem))
        yield hero, (consent_forms.choose(WAYS, "/", localizer, typed), consent_forms.stop("/", localizer))
    for hero in heroes[2:]:
        agreeing = consent_forms.agree(tuple(Topic), "/", localizer)
        yield hero, (agreeing, consent_forms.no_more(Topic.MORE, Reach.PHONE, "/", localizer))
