"""Accounts of channels: each by itself, what is wrong told by name; and providers' reports, which settle messages once."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from sqlalchemy import select
from starlette.testclient import TestClient

from doorstep import Reach, Secret, Signer
from doorstep.app import assemble
from doorstep.cli import main
from doorstep.config import Config, Messages, Store
from doorstep.engine import Engine, create_engine
from doorstep.inbox import LARGEST
from doorstep.packages import Package
from doorstep.tables import consents, messages, orders, tallies, unreachable

from .clock import FakeClock
from .messaging import ID
from .orders import KEY, order

CODE = """
from pathlib import Path
from doorstep import Channel, ProviderChannel, ProviderSettings, Reach, Secret, hookimpl

class Settings(ProviderSettings, frozen=True):
    folder: Path = Path("out")
    url: str = ""

class Acme(ProviderChannel[Settings]):
    name = "acme"
    reach = Reach.EMAIL

    def __init__(self, settings, http):
        super().__init__(settings, http)
        if settings.url == "https://broken.example":
            raise RuntimeError("no such thing")

    async def aclose(self):
        if self.settings.per_minute == 7:
            raise RuntimeError("stuck")

class Texts(Acme):
    name = "texts"
    reach = Reach.PHONE

@hookimpl
def register_channels(register):
    register(Acme)
    register(Texts)
"""
SECRET = "whsec_" + "a" * 32
OTHER = "whsec_" + "b" * 32


@pytest.fixture
def acme(plugin: Any) -> Package:
    return plugin("doorstep_acme_mail", {"__init__.py": CODE})


class Shop:
    """A running engine with an order of Mara's, and a message about it that was sent."""

    def __init__(self, engine: Engine, client: TestClient) -> None:
        self.engine = engine
        self.client = client
        with engine.database.writing() as connection:
            wanted = order("1001", email="mara@post.example", phone="+4915112345678")
            engine.ledger.enter(connection, "main", "1001", lambda _: wanted)
            self.order = connection.scalar(select(orders.c.id))

    def sent(self, id: str = ID, **fields: Any) -> None:
        now = self.engine.clock.now()
        row = {
            "id": id, "store": "main", "order_id": self.order, "kind": "delivered", "channel": "acme", "once": id,
            "state": "sent", "reason": "", "handed_at": now, "attempts": 1, "error": "", "reference": f"ref-{id}",
            "created_at": now, **fields,
        }  # fmt: skip
        with self.engine.database.writing() as connection:
            connection.execute(messages.insert().values(row))

    def agrees(self, reach: str, contact: str) -> None:
        row = {
            "id": f"con_{reach}", "store": "main", "contact": contact, "reach": reach, "topic": "more",
            "state": "given", "language": "en", "wording": b"", "source": "page",
        }  # fmt: skip
        with self.engine.database.writing() as connection:
            connection.execute(consents.insert().values(row))

    def tell(self, *reports: dict[str, str], account: str = "acme", **signing: Any) -> tuple[int, str]:
        return self.send(json.dumps({"reports": reports}).encode(), account, **signing)

    def send(
        self, body: bytes, account: str = "acme", *, secret: str = SECRET, late: float = 0, id: str = "r-1"
    ) -> tuple[int, str]:
        at = datetime.now(UTC) - timedelta(seconds=late)
        signed = Signer([Secret(secret)], setting="").headers(id, at, body)
        response = self.client.post(f"/channels/{account}", content=body, headers=signed)
        return response.status_code, response.json()["outcome"]

    def state(self, id: str = ID) -> tuple[str, str]:
        with self.engine.database.reading() as connection:
            return tuple(
                connection.execute(select(messages.c.state, messages.c.reason).where(messages.c.id == id)).one()
            )

    def rows(self, *columns: Any) -> list[Any]:
        with self.engine.database.reading() as connection:
            return [tuple(row) for row in connection.execute(select(*columns))]


def config_of(folder: Path, channels: dict[str, Any], database: str = "sqlite://", *, opened: bool = False) -> Config:
    stores = {"main": Store("Harbour & Pine", messages=Messages(("acme",), opened=opened))}
    return Config(
        stores=stores, secret_key=(KEY,), database=database, base=folder, channels=channels, file="doorstep.toml"
    )


