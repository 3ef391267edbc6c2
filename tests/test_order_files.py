"""What an order's link gives beside its page: to whom, in which language, how fresh, and what when the carrier fails."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from sqlalchemy import update

from doorstep import Document, File, NotFound, Shipment, Status
from doorstep.errors import StoreError
from doorstep.links import Proof, Ticket
from doorstep.models import Moment, Precision, Window
from doorstep.order import Order, Parcel
from doorstep.responses import SANDBOX
from doorstep.sandbox import Sandbox
from doorstep.tables import history, parcels
from doorstep.testing import Served

from .shopfront import HOST, TWO_CARRIERS, Front, carriers, shop, store
from .test_atom import read as read_feed
from .test_atom import text
from .test_ics import read as read_calendar
from .test_qr import read as read_code

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PROVED = "741029583601428"  # FedEx, with the letter that proves its delivery
FILES = ("delivery.ics", "qr.svg", "feed.atom")
LETTER = Document("proof_of_delivery", "12029~741029583601428~FDEG")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Sandbox, Served]]:
    with carriers() as started:
        yield started


@pytest.fixture
def front(tmp_path: Path, sandbox: tuple[Sandbox, Served], database_url: str) -> Iterator[Front]:
    with shop(tmp_path, sandbox[0], sandbox[1].url, database=database_url) as running:
        yield running


class Placed:
    """An order with one parcel, which arrived as its carrier last said; and links to it."""

    def __init__(self, front: Front, language: str = "", **fields: Any) -> None:
        self._front = front
        order = Order("1001", placed_at=NOON, language=language, shipments=(Parcel(PROVED, "fedex"),))
        self.kept = self._write(lambda connection: front.engine.orders.create(connection, "main", order))
        self.parcel = self.kept.parcels[0].id
        self.says(**{"status": Status.DELIVERED, "final": True, "documents": (LETTER,), **fields})

    def says(self, **fields: Any) -> None:
        """The carrier's last word, as it is recorded."""
        shipment = Shipment(PROVED, id="s1", carrier="fedex", **fields)
        values = {
            "snapshot": msgspec.msgpack.encode(shipment), "status": shipment.status.value, "final": True, "version": 3,
            "fetched_at": NOON,
        }  # fmt: skip
        self._write(lambda connection: connection.execute(update(parcels).values(values)) and None)

    def changed(self, version: int, at: datetime, status: Status, **fields: Any) -> None:
        row = {
            "parcel_id": self.parcel, "version": version, "at": at, "status": status.value, "reason": "",
            "delayed": False, **fields,
        }  # fmt: skip
        self._write(lambda connection: connection.execute(history.insert().values(row)) and None)

    def link(self, *, second: Proof | None = None, days: float = 1, generation: int = 0) -> str:
        expires_at = self._front.clock.now() + timedelta(days=days)
        ticket = Ticket(self.kept.id, Proof.LINK, expires_at, generation, second)
        return f"/o/{self._front.engine.links.token(ticket)}/"

    def letter(self, second: Proof | None = Proof.EMAIL, index: int | str = 0) -> str:
        return f"{self.link(second=second)}documents/{self.parcel}/{index}"

    def _write(self, work: Any) -> Any:
        with self._front.engine.database.writing() as connection:
            return work(connection)


def day(written: str) -> Moment:
    return Moment(written, precision=Precision.DAY, local=datetime.fromisoformat(written))


EXPECTED = {"status": Status.IN_TRANSIT, "final": False, "window": Window(None, day("2026-11-24"))}


def test_a_link_that_does_not_hold_gives_what_any_wrong_address_gives(front: Front) -> None:
    placed = Placed(front)
    nothing = front.get("/no/such/page")
    voided, expired = placed.link(generation=7), placed.link(days=-1)
    for link in ("/o/made-up/", voided, expired):
        for name in (*FILES, f"documents/{placed.parcel}/0"):
            answer = front.get(f"{link}{name}")
            assert answer.status_code == 404
            assert PROVED not in answer.text
            assert answer.headers["cache-control"] == nothing.headers["cache-control"] == "no-store"
            assert answer.text.replace(f"{link}{name}", "") == nothing.text.replace("/no/such/page", "")


def test_another_stores_link_is_none(tmp_path: Path, sandbox: tuple[Sandbox, Served], database_url: str) -> None:
    stores = {"main": store(), "other": store(path="/other")}
    with shop(tmp_path, sandbox[0], sandbox[1].url, stores=stores, database=database_url) as front:
        link = Placed(front, **EXPECTED).link()
        assert [front.get(f"{link}{name}").status_code for name in FILES] == [200, 200, 200]
        assert [front.get(f"/other{link}{name}").status_code for name in FILES] == [404, 404, 404]


