"""Shop systems tell of orders: only who signed is heard, nothing twice, nothing older over newer, and nothing lost."""

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import select
from starlette.testclient import TestClient

from doorstep import ConnectorSettings, Secret
from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import Engine, create_engine
from doorstep.errors import StoreError
from doorstep.inbox import LARGEST
from doorstep.incoming import is_signed
from doorstep.order import Contact
from doorstep.orderbook import KeptOrder
from doorstep.packages import Package
from doorstep.tables import events, orders, requests, sources

from .clock import FakeClock
from .orders import KEY, order, rows

CODE = '''
from datetime import datetime
from doorstep import (
    Connector, ConnectorSettings, DataRequest, OrderChange, OrderGone, Parcel, Redaction, Verdict, hookimpl, is_signed
)

class Settings(ConnectorSettings, frozen=True):
    pass

class Acme(Connector[Settings]):
    """Sends what it means as it is: one object a change."""
    name = "acme"

    def verify(self, incoming):
        if incoming.body == b"ping":
            return Verdict.PING
        return Verdict.of(is_signed(incoming.body, self.settings.secret, incoming.header("x-signature")))

    def key(self, incoming):
        return incoming.header("x-id") or super().key(incoming)

    def read(self, incoming):
        return [self.change(one) for one in incoming.json().each("changes")]

    def change(self, one):
        if one.text("gone"):
            return OrderGone(one.text("gone"))
        if one.text("forget") or one.is_true("everything"):
            return Redaction(tuple(x.text() for x in one.each("forget")), one.text("email"), one.is_true("everything"))
        if one.text("asked"):
            return DataRequest((one.text("asked"),), one.text("email"))
        at, parcels = one.text("at"), one.at("parcels").value
        return OrderChange(
            one.text("source"), one.value["number"], one.at("fields").value or {},
            None if parcels is None else tuple(Parcel(number, "UPS") for number in parcels),
            datetime.fromisoformat(at) if at else None, one.text("part_of"),
        )

@hookimpl
def register_connectors(register):
    register(Acme)
'''
SECRET = "signed with this"


@pytest.fixture
def acme(plugin) -> Package:
    return plugin("doorstep_acme_shop", {"__init__.py": CODE})