@contextmanager
def selling(acme: Package, database: str, folder: Path, clock: FakeClock, *, opened: bool = False) -> Iterator[Shop]:
    channels = {name: {"channel": kind, "report_secret": [OTHER, SECRET]} for name, kind in _ACCOUNTS.items()}
    engine = create_engine(config_of(folder, channels, database, opened=opened), clock=clock, packages=[acme])
    with TestClient(assemble(engine), base_url="http://shop.example") as client:
        yield Shop(engine, client)


@pytest.fixture
def shop(acme: Package, new_sqlite: Any, tmp_path: Path, clock: FakeClock) -> Iterator[Shop]:
    with selling(acme, new_sqlite(tmp_path / "shop.db"), tmp_path, clock) as shop:
        yield shop


@pytest.fixture
def everywhere(acme: Package, database_url: str, tmp_path: Path, clock: FakeClock) -> Iterator[Shop]:
    """Once for each kind of database."""
    with selling(acme, database_url, tmp_path, clock) as shop:
        yield shop


_ACCOUNTS = {"acme": "acme", "second": "acme", "sms": "texts"}


def test_an_account_has_its_settings_with_paths_from_where_they_lie(acme: Package, tmp_path: Path) -> None:
    engine = create_engine(
        config_of(tmp_path, {"acme": {"folder": "sent"}, "more": {"channel": "acme"}}), packages=[acme]
    )
    first, second = engine.channels.accounts["acme"], engine.channels.accounts["more"]
    assert (first.settings.folder, second.settings.folder) == (tmp_path / "sent", tmp_path / "out")
    assert (first.reach.value, first.settings.per_minute, first.http is second.http) == ("email", 600, False)
    asyncio.run(engine.close())


@pytest.mark.parametrize(
    ("channels", "reason"),
    [
        ({"post": {}}, "channels.post: no plugin offers a channel 'post'"),
        ({"post": {"channel": ["acme"]}}, "channels.post"),
        ({"acme": {"per_minute": 0}}, "channels.acme.per_minute"),
        ({"acme": {"per_minut": 5}}, "channels.acme.per_minut is not a setting"),
        ({"acme": {"report_secret": ["guessed"]}}, "channels.acme: report_secret is not whsec_"),
        ({"acme": {"url": "https://broken.example"}}, "channels.acme: RuntimeError: no such thing"),
    ],
)
def test_an_account_that_cannot_be_had_is_named_and_the_rest_works(
    acme: Package, tmp_path: Path, clock: FakeClock, channels: dict[str, Any], reason: str
) -> None:
    engine = create_engine(config_of(tmp_path, {**channels, "fine": {"channel": "acme"}}), clock=clock, packages=[acme])
    with structlog.testing.capture_logs() as logs, TestClient(assemble(engine)) as client:
        ready = client.get("/readyz").json()
    (problem,) = engine.channels.problems
    assert reason in problem.reason
    assert problem.next_step
    assert list(engine.channels.accounts) == ["fine"]
    assert [one["reason"] for one in logs if one["event"] == "channel cannot be used"] == [problem.reason]
    (part,) = ready["parts"]
    assert (ready["status"], part["kind"], part["name"]) == ("degraded", "messages", problem.channel)


