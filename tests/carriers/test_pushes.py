"""Every sample of a push, sent by the command to a running shop: the carrier is asked about the parcels that were looked up."""

from contextlib import ExitStack
from functools import cache
from operator import itemgetter

import httpx2
import pytest
from click.testing import CliRunner

from doorstep import Query, Secret
from doorstep.app import assemble
from doorstep.cli import main
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.exchange import Response
from doorstep.packages import installed
from doorstep.samples import Role
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.testing import serve
from doorstep_ups import UPS
from doorstep_ups.track_alert import Settings
from doorstep_usps import USPS
from doorstep_usps.subscriptions import Settings as USPSSettings

from ..clock import FakeClock
from ..gates import telling
from ..orders import KEY
from ..posting import until

SANDBOX = sandbox_of(installed())
PUSHED = [(slug, case) for slug, one in SANDBOX.samples.items() for case in one.of(Role.PUSH)]


@pytest.fixture(scope="module")
def shop_of(tmp_path_factory):
    """Gives the address of a shop that has one carrier alone, its clock, and the carriers' sandbox."""
    clock, sandbox = FakeClock(), sandbox_of(installed())
    with ExitStack() as stack:
        accounts = sandbox_accounts(sandbox, stack.enter_context(serve(sandbox.app)).url)

        @cache
        def shop_of(slug):
            folder = tmp_path_factory.mktemp("shop")
            config = Config(
                stores={"main": Store("Harbour & Pine")},
                secret_key=(KEY,),
                database=f"sqlite:///{folder}/shop.db",
                base=folder,
                carriers={slug: accounts[slug]},
            )
            engine = create_engine(config, clock=clock, packages=installed())
            return stack.enter_context(serve(assemble(engine))).url, clock, sandbox

        yield shop_of


def asked(sandbox, slug, number):
    """How often the carrier's sandbox was asked about a number alone."""
    return sum(
        sandbox.calls[slug, case.name]
        for case in sandbox.samples[slug].cases
        if case.role in (Role.PARCEL, Role.NOT_FOUND) and case.number == number
    )


@pytest.mark.parametrize(("slug", "case"), telling(PUSHED, itemgetter(0), id=lambda one: f"{one[0]} {one[1].name}"))
def test_a_sample_sent_by_the_command_has_its_parcels_asked_about_again(shop_of, slug, case):
    url, clock, sandbox = shop_of(slug)
    known = {one.number for one in sandbox.samples[slug].of(Role.PARCEL)}
    numbers = sorted(known.intersection(case.expected["numbers"]))
    assert numbers, "a push about nothing that the sandbox knows shows nothing"
    for number in numbers:
        assert httpx2.get(f"{url}/api/v1/shipments/{number}").status_code == 200
    clock.advance(1)
    before = {number: asked(sandbox, slug, number) for number in numbers}
    done = CliRunner().invoke(main, ["push", slug, case.name, "--to", url])
    assert (done.exit_code, done.output) == (0, '200 {"outcome":"kept"}\n')
    until(lambda: all(asked(sandbox, slug, number) == before[number] + 1 for number in numbers))
    assert CliRunner().invoke(main, ["push", slug, case.name, "--to", url]).output == '200 {"outcome":"known"}\n'


def test_the_command_says_which_samples_there_are_and_what_is_wrong():
    listed = CliRunner().invoke(main, ["push", "ups"])
    assert listed.output.startswith("pushed  Track Alert says: out for delivery in Lyon\n")
    assert "there are pushed, " in CliRunner().invoke(main, ["push", "ups", "other"]).output
    assert "no carrier 'ghost'" in CliRunner().invoke(main, ["push", "ghost"]).output
    nobody = CliRunner().invoke(main, ["push", "ups", "pushed", "--to", "http://127.0.0.1:9"])
    assert nobody.exit_code == 1
    assert "cannot be reached" in nobody.output


def test_the_command_fails_where_the_push_is_refused(shop_of):
    url, _, _ = shop_of("ups")
    done = CliRunner().invoke(main, ["push", "ups", "pushed", "--to", url, "--account", "other"])
    assert (done.exit_code, done.output) == (1, '404 {"outcome":"unknown account"}\n')


def carrier_of(cls, settings):
    package = next(one for one in installed() if one.module == f"doorstep_{cls.__name__.lower()}")
    return cls(package.manifests()[0], package.codes(), settings)


def played(exchange, response):
    """The request an exchange makes, if it makes one, and what comes of the response."""
    request = None
    try:
        request = next(exchange)
        exchange.send(response)
    except StopIteration as end:
        return request, end.value
    raise AssertionError("it asks for more")


def test_ups_is_told_of_one_z_numbers_only_and_a_refusal_is_each_number_s():
    ups = carrier_of(UPS, Settings(client_id="a", client_secret="b"))
    refusal = (
        b'{"response": {"errors": [{"code": "VSS210", "message": "None is valid"}]}, "invalidTrackingNumbers": ["x"]}'
    )
    queries = [Query("1ZD0R5TP6873112332"), Query("R4829173560"), Query("1R12345678912345")]
    request, results = played(ups.register(queries), Response(400, {}, refusal))
    assert request.json == {"locale": "en_US", "trackingNumberList": ["1ZD0R5TP6873112332", "1R12345678912345"]}
    assert "VSS210 None is valid" in results["1R12345678912345"].message
    assert "1Z and 1R" in results["R4829173560"].message
    assert played(ups.register([Query("R4829173560")]), Response(200))[0] is None, "there is nothing to ask for"


def test_usps_is_told_of_numbers_where_it_knows_the_address_and_of_none_otherwise():
    own = {"client_id": "a", "client_secret": "b"}
    by_hand = carrier_of(USPS, USPSSettings(**own))
    assert played(by_hand.register([Query("9505503614820593000128")]), Response(200)) == (
        None,
        {"9505503614820593000128": None},
    )
    address = "https://track.shop.example/webhooks/usps/usps"
    told = carrier_of(USPS, USPSSettings(**own, push_url=address, push_secret=(Secret("one"), Secret("two"))))
    refusal = Response(400, {}, b'{"error": {"code": "400", "message": "No such listener"}}')
    request, results = played(told.register([Query("9505503614820593000128")]), refusal)
    assert request.json == {
        "listenerURL": address,
        "secret": "one",
        "filterProperties": {"trackingNumbers": ["9505503614820593000128"], "trackingEventTypes": ["ALL"]},
    }
    assert "400 No such listener" in results["9505503614820593000128"].message
