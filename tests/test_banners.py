"""Banners of settings and of the API together, read now and then, and over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from anyio import Event, to_thread

from doorstep import brief_reads
from doorstep.banner import Banner
from doorstep.banners import Banners
from doorstep.brief_reads import BriefReads
from doorstep.database import Database
from doorstep.errors import StoreError

from .clock import FakeClock

STRIKE, STORM = Banner({"en": "A strike in France"}), Banner({"en": "A storm"})


@pytest.fixture
def banners(database: Database, clock: FakeClock) -> Banners:
    return Banners(BriefReads(database, clock=clock), {"main": (STRIKE,)}, clock=clock)


def create(database: Database, banners: Banners, store: str, banner: Banner) -> Any:
    with database.writing() as connection:
        return banners.create(connection, store, banner)


async def test_a_store_shows_those_of_the_settings_first_and_no_other_stores(
    database: Database, banners: Banners, clock: FakeClock
) -> None:
    for banner in (STORM, Banner({"en": "Late before the holidays"})):
        create(database, banners, "main", banner)
        clock.advance(1)
    shown = await banners.of("main")
    assert [banner.says("en", "en") for banner in shown] == [
        "A strike in France",
        "A storm",
        "Late before the holidays",
    ]
    assert await banners.of("outlet") == ()


async def test_a_page_costs_no_query_for_half_a_minute(database: Database, banners: Banners, clock: FakeClock) -> None:
    assert await banners.of("main") == (STRIKE,)
    await to_thread.run_sync(create, database, banners, "main", STORM)
    clock.advance(29)
    assert await banners.of("main") == (STRIKE,)
    clock.advance(1)
    assert await banners.of("main") == (STRIKE, STORM)


async def test_while_the_database_is_away_the_last_ones_stay(
    database: Database, banners: Banners, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(database, banners, "main", STORM)
    assert await banners.of("main") == (STRIKE, STORM)

    async def away(work: object) -> None:
        raise StoreError("it is away")

    monkeypatch.setattr(database, "read", away)
    clock.advance(31)
    assert await banners.of("main") == (STRIKE, STORM)
    assert await banners.of("outlet") == ()


async def test_a_page_does_not_wait_long_for_a_silent_database(
    database: Database, banners: Banners, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = Event()
    monkeypatch.setattr(database, "read", lambda work: silent.wait())
    monkeypatch.setattr(brief_reads, "PATIENCE", 0.01)
    assert await banners.of("main") == (STRIKE,)


def test_a_banner_is_changed_and_removed_in_its_own_store(
    database: Database, banners: Banners, clock: FakeClock
) -> None:
    kept = create(database, banners, "main", STORM)
    began = clock.now()
    clock.advance(60)
    with database.writing() as connection:
        assert banners.find(connection, "outlet", kept.id) is None
        found = banners.find(connection, "main", kept.id)
        assert found == kept
        changed = banners.change(connection, found, Banner({"en": "The storm is over"}))
        assert (changed.created_at, changed.updated_at) == (began, began + timedelta(seconds=60))
        assert banners.all(connection, "main") == [changed]
        banners.remove(connection, changed)
        assert banners.all(connection, "main") == []
