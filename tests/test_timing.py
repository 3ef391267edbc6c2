"""Whoever guesses costs the same work whether there is something to find or not. How long it takes is compared in
`./dev prove timing`; here what is done is: the same statements, the same comparisons, in constant time."""

import hmac
import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from doorstep import Secret
from doorstep.incoming import is_any, is_signed
from doorstep.keys import SCOPES, Keys
from doorstep.vault import same

from .erp import Shop
from .ordering import EMAIL
from .prove.timing import LEAST, delta

STRANGER = "eve@post.example"


class Work:
    """What was asked of the database, and what was compared in constant time."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.compared = 0

    def taken(self) -> tuple[list[str], int]:
        found = (self.statements, self.compared)
        self.statements, self.compared = [], 0
        return found


@pytest.fixture
def work(erp: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    seen, compare = Work(), hmac.compare_digest

    def counted(one: Any, other: Any) -> bool:
        seen.compared += 1
        return compare(one, other)

    def executed(connection: Any, cursor: Any, statement: str, *args: Any) -> None:
        seen.statements.append(statement)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    engine = erp.engine.database._engine
    event.listen(engine, "before_cursor_execute", executed)
    yield seen
    event.remove(engine, "before_cursor_execute", executed)


@pytest.mark.fault(40)
@pytest.mark.parametrize("proof", [STRANGER, "SW9Z 9ZZ"])
def test_an_order_that_is_not_there_costs_the_same_as_a_wrong_proof(erp: Shop, work: Work, proof: str) -> None:
    erp.new_order(number="1001", email=EMAIL, postcode="20095")
    erp.new_order(number="1003")  # has nothing to prove with
    erp.front.post("/", {"order": "1000", "proof": proof})  # what a first one reads once
    work.taken()
    told, done = [], []
    for number in ("1001", "1002", "1003"):
        answer = erp.front.post("/", {"order": number, "proof": proof})
        told.append((answer.status_code, answer.text.replace(number, "…"), {*answer.headers} - {"date"}))
        done.append(work.taken())
    assert told[0] == told[1] == told[2]
    assert done[0] == done[1] == done[2]
    assert done[0][1] > 0


@pytest.mark.fault(40)
def test_an_unknown_key_costs_the_same_as_a_wrong_secret(erp: Shop, work: Work) -> None:
    keys = Keys(clock=erp.clock)
    with erp.engine.database.writing() as connection:
        _, key = keys.new(connection, "main", "erp", SCOPES)
    known = key.reveal()
    work.taken()
    found = []
    for offered in (known[:-1] + ("a" if known[-1] != "a" else "b"), known[:3] + known[-6:] + known[9:]):
        with erp.engine.database.reading() as connection:
            assert keys.find(connection, offered) is None
        found.append(work.taken())
    assert found[0] == found[1]
    statements, compared = found[0]
    assert ("hash = " in statements[-1], compared) == (True, 0)  # where the row lies, and not a second time


@pytest.mark.parametrize("right", range(3))
def test_every_secret_is_compared_whichever_is_right(monkeypatch: pytest.MonkeyPatch, right: int) -> None:
    compared, compare = [], hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append(1) or compare(one, other))
    secrets = [Secret(f"secret {n}") for n in range(3)]
    signature = hmac.new(secrets[right].reveal().encode(), b"{}", "sha256").hexdigest()
    assert is_any(secrets, secrets[right].reveal())
    assert is_signed(b"{}", secrets, signature, hex=True)
    assert same("kept", ["other", "kept", "more"])
    assert not same(None, ["other", "kept", "more"])
    assert len(compared) == 12


def test_a_difference_between_two_kinds_of_tries_is_seen_and_none_is_not() -> None:
    chance = random.Random(1)
    alike, other = ([chance.gauss(100, 10) for _ in range(400)] for _ in range(2))
    slower = [chance.gauss(120, 10) for _ in range(400)]
    assert abs(delta(alike, other)) < LEAST / 2
    assert delta(alike, slower) > LEAST
    assert delta(slower, alike) == -delta(alike, slower)
    assert delta([1, 2], [3, 4]) == 1