def test_the_calendar_has_the_day_the_link_and_the_parcel(front: Front) -> None:
    placed = Placed(front, **EXPECTED)
    link = placed.link()
    answer = front.get(f"{link}delivery.ics?parcel={placed.parcel}")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="delivery.ics"'
    event = read_calendar(answer.content)[0]
    assert event["DTSTART;VALUE=DATE"] == "20261124"
    assert event["SEQUENCE"] == "3"
    assert event["URL"] == f"{HOST}{link}"
    assert event["SUMMARY"] == "Delivery from Harbour & Pine, order 1001"
    assert event["DESCRIPTION"] == f"FedEx\nTracking number: {PROVED}\n{HOST}{link}"


def test_a_calendar_without_an_event_is_no_calendar(front: Front) -> None:
    placed = Placed(front, **EXPECTED)
    assert front.get(f"{placed.link()}delivery.ics?parcel=pcl_other").status_code == 404
    placed.says(status=Status.DELIVERED, final=True)
    assert front.get(f"{placed.link()}delivery.ics").status_code == 404


def test_the_calendar_knows_what_the_page_knows_also_before_it_is_recorded(front: Front) -> None:
    expected = front.get(f"/api/v1/shipments/{TWO_CARRIERS}?carrier=ups").json()["shipments"][0]["expected"]
    order = Order("1002", placed_at=NOON, shipments=(Parcel(TWO_CARRIERS, "ups"),))
    with front.engine.database.writing() as connection:
        kept = front.engine.orders.create(connection, "main", order)
    ticket = Ticket(kept.id, Proof.LINK, NOON + timedelta(days=1), 0)
    answer = front.get(f"/o/{front.engine.links.token(ticket)}/delivery.ics")
    assert read_calendar(answer.content)[0]["DTSTART;VALUE=DATE"] == expected.replace("-", "")


def test_a_day_that_was_named_once_is_withdrawn(front: Front) -> None:
    placed = Placed(front)
    placed.changed(1, NOON - timedelta(days=3), Status.IN_TRANSIT, expected=day("2026-11-20").local.date())
    placed.changed(2, NOON - timedelta(days=2), Status.IN_TRANSIT, expected=day("2026-11-24").local.date())
    placed.changed(3, NOON - timedelta(days=1), Status.DELIVERED)
    event = read_calendar(front.get(f"{placed.link()}delivery.ics").content)[0]
    assert (event["STATUS"], event["DTSTART;VALUE=DATE"]) == ("CANCELLED", "20261124")


def test_the_code_leads_to_the_page_itself(front: Front) -> None:
    link = Placed(front).link()
    answer = front.get(f"{link}qr.svg")
    assert read_code(answer.text) == f"{HOST}{link}"
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "private, max-age=86400"
    assert "style-src" not in answer.headers["content-security-policy"]


def test_behind_a_proxy_addresses_are_those_from_outside(
    tmp_path: Path, sandbox: tuple[Sandbox, Served], new_sqlite: Any
) -> None:
    stores = {"main": store(public_url="https://shop.example/", path="/parcels")}
    url = new_sqlite(tmp_path / "proxied.db")
    with shop(tmp_path, sandbox[0], sandbox[1].url, stores=stores, database=url) as front:
        link = Placed(front).link()
        assert read_code(front.get(f"/parcels{link}qr.svg").text) == f"https://shop.example/parcels{link}"


def test_the_feed_tells_what_changed_the_newest_first(front: Front) -> None:
    placed = Placed(front)
    placed.changed(1, NOON + timedelta(hours=5), Status.IN_TRANSIT)
    placed.changed(2, NOON + timedelta(days=1), Status.DELIVERED)
    answer = front.get(f"{placed.link()}feed.atom")
    root = ElementTree.fromstring(answer.content)
    titles = [one.text for one in root.iter("{http://www.w3.org/2005/Atom}title")]
    assert titles == ["Order 1001, Harbour & Pine", "Delivered", "On its way", "Ordered"]
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert text(root, "id") == f"urn:doorstep:{placed.kept.id}"


