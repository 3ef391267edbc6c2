"""Markup in whatever a carrier writes, over real HTTP: the page around it stays as it is, in every theme."""

import json

import pytest

from doorstep.sandbox import sandbox_of

from ..shopfront import shop, store
from ..spy import SPY, spy
from ..test_xss import CORPUS, HARMLESS, outline, parcels

THEMES = ("classic", "minimal", "bold")


@pytest.fixture
def front(tmp_path, plugin):
    answers = {f"SPY{n:06}": (parcels(text, f"SPY{n:06}"),) for n, text in enumerate([HARMLESS, *CORPUS])}
    stores = {theme: store(path=f"/{theme}", theme=theme) for theme in THEMES}
    package = spy(plugin, answers)
    wanted = {"more": (package,), "accounts": SPY, "stores": stores, "listening": True}
    with shop(tmp_path, sandbox_of([]), "", **wanted) as front:
        yield front


@pytest.mark.fault(33)
@pytest.mark.parametrize("theme", THEMES)
def test_no_text_of_a_carrier_becomes_an_element_a_handler_or_an_address(front, theme):
    calm = outline(front.get(f"/{theme}/track/SPY000000").text)
    assert len(calm) > 40
    for n, text in enumerate(CORPUS, 1):
        answer = front.get(f"/{theme}/track/SPY{n:06}")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert outline(answer.text) == calm, text
        data = front.get(f"/{theme}/api/v1/shipments/SPY{n:06}")
        assert (data.headers["content-type"], data.headers["x-content-type-options"]) == ("application/json", "nosniff")
        assert json.loads(data.content)["shipments"][0]["events"]