class Shop:
    """A running engine whose store `main` has a shop system."""

    def __init__(self, engine: Engine, client: TestClient) -> None:
        self.engine = engine
        self.client = client

    def send(
        self, body: bytes, *, secret: str = SECRET, path: str = "/connect/acme", **headers: str
    ) -> tuple[int, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.client.post(path, content=body, headers={"X-Signature": signature(body, secret), **named})
        return response.status_code, response.json()["outcome"]

    def tell(self, *changes: dict[str, Any], **headers: str) -> tuple[int, str]:
        return self.send(json.dumps({"changes": changes}).encode(), **headers)

    def order(self, number: str = "1001") -> KeptOrder | None:
        with self.engine.database.reading() as connection:
            return self.engine.orders.find(connection, "main", number)

    def parcels(self, number: str = "1001") -> list[str]:
        order = self.order(number)
        return sorted(one.number for one in order.parcels) if order else []

    def told(self, kind: str) -> list[Any]:
        with self.engine.database.reading() as connection:
            return [json.loads(data) for data in connection.scalars(select(events.c.data).where(events.c.type == kind))]


def signature(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


@pytest.fixture
def shop(acme: Package, database_url: str, tmp_path: Path, clock: FakeClock) -> Iterator[Shop]:
    connectors = {"acme": {"secret": ["the next one", SECRET]}}
    stores = {"main": Store("Harbour & Pine", connectors=connectors), "outlet": Store("Outlet", path="/outlet")}
    config = Config(stores=stores, secret_key=(KEY,), database=database_url, base=tmp_path)
    engine = create_engine(config, clock=clock, packages=[acme])
    with TestClient(assemble(engine), base_url="http://shop.example") as client:
        yield Shop(engine, client)


ORDER = {"source": "order/1", "number": "1001", "fields": {"email": "mara@post.example", "postcode": "04109"}}


def test_a_signed_order_is_kept_with_its_event(shop: Shop) -> None:
    assert shop.tell({**ORDER, "parcels": ["JD014600", "JD014601"]}) == (200, "kept")
    kept = shop.order()
    assert kept is not None
    assert shop.parcels() == ["JD014600", "JD014601"]
    assert shop.told("order.created") == [{"order": {"id": kept.id, "number": "1001"}}]
    with shop.engine.database.reading() as connection:
        assert shop.engine.orders.contact(connection, kept.id) == Contact("mara@post.example", "04109")


def test_what_is_wrongly_signed_is_refused_and_nothing_is_kept(shop: Shop) -> None:
    body = json.dumps({"changes": [ORDER]}).encode()
    assert shop.send(body, secret="guessed") == (401, "wrong signature")
    assert shop.send(body, X_Signature="") == (401, "wrong signature")
    assert shop.order() is None


def test_either_secret_may_have_signed_while_one_is_changed_for_the_other(shop: Shop) -> None:
    for secret in (SECRET, "the next one"):
        assert shop.send(json.dumps({"changes": [ORDER]}).encode(), secret=secret)[0] == 200


def test_a_ping_is_answered_and_nothing_is_done(shop: Shop) -> None:
    assert shop.send(b"ping", secret="") == (200, "ok")


def test_a_repetition_is_known_also_when_its_body_differs(shop: Shop) -> None:
    assert shop.tell(ORDER, X_Id="w-1") == (200, "kept")
    assert shop.tell({**ORDER, "fields": {"note": "again"}}, X_Id="w-1") == (200, "known")
    assert shop.tell({**ORDER, "fields": {"note": "new"}}, X_Id="w-2") == (200, "kept")
    kept = shop.order()
    assert kept is not None
    assert kept.order.note == "new"


def test_what_says_nothing_is_ignored_and_what_is_no_use_is_settled(shop: Shop) -> None:
    assert shop.send(b'{"changes": []}') == (200, "ignored")
    assert shop.send(b"not JSON") == (200, "unusable")
    assert shop.tell({"source": "order/1", "number": 7}) == (200, "unusable")
    assert shop.tell({"source": "order/1", "number": ""}) == (200, "unusable")
    assert shop.tell({"source": "s" * 129, "number": "1001"}) == (200, "unusable")
    assert shop.tell({"source": "order/1"}) == (500, "failed"), "the plugin's own mistake"


def test_an_unknown_connector_or_another_store_s_is_not_there(shop: Shop) -> None:
    body = json.dumps({"changes": [ORDER]}).encode()
    assert shop.send(body, path="/connect/other") == (404, "unknown connector")
    assert shop.send(body, path="/outlet/connect/acme") == (404, "unknown connector")
    assert shop.client.get("/connect/acme").status_code == 405


def test_a_body_that_is_too_large_is_refused_before_it_is_read(shop: Shop) -> None:
    assert shop.send(b" " * (LARGEST + 1)) == (413, "too large")
    assert shop.send(b'{"changes": []}' + b" " * (LARGEST - 15)) == (200, "ignored")


def test_an_older_state_never_overwrites_a_newer_one(shop: Shop) -> None:
    newer = {**ORDER, "fields": {"note": "newer"}, "parcels": ["JD014601"], "at": "2026-11-21T10:00:00+01:00"}
    older = {**ORDER, "fields": {"note": "older"}, "parcels": ["JD014600"], "at": "2026-11-21T08:59:59Z"}
    assert (shop.tell(newer), shop.tell(older)) == ((200, "kept"), (200, "kept"))
    kept = shop.order()
    assert kept is not None
    assert (kept.order.note, shop.parcels(), kept.version) == ("newer", ["JD014601"], 1)


def test_each_source_has_its_own_parcels_and_its_own_order_of_time(shop: Shop) -> None:
    first = {"source": "part/1", "number": "1001", "parcels": ["JD014600"], "at": "2026-11-21T12:00:00Z"}
    second = {"source": "part/2", "number": "1001", "parcels": ["JD014601", "JD014602"], "at": "2026-11-21T12:00:00Z"}
    shop.tell(first)
    shop.tell(second)
    shop.tell({**ORDER, "at": "2026-11-21T11:00:00Z"})  # it was placed before, and comes last
    assert shop.parcels() == ["JD014600", "JD014601", "JD014602"]
    shop.tell({**second, "parcels": ["JD014602", "JD014603"], "at": "2026-11-21T13:00:00Z"})
    assert shop.parcels() == ["JD014600", "JD014602", "JD014603"]
    shop.tell({**first, "parcels": ["JD014602"], "at": "2026-11-21T13:00:00Z"})
    shop.tell({**second, "parcels": [], "at": "2026-11-21T14:00:00Z"})
    assert shop.parcels() == ["JD014602"], "one that another source names stays"


def test_what_an_import_brought_stays_when_a_source_speaks(shop: Shop) -> None:
    with shop.engine.database.writing() as connection:
        wanted = order("1001", "JD999999", note="Thank you")
        shop.engine.ledger.enter(connection, "main", "1001", lambda _: wanted)
    shop.tell({**ORDER, "parcels": ["JD014600"]})
    shop.tell({**ORDER, "parcels": []})
    kept = shop.order()
    assert kept is not None
    assert (shop.parcels(), kept.order.note) == (["JD999999"], "Thank you")


def test_a_field_or_a_number_that_does_not_fit_is_left_out_and_the_rest_is_kept(shop: Shop) -> None:
    fields = {"email": "not an address", "country": "Germany", "postcode": "04109", "placed_at": "2026-11-20T08:00:00Z"}
    assert shop.tell({**ORDER, "fields": fields, "parcels": ["by hand", "JD014600"]}) == (200, "kept")
    kept = shop.order()
    assert kept is not None
    assert (kept.order.country, kept.placed_at) == ("", datetime(2026, 11, 20, 8, tzinfo=UTC))
    assert (kept.email_hash, kept.postcode_hash is None, shop.parcels()) == (None, False, ["JD014600"])


def test_an_order_may_get_another_number(shop: Shop) -> None:
    shop.tell(ORDER)
    shop.tell({**ORDER, "number": "HP-1001"})
    assert (shop.order("1001"), shop.order("HP-1001") is not None) == (None, True)


def test_a_deleted_order_is_gone_with_what_was_known_of_its_sources(shop: Shop) -> None:
    shop.tell({**ORDER, "parcels": ["JD014600"]})
    assert shop.tell({"gone": "order/1"}) == (200, "kept")
    assert shop.tell({"gone": "order/2"}) == (200, "kept")
    with shop.engine.database.reading() as connection:
        assert [rows(connection, one) for one in (orders, sources)] == [0, 0]


def test_a_person_is_forgotten_by_order_and_by_address(shop: Shop) -> None:
    shop.tell(ORDER)
    shop.tell({"source": "order/2", "number": "1002", "fields": {"email": "MARA@post.example"}})
    shop.tell({"source": "order/3", "number": "1003", "fields": {"email": "jon@post.example"}})
    shop.tell({"source": "order/4", "number": "1004"})
    assert shop.tell({"forget": ["order/4"], "email": "mara@post.example"}) == (200, "kept")
    assert [shop.order(number) is not None for number in ("1001", "1002", "1003", "1004")] == [
        False,
        False,
        True,
        False,
    ]
    assert shop.told("privacy.erased") == [{"connector": "acme", "orders": 3}]


def test_a_shop_that_leaves_takes_what_it_told_and_nothing_else(shop: Shop) -> None:
    with shop.engine.database.writing() as connection:
        shop.engine.ledger.enter(connection, "main", "own", lambda _: order("own"))
    shop.tell(ORDER)
    shop.tell({"everything": True})
    assert (shop.order("1001"), shop.order("own") is not None) == (None, True)


def test_what_was_forgotten_stays_forgotten(shop: Shop) -> None:
    shop.tell(ORDER)
    shop.tell({"forget": ["order/1"]})
    shop.tell({**ORDER, "fields": {"email": "mara@post.example", "note": "again"}})
    shop.tell({"source": "part/9", "part_of": "order/1", "number": "1001", "parcels": ["JD014600"]})
    with shop.engine.database.reading() as connection:
        (kept,) = shop.engine.orders.page(connection, "main").orders
    assert (kept.email_hash, kept.order.note, kept.parcels, kept.erased_at is None) == (None, "", (), False)


def test_a_part_belongs_to_its_order_whatever_number_that_has_now(shop: Shop) -> None:
    shop.tell(ORDER)
    shop.tell({**ORDER, "number": "HP-1001"})
    shop.tell({"source": "part/1", "part_of": "order/1", "number": "1001", "parcels": ["JD014600"]})
    assert (shop.parcels("HP-1001"), shop.order("1001")) == (["JD014600"], None)


def test_a_request_for_data_is_told_to_the_shop_without_the_person(shop: Shop) -> None:
    shop.tell(ORDER)
    shop.tell({"asked": "order/1", "email": "mara@post.example"}, X_Id="r-1")
    kept = shop.order()
    assert kept is not None
    told = shop.told("privacy.data_requested")
    assert told == [{"connector": "acme", "order": {"id": kept.id, "number": "1001"}}]


def test_what_cannot_be_kept_is_not_said_to_be_and_can_be_sent_again(shop: Shop, monkeypatch) -> None:
    def full(*arguments: Any) -> None:
        raise StoreError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(type(shop.engine.outbox), "put", full)
        assert shop.tell(ORDER, X_Id="w-1") == (503, "try again")
    assert shop.order() is None
    assert shop.tell(ORDER, X_Id="w-1") == (200, "kept")


def test_no_log_tells_of_a_person(shop: Shop) -> None:
    with structlog.testing.capture_logs() as logs:
        shop.tell({**ORDER, "fields": {"email": "mara quill", "postcode": "04109"}, "parcels": ["mara by hand"]})
        shop.send(b'{"changes": "mara')
        shop.tell({"source": "order/1", "number": {"mara": 1}})
        shop.send(b"mara", secret="guessed")
    assert len(logs) >= 4
    assert "mara" not in str(logs)


def test_the_key_is_kept_as_a_digest(shop: Shop) -> None:
    shop.tell(ORDER, X_Id="mara@post.example")
    with shop.engine.database.reading() as connection:
        ((scope, key),) = connection.execute(select(requests.c.scope, requests.c.key)).all()
    assert (scope, len(key), "mara" in key) == ("connector", 64, False)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"other": {"secret": ["x"]}}, "no plugin offers this connector"),
        ({"acme": {}}, r"stores.main.connectors.acme.secret is missing"),
        ({"acme": {"secret": [""]}}, "secret is empty"),
        ({"acme": {"secret": ["x"], "sceret": "y"}}, "sceret is not a setting"),
    ],
)
def test_a_connector_that_cannot_be_had_is_named_and_the_shop_works(acme, tmp_path, settings, reason) -> None:
    config = Config(stores={"main": Store("Shop", connectors=settings)}, secret_key=(KEY,), base=tmp_path)
    engine = create_engine(config, packages=[acme])
    with structlog.testing.capture_logs() as logs, TestClient(assemble(engine)) as client:
        assert client.get("/healthz").status_code == 200
        assert client.post("/connect/acme", content=b"").status_code == 404
    (problem,) = engine.connectors.problems
    assert reason in problem.reason
    assert problem.next_step
    assert [one["reason"] for one in logs if one["event"] == "connector cannot be used"] == [problem.reason]


def test_a_signature_is_looked_at_with_every_secret() -> None:
    body, made = b"{}", signature(b"{}", "b")
    assert is_signed(body, [Secret("a"), Secret("b")], made)
    assert is_signed(body, ["b", "a"], made)
    assert not is_signed(body, ["a"], made)
    assert not is_signed(body, [], made)
    assert ConnectorSettings(secret=(Secret("a"),)).secret[0].reveal() == "a"
