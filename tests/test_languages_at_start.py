"""Catalogs are read in a thread: compiling one holds whatever runs it for too long. At start that is the shop's own, and each
other one when somebody asks for it."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.i18n import Catalogs, NullTranslations
from doorstep.secret import Secret

Read = dict[str, threading.Thread]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """In which thread each language's catalogs were read."""
    found: Read = {}
    original = Catalogs._translations

    def translations(self: Catalogs, language: str) -> NullTranslations:
        found[language] = threading.current_thread()
        return original(self, language)

    monkeypatch.setattr(Catalogs, "_translations", translations)
    return found


@pytest.fixture
def client(tmp_path: Path, read: Read) -> Iterator[TestClient]:
    database = f"sqlite:///{tmp_path / 'shop.db'}"
    config = Config(
        stores={"main": Store(name="Shop", language="de")}, secret_key=(Secret("k" * 32),), database=database
    )
    with TestClient(assemble(create_engine(config))) as client:
        ends = time.monotonic() + 30
        while "de" not in read and time.monotonic() < ends:
            time.sleep(0.01)
        yield client


def test_the_shops_own_language_is_read_at_start_and_no_other_before_it_is_asked_for(
    client: TestClient, read: Read
) -> None:
    assert read.keys() == {"de"}
    page = client.get("/", headers={"Accept-Language": "de"}).text
    assert 'hreflang="fr"' in page  # the switch names what nobody has read
    assert read.keys() == {"de"}
    assert 'lang="fr"' in client.get("/?lang=fr").text
    assert read.keys() == {"de", "fr"}


def test_a_language_is_read_off_the_loop(client: TestClient, read: Read) -> None:
    assert client.portal is not None
    loop = client.portal.call(threading.current_thread)
    client.get("/", headers={"Accept-Language": "ar"})
    client.get("/api/v1/shipments/~", headers={"Accept-Language": "fr"})
    assert read.keys() == {"de", "ar", "fr"}
    assert loop not in read.values()
