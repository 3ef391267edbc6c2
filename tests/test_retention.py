"""Personal data end: when somebody says so, or by themselves; what stays tells of no person, and does not come back."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from sqlalchemy import select, update

from doorstep import Secret
from doorstep.database import Database
from doorstep.errors import OrderChanged
from doorstep.links import Proof, Ticket
from doorstep.order import Order, Parcel
from doorstep.privacy import Erased, dossier, erase, find
from doorstep.retention import forget_old
from doorstep.tables import (
    answers,
    codes,
    deliveries,
    events,
    history,
    keys,
    metadata,
    order_parcels,
    orders,
    parcels,
    referrals,
    reports,
    requests,
    sources,
)
from doorstep.vault import Vault

from .clock import FakeClock
from .person import EMAIL, NUMBER, ORDER, PLACED, TRACES, Parts, config_of, delivered, everything, later

pytestmark = pytest.mark.anyio


@pytest.fixture
def config(database_url):
    return config_of(database_url)


@pytest.fixture
def engine(config, clock):
    engine = Parts(config, clock)
    engine.database.open_now()
    yield engine
    engine.database.close_now()


def dump(engine) -> str:
    """Every value of every table, sealed ones opened, in lower case."""
    found = []
    with engine.database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                found += [f"{table.name}: {_plain(engine.vault, value)}" for value in row]
    return "\n".join(found).lower()


def _plain(vault: Vault, value: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    return (vault.open(value) if value.startswith(b"gAAAA") else value).decode("utf-8", "replace")


def traces(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]


def erased(engine, *ids: str) -> Erased:
    with engine.database.writing() as connection:
        return erase(connection, ids, vault=engine.vault, now=engine.clock.now())


def rows(engine, table, *columns) -> list[Any]:
    with engine.database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(*(table.c[name] for name in columns)))]


def test_before_erasure_every_trace_is_there(engine):
    """Else the tests below would prove nothing."""
    everything(engine)
    assert traces(dump(engine)) == list(TRACES)
    kinds = [orders, parcels, history, events, deliveries, reports, answers, requests, sources, order_parcels]
    kinds += [codes, referrals]
    assert [table.name for table in kinds if not rows(engine, table, table.primary_key.columns.keys()[0])] == []


def test_erasure_leaves_no_trace_in_any_table(engine):
    kept = everything(engine)
    # Created, status changed, delivered, problem reported: four events. Two answers: to the order, to its parcel.
    assert erased(engine, kept.id) == Erased(orders=1, parcels=1, events=4, reports=1, answers=2)
    left = dump(engine).replace("order/hp-40127", "")  # the shop system's own name for it, see below
    assert traces(left) == []
    assert rows(engine, orders, "contact", "email_hash", "postcode_hash") == [(None, None, None)]
    assert kept.email_hash not in left
    assert sorted(rows(engine, codes, "code", "order_id", "customer", "redeemed_by")) == [
        ("MINE", None, None, ""), ("USED", None, None, kept.id),
    ]  # fmt: skip
    assert rows(engine, referrals, "order_number", "state") == [(kept.id, "pending")]


def test_sqlite_overwrites_what_was_erased(tmp_path: Path, clock: FakeClock, new_sqlite):
    file = tmp_path / "doorstep.db"
    engine = Parts(config_of(new_sqlite(file)), clock)
    engine.database.open_now()
    kept = everything(engine)
    engine.database.close_now()  # the log beside it goes into the file
    assert b"Sea boots" in file.read_bytes()
    erased(engine, kept.id)
    engine.database.close_now()
    left = file.read_bytes().lower().replace(b"order/hp-40127", b"")
    assert [trace for trace in TRACES if trace.encode() in left] == []


def test_what_stays_are_amounts_days_and_lanes(engine):
    kept = everything(engine)
    erased(engine, kept.id)
    with engine.database.reading() as connection:
        bare = engine.orders.one(connection, kept.id)
    assert bare.order == Order(
        kept.id, placed_at=PLACED, country="NO", language="nb", promised=ORDER.promised, total=ORDER.total
    )
    assert rows(engine, orders, "amount", "currency") == [(129_000, "NOK")]
    lane = ("status", "destination_country", "service", "final", "carrier")
    assert rows(engine, parcels, *lane) == [("delivered", "NO", "Parcel", True, "acme")]
    assert rows(engine, history, "version", "status") == [(1, "delivered")]
    assert [(one.number, one.items, one.shipment) for one in bare.parcels] == [(bare.parcels[0].id, (), None)]
    given = [msgspec.json.decode(data) for (data,) in rows(engine, answers, "data")]
    assert given == [{"score": 4, "again": True}] * 2


def test_an_erased_order_is_shown_to_nobody(engine):
    kept = everything(engine)
    erased(engine, kept.id)
    with engine.database.reading() as connection:
        bare = engine.orders.one(connection, kept.id)
        assert find(connection, engine.vault, "main", email=EMAIL) == []
        assert find(connection, engine.vault, "main", order="HP-40127") == []
    assert (bare.erased_at, bare.closed_at, bare.version) == (engine.clock.now(), kept.closed_at, kept.version + 1)
    assert bare.link_generation == kept.link_generation + 1


async def test_its_links_are_void(engine, clock):
    kept = everything(engine)
    old = engine.access.link(kept, timedelta(days=30))
    assert await engine.access.by_token(old, "main") is not None
    erased(engine, kept.id)
    new = Ticket(kept.id, Proof.LINK, clock.now() + timedelta(days=1), kept.link_generation + 1)
    assert await engine.access.by_token(old, "main") is None
    assert await engine.access.by_token(engine.links.token(new), "main") is None


def test_an_order_that_was_not_closed_is_closed_and_its_parcel_is_asked_about_no_more(engine, clock):
    with engine.database.writing() as connection:
        kept = engine.orders.create(connection, "main", ORDER)
    erased(engine, kept.id)
    assert rows(engine, orders, "closed_at") == [(clock.now(),)]
    assert rows(engine, parcels, "due_at", "leased_until") == [(None, None)]


def test_a_number_that_comes_again_is_a_new_order_with_a_new_parcel(engine):
    kept = everything(engine)
    erased(engine, kept.id)
    with engine.database.writing() as connection:
        again = engine.orders.create(connection, "main", ORDER)
    assert again.id != kept.id
    assert [(one.number, one.shipment, one.version) for one in again.parcels] == [(NUMBER, None, 0)]


def test_an_answer_that_is_on_its_way_meanwhile_is_nobody_s(engine):
    kept = everything(engine)
    erased(engine, kept.id)
    with engine.database.writing() as connection:
        assert not engine.records.record(connection, kept.parcels[0].id, {"acme": delivered(engine)})
    assert rows(engine, parcels, "snapshot") == [(None,)]


def test_a_change_that_was_read_before_does_not_come_over_it(engine):
    kept = everything(engine)
    erased(engine, kept.id)
    with engine.database.writing() as connection, pytest.raises(OrderChanged):
        engine.orders.change(connection, kept, ORDER)


def test_a_repeated_request_is_not_done_again_and_gets_no_answer(engine):
    kept = everything(engine)
    erased(engine, kept.id)
    (sealed,) = [body for (body,) in rows(engine, requests, "body")]
    assert engine.vault.open(sealed) == b""


def test_a_shop_system_s_name_for_it_stays_so_that_it_is_known_as_forgotten(engine):
    kept = everything(engine)
    erased(engine, kept.id)
    assert rows(engine, sources, "key", "order_id", "parcels") == [("order/HP-40127", kept.id, b"[]")]


def test_an_order_whose_snapshot_cannot_be_read_is_erased_all_the_same(engine):
    kept = everything(engine)
    with engine.database.writing() as connection:
        connection.execute(update(parcels).values(snapshot=b"of another time: Quillfeather"))
    assert erased(engine, kept.id).parcels == 1
    assert rows(engine, parcels, "snapshot") == [(None,)]


def test_erasing_twice_changes_nothing(engine):
    kept = everything(engine)
    erased(engine, kept.id)
    before = dump(engine)
    assert erased(engine, kept.id, "ord_of_nobody") == Erased()
    assert dump(engine) == before


def test_a_parcel_that_another_order_shares_stays_that_order_s(engine):
    kept = everything(engine)
    with engine.database.writing() as connection:
        other = engine.orders.create(connection, "main", Order("B-2", shipments=(Parcel(NUMBER),)))
    assert erased(engine, kept.id).parcels == 0
    with engine.database.reading() as connection:
        assert engine.orders.one(connection, kept.id).parcels == ()
        (shared,) = engine.orders.one(connection, other.id).parcels
    assert (shared.id, shared.number) == (kept.parcels[0].id, NUMBER)
    assert shared.shipment is not None


def test_orders_that_share_a_parcel_and_go_together_take_it_with_them(engine):
    kept = everything(engine)
    with engine.database.writing() as connection:
        other = engine.orders.create(connection, "main", Order("B-2", shipments=(Parcel(NUMBER),)))
    assert erased(engine, kept.id, other.id).parcels == 1
    with engine.database.reading() as connection:
        listed = [engine.orders.one(connection, id).parcels for id in (kept.id, other.id)]
    assert [one.id for (one,) in listed] == [listed[0][0].id] * 2
    assert NUMBER not in dump(engine)


def test_a_dossier_has_every_trace_and_no_other_order(engine):
    kept = everything(engine)
    with engine.database.writing() as connection:
        engine.orders.create(connection, "main", Order("B-2", email="nobody.else@mail.example"))
    with engine.database.reading() as connection:
        told = dossier(connection, engine.orders, engine.vault, kept.id)
    text = msgspec.json.encode(told).decode().lower()
    assert traces(text) == list(TRACES)
    assert "nobody.else" not in text
    assert told.order == structs.replace(ORDER, shipments=(structs.replace(ORDER.shipments[0], carrier="acme"),))
    assert [one["kind"] for one in told.reports] == ["problem"]
    assert sorted(one["type"] for one in told.events) == [
        "order.created", "order.problem_reported", "shipment.delivered", "shipment.status_changed",
    ]  # fmt: skip
    assert [one["endpoint"] for event in told.events for one in event["deliveries"]] == ["crm"] * 4
    assert [one["status"] for one in told.parcels[0]["history"]] == ["delivered"]
    assert [one["code"] for one in told.codes] == ["MINE"]
    assert [one["state"] for one in told.referrals] == ["pending"]


def test_an_address_is_found_as_it_is_written_and_under_a_former_key(engine, config):
    kept = everything(engine)
    newer = Vault([Secret("n" * 40), *config.secret_key])
    with engine.database.reading() as connection:
        for vault in (engine.vault, newer):
            assert find(connection, vault, "main", email=" Odd.Quillfeather@MAIL.example ") == [kept.id]
        assert find(connection, engine.vault, "main", email=EMAIL, postcode="5004x") == [kept.id]
        assert find(connection, engine.vault, "main", email=EMAIL, postcode="5005") == []
        assert find(connection, engine.vault, "other", email=EMAIL) == []


async def test_an_order_is_forgotten_when_its_days_are_over_and_not_before(engine, config, clock):
    kept = everything(engine)  # 90 days are the default; it was closed at noon
    later(clock, days=89, hours=23)
    await forget_old(engine.database, config, clock)
    assert rows(engine, orders, "erased_at") == [(None,)]
    later(clock, hours=1)
    await forget_old(engine.database, config, clock)
    assert rows(engine, orders, "erased_at") == [(clock.now(),)]
    assert traces(dump(engine).replace("order/hp-40127", "")) == []
    assert kept.closed_at is not None


async def test_each_store_has_its_own_days_and_a_store_of_others_is_left_alone(engine, config, clock):
    store = config.stores["main"]
    stores = {"short": structs.replace(store, retention_days=1), "long": structs.replace(store, retention_days=400)}
    for name in ("short", "long", "elsewhere"):
        with engine.database.writing() as connection:
            kept = engine.orders.create(connection, "main", Order("1"))
            values = {"store": name, "closed_at": clock.now()}
            connection.execute(update(orders).where(orders.c.id == kept.id).values(values))
    later(clock, days=300)
    await forget_old(engine.database, structs.replace(config, stores=stores), clock)
    found = dict(rows(engine, orders, "store", "erased_at"))
    assert [name for name, at in found.items() if at is not None] == ["short"]


async def test_an_order_that_never_ends_is_forgotten_a_year_later(engine, config, clock):
    with engine.database.writing() as connection:
        engine.orders.create(connection, "main", structs.replace(ORDER, shipments=()))
    later(clock, days=365 + 89)
    await forget_old(engine.database, config, clock)
    assert rows(engine, orders, "erased_at") == [(None,)]
    later(clock, days=1)
    await forget_old(engine.database, config, clock)
    assert rows(engine, orders, "erased_at") == [(clock.now(),)]


async def test_what_was_kept_to_do_things_once_goes_after_a_day(engine, config, clock):
    everything(engine)
    later(clock, hours=23)
    await forget_old(engine.database, config, clock)
    assert len(rows(engine, requests, "key")) == 1
    later(clock, hours=1)
    assert await forget_old(engine.database, config, clock) == 1
    assert rows(engine, requests, "key") == []


async def test_old_events_go_but_not_those_that_wait_to_be_delivered(engine, config, clock):
    everything(engine)
    with engine.database.writing() as connection:
        first = connection.scalar(select(deliveries.c.id).order_by(deliveries.c.id).limit(1))
        ended = {"state": "delivered", "next_at": None}
        connection.execute(update(deliveries).where(deliveries.c.id == first).values(ended))
        connection.execute(update(orders).values(closed_at=None))  # else they would go with the order
    later(clock, days=91)
    await forget_old(engine.database, config, clock)
    assert len(rows(engine, events, "id")) == 3
    assert len(rows(engine, deliveries, "id")) == 3


async def test_answers_lose_their_words_where_there_is_no_order_too(engine, config, clock):
    await engine.answers.save("main", "survey", "shp_stranger", "now", {"score": 2, "comment": "I am Odd Quillfeather"})
    later(clock, days=91)
    assert await forget_old(engine.database, config, clock) == 1
    ((shipment, data),) = rows(engine, answers, "shipment", "data")
    assert shipment.startswith("ans_")
    assert msgspec.json.decode(data) == {"score": 2}
    assert await forget_old(engine.database, config, clock) == 0


async def test_friends_and_uses_of_codes_are_forgotten_where_there_is_no_order_too(engine, config, clock):
    """Ole's referral was settled today, Una's is pending for ever; the code was used for an order that nobody knows."""
    plain = {"store": "main", "widget": "referral", "pool": "", "created_at": clock.now()}
    with engine.database.writing() as connection:
        used = {**plain, "code": "MINE", "redeemed_by": "T-1", "redeemed_at": clock.now()}
        code_id = connection.scalar(codes.insert().values(used).returning(codes.c.id))
        told = {"store": "main", "code_id": code_id, "reason": "", "created_at": clock.now()}
        for friend, state, at in (("ole", "earned", clock.now()), ("una", "pending", None)):
            row = {"id": friend, "friend": friend, "order_number": friend, "state": state, "settled_at": at, **told}
            connection.execute(referrals.insert().values(row))
    later(clock, days=89, hours=23)
    assert await forget_old(engine.database, config, clock) == 0
    later(clock, hours=1)
    assert await forget_old(engine.database, config, clock) == 2
    assert rows(engine, codes, "redeemed_by") == [("",)]
    assert [friend for (friend,) in rows(engine, referrals, "friend") if not friend.startswith("frd_")] == ["una"]
    later(clock, days=365)
    assert await forget_old(engine.database, config, clock) == 1
    assert await forget_old(engine.database, config, clock) == 0
    assert rows(engine, referrals, "order_number") == [("",), ("",)]


async def test_keys_are_listed_for_a_month_after_their_end(engine, config, clock):
    row = {"store": "main", "name": "n", "scopes": "", "hash": "", "created_at": clock.now()}
    with engine.database.writing() as connection:
        ends = {"ended": clock.now(), "lasts": clock.now() + timedelta(days=400), "for good": None}
        for id, at in ends.items():
            connection.execute(keys.insert().values(id=id, expires_at=at, **row))
    later(clock, days=31)
    await forget_old(engine.database, config, clock)
    assert sorted(id for (id,) in rows(engine, keys, "id")) == ["for good", "lasts"]


async def test_many_are_forgotten_in_small_steps_to_the_last(engine, config, clock):
    with engine.database.writing() as connection:
        for number in range(120):
            engine.orders.create(connection, "main", Order(str(number), email=f"{number}@mail.example"))
        connection.execute(update(orders).values(closed_at=clock.now()))
    later(clock, days=91)
    # Fifty orders in a transaction: 50, 50, 20, then there is nothing to do.
    assert [await forget_old(engine.database, config, clock) for _ in range(4)] == [50, 50, 20, 0]


async def test_two_workers_forget_side_by_side(engine, config, clock, tmp_path):
    other = Database(config.database, base=tmp_path)
    with engine.database.writing() as connection:
        for number in range(60):
            engine.orders.create(connection, "main", Order(str(number), email=f"{number}@mail.example"))
        connection.execute(update(orders).values(closed_at=clock.now()))
    later(clock, days=91)
    done = 0
    while more := sum(await asyncio.gather(*(forget_old(one, config, clock) for one in (engine.database, other)))):
        done += more
    await other.close()
    assert done == 60
    assert None not in [at for (at,) in rows(engine, orders, "erased_at")]
