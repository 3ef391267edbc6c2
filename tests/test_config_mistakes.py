"""Any one mistake in a file with everything in it is told with its key, or is none: no settings end in a traceback."""

import asyncio
import copy
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorstep.config import Config, parse
from doorstep.engine import create_engine
from doorstep.errors import DoorstepError
from doorstep.packages import installed

WHOLE = f"""
secret_key = ["{"k" * 40}", "{"f" * 40}"]
database = "sqlite:///shop.db"
redis = "redis://cache.example/1"

[server]
host = "0.0.0.0"
port = 8443
deadline = 1.5
trusted_proxies = ["10.0.0.0/8"]
api_limit = {{ calls = 100, seconds = 60 }}
near_megabytes = 8
longest_hold = 0.1

[plugins]
disabled = ["review"]
folder = "own"

[carriers.ups]
client_id = "a"
client_secret = "b"
limits = [{{ calls = 1, seconds = 2 }}]

[channels.email]
url = "smtp://mail.example:587"
sender = "Leaf & Loom <mail@shop.example>"

[stores.main]
name = "Leaf & Loom"
hosts = ["shop.example"]
path = "/parcels"
language = "en"
languages = ["en", "de"]
theme = "bold"
carriers = ["ups"]
timezone = "Europe/Berlin"
image_hosts = ["img.example"]
public_url = "https://shop.example"
countries = ["DE"]
link_days = 30
retention_days = 60
embed_origins = ["https://shop.example"]
allowed_origins = ["https://scripts.example"]
home_url = "https://shop.example/"
preset = "winter"
settings = {{ accent = "#123456" }}
sections = ["timeline"]
in = {{ de = {{ preset = "ultramarine" }} }}
market = {{ DE = {{ sections = ["timeline"] }} }}
season = [{{ name = "advent", from = 2026-12-01, until = 2026-12-24 }}]
draft = {{ spring = {{ theme = "classic" }} }}
words = {{ de = {{ "lookup.title" = "Wo ist es?" }} }}
calendar = {{ business_days = ["mon"], holidays = [2026-12-25], cutoff = 14:00:00, promise = 2, stalls_after = 4 }}
freshness = {{ in_transit = 600, not_found = 60, still_not_found = 1800 }}
banners = [{{ text = {{ en = "Strike" }}, countries = ["FR"], starts_at = 2026-11-20T08:00:00Z, url = "https://x.example/" }}]
webhooks = {{ erp = {{ url = "https://erp.example/", secret = ["whsec_{"a" * 32}"], events = ["shipment.delivered"] }} }}
connectors = {{ shopify = {{ secret = "x" }} }}
widgets = {{ survey = {{ after_delivery = {{ kind = "nps" }} }}, referral = {{ link = "https://shop.example/friends" }} }}

[stores.main.messages]
channels = ["email"]
unasked = ["email"]
opened = true
quiet = {{ from = 21:00:00, to = 08:00:00 }}
kinds = {{ delivered = {{ send = true, days = 0 }} }}
"""


def config_of(text: str, base: Path = Path()) -> Config:
    return parse(text, file="doorstep.toml", environ={}, base=base)


def toml(value: Any) -> str:
    """A value as TOML writes it in a line."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            return "{" + ", ".join(f"{toml(name)} = {toml(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case date() | time():
            return value.isoformat()
    return repr(value)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands, however deep: names in tables, positions in lists."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inside:
        yield (*path, step)
        yield from places(item, (*path, step))


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["", "\0", "..", "/", "en", "de_DE", "{}", "https://[", "2026-13-01", "9" * 400, "a b", "é", "*", "'\"\\"]
)
SCALARS = st.one_of(
    TEXTS, st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.dates(), st.times(), st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5
)
RAW = tomllib.loads(WHOLE)
MISTAKES = st.sampled_from(["another value", "left out", "another name", "one more", "from a file"])


def changed(path: tuple[str | int, ...], mistake: str, value: Any, name: str) -> tuple[str, set[str]]:
    """The file with a mistake at this place, and the names of which one is to be told."""
    raw = copy.deepcopy(RAW)
    *above, last = path
    table: Any = raw
    for step in above:
        table = table[step]
    told = {next(step for step in reversed(path) if isinstance(step, str))}
    if mistake == "left out":
        del table[last]
    elif mistake == "another value" or isinstance(last, int):
        table[last] = value
    elif mistake == "another name":
        told.add(name)
        table[name] = table.pop(last)
    elif mistake == "from a file":
        del table[last]
        table[f"{last}_file"] = value
    else:
        told = {name}
        table[name] = value
    return "".join(f"{toml(key)} = {toml(item)}\n" for key, item in raw.items()), told


def _refusal(read: Callable[[], object]) -> DoorstepError | None:
    """Why it was refused; None where it was not."""
    try:
        read()
    except DoorstepError as error:
        return error
    return None


def test_the_whole_file_is_a_right_one_however_it_is_written() -> None:
    text, _ = changed(("database",), "another value", RAW["database"], "")
    assert config_of(WHOLE) == config_of(text)


@settings(max_examples=100)
@given(st.sampled_from([*places(RAW)]), MISTAKES, ANYTHING, TEXTS)
def test_any_one_mistake_is_named_with_its_key_or_none(
    path: tuple[str | int, ...], mistake: str, value: Any, name: str
) -> None:
    text, told = changed(path, mistake, value, name)
    error = _refusal(lambda: config_of(text))
    if error is not None:
        assert error.message.startswith("doorstep.toml: ")
        assert any(key in error.message + error.next_step for key in told)
        assert error.next_step
        assert "[...]" not in error.message, "there is a key that is not told"


PACKAGES = installed()


def opened(text: str, base: Path) -> None:
    """As a process does when it starts; it asks nobody."""
    asyncio.run(create_engine(config_of(text, base), packages=PACKAGES).close())


def test_a_shop_opens_with_everything_that_can_be_set(tmp_path: Path) -> None:
    opened(WHOLE, tmp_path)


def test_a_shop_with_a_mistake_in_its_settings_opens_or_says_what_to_do(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    base = tmp_path_factory.mktemp("shop")

    @settings(max_examples=25)
    @given(st.sampled_from([*places(RAW)]), MISTAKES, ANYTHING, TEXTS)
    def told(path: tuple[str | int, ...], mistake: str, value: Any, name: str) -> None:
        text, _ = changed(path, mistake, value, name)
        error = _refusal(lambda: opened(text, base))
        assert error is None or error.next_step

    told()