@pytest.mark.parametrize("name", ["delivery.ics", "feed.atom"])
def test_a_reader_who_has_it_already_is_told_so_until_it_changes(front: Front, name: str) -> None:
    placed = Placed(front, **EXPECTED)
    link = placed.link()
    first = front.get(f"{link}{name}")
    assert first.headers["cache-control"] == "private, no-cache"
    again = front.get(f"{link}{name}", if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    placed.says(**{**EXPECTED, "window": Window(None, day("2026-11-25"))})
    placed.changed(4, NOON, Status.IN_TRANSIT, expected=day("2026-11-25").local.date())
    changed = front.get(f"{link}{name}", if_none_match=first.headers["etag"])
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_who_chooses_no_language_reads_the_orders_whatever_the_browser_asks_for(front: Front) -> None:
    placed = Placed(front, language="fr", **EXPECTED)
    for name in FILES:
        address = f"{placed.link()}{name}"
        assert front.get(address, language="").headers["content-language"] == "fr"
        assert front.get(address, language="de").headers["content-language"] == "fr"
        assert front.get(f"{address}?lang=ar", language="de").headers["content-language"] == "ar"
    root, _ = read_feed_of(front, f"{placed.link()}feed.atom?lang=ar")
    assert root.attrib["{http://www.w3.org/XML/1998/namespace}lang"] == "ar"


def read_feed_of(front: Front, address: str) -> Any:
    content = front.get(address).content
    page = address.partition("feed.atom")[0]
    return read_feed(content.replace(f"{HOST}{page}".encode(), b"https://shop.example/o/abc/"))


def test_the_letter_comes_as_a_download_at_level_two(front: Front) -> None:
    answer = front.get(Placed(front).letter())
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="proof-of-delivery-{PROVED}.pdf"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == SANDBOX
    assert "etag" not in answer.headers


def test_the_letter_is_asked_for_anew_each_time(front: Front) -> None:
    address = Placed(front).letter()
    before = front.sandbox.calls["fedex", "proof_of_delivery"]
    for _ in range(2):
        assert front.get(address).status_code == 200
    assert front.sandbox.calls["fedex", "proof_of_delivery"] == before + 2


@pytest.mark.parametrize("index", [1, 99, -1, "x"])
def test_a_letter_that_is_not_there_is_no_page(front: Front, index: int | str) -> None:
    assert front.get(Placed(front).letter(index=index)).status_code == 404


def test_at_level_one_there_is_no_letter_and_nobody_is_asked(front: Front) -> None:
    placed = Placed(front)
    before = front.asked()
    hidden, unknown = front.get(placed.letter(second=None)), front.get(placed.letter(index=99))
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert front.asked() == before


def test_another_orders_parcel_gives_no_letter(front: Front) -> None:
    placed = Placed(front)
    other = f"{placed.link(second=Proof.EMAIL)}documents/pcl_other/0"
    assert front.get(other).status_code == 404


def test_a_carrier_that_fails_is_named_and_linked(front: Front) -> None:
    placed = Placed(front, documents=(Document("proof_of_delivery", "no such letter"),))
    answer = front.get(placed.letter())
    assert answer.status_code == 503
    assert "FedEx is not answering" in answer.text
    assert "https://www.fedex.com/" in answer.text
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_file_that_could_do_something_is_only_saved(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    async def drawn(*_: object) -> File:
        return File(
            "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "../a.html"
        )

    monkeypatch.setattr(front.engine.fetcher, "document", drawn)
    answer = front.get(Placed(front, documents=(Document('photo"\r\nX-Bad: 1', ""),)).letter())
    assert answer.headers["content-disposition"] == f'attachment; filename="photo-X-Bad-1-{PROVED}.svg"'
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"] == SANDBOX
    assert "x-bad" not in answer.headers


def test_a_letter_that_the_carrier_does_not_have_is_no_page(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object) -> NotFound:
        return NotFound()

    monkeypatch.setattr(front.engine.fetcher, "document", unknown)
    assert front.get(Placed(front).letter()).status_code == 404


def test_a_carrier_is_not_asked_for_letters_again_and_again(front: Front) -> None:
    address = Placed(front).letter()
    assert [front.get(address).status_code for _ in range(20)] == [200] * 20
    before = front.asked()
    refused = front.get(address)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert "Please wait an hour before you try again." in refused.text
    assert front.asked() == before
    front.clock.advance(3600)
    assert front.get(address).status_code == 200


def test_without_a_database_it_is_said_and_asked_for_patience(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise StoreError("away")

    link = Placed(front, **EXPECTED).link()
    monkeypatch.setattr(front.engine.database, "read", fails)
    for name in FILES:
        answer = front.get(f"{link}{name}")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "We cannot show your order just now" in answer.text
