"""The description of the API is true: it is made of what is mounted, and every answer keeps to it, whatever is sent."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks
from sqlalchemy import select
from starlette.routing import Route
from starlette.testclient import TestClient

from doorstep.app import StoreRouter, assemble
from doorstep.clock import SystemClock
from doorstep.config import ApiLimit, Config, Server
from doorstep.engine import Engine, create_engine
from doorstep.keys import SCOPES, Keys
from doorstep.packages import installed
from doorstep.secret import Secret
from doorstep.tables import keys, metadata
from doorstep.testing import serve

from .shopfront import BY_LINK, DELIVERED, MOVING, SHOP, TWO_CARRIERS, UNKNOWN, WRONG, carriers, shop, store

load_all_checks()
# What a schema cannot say (whether letters and digits are a tracking number, years, amounts) is refused as well.
BEYOND_SCHEMAS = [CHECKS.get_one("positive_data_acceptance")]
# A patch of the appearance may name anything of it or nothing, and is right. What else was wrong with such a case, the test
# adds (the key) or nobody can send (an empty list in a query).
NOT_WRONG = [*BEYOND_SCHEMAS, CHECKS.get_one("negative_data_rejection")]
FEW = settings(max_examples=10, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with carriers() as (sandbox, served), shop(tmp_path_factory.mktemp("shop"), sandbox, served.url) as front:
        yield front


@pytest.fixture(scope="module")
def told(front: Any) -> dict[str, Any]:
    return front.get("/openapi.json").json()


def open_shop(folder: Path) -> Engine:
    """A shop without any carrier's account, so that nobody is asked."""
    config = Config(
        stores={"main": SHOP},
        secret_key=(Secret("0123456789abcdef0123456789abcdef"),),
        server=Server(api_limit=ApiLimit(calls=1_000_000)),
        base=folder,
    )
    return create_engine(config, packages=installed())


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return open_shop(tmp_path_factory.mktemp("open"))


@pytest.fixture(scope="module")
def served(opened: Engine) -> Iterator[tuple[str, str]]:
    """Where such a shop listens, and a key that may do everything."""
    with serve(assemble(opened)) as site:
        with opened.database.writing() as connection:
            _, key = Keys(clock=SystemClock()).new(connection, "main", "everything", SCOPES)
        yield site.url, key.reveal()


def published() -> dict[str, Any]:
    """The document as it is served, without a shop that runs: tests are made of it before any of them begins."""
    engine = open_shop(Path())
    answer = TestClient(assemble(engine)).get("/openapi.json").json()
    asyncio.run(engine.close())
    return answer


PUBLISHED = published()


def description(*, every_bound: bool) -> Any:
    """What tests are made of: what is allowed, and what is forbidden; perhaps with `every_bound` of every value beside what
    chance comes upon, which takes five times as long."""
    made = schemathesis.openapi.from_dict(PUBLISHED)
    made.config.generation.update(modes=["positive", "negative"])
    made.config.phases.coverage.enabled = every_bound
    return made


by_chance, described = description(every_bound=False), description(every_bound=True)


def kept(engine: Engine) -> list[Any]:
    """All that lies in the database, but when a key was last used."""
    with engine.database.reading() as connection:
        return [connection.execute(select(table)).all() for table in metadata.sorted_tables if table is not keys]


def asked(case: Any, served: tuple[str, str], engine: Engine, excluded: list[Any]) -> None:
    """With a key. What is refused changes nothing."""
    before, (url, key) = kept(engine), served
    response = case.call_and_validate(url, headers={"Authorization": f"Bearer {key}"}, excluded_checks=excluded)
    assert response.status_code < 400 or kept(engine) == before


@by_chance.parametrize()
@FEW
def test_with_a_key_every_answer_is_as_described(case: Any, served: tuple[str, str], opened: Engine) -> None:
    excluded = NOT_WRONG if case.operation.path == "/api/v1/appearance" else BEYOND_SCHEMAS
    asked(case, served, opened, excluded)


@pytest.mark.exhaustive
@described.parametrize()
@settings(FEW, max_examples=40)
def test_with_a_key_every_answer_is_as_described_whatever_is_asked(
    case: Any, served: tuple[str, str], opened: Engine
) -> None:
    asked(case, served, opened, NOT_WRONG)  # of so many, some are wrong in nothing but that


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
