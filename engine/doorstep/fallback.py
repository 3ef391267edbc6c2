"""The page of last resort: no theme, no template, the answer all the same."""

from html import escape

from .context import PageContext


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
        parts += [f"<p>{escape(text)}</p>" for text in (hero.when, hero.delayed, hero.detail) if text]
    if context.notice:
        parts.append(f"<p>{escape(context.notice.text)}</p>")
    parts += [
        f'<p><a href="{escape(one.url)}">{escape(one.name)}</a> {escape(one.detail)}</p>' for one in context.choices
    ]
    if form := context.lookup:
        parts.append(
            f'<form action="{escape(form.action)}"><input name="number" value="{escape(form.value)}"><button>→</button></form>'
        )
    if shipment := context.shipment:
        parts.append(f"<p>{escape(shipment.carrier.name)} <bdi dir=ltr>{escape(shipment.number)}</bdi></p><ol>")
        for day in (*shipment.days, *shipment.older):
            for event in day.events:
                line = ", ".join(filter(None, (day.label, event.clock, event.sentence, event.place)))
                parts.append(f"<li><bdi>{escape(line)}</bdi></li>")
        parts.append("</ol>")
    return "\n".join([*parts, "</main></html>"])
