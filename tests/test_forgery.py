"""No forged webhook is believed: whatever carrier or shop system is pretended, by whoever does not know its secret.

Each one's genuine webhook comes from its plugin's samples, as its own documentation has it; then it is changed in every way.
"""

import base64
import hmac
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec import structs

from doorstep import Incoming, Secret, Verdict
from doorstep.config import Config
from doorstep.packages import installed
from doorstep.plugins import load_plugins
from doorstep.samples import Role
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep_shopify import Shopify
from doorstep_woocommerce import WooCommerce

OTHER = (Secret("whsec_" + "b3RoZXIg" * 5),)
# These cannot sign: they show a secret in a header or in the address, and its carrier is asked for what is so.
SHOWN = frozenset({"bring", "dhl", "ship24", "shippo", "ups"})


class Sender(NamedTuple):
    """A webhook as its sender sends it; `verify` takes another secret in place of the right one."""

    name: str
    verify: Callable[[Incoming, tuple[Secret, ...] | None], Verdict]
    genuine: Incoming


def shop_systems() -> Iterator[Sender]:
    body, secret = b'{"id": 1, "name": "#1001"}', "a secret of the shop"
    signature = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    for plugin, header in ((Shopify, "x-shopify-hmac-sha256"), (WooCommerce, "x-wc-webhook-signature")):

        def verify(incoming: Incoming, other: tuple[Secret, ...] | None, plugin: Any = plugin) -> Verdict:
            settings: Any = plugin.settings_type(secret=other or (Secret(secret),))
            return Verdict(plugin(settings).verify(incoming))

        yield Sender(plugin.name, verify, Incoming({header: signature, "content-type": "application/json"}, body))


def carriers() -> Iterator[Sender]:
    sandbox = sandbox_of(installed())
    accounts = sandbox_accounts(sandbox, "http://127.0.0.1:1")
    plugins = load_plugins(Config(stores={}, carriers=accounts, base=Path()), installed())
    for slug, samples in sandbox.samples.items():
        for case in samples.of(Role.PUSH):
            carrier = plugins.accounts[slug].carrier

            def verify(incoming: Incoming, other: tuple[Secret, ...] | None, carrier: Any = carrier) -> Verdict:
                if other:
                    keys = (
                        {"api_key": other[0]} if "api_key" in carrier.settings.__struct_fields__ else {}
                    )  # some sign with it
                    settings = structs.replace(carrier.settings, push_secret=other, **keys)
                    carrier = type(carrier)(carrier.manifest, carrier.codes, settings)
                return Verdict(carrier.verify(incoming))

            yield Sender(f"{slug} {case.name}", verify, case.incoming)


SENDERS = [*shop_systems(), *carriers()]


def proofs(sender: Sender) -> Iterator[tuple[str, str]]:
    """The headers and parameters by which the sender is known: without them it is not."""
    for part in ("headers", "query"):
        told: Mapping[str, str] = getattr(sender.genuine, part)
        for name in told:
            if sender.verify(without(sender.genuine, part, name), None) is not Verdict.GENUINE:
                yield part, name


def without(incoming: Incoming, part: str, name: str) -> Incoming:
    return structs.replace(
        incoming, **{part: {key: one for key, one in getattr(incoming, part).items() if key != name}}
    )


def forged(proof: str) -> Iterator[str]:
    """What somebody sends in the place of a proof."""
    yield from ("", " ", "0", "null", "Bearer ", "Bearer", "é", "\udcff", "\x00", "=" * 44, "0" * 64, proof[::-1])
    yield from (proof[:-1], proof[1:], proof + "0", f"{proof}, {proof}", f"{proof} {proof}", proof.swapcase() + "=")
    yield from (proof[:-3] + "AAA", "*" + proof[1:], proof.replace("=", "", 1) + "é")


@pytest.mark.parametrize("sender", SENDERS, ids=[one.name for one in SENDERS])
@pytest.mark.fault(39)
def test_who_does_not_know_the_secret_is_not_believed(sender: Sender) -> None:
    genuine = sender.genuine
    assert sender.verify(genuine, None) is Verdict.GENUINE
    assert sender.verify(genuine, OTHER) is Verdict.REFUSED, "signed for another store"
    assert sender.verify(structs.replace(genuine, headers={}, query={}), None) is Verdict.REFUSED
    found = [*proofs(sender)]
    assert found
    for part, name in found:
        told = getattr(genuine, part)
        for proof in forged(told[name]):
            changed = structs.replace(genuine, **{part: {**told, name: proof}})
            assert sender.verify(changed, None) is Verdict.REFUSED, (name, proof)


@pytest.mark.parametrize("sender", SENDERS, ids=[one.name for one in SENDERS])
@pytest.mark.fault(39)
def test_a_signature_is_of_this_body_alone(sender: Sender) -> None:
    body = sender.genuine.body
    others = [
        b"",
        body[:-1],
        body + b" ",
        b" " + body,
        body.replace(b"1", b"2", 1),
        body + body,
        body + b"\x00",
        body.upper(),
    ]
    for other in others:
        verdict = sender.verify(structs.replace(sender.genuine, body=other), None)
        shown = sender.name.partition(" ")[0] in SHOWN
        assert verdict is (Verdict.GENUINE if shown else Verdict.REFUSED), other[-20:]


def test_every_connector_and_every_carrier_that_pushes_is_among_them() -> None:
    packages = installed()
    pushing = {
        one.slug for package in packages if package.has_carrier for one in package.manifests() if "push" in one.can
    }
    assert {one.name.partition(" ")[0] for one in SENDERS} >= pushing | {"shopify", "woocommerce"}
    assert len(pushing) >= 9
