"""What an operator should hear of: who was refused, at which store, and never by name."""

from structlog.testing import capture_logs

from .erp import ORDERS, Shop
from .ordering import EMAIL, order, ordering, page_of
from .shopfront import OWN

EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


def told(logs):
    return [(one["event"], one["log_level"], one["store"]) for one in logs if "store" in one]


def test_who_is_refused_is_told_and_not_named(tmp_path, plugin):
    with ordering(tmp_path, plugin) as front:
        path = page_of(front, order("1001", email=EMAIL, postcode="20095"))
        with capture_logs() as logs:
            front.post("/", {"order": "1001", "proof": "eve@post.example"}, headers=EVIL)
            front.post("/", {"order": "1001", "proof": "eve@post.example"}, headers=OWN)
            front.post(f"{path}proof", {"proof": "eve@post.example"}, headers=OWN)
            for _ in range(4):
                front.post("/", {"order": "1001", "proof": "99999"}, headers=OWN)
    closed = "an order was not opened: the proof is wrong, or there is none"
    assert told(logs) == [
        ("a form was sent from another site", "warning", "main"),
        (closed, "info", "main"),
        ("a second proof is wrong", "info", "main"),
        *[(closed, "info", "main")] * 3,
        ("too many guesses at orders", "warning", "main"),
    ]
    assert not [word for word in ("1001", "eve@", "99999", "127.0.0.1", "testclient") if word in str(logs)]


def test_a_key_that_opens_nothing_or_not_this_is_told_without_the_key(erp: Shop) -> None:
    reading = erp.new_key("orders:read")
    with capture_logs() as logs:
        erp.ask("GET", ORDERS, key="ds_000000000000_" + "0" * 32)
        erp.ask("POST", ORDERS, {"number": "1"}, key=reading)
        erp.ask("GET", ORDERS, key=reading)
    refused = [
        (one["code"], one["needs"], one["store"]) for one in logs if one["event"].startswith("a request to the API")
    ]
    assert refused == [("unauthorized", "orders:read", "main"), ("forbidden", "orders:write", "main")]
    assert "ds_" not in str(logs)
