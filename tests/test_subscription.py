"""Told in the browser: who has the link of an order subscribes on its page, is told by a push service over real HTTP, and stops
it where all messages are chosen."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select
from starlette.responses import Response

from doorstep import Found, Status, push_subscription
from doorstep.config import Messages, Quiet
from doorstep.freshness import Entry
from doorstep.message import Reach, Topic
from doorstep.messages import SETTLE
from doorstep.orderbook import KeptOrder
from doorstep.privacy import erase
from doorstep.subscription import endpoint_hash
from doorstep.tables import consents, messages, subscriptions, unreachable

from .asking import choosing, notify, placed, recipient, states, unsubscribing
from .channels.test_web_push import AUTH, OURS, P256DH, opened, subscription
from .mailing import work_off
from .ordering import EMAIL, MOVING, STORE, order, ordering
from .providing import Provider, providing
from .shopfront import HOST, Front, parsed, words
from .talking import shipment

NO_QUIET = Quiet(start=Quiet().end, end=Quiet().end)
BOTH = Messages(channels=("file", "web_push"), quiet=NO_QUIET)
REFUSED = "This browser takes no messages from this page."


@pytest.fixture
def service() -> Iterator[Provider]:
    with providing() as service:
        service.usual = (201, b"")
        yield service


@contextmanager
def telling(folder: Path, plugin: Any, service: Provider, settings: Messages = BOTH) -> Iterator[Front]:
    """The shop. Its settings name the push service, which is not on the public internet."""
    shop = msgspec.structs.replace(STORE, messages=settings, public_url=HOST, widgets={"notify": {}})
    push = {"key": OURS, "subject": f"{service.url.replace('http://', 'https://')}/"}
    channels = {"web_push": push, "file": {"folder": "sent"}}
    with ordering(folder, plugin, *notify(), stores={"main": shop}, channels=channels) as front:
        yield front


@pytest.fixture
def front(tmp_path: Path, plugin: Any, service: Provider) -> Iterator[Front]:
    with telling(tmp_path, plugin, service) as front:
        yield front


def page_of(front: Front, kept: KeptOrder) -> str:
    return choosing(front, kept).removesuffix("messages")


def button_on(front: Front, kept: KeptOrder) -> Any:
    return parsed(front.get(page_of(front, kept)).text).find(".//form[@data-subscribe]")


def subscribe(front: Front, kept: KeptOrder, browser: str) -> Any:
    action = button_on(front, kept).get("action")
    return front.post(action, {"order": "1", "push_address": browser})


def moved(front: Front, kept: KeptOrder, status: Status) -> None:
    """The carrier says so now, and what there is to say is said."""
    now = front.clock.now()
    with front.engine.database.writing() as connection:
        said = Found((shipment(status, now),))
        assert front.engine.records.record(connection, kept.parcels[0].id, {"spy": Entry(said, now)})
    for _ in range(2):
        front.client.portal.call(work_off, front.engine)
        front.clock.advance(SETTLE.total_seconds() + 1)


def settled(front: Front) -> list[tuple[str, str]]:
    with front.engine.database.reading() as connection:
        query = select(messages.c.kind, messages.c.state).where(messages.c.channel == "web_push")
        return [(row.kind, row.state) for row in connection.execute(query.order_by(messages.c.created_at))]


def test_a_shopper_subscribes_on_the_page_and_is_told_until_it_is_stopped(front: Front, service: Provider) -> None:
    kept = placed(front, order("1001", MOVING, email=EMAIL))
    browser = subscription(f"{service.url}/push/abc")
    sent = subscribe(front, kept, browser)
    assert (sent.status_code, sent.headers["location"].rpartition("#")[2]) == (303, "widget-notify")
    assert "You are told about this order." in front.get(page_of(front, kept)).text
    moved(front, kept, Status.OUT_FOR_DELIVERY)
    (got,) = service.got
    told = json.loads(opened(got.body))
    assert (got.path, told["title"]) == ("/push/abc", "Your parcel arrives today")
    shown = front.get(told["url"].removeprefix(HOST))
    assert shown.status_code == 200
    page = parsed(front.get(choosing(front, kept)).text)
    assert page.find(".//input[@name='push.order']").get("checked") is not None
    assert front.post(choosing(front, kept), {"push.more": "1"}).status_code == 303
    assert states(front) == {("push", "order"): "withdrawn", ("push", "more"): "given"}
    front.clock.advance(86_400)
    moved(front, kept, Status.DELIVERED)
    assert len(service.got) == 1


def test_what_was_agreed_to_is_kept_with_words_language_time_and_page(front: Front, service: Provider) -> None:
    kept = placed(front, order())
    subscribe(front, kept, subscription(f"{service.url}/push/abc"))
    with front.engine.database.reading() as connection:
        row = connection.execute(select(consents)).one()
    assert (row.reach, row.topic, row.state, row.source, row.order_id) == ("push", "order", "given", "page", kept.id)
    assert (row.language, row.asked_at, row.given_at) == ("en", front.clock.now(), front.clock.now())
    assert row.wording.decode() == "Tell me when something happens: What happens to my order (In this browser)"


def test_a_page_says_which_browsers_are_told_and_what_to_subscribe_with(front: Front, service: Provider) -> None:
    kept = placed(front, order())
    button = button_on(front, kept)
    assert button.get("hidden") is not None  # without a script there is nothing to press
    assert (button.get("data-subscribe"), button.get("data-known")) == ("/", "")
    assert button.get("data-key") == front.engine.channels.accounts["web_push"].public_key
    assert words(button) == "In this browser"
    for name in ("one", "two"):
        subscribe(front, kept, subscription(f"{service.url}/{name}"))
    known = button_on(front, kept).get("data-known").split()
    assert sorted(known) == sorted(endpoint_hash(subscription(f"{service.url}/{name}")) for name in ("one", "two"))
    front.post(unsubscribing(front, kept, reach=Reach.PUSH), {"List-Unsubscribe": "One-Click"}, {})
    assert button_on(front, kept).get("data-known") == ""


def test_each_browser_of_an_order_is_told_once_and_one_that_is_gone_never_again(
    front: Front, service: Provider
) -> None:
    kept = placed(front, order("1001", MOVING))
    gone = subscription(f"{service.url}/gone")
    for one in (subscription(f"{service.url}/one"), gone, subscription(f"{service.url}/one")):
        subscribe(front, kept, one)
    service.answers = [Response(status_code=410)]  # the newest is told first
    moved(front, kept, Status.OUT_FOR_DELIVERY)
    assert sorted(one.path for one in service.got) == ["/gone", "/one"]
    assert settled(front) == [("arrives_today", "sent")]
    with front.engine.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(unreachable)) == 1


def test_of_many_browsers_the_newest_five_are_kept(front: Front, service: Provider) -> None:
    kept = placed(front, order())
    for number in range(7):
        subscribe(front, kept, subscription(f"{service.url}/{number}"))
        front.clock.advance(1)
    with front.engine.database.reading() as connection:
        told = front.engine.consents.recipients(connection, kept, Topic.ORDER, Reach.PUSH, unasked=False)
    assert [json.loads(one.to.reveal())["endpoint"][-1] for one in told] == ["6", "5", "4", "3", "2"]


@pytest.mark.parametrize(
    "written",
    [
        "", "no JSON", "[]", "{}", "\udc80", "[" * 5000,
        subscription("javascript:alert(1)"), subscription("https://user@push.example/1"), subscription("https://"),
        subscription("https://push.example/" + "x" * 2000), subscription("https://push.example/1", p256dh="short"),
        subscription("https://push.example/1", auth="!" * 22),
    ],
)  # fmt: skip
def test_what_is_no_subscription_is_refused_and_nothing_is_kept(front: Front, written: str) -> None:
    assert push_subscription(written) == ""
    kept = placed(front, order())
    if written.isascii():
        refused = subscribe(front, kept, written)
        assert refused.status_code == 422
        assert REFUSED in refused.text
    assert states(front) == {}


def test_of_a_subscription_nothing_is_kept_but_what_a_push_needs() -> None:
    whole = subscription("https://push.example/1")
    assert json.loads(push_subscription(whole)) == {
        "endpoint": "https://push.example/1", "keys": {"p256dh": P256DH, "auth": AUTH},
    }  # fmt: skip
    assert push_subscription(push_subscription(whole)) == push_subscription(whole)


def test_a_form_from_another_site_and_a_page_of_a_number_alone_subscribe_nobody(
    front: Front, service: Provider
) -> None:
    kept = placed(front, order("1001", MOVING))
    form = {"order": "1", "push_address": subscription(f"{service.url}/push/abc")}
    assert (
        front.post(f"{page_of(front, kept)}widgets/notify", form, {"Origin": "https://evil.example"}).status_code == 403
    )
    assert front.post(f"/track/{MOVING}?widget=notify", form).status_code == 422
    assert states(front) == {}


def test_where_no_channel_reaches_browsers_no_page_offers_it_and_none_is_kept(
    tmp_path: Path, plugin: Any, service: Provider
) -> None:
    with telling(tmp_path, plugin, service, Messages(channels=("file",))) as front:
        kept = placed(front, order())
        assert button_on(front, kept) is None
        form = {"push_address": subscription(f"{service.url}/push/abc")}
        front.post(f"{page_of(front, kept)}widgets/notify", form)
        assert states(front) == {}
        assert recipient(front, kept, reach=Reach.PUSH) == "no: no address"


def test_a_browser_goes_with_its_order(front: Front, service: Provider) -> None:
    kept = placed(front, order())
    subscribe(front, kept, subscription(f"{service.url}/push/abc"))
    with front.engine.database.writing() as connection:
        erase(connection, [kept.id], vault=front.engine.vault, now=front.clock.now())
    with front.engine.database.reading() as connection:
        left = [connection.execute(select(table)).all() for table in (subscriptions, consents)]
    assert left == [[], []]


def test_the_scripts_stand_at_one_address_and_are_the_pages_own(front: Front) -> None:
    for name in ("subscribe.js", "service-worker.js"):
        answer = front.get(f"/{name}")
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
