"""Banners over HTTP."""

from .erp import BANNERS, Shop


def test_a_banner_is_put_up_changed_and_taken_away(running: Shop) -> None:
    strike = {"text": {"en": "A strike in France", "fr": "Une grève"}, "countries": ["FR"]}
    made = running.ask("POST", BANNERS, strike)
    body = made.json()
    assert (made.status_code, body["text"], body["countries"]) == (201, strike["text"], ["FR"])
    path = f"{BANNERS}/{body['id']}"
    assert made.headers["location"] == f"https://shop.example{path}"
    changed = running.ask("PATCH", path, {"text": {"fr": None, "de": "Ein Streik"}, "ends_at": "2026-11-30T00:00:00Z"})
    assert changed.json()["text"] == {"en": "A strike in France", "de": "Ein Streik"}
    assert running.ask("GET", path).json() == changed.json()
    assert running.ask("GET", BANNERS).json() == {"banners": [changed.json()]}
    assert running.ask("PATCH", path, {"countries": ["France"]}).status_code == 422
    assert running.ask("DELETE", path).status_code == 204
    assert running.ask("GET", path).json()["code"] == "banner_not_found"
