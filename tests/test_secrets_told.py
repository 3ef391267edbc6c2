"""Nothing that leaves the process holds a secret: no answer, log of any level, metric or error, and no object when printed."""

import importlib
import io
import json
import logging
import pickle
import re
import typing
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from msgspec import Struct

from doorstep import Credential, Incoming, Query, Request, Secret
from doorstep.config import Config, Messages, Webhook
from doorstep.errors import ProtocolError
from doorstep.logs import configure
from doorstep.packages import installed
from doorstep.plugins import load_plugins
from doorstep.samples import Role
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.wire import secrets_of

from .shopfront import OWN, carriers, shop, store

CANARY = "kanarienvogel"  # in every secret, and nowhere else
KEY = "0123456789abcdef0123456789abcdef"  # the shop's, as shopfront has it
SECRETIVE = re.compile(r"(^|_)(secret|password|passphrase|token|pin|api_key|access_code|private_key)(_|$|s$)")
# Names that sound secret and are not: the user name of HTTP Basic; what a lease or a carrier's login is read into.
NO_SECRETS = {"Settings.api_key", "Entry.token", "Turn.token", "_Token.access_token"}


def structs(base: type[Struct] = Struct) -> Iterator[type[Struct]]:
    """Every Struct of the engine and its plugins."""
    for one in base.__subclasses__():
        if one.__module__.startswith("doorstep"):
            yield one
        yield from structs(one)


@pytest.fixture(scope="module")
def everything() -> set[type[Struct]]:
    for package in installed():
        importlib.import_module(package.module)
    importlib.import_module("doorstep_email.address")
    return {*structs()}


def holds_secret(hint: Any) -> bool:
    return hint is Secret or any(map(holds_secret, typing.get_args(hint)))


def hints(kind: type[Struct]) -> dict[str, Any]:
    """The types of a Struct's fields; where a name is known to a type checker alone, the field's own text is looked at."""
    try:
        return typing.get_type_hints(kind)
    except NameError:
        return {
            name: Secret if "Secret" in str(kind.__annotations__.get(name)) else str for name in kind.__struct_fields__
        }


def test_what_sounds_secret_is_a_secret(everything: set[type[Struct]]) -> None:
    told = {
        f"{kind.__name__}.{name}"
        for kind in everything
        for name, hint in hints(kind).items()
        if SECRETIVE.search(name) and name in kind.__struct_fields__ and not holds_secret(hint) and hint in (str, bytes)
    }
    assert told <= NO_SECRETS, told - NO_SECRETS


def unchecked(kind: type[Struct]) -> type[Struct]:
    """The same, taking any values."""
    return type(kind)(kind.__name__, (kind,), {"__post_init__": lambda self: None, "__module__": __name__})


def test_no_object_that_holds_a_secret_prints_encodes_or_pickles_it(everything: set[type[Struct]]) -> None:
    holders = [kind for kind in everything if any(map(holds_secret, hints(kind).values()))]
    assert {"Config", "Webhook", "Credential", "Server"} <= {kind.__name__ for kind in holders}
    assert len(holders) > 30
    for kind in holders:
        values = {name: Secret(CANARY) if holds_secret(hint) else None for name, hint in hints(kind).items()}
        filled = unchecked(kind)(**{name: values[name] for name in kind.__struct_fields__})
        for printed in (repr(filled), str(filled), f"{filled}", repr([filled])):
            assert CANARY not in printed, kind
        for encode in (msgspec.json.encode, msgspec.msgpack.encode, pickle.dumps):
            with pytest.raises(Exception) as refused:  # noqa: PT011  # each encoder has its own
                encode(filled)
            assert CANARY not in str(refused.value), kind


def seeded(value: Any, hint: Any, name: str) -> Any:
    """A setting as it was, with the canary in it where it is a secret."""
    if not holds_secret(hint) or not isinstance(value, str | list):
        return value
    return [f'{CANARY}-{name}-é&"1'] if isinstance(value, list) else f'{CANARY}-{name}-é&"1'


