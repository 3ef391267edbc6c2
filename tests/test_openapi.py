"""The description of the API is true: it is made of what is mounted, and every answer keeps to it, whatever is sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from starlette.routing import Route

from doorstep.app import StoreRouter, assemble
from doorstep.engine import Engine

from .described import BEYOND_SCHEMAS, FEW, NOT_WRONG, asked, description, opened, served
from .shopfront import BY_LINK, DELIVERED, MOVING, TWO_CARRIERS, UNKNOWN, WRONG, carriers, shop, store

__all__ = ["opened", "served"]  # fixtures

by_chance = description(every_bound=False)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with carriers() as (sandbox, served), shop(tmp_path_factory.mktemp("shop"), sandbox, served.url) as front:
        yield front


@pytest.fixture(scope="module")
def told(front: Any) -> dict[str, Any]:
    return front.get("/openapi.json").json()


@by_chance.parametrize()
@FEW
def test_with_a_key_every_answer_is_as_described(case: Any, served: tuple[str, str], opened: Engine) -> None:
    excluded = NOT_WRONG if case.operation.path == "/api/v1/appearance" else BEYOND_SCHEMAS
    asked(case, served, opened, excluded)


@by_chance.parametrize()
@FEW
def test_without_a_key_every_answer_is_as_described(case: Any, served: tuple[str, str]) -> None:
    response = case.call_and_validate(served[0], excluded_checks=BEYOND_SCHEMAS)
    if case.operation.definition.raw.get("security"):
        assert response.status_code in (401, 404, 405)


def mounted(app: Any) -> set[tuple[str, str]]:
    """Method and path of every route below /api/ and of the health checks."""
    app = vars(app)["_app"]  # behind the finished pages
    assert isinstance(app, StoreRouter)
    inner, outside = vars(app)["_inner"], vars(app)["_outside"]
    return {
        (method, route.path.replace(":path}", "}"))
        for route in [*inner.routes, *outside.routes]
        if isinstance(route, Route) and (route.path.startswith("/api/") or route.path in ("/healthz", "/readyz"))
        for method in (route.methods or {"GET"}) - {"HEAD"}
    }


def test_what_is_mounted_is_described_and_nothing_else(front: Any, told: dict[str, Any]) -> None:
    told = {(method.upper(), path) for path, item in told["paths"].items() for method in item if method != "servers"}
    assert told == mounted(assemble(front.engine))
    assert ("POST", "/api/v1/orders") in told


def test_each_operation_has_a_name_of_its_own(told: dict[str, Any]) -> None:
    names = [one["operationId"] for item in told["paths"].values() for name, one in item.items() if name != "servers"]
    assert len(names) == len(set(names))
    assert {"create_order", "read_shipments", "healthz"} <= set(names)


def test_the_server_is_the_store_and_health_has_none(tmp_path: Path, told: dict[str, Any]) -> None:
    assert told["servers"] == [{"url": "/"}]
    assert told["paths"]["/healthz"]["servers"] == [{"url": "/"}]
    with carriers() as (sandbox, served):
        stores = {"outlet": store(path="/outlet")}
        with shop(tmp_path, sandbox, served.url, stores=stores) as outlet:
            assert outlet.get("/outlet/openapi.json").json()["servers"] == [{"url": "/outlet"}]


@pytest.mark.parametrize("path", ["/api/v1/shipments/{number}", "/api/v1/pages/{number}"])
@pytest.mark.parametrize("number", [DELIVERED, MOVING, TWO_CARRIERS, UNKNOWN, BY_LINK, WRONG])
def test_answers_about_parcels_are_as_described(front: Any, told: dict[str, Any], path: str, number: str) -> None:
    response = front.get(path.replace("{number}", number))
    described = told["paths"][path]["get"]["responses"][str(response.status_code)]["content"]
    kind, _, _ = response.headers["content-type"].partition(";")
    schema = {**described[kind]["schema"], "components": told["components"]}
    jsonschema_rs.validator_for(schema).validate(response.json())