def test_check_names_an_account_that_cannot_be_had(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    settings = f'secret_key = "{KEY.reveal()}"\n[stores.main]\nname = "Shop"\n[channels.nobody]\n'
    Path("doorstep.toml").write_text(settings, "utf-8")
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 1
    assert "channels.nobody: no plugin offers a channel 'nobody'" in result.output


def test_what_a_provider_has_against_an_account_is_told_while_it_has(shop: Shop) -> None:
    shop.engine.channels.accounts["sms"].trouble = "its provider answers HTTP 401"
    ready = shop.client.get("/readyz").json()
    assert (ready["status"], ready["amiss"]) == (
        "degraded", ["messages sms: its provider answers HTTP 401; its messages wait"],
    )  # fmt: skip
    shop.engine.channels.accounts["sms"].trouble = ""
    assert shop.client.get("/readyz").json()["status"] == "ready"


def test_all_are_closed_though_one_fails(acme: Package, tmp_path: Path) -> None:
    channels = {"acme": {"per_minute": 7}, "more": {"channel": "acme"}}
    engine = create_engine(config_of(tmp_path, channels), packages=[acme])
    with structlog.testing.capture_logs() as logs:
        asyncio.run(engine.close())
    assert [(one["event"], one["account"]) for one in logs] == [("a channel did not close", "acme")]
    assert all(channel.http.is_closed for channel in engine.channels.accounts.values())


def test_delivered_is_told_by_id_or_by_the_providers_name_and_once(everywhere: Shop) -> None:
    shop = everywhere
    shop.sent()
    shop.sent(second := ID[:-1] + "0", state="in_doubt")
    told = ({"fate": "delivered", "id": ID}, {"fate": "delivered", "reference": f"ref-{second}"})
    assert shop.tell(*told) == (200, "kept")
    assert (shop.state(), shop.state(second)) == (("delivered", ""), ("delivered", ""))
    assert shop.tell(*told) == (200, "known")
    assert shop.tell(*told[:1]) == (200, "nothing new")


def test_what_was_said_together_is_settled_together(shop: Shop) -> None:
    shop.sent()
    shop.sent(second := ID[:-1] + "0", reference=f"ref-{ID}", kind="delayed")
    shop.sent(other := ID[:-1] + "1")
    assert shop.tell({"fate": "delivered", "id": second}) == (200, "kept")
    assert [shop.state(id)[0] for id in (ID, second, other)] == ["delivered", "delivered", "sent"]


def test_a_bounce_ends_the_message_and_nothing_more_goes_to_the_address(shop: Shop) -> None:
    shop.sent()
    reason = "550 5.1.1 no such user " + "x" * 300
    assert shop.tell({"fate": "bounced", "id": ID, "reason": reason}) == (200, "kept")
    assert shop.state() == ("bounced", "")
    kept = shop.engine.vault.email_hash("mara@post.example")
    columns = (unreachable.c.store, unreachable.c.contact, unreachable.c.reach, unreachable.c.reason)
    assert shop.rows(*columns) == [("main", kept, "email", reason[:200])]
    assert shop.rows(messages.c.error) == [(reason[:200],)]


def test_a_number_that_is_not_there_is_noted_for_text_messages_alone(shop: Shop) -> None:
    shop.sent(channel="sms")
    assert shop.tell({"fate": "bounced", "id": ID}, account="sms") == (200, "kept")
    assert shop.rows(unreachable.c.contact, unreachable.c.reach) == [
        (shop.engine.vault.contact_hashes(Reach.PHONE, "+4915112345678")[0], "phone")
    ]


def test_what_a_provider_repeats_of_an_address_is_not_kept(shop: Shop) -> None:
    shop.sent()
    reason = "550 5.1.1 <mara@post.example>: nobody called +49 151 12345678 at 12:05"
    shop.tell({"fate": "bounced", "id": ID, "reason": reason})
    said = "550 5.1.1 <…>: nobody called … at 12:05"
    assert (shop.rows(messages.c.error), shop.rows(unreachable.c.reason)) == ([(said,)], [(said,)])


def test_what_is_refused_once_says_nothing_of_the_address(shop: Shop) -> None:
    shop.sent()
    assert shop.tell({"fate": "refused", "id": ID, "reason": "mailbox full"}) == (200, "kept")
    assert (shop.state(), shop.rows(unreachable.c.reach)) == (("refused", ""), [])


def test_a_complaint_ends_consent_and_all_that_would_follow(everywhere: Shop) -> None:
    shop = everywhere
    shop.sent()
    hashed = shop.engine.vault.email_hash("mara@post.example")
    shop.agrees("email", hashed)
    shop.agrees("phone", hashed)
    assert shop.tell({"fate": "complained", "id": ID}) == (200, "kept")
    assert shop.state() == ("delivered", "complained")
    assert sorted(shop.rows(consents.c.reach, consents.c.state)) == [("email", "withdrawn"), ("phone", "given")]
    assert shop.rows(unreachable.c.reason) == [("complained",)]
    assert shop.tell({"fate": "complained", "id": ID}, id="r-2") == (200, "known")
    assert shop.tell({"fate": "complained", "reference": f"ref-{ID}"}) == (200, "nothing new")


def test_what_is_opened_is_not_counted_unless_the_shop_wants_it(shop: Shop) -> None:
    shop.sent()
    assert shop.tell({"fate": "opened", "id": ID}) == (200, "nothing new")
    assert (shop.state(), shop.rows(tallies.c.kind)) == (("sent", ""), [])


def test_what_is_opened_is_counted_once_where_the_shop_wants_it(
    acme: Package, new_sqlite: Any, tmp_path: Path, clock: FakeClock
) -> None:
    columns = (tallies.c.store, tallies.c.kind, tallies.c.subject, tallies.c.count)
    with selling(acme, new_sqlite(tmp_path / "shop.db"), tmp_path, clock, opened=True) as shop:
        shop.sent()
        assert shop.tell({"fate": "opened", "id": ID}) == (200, "kept")
        assert shop.tell({"fate": "opened", "reference": f"ref-{ID}"}) == (200, "nothing new")
        assert shop.state() == ("delivered", "opened")
        assert sorted(shop.rows(*columns)) == [
            ("main", "delivered", "delivered", 1), ("main", "opened", "delivered", 1),
        ]  # fmt: skip


def test_what_arrived_and_what_came_back_later_is_counted_once(shop: Shop) -> None:
    shop.sent()
    shop.sent(other := ID[:-1] + "0")
    for fate, id in (("delivered", ID), ("bounced", other)):
        assert shop.tell({"fate": fate, "id": id}) == (200, "kept")
        assert shop.tell({"fate": fate, "reference": f"ref-{id}"}) == (200, "nothing new")
    counted = shop.rows(tallies.c.kind, tallies.c.subject, tallies.c.count)
    assert sorted(counted) == [("bounced", "delivered", 1), ("delivered", "delivered", 1)]


def test_another_accounts_message_and_one_that_was_never_given_away_are_left_alone(shop: Shop) -> None:
    shop.sent()
    shop.sent(waiting := ID[:-1] + "0", state="waiting", handed_at=None)
    shop.sent(dropped := ID[:-1] + "1", state="dropped", reason="stale")
    assert shop.tell({"fate": "bounced", "id": ID}, account="second") == (200, "nothing new")
    assert shop.tell({"fate": "bounced", "id": waiting}, {"fate": "delivered", "id": dropped}) == (200, "nothing new")
    assert shop.tell({"fate": "bounced", "id": "msg_unknown"}, {"fate": "bounced"}) == (200, "nothing new")
    assert [shop.state(id) for id in (ID, waiting, dropped)] == [("sent", ""), ("waiting", ""), ("dropped", "stale")]
    assert shop.rows(unreachable.c.reach) == []


def test_a_late_delivery_does_not_undo_a_bounce(shop: Shop) -> None:
    shop.sent()
    shop.tell({"fate": "bounced", "id": ID})
    assert shop.tell({"fate": "delivered", "id": ID}) == (200, "nothing new")
    assert shop.state() == ("bounced", "")


def test_only_who_signs_and_just_now_is_heard(shop: Shop) -> None:
    shop.sent()
    told = {"fate": "bounced", "id": ID}
    assert shop.tell(told, secret="whsec_" + "c" * 32) == (401, "wrong signature")
    assert shop.tell(told, late=301) == (401, "wrong signature")
    assert shop.tell(told, late=-302) == (401, "wrong signature")
    body = json.dumps({"reports": [told]}).encode()
    assert shop.client.post("/channels/acme", content=body).status_code == 401
    assert shop.state() == ("sent", "")
    assert shop.tell(told, secret=OTHER, late=290) == (200, "kept")


def test_what_is_no_report_is_settled_and_what_is_too_large_is_not_read(shop: Shop) -> None:
    for body in (b"", b"[]", b"{}", b'{"reports": [{"fate": "lost"}]}', b"[" * 100_000, b"\xff"):
        assert shop.send(body) == (200, "unusable")
    assert shop.send(b'{"reports": []}') == (200, "ignored")
    assert shop.send(b" " * (LARGEST + 1)) == (413, "too large")
    assert shop.tell(account="nobody") == (404, "unknown account")
    assert shop.client.get("/channels/acme").status_code == 405
    assert 'doorstep_message_reports_total{account="acme",result="unusable"} 6.0' in shop.client.get("/metrics").text


def test_no_log_tells_of_a_person(shop: Shop) -> None:
    shop.sent()
    with structlog.testing.capture_logs() as logs:
        shop.tell({"fate": "bounced", "id": ID, "reason": "<mara@post.example> unknown"})
        shop.send(b'{"reports": "mara"}')
        shop.tell({"fate": "bounced", "id": "mara"}, secret="whsec_" + "c" * 32)
    assert logs
    assert "mara" not in str(logs)
