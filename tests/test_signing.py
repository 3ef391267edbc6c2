"""Signatures are those of Standard Webhooks: the published vector, and the specification's own library as judge."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from doorstep.errors import ConfigError
from doorstep.incoming import Incoming
from doorstep.secret import Secret
from doorstep.signing import Signer, new_secret

WHERE = "stores.main.webhooks.erp.secret"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def secret_of(length, fill=7):
    return "whsec_" + base64.b64encode(bytes([fill]) * length).decode()


def signer(*secrets):
    return Signer([Secret(one) for one in secrets], setting=WHERE)


def test_the_published_vector_is_signed_as_published():
    headers = signer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(
    key=st.binary(min_size=24, max_size=64),
    id=st.from_regex(r"evt_[0-9a-z]{24}", fullmatch=True),
    at=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
    body=st.text(),
)
def test_the_specifications_library_signs_the_same(key, id, at, body):
    secret = "whsec_" + base64.b64encode(key).decode()
    ours = signer(secret).headers(id, at, body.encode())["webhook-signature"]
    assert ours == Webhook(secret).sign(id, at, body)


def test_what_comes_in_is_known_by_the_published_vector_and_only_within_five_minutes():
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1a,xxxx v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    knows = signer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at, body = datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}'
    assert knows.signed(Incoming(headers, body), at)
    assert knows.signed(Incoming(headers, body), at + timedelta(minutes=5))
    assert not knows.signed(Incoming(headers, body), at + timedelta(minutes=5, seconds=1))
    assert not knows.signed(Incoming(headers, body), at - timedelta(minutes=5, seconds=1))
    assert not knows.signed(Incoming(headers, b'{"test": 2432232315}'), at)
    assert not signer(secret_of(24)).signed(Incoming(headers, body), at)
    for name in headers:
        assert not knows.signed(Incoming({**headers, name: ""}, body), at)
        assert not knows.signed(Incoming({**headers, name: "-1"}, body), at)


def test_a_moment_within_a_second_is_that_second():
    headers = signer(new_secret()).headers("evt_1", NOON + timedelta(milliseconds=999), b"{}")
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))


def test_while_a_secret_is_changed_the_holders_of_both_accept():
    old, new, foreign = new_secret(), new_secret(), new_secret()
    headers = signer(new, old).headers("evt_1", datetime.now(UTC), b'{"a":1}')
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert Webhook(secret).verify(b'{"a":1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(foreign).verify(b'{"a":1}', headers)


@pytest.mark.parametrize("change", [{"body": b'{"a":2}'}, {"webhook-id": "evt_2"}, {"webhook-timestamp": "+1"}])
def test_id_time_and_every_byte_of_the_body_are_signed(change):
    secret, now = new_secret(), datetime.now(UTC)
    body = b'{"a":1}'
    headers = signer(secret).headers("evt_1", now, body)
    later = str(int(now.timestamp()) + 1)
    changed = {name: later if value == "+1" else value for name, value in change.items()}
    Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(secret).verify(changed.pop("body", body), headers | changed)


def test_a_new_secret_is_a_good_one_and_never_the_same():
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    for secret in made:
        assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
        signer(secret)


@pytest.mark.parametrize("length", [24, 64])
def test_the_shortest_and_the_longest_secret_are_good(length):
    signer(secret_of(length))


@pytest.mark.parametrize(
    "secret",
    [
        secret_of(23),
        secret_of(65),
        secret_of(32).removeprefix("whsec_"),
        secret_of(32).rstrip("="),
        secret_of(32, fill=255).replace("/", "_"),
        secret_of(32).replace("whsec_", "whpk_"),
        secret_of(32) + "\n",
        "whsec_" + "correct horse battery staple, twice",
        "whsec_ä" + secret_of(32),
        "whsec_",
        "",
    ],
)
def test_what_is_no_secret_is_named_with_its_place_and_never_shown(secret):
    with pytest.raises(ConfigError) as caught:
        signer(new_secret(), secret)
    assert str(caught.value) == (
        "stores.main.webhooks.erp.secret is not whsec_ and the base64 of 24 to 64 bytes: "
        "make one: doorstep webhooks secret"
    )


def test_no_secret_at_all_is_an_error():
    with pytest.raises(ConfigError, match=r"^stores\.main\.webhooks\.erp\.secret is empty"):
        signer()
