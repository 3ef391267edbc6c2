"""Pushes of carriers over real HTTP: whoever sends them in whatever order, only the carrier's own answer changes anything."""

import json
import re
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from doorstep import Secret
from doorstep.inbox import LARGEST

from ..posting import DELIVERED, FILES, NEXT, OUT, PICKED_UP, SECRET, hearing, signed, until
from ..servers import redis_url
from ..shopfront import heading

NUMBER, OTHER = "123456789", "987654321"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)  # where the clock stands
BODY = json.dumps({"numbers": [NUMBER]}).encode()


@pytest.fixture
def shop(tmp_path, plugin):
    with hearing(tmp_path, plugin("doorstep_pushing_post", FILES)) as shop:
        assert shop.status(NUMBER) == "in_transit"  # somebody looked it up
        yield shop
    sys.modules.pop("doorstep_pushing_post", None)


def test_a_push_leads_to_one_question_and_the_page_shows_the_news(shop):
    assert heading(shop.page(NUMBER)) == "On its way"
    shop.post.scans = [OUT, PICKED_UP]
    assert shop.push(NUMBER) == (200, "kept")
    shop.comes_to(NUMBER, "out_for_delivery")
    assert heading(shop.page(NUMBER)) == "Out for delivery"
    assert shop.post.asked == {NUMBER: 2}
    assert shop.pushes() == {"kept": 1}


def test_a_number_that_nobody_here_has_asked_for_is_not_asked_about(shop):
    with capture_logs() as logs:
        assert shop.push(OTHER, "no number at all, whatever it is", NUMBER, OTHER) == (200, "kept")
        shop.comes_to(NUMBER, "in_transit")
    assert OTHER not in shop.post.asked
    assert OTHER not in str(logs)


@pytest.mark.parametrize(
    ("why", "body", "headers"),
    [
        ("signed with another secret", BODY, signed(BODY, "guessed")),
        ("one byte of the body changed", BODY.replace(b"9", b"8"), signed(BODY)),
        ("a byte more", BODY + b" ", signed(BODY)),
        ("not signed", BODY, {}),
        ("an empty signature", BODY, {"X-Post-Signature": ""}),
        ("signed with nothing", BODY, signed(BODY, "")),
        ("one byte of the signature changed", BODY, {"X-Post-Signature": signed(BODY)["X-Post-Signature"][:-1] + "z"}),
        ("signed twice", BODY, [*signed(BODY).items(), *signed(BODY).items()]),
        ("the right signature after a wrong one", BODY, [("X-Post-Signature", "0" * 64), *signed(BODY).items()]),
        ("a signature that is no text", BODY, [(b"X-Post-Signature", b"\xff\xfe")]),
    ],
)
@pytest.mark.fault(39)
def test_what_the_carrier_did_not_sign_is_refused(shop, why, body, headers):
    shop.post.scans = [OUT, PICKED_UP]
    assert shop.send(body, headers) == (401, "wrong signature"), why
    assert shop.status(NUMBER) == "in_transit"
    assert shop.post.asked == {NUMBER: 1}
    assert shop.pushes() == {"wrong signature": 1}


@pytest.mark.fault(39)
def test_either_secret_may_have_signed_while_one_is_changed_for_the_other(shop):
    assert shop.push(NUMBER, nth="1", secret=SECRET) == (200, "kept")
    assert shop.push(NUMBER, nth="2", secret=NEXT) == (200, "kept")


@pytest.mark.fault(39)
def test_the_same_push_again_is_known_and_nobody_is_asked(shop):
    assert shop.push(NUMBER) == (200, "kept")
    shop.asks(NUMBER, times=2)
    assert [shop.push(NUMBER), shop.push(NUMBER, secret=NEXT)] == [(200, "known")] * 2
    assert shop.push(NUMBER, id="evt_1") == (200, "kept")
    shop.asks(NUMBER, times=3)
    assert shop.push(NUMBER, id="evt_1", tried="again") == (200, "known"), "its id tells, whatever else it says"
    assert shop.push(NUMBER, id="evt_2") == (200, "kept")
    shop.asks(NUMBER, times=4)


