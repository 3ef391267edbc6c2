"""What a shop may say about how long answers are fresh."""

import time
from pathlib import Path

import pytest

from doorstep import Status
from doorstep.config import parse
from doorstep.errors import ConfigError
from doorstep.shelf_life import ShelfLife

from .shopfront import DELIVERED, carriers, shop, store

SHOP = '[stores.main]\nname = "Loom"\n[stores.main.freshness]\n'


def life(text: str, **environ: str) -> ShelfLife:
    return parse(SHOP + text, file="doorstep.toml", environ=environ).stores["main"].freshness


def test_what_is_about_to_happen_is_asked_most_often_and_what_is_over_most_seldom() -> None:
    usual = ShelfLife()
    seconds = {status: usual.of(status) for status in Status}
    assert min(seconds, key=seconds.__getitem__) is Status.OUT_FOR_DELIVERY
    over = {Status.DELIVERED, Status.RETURNED, Status.CANCELLED, Status.LOST}
    assert min(seconds[status] for status in over) > max(seconds[status] for status in set(Status) - over)


def test_a_shop_sets_one_status_and_the_others_stay_as_they_are() -> None:
    tuned = life("out_for_delivery = 60")
    assert (tuned.out_for_delivery, tuned.in_transit) == (60, ShelfLife().in_transit)
    assert life("", DOORSTEP_STORES__MAIN__FRESHNESS__OUT_FOR_DELIVERY="45").out_for_delivery == 45


def test_a_number_that_stays_unknown_is_asked_again_after_twice_the_time_up_to_the_longest() -> None:
    tuned = life("not_found = 60\nstill_not_found = 200")
    assert [tuned.of_unknown(times) for times in (1, 2, 3, 4, 99)] == [60, 120, 200, 200, 200]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("out_for_delivery = 29", "stores.main.freshness.out_for_delivery: Expected `int` >= 30"),
        ("delivered = 604801", "stores.main.freshness.delivered: Expected `int` <= 604800"),
        ('delivered = "an hour"', "stores.main.freshness.delivered: Expected `int`"),
        ("out_for_delivry = 60", "stores.main.freshness.out_for_delivry is not a setting: did you mean"),
        ("not_found = 7200", "stores.main.freshness: still_not_found (3600) is shorter than not_found (7200)"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        life(text)
    assert str(caught.value).startswith(f"doorstep.toml: {said}")


def test_pages_kept_near_and_their_headers_follow_the_shop(tmp_path: Path) -> None:
    stores = {"main": store(freshness=ShelfLife(delivered=60))}
    with carriers() as (sandbox, served), shop(tmp_path, sandbox, served.url, stores=stores) as front:
        page = f"/track/{DELIVERED}"
        front.get(page)
        kept = front.get(page)
        asked = front.asked()
        ttl = int(kept.headers["Cache-Status"].partition("ttl=")[2])
        assert 60 <= ttl <= 69
        front.clock.advance(ttl)
        assert (front.get(page).headers["Cache-Status"], front.asked()) == ("doorstep; hit; ttl=0", asked)
        front.clock.advance(1)
        stale = front.get(page)
        assert stale.headers["Cache-Status"].startswith("doorstep; hit; ttl=")
        for _ in range(100):
            if front.asked() > asked:
                break
            time.sleep(0.05)
        assert front.asked() > asked, "it is asked for behind"
