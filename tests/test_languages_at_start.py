"""Catalogs are read in a thread when a process starts: compiling one holds whatever runs it for too long."""

import threading
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.i18n import Catalogs, Localizer
from doorstep.secret import Secret


def test_every_language_of_a_shop_is_read_off_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = f"sqlite:///{tmp_path / 'shop.db'}"
    config = Config(stores={"main": Store(name="Shop")}, secret_key=(Secret("k" * 32),), database=database)
    engine = create_engine(config)
    read: dict[str, threading.Thread] = {}
    original = Catalogs.localizer

    def localizer(self: Catalogs, language: str) -> Localizer:
        read[language] = threading.current_thread()
        return original(self, language)

    monkeypatch.setattr(Catalogs, "localizer", localizer)
    wanted = set(engine.shops.all[0].languages)
    with TestClient(assemble(engine)) as client:
        assert client.portal is not None
        loop = client.portal.call(threading.current_thread)
        ends = time.monotonic() + 30
        while read.keys() != wanted and time.monotonic() < ends:
            time.sleep(0.01)
    assert read.keys() == wanted
    assert loop not in read.values()
