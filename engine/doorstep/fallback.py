"""The page of last resort, and the mail: no theme, no template, the answer all the same."""

from collections.abc import Iterable, Iterator
from html import escape

from .context import FieldView, FormView, ItemView, Link, OrderView, PageContext, ShipmentView
from .letter import LetterContext


def fallback_page(context: PageContext) -> str:
    """A plain page with the same answer, for when a theme fails. Everything in it is escaped."""
    parts = [
        "<!doctype html>",
        f'<html lang="{escape(context.page.language)}" dir="{escape(context.page.dir)}">',
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(context.page.title)}</title>",
        f"<main><p>{escape(context.store.name)}</p>",
    ]
    if hero := context.hero:
        parts.append(f"<h1>{escape(hero.headline)}</h1>")
        parts += _paragraphs(hero.when, hero.delayed, hero.detail)
    parts += _paragraphs(*(one.text for one in (context.notice, *context.banners) if one))
    parts += [
        f'<p><a href="{escape(one.url)}">{escape(one.name)}</a> {escape(one.detail)}</p>' for one in context.choices
    ]
    if form := context.lookup:
        parts.append(
            f'<form action="{escape(form.action)}"><input name="number" value="{escape(form.value)}"><button>→</button></form>'
        )
    if context.shipment:
        parts += _shipment(context.shipment)
    if context.order:
        parts += _order(context.order)
    parts += [_form(one) for one in context.forms]
    return "\n".join([*parts, "</main></html>"])


def fallback_letter(context: LetterContext) -> str:
    """A plain mail with the same answer, for when a theme fails. Everything in it is escaped."""
    hero, letter = context.hero, context.letter
    parts = [
        "<!doctype html>",
        f'<html lang="{escape(letter.language)}" dir="{escape(letter.dir)}">',
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(letter.subject)}</title>",
        '<body style="margin:0 auto;max-width:36em;padding:1.5em;font:16px/1.5 system-ui,sans-serif">',
        f'<main lang="{escape(letter.language)}" dir="{escape(letter.dir)}"><p>{escape(context.store.name)}</p>',
        f"<h1>{escape(hero.headline)}</h1>",
        *_paragraphs(hero.when, hero.delayed, hero.detail, *context.notes),
        _link(context.button),
    ]
    for parcel in (*context.parcels, *context.others):
        parts.append(f"<p><bdi>{escape(parcel.carrier)}</bdi> <bdi dir=ltr>{escape(parcel.number)}</bdi></p>")
        if parcel.pickup:
            parts += _paragraphs(parcel.pickup.name, *parcel.pickup.lines, *parcel.pickup.hours)
        parts += _items(parcel.items)
    parts += [*_items(context.items), "<hr>", *_paragraphs(context.reason)]
    parts += [_link(one) for one in (context.preferences, context.unsubscribe, *context.contact) if one]
    return "\n".join([*parts, "</main></body></html>"])


def _link(link: Link) -> str:
    return f'<p><a href="{escape(link.url)}"><bdi>{escape(link.label)}</bdi></a></p>'


def _paragraphs(*texts: str) -> Iterator[str]:
    return (f"<p>{escape(text)}</p>" for text in texts if text)


def _shipment(shipment: ShipmentView) -> Iterator[str]:
    yield f"<p>{escape(shipment.carrier.name)} <bdi dir=ltr>{escape(shipment.number)}</bdi></p><ol>"
    for day in (*shipment.days, *shipment.older):
        for event in day.events:
            line = ", ".join(filter(None, (day.label, event.clock, event.sentence, event.place)))
            yield f"<li><bdi>{escape(line)}</bdi></li>"
    yield "</ol>"
    if shipment.rest:
        yield f'<p><a href="{escape(shipment.rest.url)}">{escape(shipment.rest.label)}</a></p>'


def _order(order: OrderView) -> Iterator[str]:
    yield from (f"<p>{escape(one.label)}: <bdi>{escape(one.value)}</bdi></p>" for one in order.facts)
    if order.promise:
        yield from _paragraphs(order.promise.text, order.promise.detail, order.promise.reason)
    yield from _paragraphs(order.note)
    for group in order.groups:
        yield f"<h2>{escape(group.label)}</h2>"
        for parcel in group.parcels:
            yield f"<h3>{escape(parcel.hero.headline)}</h3>"
            yield from _paragraphs(parcel.hero.when, parcel.hero.detail)
            yield from _items(parcel.items)
            if parcel.shipment:
                yield from _shipment(parcel.shipment)
            else:
                yield f"<p>{escape(parcel.carrier.name)} <bdi dir=ltr>{escape(parcel.number)}</bdi></p>"
    yield from _items((*order.items, *order.unsent))


def _items(items: Iterable[ItemView]) -> Iterator[str]:
    listed = "".join(f"<li><bdi>{escape(one.name)}</bdi> {escape(one.amount)}</li>" for one in items)
    if listed:
        yield f"<ul>{listed}</ul>"


def _form(form: FormView) -> str:
    if form.done:
        return f"<p role=status>{escape(form.done)}</p>"
    said = "".join(_paragraphs(form.problem))
    fields = "".join(f"<p>{_field(one)}</p>" for one in form.fields)
    button = f"<button>{escape(form.button)}</button>"
    return (
        f'<h2>{escape(form.title)}</h2>{said}<form method="post" action="{escape(form.action)}">{fields}{button}</form>'
    )


def _field(field: FieldView) -> str:
    name, value = escape(field.name), escape(field.value)
    if field.type == "hidden":
        return f'<input type="hidden" name="{name}" value="{value}">'
    if field.type == "textarea":
        return f'<label>{escape(field.label)} <textarea name="{name}">\n{value}</textarea></label>'
    if field.type == "select":
        options = "".join(
            f'<option value="{escape(one.value)}"{" selected" if one.chosen else ""}>{escape(one.label)}</option>'
            for one in field.options
        )
        return f'<label>{escape(field.label)} <select name="{name}">{options}</select></label>'
    return f'<label>{escape(field.label)} <input type="{escape(field.type)}" name="{name}" value="{value}"></label>'
