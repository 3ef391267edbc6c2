"""`doorstep messages preview` and `send-test`: what the store's messages look like, before a shopper gets one."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import structs

from ..appearance import Draft
from ..engine import Engine, create_engine
from ..ids import new_id
from ..languages import match
from ..message import Channel, Message, Reach, SendingError
from ..preview.letters import LETTERS, MESSAGE, LetterCase, letter
from ..secret import Secret
from ..shops import Outfitter, Shop
from .options import chosen, config_option, loaded, store_option

_DRAFT = "preview"
_kind = click.argument("kind", default="")
_lang = click.option("--lang", default="", help="The language, such as de or pt-BR; the store's own, if not named.")


@click.command("preview")
@_kind
@config_option
@store_option
@_lang
@click.option("--theme", default="", help="The theme; the store's own, if not named.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("messages"), show_default=True,
    help="The folder for the files.",
)  # fmt: skip
def preview_messages(kind: str, path: Path, store: str, lang: str, theme: str, out: Path) -> None:
    """Write the messages of KIND as files, or all there are: the mail, its text, and what the shop's own sender gets.

    Orders and parcels are invented, and nothing is sent.
    """
    engine = create_engine(loaded(path))
    shop = _dressed(engine, chosen(engine.config, store), theme)
    cases, language = _cases(kind), _spoken(shop, lang)
    out.mkdir(parents=True, exist_ok=True)
    for case in cases:
        made = letter(shop, case, engine.clock.now(), language)
        for file in _files(out / case.name.removeprefix(MESSAGE), made.message(made.html())):
            click.echo(file)
    asyncio.run(engine.close())


@click.command("send-test")
@_kind
@click.option("--to", required=True, help="The address it goes to.")
@click.option("--channel", default="", help="The account; the store's first that sends mails, if not named.")
@config_option
@store_option
@_lang
def send_test(kind: str, to: str, channel: str, path: Path, store: str, lang: str) -> None:
    """Send a message of KIND, of an invented order, to an address of yours: `on_its_way`, if none is named."""
    engine = create_engine(loaded(path))
    shop = next(shop for shop in engine.shops.all if shop.id == chosen(engine.config, store))
    name = channel or _first(shop, engine.channels.accounts)
    if name not in engine.channels.accounts:
        known = ", ".join(engine.channels.accounts) or "none"
        raise click.ClickException(f"there is no channel {name!r}: there are {known}")
    case = _cases(kind or "on_its_way")[0]
    asyncio.run(_sent(engine, engine.channels.accounts[name], shop, case, to, _spoken(shop, lang)))
    click.echo(f"{case.title}: handed to {name} for {to}")


async def _sent(engine: Engine, channel: Channel[Any], shop: Shop, case: LetterCase, to: str, language: str) -> None:
    made = letter(shop, case, engine.clock.now(), language, id=new_id("msg"), reach=channel.reach, to=Secret(to))
    try:
        await channel.send(made.message(made.html()))
    except SendingError as error:
        raise click.ClickException(f"it was not sent: {error}") from None
    finally:
        await engine.close()


def _first(shop: Shop, accounts: Mapping[str, Channel[Any]]) -> str:
    named = shop.config.messages.channels
    return next((name for name in named if name in accounts and accounts[name].reach is Reach.EMAIL), "")


def _dressed(engine: Engine, store: str, theme: str) -> Shop:
    """The store, perhaps in another theme: of its settings those count that the theme has, too."""
    shop = next(shop for shop in engine.shops.all if shop.id == store)
    if not theme:
        return shop
    outfitter = Outfitter(engine.config, engine.plugins, clock=engine.clock, metrics=engine.metrics)
    tried = structs.replace(shop.config, draft={_DRAFT: Draft(theme=theme)})
    return outfitter.shop(store, tried).drafts[_DRAFT]


def _cases(kind: str) -> list[LetterCase]:
    """Those of a kind, in all its statuses. Raises ClickException."""
    if not kind:
        return list(LETTERS.values())
    found = [case for name, case in LETTERS.items() if (name + ".").startswith(f"{MESSAGE}{kind}.")]
    if not found:
        known = ", ".join(name.removeprefix(MESSAGE) for name in LETTERS)
        raise click.ClickException(f"there is no message {kind!r}: there are {known}")
    return found


def _spoken(shop: Shop, lang: str) -> str:
    if lang and match(lang, shop.languages) is None:
        spoken = ", ".join(shop.languages)
        raise click.ClickException(f"store {shop.id!r} does not speak {lang!r}: it speaks {spoken}")
    return lang


def _files(stem: Path, message: Message) -> Iterable[Path]:
    head = f"{message.subject}\n{message.preheader}\n\n{message.short}\n\n"
    event = msgspec.json.format(msgspec.json.encode(message.event), indent=2).decode()
    for ending, text in (("html", message.html), ("txt", head + message.text), ("json", event + "\n")):
        file = stem.with_name(f"{stem.name}.{message.language}.{ending}")
        file.write_text(text, "utf-8")
        yield file
