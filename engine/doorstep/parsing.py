"""`doorstep parse`: a carrier's raw answer, from a file, as the shipments the engine would make of it. Asks nobody."""

from collections import Counter
from pathlib import Path

import msgspec
from msgspec import Struct

from .config import Config, Store
from .errors import ConfigError, PluginFailed
from .exchange import Found, Query, Response, replay
from .intake import take_in
from .models import Shipment
from .packages import Package
from .plugins import Account, load_plugins
from .sandbox import sandbox_accounts, sandbox_of


class Unmapped(Struct, frozen=True):
    """A code that the carrier's table does not know: its scans are kept and shown, and their meaning is not guessed."""

    code: str
    text: str
    events: int


class Parsed(Struct, frozen=True):
    """What an answer says. `not_found` is the carrier's word for it, where it does not know the number."""

    shipments: tuple[Shipment, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    not_found: str | None = None


def parse_file(
    slug: str, file: Path, packages: list[Package], *, number: str = "", status: int = 200, language: str = "en"
) -> Parsed:
    """Reads the body of a response. Without a number, every shipment in it is meant. Raises ConfigError, CarrierError."""
    carrier = _account(slug, packages).carrier
    response = Response(status, {}, file.read_bytes())
    try:
        answer = replay(carrier.track(Query(number, language)), response)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise PluginFailed(
            f"the plugin raised {type(error).__name__}: {error}",
            next_step="mend the plugin: an answer may hold anything",
        ) from error
    taken = take_in(answer, carrier.manifest)
    if not isinstance(taken, Found):
        return Parsed(not_found=taken.detail or "the carrier does not know this number")
    return Parsed(taken.shipments, _unmapped(taken.shipments))


def as_json(parsed: Parsed) -> bytes:
    """`{"shipments": […], "unmapped": […]}`; with `"not_found"` where the carrier says so."""
    body = msgspec.to_builtins(parsed)
    if parsed.not_found is None:
        del body["not_found"]
    return msgspec.json.encode(body)


def _account(slug: str, packages: list[Package]) -> Account:
    """An account with the settings of the carrier's own sandbox: reading an answer takes no credentials."""
    sandbox = sandbox_of(packages)
    accounts = sandbox_accounts(sandbox, "https://sandbox.invalid")
    if slug not in accounts:
        raise ConfigError(
            f"no installed plugin can read answers of {slug!r}", next_step=f"one of {', '.join(accounts)}"
        )
    plugins = load_plugins(Config(stores={"main": Store(name="")}, carriers={slug: accounts[slug]}), packages)
    if slug not in plugins.accounts:
        state = plugins.states[slug]
        raise ConfigError(f"the plugin of {slug!r} is {state.state.value}: {state.reason}", next_step=state.next_step)
    return plugins.accounts[slug]


def _unmapped(shipments: tuple[Shipment, ...]) -> tuple[Unmapped, ...]:
    counts = Counter(
        (event.code, event.text) for shipment in shipments for event in shipment.events if not event.mapped
    )
    return tuple(Unmapped(code, text, events) for (code, text), events in counts.items())
