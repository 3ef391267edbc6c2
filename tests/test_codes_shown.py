"""What an order's code is for stands on its own page, and on no other."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from doorstep.tables import codes

from .ordering import DELIVERED, MOVING, STORE, order, ordering
from .shopfront import Front

WIDGETS = {
    "offer": {"text": "10 % off", "url": "https://shop.example/discount/{code}", "days": 30},
    "referral": {"link": "https://shop.example/friends", "prefix": "F-"},
}


@pytest.fixture
def front(tmp_path: Any, plugin: Any) -> Any:
    store = structs.replace(STORE, widgets=WIDGETS, public_url="https://track.example")
    with ordering(tmp_path, plugin, stores={"main": store}) as front:
        yield front


def entered(front: Front, number: str, *parcels: str) -> tuple[str, dict[str, str]]:
    """The path of a new order's page, and its codes by widget."""
    wanted = order(number, *parcels, email="ada@post.example")
    with front.engine.database.writing() as connection:
        kept = front.engine.ledger.enter(connection, "main", number, lambda _: wanted).order
        found = front.engine.codes.of_order(connection, kept)
    path = f"/o/{front.engine.access.link(kept, timedelta(days=1))}/"
    return path, {widget: one.code for widget, one in found.items()}


def test_who_has_the_order_sees_its_codes(front: Front) -> None:
    path, given = entered(front, "1001", DELIVERED)
    page = front.get(path).text
    assert f"to=https%3A%2F%2Fshop.example%2Fdiscount%2F{given['offer']}&amp;s=" in page
    assert f'value="https://track.example/r/{given["referral"]}"' in page
    assert f'href="/r/{given["referral"]}/qr.svg"' in page


def test_who_has_the_number_sees_the_shop_s_link_and_no_code(front: Front) -> None:
    _, given = entered(front, "1001", DELIVERED)
    for path in (f"/track/{DELIVERED}", f"/api/v1/pages/{DELIVERED}", f"/api/v1/shipments/{DELIVERED}"):
        answer = front.get(path)
        assert not [code for code in given.values() if code in answer.text + str(answer.headers)]
    page = front.get(f"/track/{DELIVERED}").text
    assert 'value="https://shop.example/friends"' in page
    assert "widget-offer" not in page


def test_an_offer_is_made_when_the_parcel_has_arrived_and_until_it_was_used(front: Front) -> None:
    assert "widget-offer" not in front.get(entered(front, "1001", MOVING)[0]).text
    path, given = entered(front, "1002", DELIVERED)
    assert "widget-offer" in front.get(path).text
    with front.engine.database.writing() as connection:
        code = front.engine.codes.find(connection, "main", given["offer"], lock=True)
        front.engine.codes.redeem(connection, code, "2001", None)
    assert "widget-offer" not in front.get(path).text


def test_a_page_that_is_looked_at_gives_no_code(front: Front) -> None:
    path, _ = entered(front, "1001", DELIVERED)
    with front.engine.database.writing() as connection:
        connection.execute(codes.delete())
    assert "https://shop.example/friends" in front.get(path).text
    with front.engine.database.reading() as connection:
        assert connection.execute(codes.select()).all() == []
