"""Orders as their shop tells them: written once, changed whole, listed without a gap; on both databases, and with somebody
else at work on the same order."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import select, update

from doorstep.database import Database
from doorstep.errors import NumberError, OrderChanged, OrderExists, StoreError
from doorstep.order import Contact, CustomerFacts, Money, Order, PackedItem, Parcel, Promise
from doorstep.secret import Secret
from doorstep.tables import metadata, orders, parcels

from .clock import FakeClock
from .orders import KEY, NOON, UPS, behind, book_of, order, rows

FORMER = Secret("what was the secret before it was changed")


@pytest.fixture
def book(clock):
    return book_of(clock)


@pytest.fixture
def writing(database):
    """`with writing() as connection`: a transaction."""
    return database.writing


WHOLE = {
    "placed_at": "2026-11-20T09:30:00+01:00",
    "language": "de",
    "email": "Mara.Quill@post.example",
    "postcode": "10 115",
    "country": "DE",
    "promised": {"from": "2026-11-23", "until": "2026-11-25"},
    "items": [{"id": "a", "name": "Boots", "quantity": 2, "price": {"amount": "89.00", "currency": "EUR"}}],
    "shipments": [
        {
            "number": "1z5r8939 0357567127",
            "carrier": "UPS",
            "items": [{"id": "a"}],
            "shipped_at": "2026-11-21T00:00:00Z",
        },
        {"number": "HF0042"},
    ],
    "total": {"amount": "178.00", "currency": "EUR"},
    "tags": ["gift"],
    "note": "Thank you, Mara.",
}


def test_an_order_is_kept_as_its_shop_told_it(book, writing):
    told = order(**WHOLE)
    with writing() as connection:
        created = book.create(connection, "main", told)
        found = book.find(connection, "main", "1001")
        written = book.written(connection, found)
    assert created == found
    ups, other = found.parcels
    assert (ups.number, ups.carrier, ups.items) == (UPS, "ups", (PackedItem("a"),))
    assert (ups.status, ups.final, ups.shipment, ups.version) == ("pending", False, None, 0)
    assert (other.number, other.carrier) == ("HF0042", "")
    assert (found.version, found.created_at, found.updated_at, found.closed_at) == (1, NOON, NOON, None)
    assert found.placed_at == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    assert found.promised == Promise(date(2026, 11, 23), date(2026, 11, 25))
    shipments = (
        structs.replace(told.shipments[0], number=UPS, carrier="ups"),
        told.shipments[1],
    )
    assert written == structs.replace(told, shipments=shipments)


def test_a_number_is_all_that_an_order_needs(book, writing):
    with writing() as connection:
        kept = book.create(connection, "main", order())
        assert kept == book.by_id(connection, kept.id)
        assert book.contact(connection, kept.id) == Contact()
    assert (kept.placed_at, kept.promised, kept.parcels, kept.email_hash, kept.postcode_hash) == (
        NOON,
        None,
        (),
        None,
        None,
    )


def test_what_an_order_leaves_open_is_not_written_so_that_a_version_without_the_field_reads_it(book, writing):
    with writing() as connection:
        book.create(connection, "main", order("1001", note="Thank you."))
        kept = connection.scalar(select(orders.c.document))
    assert msgspec.json.decode(kept).keys() == {"number", "note", "placed_at"}


def test_an_order_is_found_by_its_id_and_by_its_number_in_its_own_store_only(book, writing):
    with writing() as connection:
        kept = book.create(connection, "main", order())
        assert book.find(connection, "main", kept.id) == kept
        assert [book.find(connection, "outlet", key) for key in (kept.id, "1001")] == [None, None]
        assert book.find(connection, "main", "1002") is None
        assert book.by_id(connection, "ord_nothing") is None


def test_a_number_that_is_taken_is_refused_and_the_transaction_goes_on(book, writing):
    with writing() as connection:
        first = book.create(connection, "main", order("1001", UPS))
        with pytest.raises(OrderExists, match="'1001'"):
            book.create(connection, "main", order("1001", "HF0042"))
        book.create(connection, "outlet", order("1001"))
        book.create(connection, "main", order("1002"))
    with writing() as connection:
        assert book.find(connection, "main", "1001") == first
        assert (rows(connection, orders), rows(connection, parcels)) == (3, 1)


@pytest.mark.parametrize("wrong", ["x", "???", "1" * 64 + "234"])
def test_a_wrong_number_says_which_parcel_has_it_and_nothing_of_the_order_is_kept(book, writing, wrong):
    bad = structs.replace(order(), shipments=(*order("1", UPS, "HF0042").shipments, Parcel(wrong)))
    with writing() as connection:
        with pytest.raises(NumberError, match=r"^shipments\[2\]\.number: ") as caught:
            book.create(connection, "main", bad)
        other = book.create(connection, "main", order("1002", "HF0043"))
        with pytest.raises(NumberError, match=r"^shipments\[2\]\.number: "):
            book.change(connection, other, structs.replace(bad, number="1002"))
    assert wrong not in str(caught.value)
    with writing() as connection:
        assert [one.order.number for one in book.page(connection, "main").orders] == ["1002"]
        assert book.find(connection, "main", "1002") == other
        assert rows(connection, parcels) == 1


def test_a_change_writes_the_order_anew(book, writing, clock):
    with writing() as connection:
        before = book.create(connection, "main", order(**WHOLE))
    clock.advance(60)
    with writing() as connection:
        changed = book.change(connection, before, order("1001-B", "HF0042", postcode="20095"))
        assert changed == book.find(connection, "main", "1001-B")
        assert book.find(connection, "main", "1001") is None
        assert book.contact(connection, changed.id) == Contact(postcode="20095")
        assert rows(connection, parcels) == 1
    assert (changed.version, changed.placed_at) == (2, before.placed_at)
    assert (changed.created_at, changed.updated_at) == (NOON, NOON + timedelta(minutes=1))
    assert (changed.order.items, changed.order.note, changed.order.total, changed.promised) == ((), "", None, None)
    assert [one.id for one in changed.parcels] == [before.parcels[1].id]


def test_a_change_to_a_number_that_is_taken_is_refused(book, writing):
    with writing() as connection:
        book.create(connection, "main", order("1001"))
        other = book.create(connection, "main", order("1002"))
        with pytest.raises(OrderExists, match="'1001'"):
            book.change(connection, other, order("1001"))
        assert book.find(connection, "main", "1002") == other


def test_a_change_of_an_order_that_was_changed_meanwhile_is_refused_whole(book, writing):
    with writing() as connection:
        seen = book.create(connection, "main", order("1001", UPS))
        newer = book.change(connection, seen, order("1001", UPS, note="first"))
        with pytest.raises(OrderChanged, match="'1001' was changed meanwhile: read it again"):
            book.change(connection, seen, order("1001", "HF0042", note="second"))
        assert book.find(connection, "main", "1001") == newer


def test_what_is_written_and_settled_are_the_same_so_that_nothing_new_can_be_told_from_a_change(book, writing):
    told = order(**WHOLE)
    with writing() as connection:
        kept = book.create(connection, "main", told)
        assert book.written(connection, kept) == book.settled("main", told, kept.placed_at)


def test_pages_go_through_orders_of_one_instant_without_gap_or_repetition(book, writing):
    instants = ["2026-11-20T12:00:00Z"] * 5 + [
        "2026-11-21T01:00:00+13:00",
        "2026-11-19T12:00:00Z",
        "2026-11-21T12:00:00Z",
    ]
    with writing() as connection:
        for n, placed_at in enumerate(instants):
            book.create(connection, "main", order(f"{n}", f"HF000{n}", placed_at=placed_at))
        book.create(connection, "outlet", order("99"))
        pages, after = [], None
        while not pages or after is not None:
            page = book.page(connection, "main", after=after, limit=3)
            pages.append([one.order.number for one in page.orders])
            assert all(one.parcels for one in page.orders)
            after = page.after
    listed = [number for page in pages for number in page]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert (listed[0], listed[-1], sorted(listed)) == ("7", "6", sorted(map(str, range(8))))


def test_a_page_that_is_full_to_the_last_is_the_last(book, writing):
    with writing() as connection:
        assert book.page(connection, "main", limit=2) == book.page(connection, "main")
        for number in ("1", "2"):
            book.create(connection, "main", order(number))
        assert book.page(connection, "main", limit=2).after is None
        matching = [orders.c.number == "2"]
        assert [one.order.number for one in book.page(connection, "main", matching=matching).orders] == ["2"]


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory):
    database = Database("sqlite://", base=tmp_path_factory.mktemp("pages"))
    database.open_now()
    yield database
    database.close_now()


@given(minutes=st.lists(st.integers(0, 3), max_size=12), limit=st.integers(1, 5))
def test_all_pages_together_are_the_list_newest_first(in_memory, minutes, limit):
    book = book_of(FakeClock())
    with in_memory.writing() as connection:
        connection.execute(orders.delete())
        for n, minute in enumerate(minutes):
            book.create(connection, "main", Order(f"{n}", placed_at=NOON + timedelta(minutes=minute)))
        listed, after = [], None
        for _ in range(len(minutes) + 1):
            page = book.page(connection, "main", after=after, limit=limit)
            listed += page.orders
            after = page.after
            if after is None:
                break
    assert [one.placed_at for one in listed] == sorted((one.placed_at for one in listed), reverse=True)
    assert sorted(int(one.order.number) for one in listed) == list(range(len(minutes)))


def money(amount, currency="EUR"):
    return {"total": {"amount": amount, "currency": currency}}


def test_a_customer_is_counted_from_the_orders_with_the_same_address(book, writing):
    mara = {"email": "mara@post.example"}
    with writing() as connection:
        book.create(connection, "main", order("1", placed_at="2026-09-01T00:00:00Z", **mara, **money("10.05")))
        book.create(
            connection, "main", order("2", placed_at="2026-10-01T00:00:00Z", email=" MARA@post.example".strip())
        )
        kept = book.create(connection, "main", order("3", placed_at="2026-11-01T00:00:00Z", **mara, **money("20.00")))
        book.create(connection, "main", order("4", placed_at="2026-11-02T00:00:00Z", **mara, **money("7", "USD")))
        book.create(connection, "main", order("5", email="tom@post.example", **money("99")))
        book.create(connection, "outlet", order("6", **mara, **money("99")))
        facts = book.facts(connection, kept)
        first = book.facts(connection, book.find(connection, "main", "1"))
        without_total = book.facts(connection, book.find(connection, "main", "2"))
    assert facts == CustomerFacts(4, Money(Decimal("30.05"), "EUR"), datetime(2026, 10, 1, tzinfo=UTC))
    assert (first.orders, first.last_order_at) == (4, None)
    assert without_total == CustomerFacts(4, None, datetime(2026, 9, 1, tzinfo=UTC))


def test_what_the_shop_says_of_the_customer_goes_before_what_is_counted(book, writing):
    said = {"orders": 12, "value": {"amount": "900", "currency": "EUR"}, "last_order_at": "2026-01-01T00:00:00Z"}
    with writing() as connection:
        kept = book.create(connection, "main", order(email="mara@post.example", customer=said))
        assert book.facts(connection, kept) == msgspec.convert(said, CustomerFacts)


def test_what_the_shop_leaves_open_of_the_customer_is_counted(book, writing):
    said = {"points": 120, "tier": "Gold", "tags": ["vip"]}
    with writing() as connection:
        book.create(connection, "main", order("1001", email="mara@post.example", **money("5")))
        kept = book.create(connection, "main", order("1002", email="mara@post.example", customer=said, **money("7")))
        facts = book.facts(connection, kept)
    assert (facts.orders, facts.value) == (2, Money(Decimal(12), "EUR"))
    assert (facts.points, facts.tier, facts.tags) == (120, "Gold", ("vip",))


def test_an_order_without_an_address_is_its_customer_s_only_one(book, writing):
    with writing() as connection:
        book.create(connection, "main", order("1001"))
        kept = book.create(connection, "main", order("1002", **money("5")))
        assert book.facts(connection, kept) == CustomerFacts(1, Money(Decimal(5), "EUR"))


def test_a_changed_secret_key_loses_neither_contact_nor_customer(writing, clock):
    before, after = book_of(clock, FORMER), book_of(clock, KEY, FORMER)
    with writing() as connection:
        old = before.create(connection, "main", order("1001", email="mara@post.example", postcode="10115"))
        new = after.create(connection, "main", order("1002", email="mara@post.example"))
        assert after.contact(connection, old.id) == Contact("mara@post.example", "10115")
        assert [after.facts(connection, one).orders for one in (old, new)] == [2, 2]


def test_a_contact_whose_key_is_gone_says_so_and_costs_nothing_else(writing, clock):
    with writing() as connection:
        kept = book_of(clock, FORMER).create(connection, "main", order(email="mara@post.example"))
        later = book_of(clock, KEY)
        assert later.find(connection, "main", "1001") == kept
        assert later.facts(connection, kept).orders == 1
        with pytest.raises(StoreError, match="personal data cannot be read: put the former key back"):
            later.contact(connection, kept.id)


def test_links_given_before_are_void_when_the_generation_is_counted_up(book, writing):
    with writing() as connection:
        kept = book.create(connection, "main", order())
        book.void_links(connection, kept.id)
        book.void_links(connection, kept.id)
        assert (kept.link_generation, book.find(connection, "main", "1001").link_generation) == (0, 2)


def test_the_calendar_promises_for_an_order_that_says_nothing(clock, writing):
    book = book_of(clock, promise=2, holidays=(date(2026, 11, 24),))
    with writing() as connection:
        kept = book.create(connection, "main", order("1"))  # placed on a Sunday; Tuesday is a holiday
        said = book.create(connection, "main", order("2", promised={"business_days": 1}))
        days = connection.scalars(select(orders.c.promised_until).order_by(orders.c.number)).all()
    assert (kept.promised, kept.order.promised) == (Promise(None, date(2026, 11, 25), 2),) * 2
    assert days == [date(2026, 11, 25), date(2026, 11, 23)] == [kept.promised.until, said.promised.until]


@pytest.mark.parametrize(
    ("until", "told"), [("2026-11-24", "at_risk"), ("2026-11-25", ""), (None, "")], ids=["same", "another", "none"]
)
def test_what_was_told_of_a_promise_holds_as_long_as_the_promise_does(book, writing, until, told):
    with writing() as connection:
        seen = book.create(connection, "main", order(promised={"until": "2026-11-24"}))
        connection.execute(update(orders).values(promise="at_risk"))
        promised = {"promised": {"until": until}} if until else {}
        assert book.change(connection, seen, order(note="x", **promised)).promise == told


def test_no_row_and_no_byte_of_the_file_has_e_mail_or_postcode_in_clear(book, database, tmp_path):
    with database.writing() as connection:
        kept = book.create(connection, "main", order(**WHOLE, customer={"orders": 2}))
        book.change(connection, kept, order(**{**WHOLE, "postcode": "SW1A 1AA"}))
    with database.reading() as connection:
        told = "".join(repr(connection.execute(select(table)).all()) for table in metadata.tables.values())
    told += "".join(file.read_bytes().decode("latin-1") for file in tmp_path.glob("doorstep.db*"))
    assert "1001" in told
    for secret in ("mara.quill", "post.example", "10 115", "10115", "sw1a"):
        assert secret not in told.lower()


def test_of_two_who_make_the_same_order_at_once_one_is_told_that_it_exists(book, database):
    def create(connection):
        return book.create(connection, "main", order("1001", UPS))

    def refused(connection):
        with pytest.raises(OrderExists):
            create(connection)
        return True

    assert behind(database, create, refused)


def test_of_two_who_change_an_order_at_once_the_second_sees_what_the_first_wrote(book, database):
    with database.writing() as connection:
        book.create(connection, "main", order())

    def note(note):
        def work(connection):
            kept = book.find(connection, "main", "1001", lock=True)
            return book.change(connection, kept, structs.replace(kept.order, note=f"{kept.order.note}{note}"))

        return work

    def stale(connection):
        with pytest.raises(OrderChanged):
            book.change(connection, seen, seen.order)
        return True

    seen = behind(database, note("one, "), note("two"))
    assert seen.order.note == "one, two"
    assert behind(database, note("!"), stale)
