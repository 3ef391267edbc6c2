"""What scanners, other sites, forgers and old links send to where messages are chosen and stopped."""

import re
from base64 import urlsafe_b64decode

import msgspec
import pytest
from itsdangerous import URLSafeSerializer
from tests.asking import (
    BOTH,
    UNASKED,
    choosing,
    confirming,
    placed,
    recipient,
    states,
    telling,
    unsubscribing,
)
from tests.ordering import EMAIL, STORE, order
from tests.shopfront import HOST, heading, parsed, words

from doorstep.errors import StoreError
from doorstep.message import Reach, Topic

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
YES = {"topics.order": "1", "topics.more": "1"}
ELSEWHERE = [
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": HOST, "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.fixture
def front(tmp_path, plugin):
    with telling(tmp_path, plugin, UNASKED, listening=True) as front:
        yield front


@pytest.fixture
def kept(front):
    return placed(front, order(email=EMAIL))


def told(front, kept):
    return recipient(front, kept, unasked=True)


@pytest.mark.fault(38)
def test_a_mailboxes_one_click_acts_at_once_without_cookie_origin_or_redirect(front, kept):
    answer = front.post(unsubscribing(front, kept), ONE_CLICK, {})
    assert (answer.status_code, "location" in answer.headers, "set-cookie" in answer.headers) == (200, False, False)
    assert heading(answer.text) == "You will get no more messages like this."
    assert told(front, kept) == "no: withdrawn"
    assert states(front) == {("email", "order"): "withdrawn"}  # of the other topic nothing is said


def test_one_click_as_multipart_and_twice(front, kept):
    url = HOST + unsubscribing(front, kept)
    parts = {name: (None, value) for name, value in ONE_CLICK.items()}
    answers = [front.client.post(url, files=parts, follow_redirects=False) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert told(front, kept) == "no: withdrawn"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.fault(38)
def test_what_scans_a_mail_changes_nothing(front, kept, method):
    front.post(choosing(front, kept), {"email.order": "1", "email.more": "1"})
    links = [unsubscribing(front, kept), confirming(front, kept), choosing(front, kept) + "?stop=1&done=stopped"]
    for link in links:
        assert front.client.request(method, HOST + link, follow_redirects=False).status_code == 200
    assert told(front, kept) == EMAIL
    assert states(front) == {("email", "more"): "asked"}


def test_the_page_behind_the_link_has_a_button_that_does_it_and_a_way_back(front, kept):
    link = unsubscribing(front, kept)
    form = parsed(front.get(link).text).find(".//form[@method='post']")
    answer = front.post(form.get("action"), {})
    assert told(front, kept) == "no: withdrawn"
    back = parsed(answer.text).find(".//p[@class='action']/a").get("href")
    front.post(back.removeprefix(HOST), {"email.order": "1"})
    assert told(front, kept) == EMAIL


@pytest.mark.parametrize("headers", ELSEWHERE)
@pytest.mark.fault(38)
def test_another_sites_forms_change_nothing(front, kept, headers):
    front.post(choosing(front, kept), {"email.order": "1", "email.more": "1"})
    confirm = confirming(front, kept)
    posts = [
        (choosing(front, kept), {"stop": "1"}),
        (unsubscribing(front, kept), {}),
        (confirm, YES),
        (confirm, {**YES, **ONE_CLICK}),
    ]
    assert [front.post(path, form, headers).status_code for path, form in posts] == [403] * 4
    assert told(front, kept) == EMAIL
    assert recipient(front, kept, Topic.MORE) == "no: not asked"


@pytest.mark.fault(38)
def test_a_forged_link_an_old_one_and_one_of_another_purpose_are_refused_alike(tmp_path, plugin):
    other = msgspec.structs.replace(STORE, messages=BOTH, path="/b", public_url=HOST)
    with telling(tmp_path, plugin, UNASKED, listening=True, other=other) as front:
        kept = placed(front, order(email=EMAIL))
        link = unsubscribing(front, kept)
        token = link.rpartition("/")[2]
        page = re.search(r"/o/([^/]+)/", choosing(front, kept)).group(1)
        claimed = ["u", kept.id, 0, "order", "email"]
        forged = URLSafeSerializer("another secret", salt="doorstep message link").dumps(claimed)
        links = [
            f"/m/{token[:-2]}xx",
            f"/m/{forged}",
            f"/m/{page}",  # what shows the order stops nothing
            f"/b/m/{token}",  # another store's
            "/m/" + "a" * 5000,
            "/m/%00",
        ]
        answers = [front.post(one, ONE_CLICK, {}) for one in links]
        with front.engine.database.writing() as connection:
            front.engine.orders.void_links(connection, kept.id)
        answers.append(front.post(link, ONE_CLICK, {}))
        assert [one.status_code for one in answers] == [404] * 7
        assert {heading(one.text) for one in answers} == {"This link does not work any more"}
        assert front.get(f"/o/{token}/").status_code == 404  # and what stops them shows no order
        assert told(front, kept) == EMAIL


def test_a_link_stops_its_own_topic_and_way_alone(tmp_path, plugin):
    with telling(tmp_path, plugin, BOTH, listening=True) as front:
        kept = placed(front, order(email=EMAIL, phone="+33612345678"))
        wanted = {f"{reach}.{topic}": "1" for reach in ("email", "phone") for topic in Topic}
        front.post(choosing(front, kept), wanted)
        for reach in (Reach.EMAIL, Reach.PHONE):
            front.post(confirming(front, kept, reach), YES)
        assert set(states(front).values()) == {"given"}
        front.post(unsubscribing(front, kept, Topic.MORE, Reach.PHONE), ONE_CLICK, {})
        assert [one for one, state in states(front).items() if state == "withdrawn"] == [("phone", "more")]


def test_nothing_of_a_person_stands_in_a_link(front, kept):
    front.post(choosing(front, kept), {"email.order": "1", "email.more": "1"})
    for link in (unsubscribing(front, kept), confirming(front, kept), choosing(front, kept)):
        token = max(link.split("/"), key=len).partition(".")[0]
        said = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("latin-1").lower()
        assert "ada" not in said
        assert "post.example" not in said
        assert kept.id in said


def test_a_database_that_is_away_is_said_and_the_mailbox_comes_again(front, kept, monkeypatch):
    async def away(work):
        raise StoreError("the database is away")

    links = [(unsubscribing(front, kept), ONE_CLICK), (choosing(front, kept), {"email.order": "1"})]
    monkeypatch.setattr(front.engine.database, "read", away)
    monkeypatch.setattr(front.engine.database, "write", away)
    answers = [front.post(link, form) for link, form in links]
    assert [(one.status_code, one.headers["retry-after"]) for one in answers] == [(503, "60")] * 2
    assert "minute" in words(parsed(answers[0].text).find(".//main"))
