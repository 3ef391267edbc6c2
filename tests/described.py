"""The description of the API as the source of requests: by what is allowed in it, and by what is forbidden."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks
from sqlalchemy import select
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.clock import SystemClock
from doorstep.config import ApiLimit, Config, Server
from doorstep.engine import Engine, create_engine
from doorstep.keys import SCOPES, Keys
from doorstep.packages import installed
from doorstep.secret import Secret
from doorstep.tables import keys, metadata
from doorstep.testing import serve

from .shopfront import SHOP

load_all_checks()
# What a schema cannot say (whether letters and digits are a tracking number, years, amounts) is refused as well.
BEYOND_SCHEMAS = [CHECKS.get_one("positive_data_acceptance")]
# A patch of the appearance may name anything of it or nothing, and is right. What else was wrong with such a case, the test
# adds (the key) or nobody can send (an empty list in a query).
NOT_WRONG = [*BEYOND_SCHEMAS, CHECKS.get_one("negative_data_rejection")]
FEW = settings(max_examples=10, derandomize=True, suppress_health_check=list(HealthCheck))


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


def kept(engine: Engine) -> list[Any]:
    """All that lies in the database, but when a key was last used."""
    with engine.database.reading() as connection:
        return [connection.execute(select(table)).all() for table in metadata.sorted_tables if table is not keys]


def asked(case: Any, served: tuple[str, str], engine: Engine, excluded: list[Any]) -> None:
    """With a key. What is refused changes nothing."""
    before, (url, key) = kept(engine), served
    response = case.call_and_validate(url, headers={"Authorization": f"Bearer {key}"}, excluded_checks=excluded)
    assert response.status_code < 400 or kept(engine) == before
