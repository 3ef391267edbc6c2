"""A message without any markup: the text part of a mail, written and not stripped, and the line for a telephone.

A heading has a line and no colon: how one is set depends on the language.
"""

from collections.abc import Iterable, Iterator

from .context import ItemView, Link
from .i18n import N_, Localizer
from .letter import LetterContext, LetterParcel
from .lines import isolated, one_line
from .message_words import IN_THE_PARCEL

_RULE = "-" * 24


def text_part(context: LetterContext, localizer: Localizer) -> str:
    """The whole message, a line a sentence, every link on a line of its own."""
    blocks = [
        [isolated(context.store.name, localizer.dir)],
        [context.hero.headline, context.hero.when],
        [context.hero.delayed, context.hero.detail, *context.notes],
        _link(context.button),
        *(_parcel(context, one, localizer) for one in context.parcels),
        _others(context, localizer),
        [_RULE, context.reason],
        *(_link(one) for one in (context.preferences, context.unsubscribe) if one),
        _contact(context, localizer),
    ]
    kept = ("\n".join(filter(None, block)) for block in blocks)
    return "\n\n".join(filter(None, kept)) + "\n"


def short_text(shop: str, sentence: str, link: str, localizer: Localizer) -> str:
    """Who says what, and where more is: for a telephone. An isolate would halve what a text message holds, so there is one
    only where the language needs it."""
    return "\n".join(filter(None, (f"{localizer.isolate(one_line(shop))}: {sentence}", link)))


def _parcel(context: LetterContext, parcel: LetterParcel, localizer: Localizer) -> list[str]:
    said = parcel is context.parcels[0] and parcel.hero.headline == context.hero.headline
    lines = [] if said else [parcel.hero.headline, parcel.hero.when]
    lines.append(_numbered(parcel, localizer))
    if pickup := parcel.pickup:
        lines += _listed(N_("Pickup point"), (pickup.name, *pickup.lines), localizer)
        lines += _listed(N_("Opening hours"), pickup.hours, localizer)
    if parcel.items:
        lines.append(localizer.text(IN_THE_PARCEL))
        lines += [*_items(parcel.items, localizer), *([f"  {parcel.more}"] if parcel.more else [])]
    return lines


def _listed(label: str, values: Iterable[str], localizer: Localizer) -> list[str]:
    inside = [f"  {isolated(value, localizer.dir)}" for value in values if value]
    return [localizer.text(label), *inside] if inside else []


def _others(context: LetterContext, localizer: Localizer) -> list[str]:
    if not context.others:
        return []
    lines = [localizer.text(N_("Your parcels"))]
    for one in context.others:
        below = filter(None, (one.hero.when, _numbered(one, localizer)))
        lines += [f"- {one.hero.headline}", *(f"  {line}" for line in below)]
    return [*lines, f"  {context.more}" if context.more else ""]


def _numbered(parcel: LetterParcel, localizer: Localizer) -> str:
    named = (isolated(one, localizer.dir) for one in (parcel.carrier, parcel.number))
    return " ".join(filter(None, named))


def _items(items: tuple[ItemView, ...], localizer: Localizer) -> list[str]:
    return [f"- {isolated(one.name, localizer.dir)}" + (f" × {one.amount}" if one.amount else "") for one in items]


def _link(link: Link) -> list[str]:
    return [link.label, link.url]


def _contact(context: LetterContext, localizer: Localizer) -> list[str]:
    return list(_reached(context, localizer)) if context.contact else []


def _reached(context: LetterContext, localizer: Localizer) -> Iterator[str]:
    yield localizer.text(N_("Need help?"))
    for link in context.contact:
        yield from _link(link) if link.url.startswith("http") else [isolated(link.label, localizer.dir)]