@pytest.mark.fault(39)
def test_pushes_out_of_turn_and_twice_never_take_a_parcel_back(shop):
    """What a push says of a parcel is not read: the carrier's own answer counts, and that goes on."""
    shop.post.scans = [DELIVERED, OUT, PICKED_UP]
    seen = []
    for status in ("delivered", "in_transit", "out_for_delivery", "in_transit", "delivered"):
        shop.push(NUMBER, status=status)
        seen.append(shop.status(NUMBER))
    shop.comes_to(NUMBER, "delivered")
    assert seen == sorted(seen, key=["in_transit", "delivered"].index)


@pytest.mark.fault(39)
def test_what_was_sent_too_long_ago_or_later_than_now_is_refused(shop):
    day, minute = timedelta(days=1), timedelta(minutes=1)
    for at in (NOW - day, NOW - 30 * day, NOW + 10 * minute, NOW + 365 * day):
        assert shop.push(NUMBER, at=at.isoformat()) == (409, "out of time")
    for at in (NOW - day + minute, NOW + 4 * minute):
        assert shop.push(NUMBER, at=at.isoformat()) == (200, "kept")


@pytest.mark.fault(39)
def test_ten_megabytes_are_not_read_to_their_end(shop):
    assert shop.send(b" " * 10_000_000) == (413, "too large")
    assert shop.send(BODY + b" " * (LARGEST - len(BODY))) == (200, "kept")


def test_an_account_that_is_not_there_is_not_told_from_another_carrier_s(shop, tmp_path):
    for path in ("/webhooks/post/other", "/webhooks/ups/post", "/webhooks/ups/other", "/webhooks/post/%00"):
        assert shop.push(NUMBER, path=path) == (404, "unknown account")


def test_without_a_secret_nobody_is_heard(tmp_path, plugin):
    with hearing(tmp_path, plugin("doorstep_pushing_post", FILES), account={"push_secret": []}) as shop:
        assert shop.push(NUMBER, secret="") == (404, "unknown account")
    sys.modules.pop("doorstep_pushing_post", None)


def test_what_cannot_be_read_is_settled_and_said_without_what_it_says(shop):
    for body in (b"", b"[]", b"null", b'{"numbers": 1}', b"\xff", b"[" * 5000, b'{"numbers": [null, {}, 1, "x"]}'):
        with capture_logs() as logs:
            status, outcome = shop.send(body)
        assert (status, outcome) in {(200, "unusable"), (200, "ignored")}, body
        assert not re.search("numbers|null", str(logs))


def test_a_ping_is_answered_and_nothing_is_done(shop):
    assert shop.send(b"ping", {}) == (200, "ok")
    assert shop.post.asked == {NUMBER: 1}


def test_many_pushes_at_once_ask_for_a_number_once_at_a_time(shop):
    """A number that stands in a hundred pushes is asked about no more often than there were pushes, and others not at all."""
    numbers = [f"{n:09}" for n in range(1000)]
    assert shop.push(*numbers, NUMBER) == (200, "kept")
    assert shop.push(NUMBER, *numbers) == (200, "kept")
    shop.post.scans = [OUT, PICKED_UP]
    shop.push(NUMBER, last="one")
    shop.comes_to(NUMBER, "out_for_delivery")
    assert shop.post.asked.keys() == {NUMBER}
    assert shop.post.asked[NUMBER] <= 4


def test_what_one_process_heard_the_pages_of_another_show_and_the_carrier_is_asked_once(tmp_path, plugin):
    package = plugin("doorstep_pushing_post", FILES)
    with redis_url(tmp_path) as redis, ExitStack() as stack:
        first = stack.enter_context(hearing(tmp_path, package, redis=Secret(redis)))
        account = {"endpoint": first.post.url}
        second = stack.enter_context(
            hearing(tmp_path, package, redis=Secret(redis), account=account, clock=first.clock)
        )
        assert [first.status(NUMBER), second.status(NUMBER)] == ["in_transit"] * 2
        assert heading(second.page(NUMBER)) == "On its way"
        first.post.scans = [OUT, PICKED_UP]
        assert first.push(NUMBER) == (200, "kept")
        assert second.push(NUMBER) == (200, "known")
        second.comes_to(NUMBER, "out_for_delivery")
        until(lambda: heading(second.page(NUMBER)) == "Out for delivery")
        assert first.post.asked == {NUMBER: 2}
        assert second.post.asked == {}
    sys.modules.pop("doorstep_pushing_post", None)
