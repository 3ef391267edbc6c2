"""A carrier's certificate has to be good: of its time, of its name, and vouched for. No plugin can wave it through."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import doorstep
from doorstep import CarrierUnavailable, Found, Query
from doorstep.clock import SystemClock
from doorstep.fetch import Fetcher
from doorstep.metrics import Metrics

from ..acme import acme, asks
from ..servers import hostile, reply

pytestmark = pytest.mark.anyio
HERE = x509.IPAddress(ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("api.acme.example")
ROOT = Path(doorstep.__file__).parent.parent.parent


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """Vouches for certificates that it makes."""

    def __init__(self, folder):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = named("an authority of this test")
        self.file = folder / "authority.pem"
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = self._begun(self._name, self._key, timedelta(days=-1), timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server(self, name, since, until):
        """What a server of this name needs, with a certificate that holds from and until then."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._begun(named("a carrier"), key, since, until)
        made = made.add_extension(x509.SubjectAlternativeName([name]), False)
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
        file = self._folder / "server.pem"
        file.write_bytes(
            made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _begun(self, name, key, since, until):
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        return made.not_valid_before(now + since).not_valid_after(now + until)


DAY = timedelta(days=1)


@pytest.fixture
async def fetcher():
    fetcher = Fetcher(clock=SystemClock(), metrics=Metrics())
    yield fetcher
    await fetcher.aclose()


@pytest.mark.parametrize(
    ("name", "since", "until", "good"),
    [
        (HERE, -DAY, DAY, True),
        (HERE, -2 * DAY, -DAY, False),
        (HERE, DAY, 2 * DAY, False),
        (ELSEWHERE, -DAY, DAY, False),
    ],
    ids=["good", "expired", "not yet", "of another host"],
)
@pytest.mark.fault(23)
async def test_a_certificate_counts_in_its_time_and_for_its_host(
    tmp_path, monkeypatch, fetcher, name, since, until, good
):
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))  # the authority is one that this machine knows
    async with hostile(reply(), tls=authority.server(name, since, until)) as carrier:
        account = acme(asks(), endpoint=carrier.url)
        if good:
            assert isinstance(await fetcher.track(account, Query("123456789")), Found)
        else:
            with pytest.raises(CarrierUnavailable, match="no connection"):
                await fetcher.track(account, Query("123456789"))
        assert len(carrier.requests) == good


@pytest.mark.fault(23)
def test_nothing_in_engine_or_plugins_makes_a_certificate_count_less():
    weak = ("CERT_NONE", "check_hostname", "_create_unverified_context", "verify=False", "verify_mode")
    sources = [file for folder in ("engine", "plugins") for file in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 100
    assert [(file.name, word) for file in sources for word in weak if word in file.read_text("utf-8")] == []
