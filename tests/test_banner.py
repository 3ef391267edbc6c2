"""A banner: when it stands, on whose pages, and in which language it speaks."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from doorstep import Place
from doorstep.banner import Banner

from .acme import parcel

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STRIKE = {"en": "Strike", "de": "Streik", "pt-BR": "Greve"}


def to(country, carrier="acme"):
    return msgspec.structs.replace(parcel("123456789"), carrier=carrier, destination=Place(country=country))


@pytest.mark.parametrize(
    ("now", "stands"),
    [(NOON - MINUTE, False), (NOON, True), (NOON + 59 * MINUTE, True), (NOON + 60 * MINUTE, False)],
)
def test_a_banner_stands_from_its_start_until_its_end(now, stands):
    banner = Banner(STRIKE, starts_at=NOON, ends_at=NOON + 60 * MINUTE)
    assert banner.shown(now, None) == stands


@pytest.mark.parametrize("shipment", [None, to("FR"), to("")])
def test_a_banner_for_all_stands_on_every_page(shipment):
    assert Banner(STRIKE).shown(NOON, shipment)


@pytest.mark.parametrize(
    ("shipment", "country", "stands"),
    [
        (to("FR"), "", True),
        (to("DE"), "", False),
        (to("DE"), "FR", False),  # the parcel's own country goes before the order's
        (to(""), "FR", True),
        (to(""), "", False),
        (None, "FR", True),
        (None, "DE", False),
        (None, "", False),
    ],
)
def test_a_banner_for_a_country_stands_where_the_parcel_goes_there(shipment, country, stands):
    assert Banner(STRIKE, countries=("FR", "BE")).shown(NOON, shipment, country) == stands


@pytest.mark.parametrize(("shipment", "stands"), [(to("FR"), True), (to("FR", "ups"), False), (None, False)])
def test_a_banner_for_a_carrier_stands_on_the_pages_of_its_parcels(shipment, stands):
    assert Banner(STRIKE, carriers=("acme",)).shown(NOON, shipment, "FR") == stands


def test_a_banner_for_a_country_and_a_carrier_wants_both():
    banner = Banner(STRIKE, countries=("FR",), carriers=("ups",))
    assert [banner.shown(NOON, one) for one in (to("FR", "ups"), to("FR"), to("DE", "ups"))] == [True, False, False]


@pytest.mark.parametrize(
    ("language", "fallback", "text"),
    [
        ("de", "en", "Streik"),
        ("de_AT", "en", "Streik"),
        ("pt_BR", "de", "Greve"),
        ("PT-br", "de", "Greve"),
        ("pt", "de", "Streik"),  # Brazil's words are not Portugal's
        ("ja", "de_CH", "Streik"),
        ("ja", "ar", "Strike"),
    ],
)
def test_a_banner_speaks_the_readers_language_then_the_shops_then_any(language, fallback, text):
    assert Banner(STRIKE).says(language, fallback) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"text": {"en": ""}}',
        '{"text": {"en": "x"}, "countries": ["France"]}',
        '{"text": {"en": "x"}, "starts_at": "2026-11-22T12:00:00"}',
        '{"text": {"en": "x"}, "url": "javascript:alert(1)"}',
        '{"text": {"en": "x"}, "url": "http://news.example/"}',
    ],
)
def test_a_mistake_in_a_banner_is_refused(text):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Banner)
