"""Orders in CSV: read as spreadsheets and shop systems write it, and every mistake named with its line and column."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doorstep.columns import COLUMNS
from doorstep.drafts import Draft, Problem
from doorstep.errors import ConfigError
from doorstep.order import Item, Money, Order, PackedItem, Parcel, Promise
from doorstep.sheet import Sheet

BERLIN = ZoneInfo("Europe/Berlin")


def sheet(text: str | bytes) -> Sheet:
    return Sheet(BytesIO(text if isinstance(text, bytes) else text.encode()), "orders.csv", BERLIN)


def drafts(text: str | bytes) -> list[Draft]:
    return list(sheet(text).drafts())


def orders(text: str | bytes) -> list[Order]:
    """The orders of a file, as if none was there before. Nothing in it may be wrong."""
    found = drafts(text)
    assert [problem for one in found for problem in one.problems] == []
    return [one.change(Order(one.number)) for one in found if one.change]


def problems(text: str | bytes) -> list[tuple[int, str, str]]:
    return [(one.line, one.column, one.problem) for draft in drafts(text) for one in draft.problems]


def test_every_column_says_what_it_says() -> None:
    cells = {
        "number": "1001", "placed_at": "2026-11-20 09:30", "email": "mara@post.example", "postcode": "04109",
        "country": "de", "language": "de-AT", "note": "Thank you; come again", "tags": "gift | vip",
        "cancelled_at": "2026-11-21T08:00:00Z", "promised_from": "2026-11-24", "promised_until": "26.11.2026",
        "promised_business_days": "3", "total": "1299.50", "currency": "eur", "customer_orders": "4",
        "customer_value": "2000", "customer_last_order_at": "2026-01-02", "item_id": "a", "item_name": "Boots",
        "item_sku": "B-42", "item_quantity": "2", "item_price": "649,75", "item_image": "https://shop.example/b.jpg",
        "item_url": "https://shop.example/boots", "item_category": "shoes", "item_tags": "winter",
        "item_lifetime": "730", "item_warranty_until": "2028-11-20", "shipment_number": "1z5r 8939 0357567127",
        "shipment_carrier": "UPS", "shipment_shipped_at": "2026-11-21 16:00+01:00", "referral": "F-2K7WQ9XM",
    }  # fmt: skip
    assert cells.keys() == COLUMNS.keys(), "this test speaks of every column"
    (order,) = orders(";".join(cells) + "\n" + ";".join(f'"{cell}"' for cell in cells.values()) + "\n")
    assert order.placed_at == datetime(2026, 11, 20, 8, 30, tzinfo=UTC), "the shop's clock: an hour before UTC"
    assert order.cancelled_at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert (order.number, order.email, order.postcode, order.country) == ("1001", "mara@post.example", "04109", "DE")
    assert order.referral == "F-2K7WQ9XM"
    assert (order.language, order.note, order.tags) == ("de-AT", "Thank you; come again", ("gift", "vip"))
    assert order.promised == Promise(date(2026, 11, 24), date(2026, 11, 26), 3)
    assert order.total == Money(Decimal("1299.50"), "EUR")
    customer = order.customer
    assert customer is not None
    assert (customer.orders, customer.value) == (4, Money(Decimal(2000), "EUR"))
    assert customer.last_order_at == datetime(2026, 1, 1, 23, tzinfo=UTC)
    assert order.items == (
        Item(
            "Boots", "a", 2, "B-42", "https://shop.example/b.jpg", "https://shop.example/boots", "shoes", ("winter",),
            Money(Decimal("649.75"), "EUR"), 730, date(2028, 11, 20),
        ),
    )  # fmt: skip
    shipped = datetime(2026, 11, 21, 15, tzinfo=UTC)
    assert order.shipments == (Parcel("1Z5R89390357567127", "UPS", (PackedItem("a", 2),), shipped),)


@pytest.mark.parametrize(
    "text",
    [
        "number,country\n1001,DE\n",
        "number;country\r\n1001;DE\r\n",
        "number\tcountry\n1001\tDE\n",
        "\ufeffnumber;country\n1001;DE",
        "sep=;\r\nnumber;country\r\n1001;DE\r\n",
        "\ufeffsep=,\nNumber, Country \n 1001 , DE \n",
        'number;country;;\n="1001";DE;;\n;;;\n\n',
        '"number";"country"\n"\'1001";"DE"\n',
    ],
)
def test_spreadsheets_write_one_thing_in_many_ways(text: str) -> None:
    (order,) = orders(text)
    assert (order.number, order.country) == ("1001", "DE")


def test_rows_of_one_number_are_one_order_with_its_items_and_parcels() -> None:
    (order, other) = orders(
        "number,email,item_name,item_id,item_quantity,shipment_number\n"
        "1001,mara@post.example,Boots,a,1,JD014600\n"
        "1001,,Boots,a,2,JD014601\n"
        "1001,mara@post.example,Laces,b,1,JD014601\n"
        "1001,,Wax,c,1,\n"
        "1002,,,,,JD014602\n"
    )
    assert [(one.id, one.quantity) for one in order.items] == [("a", 3), ("b", 1), ("c", 1)]
    assert [(one.number, one.items) for one in order.shipments] == [
        ("JD014600", (PackedItem("a", 1),)),
        ("JD014601", (PackedItem("a", 2), PackedItem("b", 1))),
    ]
    assert (other.items, other.shipments) == ((), (Parcel("JD014602"),))


def test_an_item_without_an_id_is_known_by_its_sku_or_name() -> None:
    (order,) = orders("number,item_name,item_sku,shipment_number\n1001,Boots,B-42,JD014600\n1001,Wax,,JD014600\n")
    assert [one.id for one in order.items] == ["B-42", "Wax"]
    assert order.shipments[0].items == (PackedItem("B-42"), PackedItem("Wax"))


def test_rows_add_to_what_is_kept_and_take_nothing_away() -> None:
    before = Order(
        "1001", email="mara@post.example", items=(Item("Boots", "a", 2), Item("Wax", "c")),
        shipments=(Parcel("JD014600", "dhl", (PackedItem("a"),)),), note="Thank you",
    )  # fmt: skip
    (draft,) = drafts(
        "number,email,postcode,item_id,shipment_number,shipment_carrier\n"
        "1001,,04109,a,JD014601,UPS\n1001,,,a,JD014601,\n1001,,,c,JD014600,\n"
    )
    assert draft.change is not None
    after = draft.change(before)
    assert (after.email, after.postcode, after.note) == ("mara@post.example", "04109", "Thank you")
    assert after.shipments == (
        Parcel("JD014600", "dhl", (PackedItem("a"), PackedItem("c"))),
        Parcel("JD014601", "UPS", (PackedItem("a", 2),)),
    )
    assert after.items == (Item("Boots", "a", 3), Item("Wax", "c")), "as many boots as the two parcels hold"
    assert draft.change(after) == after


@pytest.mark.parametrize(
    ("columns", "row", "column", "problem"),
    [
        ("number,item_name,item_quantity", "1,Boots,two", "item_quantity", "'two' is not a whole number"),
        ("number,item_name,item_quantity", "1,Boots,0", "item_quantity", "Expected `int` >= 1"),
        ("number,item_quantity", "1,2", "item_name", "is missing"),
        ("number,placed_at", "1,11/12/2026", "placed_at", "'11/12/2026' is not a date"),
        ("number,placed_at", "1,31.02.2026", "placed_at", "'31.02.2026' is not a date"),
        ("number,placed_at", "1,0001-01-01", "placed_at", "'0001-01-01' is not a date of our time"),
        ("number,total", "1,12.90", "currency", "is missing beside total"),
        ("number,total,currency", "1,a lot,EUR", "total", "'a lot' is not an amount"),
        ("number,item_name,item_price,currency", "1,Boots,5,euros", "item_price", "Expected `str` of length <= 3"),
        ("number,country", "1,Germany", "country", "Expected `str` of length <= 2"),
        ("number,email", "1,mara", "email", "Expected `str` matching regex '^([^@\\\\s]+@[^@\\\\s]+)?$'"),
        ("number,shipment_number", "1,3.4E+11", "shipment_number", "'3.4E+11' was rounded by a spreadsheet"),
        ("number,shipment_number", '1,"3,4012E+11"', "shipment_number", "'3,4012E+11' was rounded by a spreadsheet"),
        ("number,shipment_carrier", "1,UPS", "shipment_number", "is missing"),
        ("number,item_name,item_image", "1,Boots,boots.jpg", "item_image", "Expected `str` matching regex"),
        ("number,country", ",DE", "number", "is missing"),
        ("number,country", "1,DE,x", "", "it has 3 cells"),
        ("number,country", '1,"DE', "", "a quotation mark is not closed, or stands alone"),
        ("number,country", '1,"D"E', "", "a quotation mark is not closed, or stands alone"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_column(columns: str, row: str, column: str, problem: str) -> None:
    ((line, where, said),) = problems(f"{columns}\n{row}\n")
    assert (line, where) == (2, column)
    assert said.startswith(problem)


def test_a_number_that_is_none_is_named() -> None:
    ((line, column, _),) = problems("number,shipment_number\n1,by hand\n")
    assert (line, column) == (2, "shipment_number")


def test_rows_that_contradict_each_other_are_named_with_both_lines() -> None:
    assert problems("number,email\n1,mara@post.example\n1,jon@post.example\n") == [(3, "email", "differs from line 2")]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    text = 'number,note,country\n1,"two\nlines",DE\n\n2,,Germany\n'
    assert [line for line, _, _ in problems(text)] == [5]


def test_a_quotation_mark_that_is_never_closed_costs_its_own_row_only() -> None:
    text = 'number,note\n1,"open\n' + "".join(f"{n},fine\n" for n in range(2, 900))
    found = drafts(text)
    assert [one.problems[0].line for one in found if one.problems] == [2]
    assert [one.number for one in found if not one.problems] == [str(n) for n in range(2, 900)]


def test_an_older_spreadsheet_s_letters_are_read_and_are_to_be_checked() -> None:
    (draft,) = drafts("number,note\n1,Grüße\n".encode("cp1252"))
    assert draft.change is None
    assert (draft.problems[0].line, "Windows-1252" in draft.problems[0].problem) == (2, True)
    assert draft.rows[0].cells == ("1", "Grüße")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no column 'number'"),
        (b"order,mail\n1,x\n", "has no column 'number'"),
        (b"number,email,E-Mail,email\n", "has the column 'email' twice"),
        ("number;country\n".encode("utf-16"), "is UTF-16: save it as CSV UTF-8"),
    ],
)
def test_what_is_no_file_of_orders_is_refused_as_a_whole(content: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        drafts(content)


def test_columns_that_say_nothing_are_known() -> None:
    one = sheet("number,emial,country,Weight kg\n1,x,DE,3\n")
    list(one.drafts())
    assert one.unknown == ("emial", "weight_kg")


BAD = 'number,note,country\n1,fine,DE\n2,"Boots, brown",Germany\n3,"open,DE\n4,fine,FR\n'


def test_bad_rows_are_given_back_to_be_mended_and_read_again() -> None:
    first = sheet(BAD)
    bad = [one for one in first.drafts() if one.problems]
    given = first.heading() + "".join(first.give_back(one) for one in bad)
    assert given.splitlines()[0] == "problem,number,note,country"
    assert "country: Expected `str` of length <= 2" in given.splitlines()[1]
    assert given.splitlines()[1].endswith(',2,"Boots, brown",Germany')
    mended = sheet(given.replace("Germany", "DE").replace('"open', "open"))
    found = [(one.number, one.problems) for one in mended.drafts()]
    assert found == [("2", ()), ("3", ())]


def test_rows_given_back_twice_have_one_column_of_problems() -> None:
    first = sheet("problem,number,country\nold words,2,Germany\n")
    (bad,) = first.drafts()
    given = first.heading() + first.give_back(bad)
    assert given.splitlines()[0] == "problem,number,country"
    assert "old words" not in given
    assert given.endswith(",2,Germany\r\n")


def test_reading_keeps_no_more_than_an_order_at_a_time() -> None:
    """A file without an end is read as far as one wants."""

    class Endless(BytesIO):
        def readline(self, size: Any = -1) -> bytes:
            self.at = getattr(self, "at", 0) + 1
            return b"number,country\n" if self.at == 1 else f"{self.at},DE\n".encode()

    found = Sheet(Endless(), "orders.csv", BERLIN).drafts()
    assert [next(found).number for _ in range(3)] == ["2", "3", "4"]


def test_one_number_in_every_row_is_read_in_parts() -> None:
    found = drafts("number,shipment_number\n" + "".join(f"1,JD{n:08}\n" for n in range(1, 1012)))
    assert [len(one.rows) for one in found] == [1000, 11]


def test_a_problem_is_a_line_a_column_and_what_to_do() -> None:
    (draft,) = drafts("number,total\n1,5\n")
    assert draft.problems == (Problem(2, "currency", "is missing beside total", "write EUR, USD …"),)


def test_every_column_is_on_the_page_about_importing() -> None:
    page = (Path(__file__).parent.parent / "docs" / "import.md").read_text("utf-8")
    named = {
        name
        for line in page.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named == COLUMNS.keys()
