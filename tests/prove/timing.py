"""Whether how long an answer takes tells a stranger anything: two kinds of tries that must not differ, taken in turn; beside
them the same with a leak that was put in, which must be seen.

It compares how the two kinds lie among each other (Cliff's delta: 0 where none is slower, 1 where each of one kind is), in one
run on one machine: how fast that is makes no difference.
"""

import asyncio
import hmac
import random
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter_ns
from typing import NamedTuple

from doorstep import Incoming, Secret
from doorstep.config import Config, Store
from doorstep.engine import Engine, create_engine
from doorstep.incoming import is_signed
from doorstep.keys import SCOPES, Keys
from doorstep.order import Order
from doorstep.signing import Signer, new_secret

# What is below it is the machine's own doing; what is above, somebody could see over a network in time.
LEAST = 0.4
_AT_ONCE = 8  # tries of one kind of which the fastest counts: what the machine does beside is in the others

Try = Callable[[], Awaitable[object]]


class Pair(NamedTuple):
    """Two kinds of tries, and one that leaks: it differs from `wrong` as careless code would have it."""

    name: str
    unknown: Try
    wrong: Try
    leaking: Try


def delta(one: Sequence[float], other: Sequence[float]) -> float:
    """How much more often the second is slower than the first, than the other way round: -1 to 1."""
    ordered = sorted(other)
    more = sum(len(ordered) - bisect_right(ordered, took) for took in one)
    less = sum(bisect_left(ordered, took) for took in one)
    return (more - less) / (len(one) * len(ordered))


async def compared(pair: Pair, times: int, chance: random.Random) -> tuple[float, float]:
    """The difference between the two kinds, and that between the first and the one that leaks."""
    tries = {"unknown": pair.unknown, "wrong": pair.wrong, "leaking": pair.leaking}
    took: dict[str, list[float]] = {name: [] for name in tries}
    for _ in range(times):
        order = chance.sample([*tries], len(tries))
        fastest = dict.fromkeys(tries, float("inf"))
        for _ in range(_AT_ONCE):
            for name in order:
                began = perf_counter_ns()
                await tries[name]()
                fastest[name] = min(fastest[name], perf_counter_ns() - began)
        for name, took_least in fastest.items():
            took[name].append(took_least)
    return delta(took["unknown"], took["wrong"]), delta(took["unknown"], took["leaking"])


def pairs(engine: Engine) -> list[Pair]:
    """All that a stranger may try."""
    return [_orders(engine), _keys(engine), _signatures(), _webhooks()]


def _orders(engine: Engine) -> Pair:
    with engine.database.writing() as connection:
        kept = engine.orders.create(connection, "main", Order("1001", email="ada@post.example", postcode="SW1A 2AA"))

    async def leaking() -> object:
        """As who reads the order where there is one, and compares then."""
        found = await engine.access.by_number("main", "1001", "eve@post.example")
        return found or await engine.database.read(lambda connection: engine.orders.by_id(connection, kept.id))

    return Pair(
        "order: not there, wrong proof",
        lambda: engine.access.by_number("main", "1002", "eve@post.example"),
        lambda: engine.access.by_number("main", "1001", "eve@post.example"),
        leaking,
    )


def _keys(engine: Engine) -> Pair:
    keys = Keys(clock=engine.clock)
    with engine.database.writing() as connection:
        _, key = keys.new(connection, "main", "erp", SCOPES)
    known = key.reveal()
    wrong = known[:-4] + ("aaaa" if known[-4:] != "aaaa" else "bbbb")
    unknown = known[:3] + ("a" if known[3] != "a" else "b") + known[4:]

    async def find(offered: str) -> object:
        with engine.database.reading() as connection:
            return keys.find(connection, offered)

    async def leaking() -> object:
        """As who hashes slowly, and only where there is a key."""
        hmac.digest(b"key", known.encode() * 4000, "sha256")
        return await find(wrong)

    return Pair("key: unknown, wrong secret", lambda: find(unknown), lambda: find(wrong), leaking)


def _signatures() -> Pair:
    """A signature that is wrong in its first letter, and one in its last."""
    body, secret = b"{}" * 50, "a secret of the carrier"
    right = hmac.new(secret.encode(), body, "sha256").hexdigest()
    first, last = ("0" if right[0] != "0" else "1") + right[1:], right[:-1] + ("0" if right[-1] != "0" else "1")

    async def checked(signature: str) -> object:
        return [is_signed(body, [secret], signature, hex=True) for _ in range(20)]

    async def leaking() -> object:
        return [is_signed(body, [secret], last, hex=True) and _compared_naively(right, last) for _ in range(20)] + [
            _compared_naively(right, last) for _ in range(20)
        ]

    return Pair("push: first letter wrong, last", lambda: checked(first), lambda: checked(last), leaking)


def _webhooks() -> Pair:
    """Signed with an unknown secret, and with one whose signature is nearly right."""
    secrets, now, body = [Secret(new_secret()), Secret(new_secret())], datetime.now(UTC), b"{}" * 50
    signer = Signer(secrets, setting="secret")
    signed = signer.headers("evt_1", now, body)
    right = signed["webhook-signature"].split()[0]
    other = Signer([Secret(new_secret())], setting="secret").headers("evt_1", now, body)["webhook-signature"]

    async def checked(signature: str) -> object:
        incoming = Incoming({**signed, "webhook-signature": signature}, body)
        return [signer.signed(incoming, now) for _ in range(20)]

    async def leaking() -> object:
        """As who compares letter by letter."""
        return await checked(other), [_compared_naively(right, right[:-2] + "x=") for _ in range(20)]

    return Pair("webhook: foreign, nearly right", lambda: checked(other), lambda: checked(right[:-2] + "x="), leaking)


def _compared_naively(right: str, given: str) -> bool:
    for one, other in zip(right, given, strict=False):
        if one != other:
            return False
    return len(right) == len(given)


@contextmanager
def _shop() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="doorstep-timing-") as name:
        config = Config(
            stores={"main": Store("Shop")}, secret_key=(Secret("k" * 32),), base=Path(name),
            database=f"sqlite:///{name}/shop.db",
        )  # fmt: skip
        engine = create_engine(config, packages=[])
        engine.database.open_now()
        yield engine


async def tell(times: int, seed: int) -> list[str]:
    """What a stranger could see, and what would not be seen."""
    problems = []
    with _shop() as engine:
        try:
            for pair in pairs(engine):
                found, planted = await compared(pair, times, random.Random(seed))
                print(f"{pair.name:32} {found:+.2f}; with a leak {planted:+.2f}", flush=True)
                if abs(found) > LEAST:
                    problems.append(f"{pair.name}: one takes longer ({found:+.2f})")
                if planted < LEAST:
                    problems.append(f"{pair.name}: a leak would not be seen ({planted:+.2f})")
        finally:
            await engine.close()
    return problems


def timed(times: int, seed: int) -> list[str]:
    return asyncio.run(tell(times, seed))
