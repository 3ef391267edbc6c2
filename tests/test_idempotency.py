"""A request is done once, however often it is sent; what is kept of it says nothing in clear."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, func, select

from doorstep.database import Database
from doorstep.errors import KeyReused
from doorstep.idempotency import Given, Once
from doorstep.secret import Secret
from doorstep.tables import requests
from doorstep.vault import Vault

from .clock import FakeClock

OLD, NEW = Secret("0123456789abcdef0123456789abcdef"), Secret("fedcba9876543210fedcba9876543210")
ANSWER = Given(201, {"ETag": '"1"'}, b'{"email":"ida@shop.example"}')


class Work:
    """Work that counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, connection: Connection) -> Given:
        self.done += 1
        return ANSWER


@pytest.fixture
def once(clock: FakeClock) -> Once:
    return Once(Vault((OLD,)), clock=clock)


def sent(
    database: Database, once: Once, work: Callable[[Connection], Given], request: bytes = b"order", key: str = "k"
) -> Given:
    with database.writing() as connection:
        return once.do(connection, "checkout", key, request, work)


def test_the_second_time_the_first_answer_is_given(database: Database, once: Once) -> None:
    work = Work()
    assert [sent(database, once, work) for _ in range(3)] == [ANSWER] * 3
    assert work.done == 1


def test_another_request_under_the_same_key_is_refused_and_not_done(database: Database, once: Once) -> None:
    work = Work()
    sent(database, once, work)
    with pytest.raises(KeyReused):
        sent(database, once, work, b"another order")
    assert work.done == 1


def test_keys_are_their_callers_own(database: Database, once: Once) -> None:
    work = Work()
    for scope, key in (("checkout", "1"), ("checkout", "2"), ("till", "1")):
        with database.writing() as connection:
            once.do(connection, scope, key, b"order", work)
    assert work.done == 3


def test_what_failed_leaves_nothing_and_is_done_the_next_time(database: Database, once: Once) -> None:
    def fails(connection: Connection) -> Given:
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError):
        sent(database, once, fails)
    assert sent(database, once, Work(), b"mended") == ANSWER


def test_after_a_day_the_key_is_free(database: Database, once: Once, clock: FakeClock) -> None:
    work = Work()
    sent(database, once, work)
    clock.advance(24 * 3600 - 1)
    sent(database, once, work)
    assert work.done == 1
    clock.advance(1)
    sent(database, once, work, b"another order")
    assert work.done == 2


def test_nothing_lies_in_clear(database: Database, once: Once) -> None:
    sent(database, once, Work(), b'{"email":"ida@shop.example"}')
    with database.reading() as connection:
        row = repr(tuple(connection.execute(select(requests)).one()))
    assert "ida" not in row
    assert "shop.example" not in row


def test_a_changed_secret_key_still_knows_what_was_answered(database: Database, once: Once, clock: FakeClock) -> None:
    work = Work()
    sent(database, once, work)
    later = Once(Vault((NEW, OLD)), clock=clock)
    assert sent(database, later, work) == ANSWER
    assert work.done == 1


def test_of_many_at_once_one_is_done_and_all_get_its_answer(database: Database, once: Once) -> None:
    done, given = [], []

    def work(connection: Connection) -> Given:
        done.append(connection.scalar(select(func.count()).select_from(requests)))
        return ANSWER

    threads = [threading.Thread(target=lambda: given.append(sent(database, once, work))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given == [ANSWER] * 16
    assert len(done) == 1
