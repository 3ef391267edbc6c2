"""A shop that tells its shoppers: channels that send nothing, pages where messages are chosen, links as in mails."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from doorstep.config import Messages
from doorstep.message import Reach, Topic
from doorstep.orderbook import KeptOrder
from doorstep.packages import Package, installed
from doorstep.tables import consents, messages

from .ordering import STORE, ordering, placed
from .shopfront import HOST, Front, store

_CODE = """
from doorstep import Channel, Reach, hookimpl

class Mail(Channel):
    name = "mail"
    reach = Reach.EMAIL

class Text(Channel):
    name = "text"
    reach = Reach.PHONE

@hookimpl
def register_channels(register):
    register(Mail)
    register(Text)
"""
_NUMBERS = count(1)  # a module is imported once: each test's channels have a name of their own
BOTH = Messages(channels=("mail", "text"))
UNASKED = Messages(channels=("mail", "text"), unasked=("mail",))


def silent(plugin: Any) -> Package:
    """The package of the channels. `plugin` is the fixture."""
    package: Package = plugin(f"doorstep_silent{next(_NUMBERS)}", {"__init__.py": _CODE})
    return package


def notify() -> tuple[Package, ...]:
    """The widget's package, where the environment does not know it already."""
    module = "doorstep_notify"
    known = any(one.module == module for one in installed())
    return () if known else (Package("notify", module, "doorstep", "0"),)


@contextmanager
def telling(
    folder: Path, plugin: Any, settings: Messages = BOTH, *, more: tuple[Package, ...] = (),
    widgets: dict[str, dict[str, Any]] | None = None, listening: bool = False, **stores: Any,
) -> Iterator[Front]:  # fmt: skip
    """The shop, at work. `stores` are more of them beside `main`, `more` are further packages."""
    shown = {"notify": {}} if widgets is None else widgets
    shop = msgspec.structs.replace(STORE, messages=settings, public_url=HOST, widgets=shown)
    packages = (silent(plugin), *notify(), *more)
    channels: dict[str, dict[str, Any]] = {"mail": {}, "text": {}}
    wanted = {"main": shop, **stores}
    with ordering(folder, plugin, *packages, stores=wanted, channels=channels, listening=listening) as front:
        yield front


def choosing(front: Front, kept: KeptOrder) -> str:
    """The path on which an order's messages are chosen."""
    url: str = front.engine.message_links.preferences(kept)
    return url.removeprefix(HOST)


def unsubscribing(front: Front, kept: KeptOrder, topic: Topic = Topic.ORDER, reach: Reach = Reach.EMAIL) -> str:
    url: str = front.engine.message_links.unsubscribe(kept, topic, reach)
    return url.removeprefix(HOST)


def confirming(front: Front, kept: KeptOrder, reach: Reach = Reach.EMAIL) -> str:
    """The path of the link in the last question that was sent this way about an order."""
    channel = {Reach.EMAIL: "mail", Reach.PHONE: "text"}[reach]
    asked = [one for one in questions(front, kept) if one.channel == channel][-1]
    with front.engine.database.reading() as connection:
        to = front.engine.consents.to_ask(connection, kept, asked.once).to
    assert to is not None
    url: str = front.engine.message_links.confirm(kept, reach, to)
    return url.removeprefix(HOST)


def questions(front: Front, kept: KeptOrder | None = None) -> list[Any]:
    """What was queued to ask addresses, of one order or all."""
    query = select(messages).where(messages.c.kind == "confirm").order_by(messages.c.created_at, messages.c.once)
    if kept is not None:
        query = query.where(messages.c.order_id == kept.id)
    with front.engine.database.reading() as connection:
        return [*connection.execute(query)]


def states(front: Front) -> dict[tuple[str, str], str]:
    """What is kept, by way and topic."""
    with front.engine.database.reading() as connection:
        return {(row.reach, row.topic): row.state for row in connection.execute(select(consents))}


def recipient(
    front: Front, kept: KeptOrder, topic: Topic = Topic.ORDER, reach: Reach = Reach.EMAIL, *, unasked: bool = False
) -> str:
    """To whom a message may go, or the reason why not."""
    with front.engine.database.reading() as connection:
        allowed = front.engine.consents.recipient(connection, kept, topic, reach, unasked=unasked)
    return str(allowed.to.reveal()) if allowed.to is not None else f"no: {allowed.reason}"


__all__ = [
    "BOTH", "UNASKED", "choosing", "confirming", "notify", "placed", "questions", "recipient", "silent", "states", "store",
    "telling", "unsubscribing",
]  # fmt: skip
