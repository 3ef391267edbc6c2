"""Scripts of other origins: those that are named may ask, others may not."""

from .erp import ORDERS, SCRIPTS, Shop


def test_scripts_of_origins_that_are_named_may_ask(erp: Shop) -> None:
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    preflight = erp.front.client.options(ORDERS, headers={"Origin": SCRIPTS, **ask})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == SCRIPTS
    assert {"GET", "POST", "PATCH", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(", "))
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    for path, key in ((ORDERS, erp.key), (ORDERS, ""), ("/api/v1/shipments/hello", erp.key), ("/api/v1/none", erp.key)):
        response = erp.ask("GET", path, key=key, Origin=SCRIPTS)
        assert response.headers["access-control-allow-origin"] == SCRIPTS
        assert "Origin" in response.headers["vary"]
        assert "ETag" in response.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in response.headers


def test_scripts_of_other_origins_may_not(erp: Shop) -> None:
    ask = {"Access-Control-Request-Method": "POST"}
    for origin in ("https://other.example", "null", SCRIPTS + ".evil.example", SCRIPTS.upper()):
        preflight = erp.front.client.options(ORDERS, headers={"Origin": origin, **ask})
        response = erp.ask("GET", ORDERS, Origin=origin)
        for one in (preflight, response):
            assert "access-control-allow-origin" not in one.headers
            assert "Origin" in one.headers["vary"]
    outlet = erp.ask("GET", f"/outlet{ORDERS}", key=erp.new_key(store="outlet"), Origin=SCRIPTS)
    page = erp.ask("GET", "/", Origin=SCRIPTS)
    assert "access-control-allow-origin" not in outlet.headers
    assert "access-control-allow-origin" not in page.headers