def test_no_secret_comes_out_anywhere(tmp_path, monkeypatch, caplog, capsys) -> None:
    """The whole shop with every bundled carrier, whose secrets no carrier accepts; everything it says is kept and looked at."""
    configure(verbose=True)
    heard = io.StringIO()
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(heard))
    caplog.set_level(logging.DEBUG)
    hook = Webhook("https://127.0.0.1:1/hook", (Secret("whsec_" + "Y2FuYXJ5" * 5),))
    said = []
    with carriers() as (sandbox, served):
        accounts = sandbox_accounts(sandbox, served.url)
        with shop(tmp_path, sandbox, served.url) as plain:
            settings = {name: hints(type(one.carrier.settings)) for name, one in plain.engine.plugins.accounts.items()}
        for slug, own in accounts.items():
            accounts[slug] = {name: seeded(value, settings[slug].get(name), slug) for name, value in own.items()}
        mail = {"channel": "email", "url": f"smtp://ida:{CANARY}-mail@127.0.0.1:1", "sender": "shop@shop.example"}
        connectors = {"shopify": {"secret": [f"{CANARY}-shopify"]}}
        stores = {"main": store(webhooks={"erp": hook}, messages=Messages(channels=("mail",)), connectors=connectors)}
        with shop(
            tmp_path, sandbox, served.url, accounts=accounts, stores=stores, channels={"mail": mail},
            redis=Secret(f"redis://:{CANARY}-redis@127.0.0.1:1/0"),
        ) as front:  # fmt: skip
            engine = front.engine
            assert len(engine.plugins.accounts) > 20
            for samples in sandbox.samples.values():
                number = next(case.number for case in samples.of(Role.PARCEL))
                said += [
                    front.get(f"{path}{number}?carrier={samples.slug}") for path in ("/api/v1/shipments/", "/track/")
                ]
            for account, one in engine.plugins.accounts.items():
                slug = one.carrier.manifest.slug
                said.append(
                    front.client.post(f"/webhooks/{slug}/{account}", content=b"{}", headers={"x-signature": "0"})
                )
            for path in ("/connect/shopify", "/channels/mail", "/", "/o/x/proof"):
                said.append(front.post(path, {"order": "1", "proof": "2"}, headers=OWN))
            monkeypatch.setattr("doorstep.pages.normalise", lambda text: {}[engine.config.secret_key[0].reveal()])
            said += [
                front.get(path) for path in ("/track/1Z", "/api/v1/pages/1Z", "/metrics", "/readyz", "/openapi.json")
            ]
            printed = [
                repr(engine.config),
                repr(engine.shops.all),
                *(repr(one.carrier.settings) for one in engine.plugins.accounts.values()),
            ]
    assert {200, 404, 401, 500} <= {one.status_code for one in said}
    told = [
        *(f"{one.headers}{one.text}" for one in said),
        *printed,
        heard.getvalue(),
        caplog.text,
        *capsys.readouterr(),
    ]
    structlog.reset_defaults()
    assert "AuthRefused" in str(told) or "refuse" in heard.getvalue()
    for text in told:
        for secret in (CANARY, "Y2FuYXJ5Y2FuYXJ5", KEY):
            assert secret not in text, text[max(0, text.find(secret) - 300) : text.find(secret) + 80]


def test_no_request_prints_what_signs_it_and_nothing_that_came_in_what_proves_it() -> None:
    """Of every carrier: its logins, its questions, and both as its credential signs them."""
    accounts = sandbox_accounts(sandbox := sandbox_of(installed()), "http://127.0.0.1:1")
    plugins, signed = load_plugins(Config(stores={}, carriers=accounts, base=Path()), installed()), 0
    credential = Credential(Secret(json.dumps({"token": CANARY, "key": CANARY})))
    for slug, account in plugins.accounts.items():
        carrier = account.carrier
        number = next(case.number for case in sandbox.samples[slug].of(Role.PARCEL))
        begun: list[Any] = [carrier.auth().login(), carrier.track(Query(number))]
        asked = [
            Request("GET", "/", json={}),
            *(one for exchange in begun if (one := next(exchange, None)) is not None),
        ]
        for request in asked:
            with suppress(ValueError, KeyError, ProtocolError):  # what a login gives or signs has another form there
                asked = [carrier.auth().sign(request, credential)]
                signed += CANARY in str(structs_of(asked[0]))
            for printed in (repr(request), str(request), f"{asked}"):
                for secret in (CANARY, number, *(one.reveal() for one in secrets_of(carrier.settings))):
                    assert secret not in printed, slug
        for exchange in begun:
            exchange.close()
    assert signed > 20, "the credential is in most of them"
    incoming = Incoming({"authorization": CANARY}, CANARY.encode(), {"secret": CANARY})
    assert CANARY not in f"{incoming} {incoming!r}"


def structs_of(request: Request) -> list[Any]:
    return [getattr(request, name) for name in request.__struct_fields__]
