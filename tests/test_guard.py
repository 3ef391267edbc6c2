"""Only public addresses are dialled, and only those that were checked. Names and connections are fakes: no packet leaves."""

import ssl
import threading
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import CarrierUnavailable, NotFound, Query
from doorstep.fetch import Fetcher
from doorstep.guard import GuardedTransport, public
from doorstep.metrics import Metrics

from .acme import acme, asks
from .servers import hostile, reply

CERTIFICATE = Path(__file__).parent / "self_signed.pem"  # for 127.0.0.1; nobody vouches for it
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "255.255.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.9",
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "100::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::7f00:1",
    "",
    "localhost",
    "127.1",
    "2130706433",
]
PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_these_addresses_are_not_public(address):
    assert not public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_these_addresses_are_public(address):
    assert public(address)


@given(st.text())
def test_what_is_no_address_is_not_public_and_no_error(text):
    assert public(text) in (True, False)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_no_wrapping_of_a_private_address_makes_it_public(address):
    value = int(address)
    high, low = value >> 16, value & 0xFFFF
    for wrapped in (f"::ffff:{address}", f"2002:{high:x}:{low:x}::1", f"64:ff9b::{high:x}:{low:x}", f"::{address}"):
        assert not public(wrapped)


class Net:
    """A resolver that gives one list of addresses after the other, and a dial that notes what it is asked to connect to."""

    def __init__(self, *answers):
        self.looked_up = []
        self.dialled = []
        self._answers = list(answers)

    async def resolve(self, host, port):
        self.looked_up.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def dial(self, host):
        async def answer(request):
            self.dialled.append(request)
            return httpx2.Response(200, stream=httpx2.ByteStream(b"{}"))

        return httpx2.MockTransport(answer)

    def transport(self):
        return GuardedTransport(resolve=self.resolve, dial=self.dial)


async def get(transport, url):
    return await transport.handle_async_request(httpx2.Request("GET", url))


@pytest.mark.anyio
@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.fault(22)
async def test_a_name_that_leads_to_a_private_address_is_refused(address):
    net = Net([address])
    with pytest.raises(CarrierUnavailable, match=r"refused to connect to api.acme.example: .* not public"):
        await get(net.transport(), "https://api.acme.example/")
    assert net.dialled == []


@pytest.mark.anyio
async def test_one_private_address_among_public_ones_is_enough_to_refuse():
    net = Net(["93.184.215.14", "127.0.0.1"])
    with pytest.raises(CarrierUnavailable, match="not public"):
        await get(net.transport(), "https://api.acme.example/")
    assert net.dialled == []


@pytest.mark.anyio
async def test_a_name_that_leads_nowhere_is_refused():
    with pytest.raises(CarrierUnavailable, match="refused"):
        await get(Net([]).transport(), "https://api.acme.example/")


SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.000.000.001",
    "localhost", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "0.0.0.0", "0",
    "１２７.0.0.1", "127。0。0。1", "169.254.169.254", "2852039166", "0xA9FEA9FE", "[fe80::1]",
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("host", SPELLINGS)
async def test_the_systems_own_resolver_does_not_smuggle_a_spelling_past_the_guard(host):
    net = Net([])
    with pytest.raises((CarrierUnavailable, httpx2.InvalidURL)):
        await get(GuardedTransport(dial=net.dial), f"https://{host}/latest/meta-data")
    assert net.dialled == []


@pytest.mark.anyio
async def test_the_checked_address_is_dialled_and_the_name_kept_for_host_and_tls():
    net = Net(["93.184.215.14"])
    await get(net.transport(), "https://api.acme.example:8443/track?n=1")
    (request,) = net.dialled
    assert net.looked_up == [("api.acme.example", 8443)]
    assert str(request.url) == "https://93.184.215.14:8443/track?n=1"
    assert request.headers["host"] == "api.acme.example:8443"
    assert request.extensions["sni_hostname"] == "api.acme.example"


