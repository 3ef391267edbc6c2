"""What is kept of who wants messages: told, erased, forgotten with the order, but for what other orders of the person need."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import delete, func, select

from doorstep.message import Reach, Topic
from doorstep.order import Contact
from doorstep.privacy import dossier, erase, find
from doorstep.retention import forget_old
from doorstep.tables import consents, messages, subscriptions, unreachable

from .asking import choosing, confirming, placed, recipient, states, telling
from .ordering import EMAIL, order

FOUR = (messages, consents, subscriptions, unreachable)
PHONE = "+33612345678"
AGREED = {"email.order": "1", "email.more": "1"}
YES = {"topics.order": "1", "topics.more": "1"}


@pytest.fixture
def front(tmp_path, plugin):
    with telling(tmp_path, plugin) as front:
        yield front


def left(front):
    with front.engine.database.reading() as connection:
        return [connection.scalar(select(func.count()).select_from(table)) for table in FOUR]


def agree(front, kept, reach=Reach.EMAIL, **form):
    front.post(choosing(front, kept), {f"{reach}.order": "1", f"{reach}.more": "1", **form})
    front.post(confirming(front, kept, reach), YES)


def bounced(front, reach, address):
    row = {
        "store": "main", "contact": front.engine.vault.contact_hashes(reach, address)[0], "reach": reach.value,
        "reason": "550 no such user", "at": front.clock.now(),
    }  # fmt: skip
    with front.engine.database.writing() as connection:
        connection.execute(unreachable.insert().values(row))


def erased(front, *kept):
    with front.engine.database.writing() as connection:
        erase(connection, [one.id for one in kept], vault=front.engine.vault, now=front.clock.now())


def test_after_erasure_nothing_of_the_person_is_left(front):
    known = placed(front, order(email=EMAIL, phone=PHONE))
    agree(front, known)
    agree(front, known, Reach.PHONE)
    unknown = placed(front, order("1002"))
    agree(front, unknown, **{"email.address": "grace@letters.example"})
    front.post(choosing(front, unknown), {"phone.order": "1", "phone.address": "+447700900123"})  # never confirmed
    for reach, address in ((Reach.EMAIL, EMAIL), (Reach.PHONE, PHONE), (Reach.PHONE, "+447700900123")):
        bounced(front, reach, address)
    assert left(front) == [4, 7, 2, 3]
    erased(front, known, unknown)
    assert left(front) == [0, 0, 0, 0]


def test_after_an_order_is_deleted_nothing_of_the_person_is_left(front):
    known, unknown = placed(front, order(email=EMAIL, phone=PHONE)), placed(front, order("1002"))
    agree(front, known)
    agree(front, known, Reach.PHONE)
    agree(front, unknown, **{"email.address": "grace@letters.example"})
    for kept in (known, unknown):
        with front.engine.database.writing() as connection:
            front.engine.orders.remove(connection, kept.id)
    assert left(front) == [0, 0, 0, 0]


def test_what_another_order_of_the_same_customer_needs_stays_until_that_one_goes(front):
    """No message that was stopped comes again because an older order was forgotten."""
    first, second = (placed(front, order(number, email=EMAIL, phone=PHONE)) for number in ("1001", "1002"))
    agree(front, first)
    agree(front, first, Reach.PHONE)
    front.post(choosing(front, second), {"stop": "1"})
    erased(front, first)
    assert set(states(front).values()) == {"withdrawn"}
    assert len(states(front)) == 4
    assert [recipient(front, second, reach=reach, unasked=True) for reach in (Reach.EMAIL, Reach.PHONE)] == [
        "no: withdrawn"
    ] * 2
    erased(front, second)
    assert left(front) == [0, 0, 0, 0]


def test_all_of_it_is_told_to_who_asks(front):
    kept = placed(front, order(email=EMAIL))
    agree(front, kept)
    front.post(choosing(front, kept), {**AGREED, "phone.order": "1", "phone.address": PHONE})
    bounced(front, Reach.EMAIL, EMAIL)
    with front.engine.database.reading() as connection:
        [id] = find(connection, front.engine.vault, "main", email=EMAIL)
        told = msgspec.json.decode(
            msgspec.json.encode(dossier(connection, front.engine.orders, front.engine.vault, id))
        )
    agreed = {(one["reach"], one["topic"]): (one["state"], one["wording"]) for one in told["consents"]}
    words = "Tell me when something happens: What happens to my order"
    assert agreed[("email", "order")] == ("given", f"{words} (By email)")
    assert agreed[("phone", "order")] == ("asked", f"{words} (By text message)")
    assert agreed[("email", "more")][0] == "given"
    assert [one["kind"] for one in told["messages"]] == ["confirm", "confirm"]
    assert PHONE in str(told["addresses"])
    assert [one["reason"] for one in told["unreachable"]] == ["550 no such user"]


def test_what_nobody_confirmed_is_forgotten_after_a_week(front):
    kept = placed(front, order())
    front.post(choosing(front, kept), {"email.order": "1", "email.address": "grace@letters.example"})
    agreed = placed(front, order("1002", email=EMAIL))
    agree(front, agreed)
    front.clock.advance(7 * 86_400 + 1)
    front.client.portal.call(forget_old, front.engine.database, front.engine.config, front.clock)
    assert states(front) == {("email", "order"): "given", ("email", "more"): "given"}
    assert left(front)[2] == 0
    assert recipient(front, agreed) == EMAIL


def test_what_belongs_to_no_order_any_more_goes_when_its_time_has_come(front):
    """The shop corrected the address: what was agreed to with the former one is nobody's."""
    kept = placed(front, order(email="old@post.example"))
    agree(front, kept)
    bounced(front, Reach.EMAIL, "old@post.example")
    with front.engine.database.writing() as connection:
        changed = front.engine.orders.change(
            connection, front.engine.orders.one(connection, kept.id), order(email=EMAIL)
        )
        assert front.engine.orders.contact(connection, changed.id) == Contact(EMAIL)
    erased(front, changed)
    front.client.portal.call(forget_old, front.engine.database, front.engine.config, front.clock)
    assert len(states(front)) == 2
    front.clock.advance(timedelta(days=90).total_seconds() + 1)
    front.client.portal.call(forget_old, front.engine.database, front.engine.config, front.clock)
    assert left(front)[1:] == [0, 0, 0]


def test_with_a_key_that_is_gone_nothing_is_sent_and_the_order_is_erased_all_the_same(front):
    kept = placed(front, order(email=EMAIL))
    agree(front, kept)
    with front.engine.database.writing() as connection:
        connection.execute(delete(subscriptions))
        connection.exec_driver_sql("UPDATE orders SET contact = x'00'")
    assert recipient(front, kept, unasked=True) == "no: no address"
    assert recipient(front, kept, Topic.MORE) == "no: no address"
    erased(front, kept)
    assert left(front) == [0, 0, 0, 0]
