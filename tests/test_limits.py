"""Guesses are counted, refused and forgotten; the network of a request is nobody's to choose."""

import pytest

from doorstep.errors import ConfigError
from doorstep.limits import Guesses, Networks

from .clock import FakeClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def guesses(clock: FakeClock) -> Guesses:
    return Guesses(most=5, window=3600, clock=clock)


async def test_after_five_wrong_guesses_none_is_allowed_for_an_hour(guesses: Guesses, clock: FakeClock) -> None:
    for _ in range(5):
        assert await guesses.make("order") == 0
        clock.advance(60)
    assert await guesses.make("order") == 3600 - 60
    clock.advance(3600 - 61)
    assert await guesses.make("order") == 1
    clock.advance(1)
    assert await guesses.make("order") == 0


async def test_four_wrong_guesses_are_forgotten_after_an_hour(guesses: Guesses, clock: FakeClock) -> None:
    for _ in range(4):
        await guesses.make("order")
    clock.advance(3600)
    assert [await guesses.make("order") for _ in range(5)] == [0, 0, 0, 0, 0]


async def test_a_right_guess_does_not_count(guesses: Guesses) -> None:
    for _ in range(20):
        assert await guesses.make("order", "network") == 0
        await guesses.right("order", "network")


@pytest.mark.fault(40)
async def test_many_at_once_are_no_way_round(guesses: Guesses) -> None:
    """All are made before the first one is known to be wrong."""
    assert [await guesses.make("order") > 0 for _ in range(8)] == [False] * 5 + [True] * 3


async def test_each_key_counts_by_itself_and_any_of_them_refuses(guesses: Guesses) -> None:
    for number in range(5):
        assert await guesses.make(f"order {number}", "network") == 0
    assert await guesses.make("order 6", "network") > 0
    assert await guesses.make("order 6", "another network") == 0
    assert guesses.refused("network") > 0
    assert guesses.refused("order 6") == 0


async def test_a_refused_guess_counts_for_nobody(guesses: Guesses) -> None:
    for _ in range(5):
        await guesses.make("network")
    for _ in range(9):
        await guesses.make("order", "network")
    assert await guesses.make("order", "another network") == 0


async def test_strangers_cannot_fill_the_memory(guesses: Guesses) -> None:
    for number in range(60_000):
        await guesses.make(f"order {number}")
    assert len(guesses._counts) == 50_000


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("203.0.113.77", "", "203.0.113.0/24"),
        ("2001:db8:1:2345:6::7", "", "2001:db8:1:2300::/56"),
        ("::ffff:203.0.113.77", "", "203.0.113.0/24"),
        # Who is no proxy of ours may write what they like.
        ("203.0.113.77", "198.51.100.1", "203.0.113.0/24"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.0/24"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.0/24"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.0/24"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.0/24"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::/56"),
        ("fd00::1", "2001:db8::1", "2001:db8::/56"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.0/24"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.0/24"),
        ("10.0.0.1", ", ,", "10.0.0.0/24"),
        ("10.0.0.1", "", "10.0.0.0/24"),
        ("", "198.51.100.1", "unknown"),
        ("a socket", "", "unknown"),
    ],
)  # fmt: skip
def test_the_network_is_that_of_the_last_address_no_trusted_proxy_has(peer: str, forwarded: str, network: str) -> None:
    assert Networks(["10.0.0.0/8", "fd00::/8"]).of(peer, forwarded) == network


def test_a_very_long_header_is_read_from_its_end_only() -> None:
    header = ", ".join(["192.0.2.1"] + ["10.0.0.9"] * 50)
    assert Networks(["10.0.0.0/8"]).of("10.0.0.1", header) == "10.0.0.0/24"


def test_a_proxy_that_is_no_network_is_named() -> None:
    with pytest.raises(ConfigError, match=r"server\.trusted_proxies.*300\.1\.1\.1"):
        Networks(["300.1.1.1"])