@pytest.mark.anyio
@pytest.mark.fault(22)
async def test_a_name_that_changes_its_mind_is_checked_each_time_and_looked_up_once_a_request():
    net = Net(["93.184.215.14"], ["127.0.0.1"], ["8.8.8.8"])
    transport = net.transport()
    await get(transport, "https://api.acme.example/")
    with pytest.raises(CarrierUnavailable):
        await get(transport, "https://api.acme.example/")
    await get(transport, "https://api.acme.example/")
    assert [request.url.host for request in net.dialled] == ["93.184.215.14", "8.8.8.8"]
    assert len(net.looked_up) == 3


@pytest.mark.anyio
async def test_a_public_host_is_not_asked_without_tls():
    net = Net(["93.184.215.14"])
    with pytest.raises(CarrierUnavailable, match="without TLS"):
        await get(net.transport(), "http://api.acme.example/")
    assert net.dialled == []


@pytest.mark.anyio
async def test_an_origin_the_operator_names_is_trusted_and_no_other_of_its_host():
    net = Net(["127.0.0.1"])
    transport = net.transport()
    transport.trust("http://sandbox.example:9000/acme")
    await get(transport, "http://sandbox.example:9000/other/path")
    for url in ("http://sandbox.example:9001/", "http://sandbox.example/", "http://other.example:9000/"):
        with pytest.raises(CarrierUnavailable):
            await get(transport, url)
    assert len(net.dialled) == 1


@pytest.mark.anyio
async def test_two_hosts_never_share_a_pool_of_connections():
    hosts = []

    def dial(host):
        hosts.append(host)
        return net.dial(host)

    net = Net(["93.184.215.14"])
    transport = GuardedTransport(resolve=net.resolve, dial=dial)
    for host in ("a.acme.example", "b.acme.example", "a.acme.example"):
        await get(transport, f"https://{host}/")
    assert hosts == ["a.acme.example", "b.acme.example"]


@pytest.mark.anyio
async def test_a_carrier_whose_name_leads_inside_is_not_asked_and_its_question_fails(clock):
    net = Net(["10.1.2.3"])
    fetcher = Fetcher(clock=clock, metrics=Metrics(), transport=net.transport())
    with pytest.raises(CarrierUnavailable, match="not public"):
        await fetcher.track(acme(asks()), Query("123456789"))
    await fetcher.aclose()
    assert net.dialled == []


@pytest.mark.anyio
async def test_a_carrier_at_a_public_address_is_asked(clock):
    net = Net(["93.184.215.14"])
    fetcher = Fetcher(clock=clock, metrics=Metrics(), transport=net.transport())
    answer = await fetcher.track(acme(asks(then=lambda response: NotFound("asked"))), Query("123456789"))
    await fetcher.aclose()
    assert answer == NotFound("asked")
    assert net.looked_up == [("api.acme.example", 443)]


@pytest.mark.anyio
@pytest.mark.fault(23)
async def test_a_certificate_that_nobody_vouches_for_is_refused(clock):
    """The operator's own origin is trusted as an address, never as a certificate."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(CERTIFICATE)
    fetcher = Fetcher(clock=clock, metrics=Metrics())
    async with hostile(reply(), tls=own) as carrier:
        with pytest.raises(CarrierUnavailable, match="no connection"):
            await fetcher.track(acme(asks(), endpoint=carrier.url), Query("123456789"))
        assert carrier.requests == []
        # The server is fine: who is told to believe its certificate gets an answer.
        async with httpx2.AsyncClient(
            verify=ssl.create_default_context(cafile=str(CERTIFICATE)), trust_env=False
        ) as believer:
            assert (await believer.get(carrier.url)).status_code == 200
    await fetcher.aclose()


async def test_what_connects_is_made_off_the_loop_and_once_a_host():
    threads = []

    def dial(host):
        threads.append(threading.get_ident())
        return httpx2.MockTransport(lambda request: httpx2.Response(200))

    async def resolve(host, port):
        return ["93.184.216.34"]

    guard = GuardedTransport(resolve=resolve, dial=dial)
    for _ in range(2):
        await guard.handle_async_request(httpx2.Request("GET", "https://carrier.example/"))
    assert len(threads) == 1
    assert threads != [threading.get_ident()]
