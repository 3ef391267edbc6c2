"""A widget's form: accepted once and kept, refused with what was typed, and never taken from another site."""

import asyncio
import json
import sqlite3
from urllib.parse import urljoin

import pytest
from structlog.testing import capture_logs

from doorstep import Status
from doorstep.answers import Answers
from doorstep.database import Database
from doorstep.errors import StoreError
from doorstep.sandbox import sandbox_of

from .acme import parcel, scan
from .shopfront import DELIVERED, HOST, MOVING, OWN, UNKNOWN, carriers, parsed, shop, store, words
from .spy import SPY, spy

PAGE = f"/track/{DELIVERED}"
FORM = f"{PAGE}?widget=survey"


@pytest.fixture(scope="module")
def bundled():
    with carriers() as (sandbox, served):
        yield sandbox, served.url


@pytest.fixture
def front(tmp_path, bundled):
    with shop(tmp_path, *bundled) as front:
        yield front


def kept(folder, store_id="main"):
    """What lies in the database, as another process would read it: (shipment, moment, data)."""

    async def read():
        database = Database("sqlite:///doorstep.db", base=folder)
        try:
            found = await Answers(database, None, clock=None).of(store_id, "survey")
            return [(one.given_to, one.moment, one.data) for one in found]
        finally:
            await database.close()

    return asyncio.run(read())


def shipment_id(front, number=DELIVERED):
    return front.get(f"/api/v1/shipments/{number}").json()["shipments"][0]["id"]


def test_an_answer_is_kept_and_thanked_for(front, tmp_path):
    posted = front.post(FORM, {"score": "4", "comment": "Fine, thank you 👍"})
    assert (posted.status_code, posted.headers["location"]) == (303, f"{PAGE}?done=survey#widget-survey")
    thanked = parsed(front.get(posted.headers["location"]).text).find(".//section[@id='widget-survey']")
    assert words(thanked.find(".//p[@role='status']")) == "Thank you. Your answer has arrived."
    assert kept(tmp_path) == [
        (shipment_id(front), "after_delivery", {"score": 4, "of": 5, "comment": "Fine, thank you 👍"})
    ]


def test_an_answer_is_there_for_a_new_application_on_the_same_database(tmp_path, bundled):
    for score in ("1", "5"):
        with shop(tmp_path, *bundled) as front:
            assert front.post(FORM, {"score": score}).status_code == 303
    assert [data for _, _, data in kept(tmp_path)] == [{"score": 5, "of": 5, "comment": ""}]


@pytest.mark.fault(43)
def test_a_form_sent_twice_is_one_answer(front, tmp_path):
    for _ in range(3):
        assert front.post(FORM, {"score": "2"}).status_code == 303
    assert len(kept(tmp_path)) == 1


def test_the_choice_of_language_and_carrier_stays_after_a_form(front):
    posted = front.post(f"{FORM}&carrier=ups&lang=de", {"score": "5"})
    assert posted.headers["location"] == f"{PAGE}?carrier=ups&lang=de&done=survey#widget-survey"


@pytest.mark.fault(38)
def test_reading_never_keeps_anything(front, tmp_path):
    for path in (FORM, f"{FORM}&score=5", f"{PAGE}?done=survey&score=5"):
        front.get(path)
    assert kept(tmp_path) == []


HOSTILE = '</textarea><script>alert(1)</script>"><img src=x onerror=alert(1)>{{ 7*7 }}'


@pytest.mark.parametrize("score", ["", "0", "6", "x", "1; DROP TABLE answers"])
def test_a_refused_form_comes_back_with_what_was_typed_and_why(front, tmp_path, score):
    response = front.post(FORM, {"score": score, "comment": HOSTILE})
    page = parsed(response.text)
    widget = page.find(".//section[@id='widget-survey']")
    assert response.status_code == 422
    assert words(widget.find(".//p[@role='alert']")) == "Please choose one of the answers."
    assert widget.find(".//textarea").text.lstrip("\n") == HOSTILE
    assert page.find(".//main//script") is None
    assert page.find(".//main//img") is None
    assert "49" not in words(widget)
    assert kept(tmp_path) == []


def test_a_refusal_is_in_the_readers_language(front):
    response = front.post(f"{FORM}&lang=de", {"comment": "x"})
    page = parsed(response.text)
    assert words(page.find(".//p[@role='alert']")) == "Bitte wählen Sie eine der Antworten."


def test_a_refused_page_is_not_kept_by_anybody(front):
    assert front.post(FORM, {}).headers["cache-control"] == "no-store"


FOREIGN = {
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "a sister site": {"Origin": "https://blog.shop.example", "Sec-Fetch-Site": "same-site"},
    "typed into the address bar": {"Sec-Fetch-Site": "none"},
    "no origin": {},
    "origin null": {"Origin": "null"},
    "another origin": {"Origin": "https://evil.example"},
    "another port": {"Origin": f"{HOST}:8443"},
    "host as a prefix": {"Origin": f"{HOST}.evil.example"},
    "host as user": {"Origin": "http://shop.example@evil.example"},
    "half a bracket": {"Origin": f"http://[{HOST.partition('//')[2]}"},
    "two sites in one header": {"Sec-Fetch-Site": "same-origin, cross-site"},
    "empty site": {"Sec-Fetch-Site": "", "Origin": HOST},
    "no address": {"Origin": "http://["},
    "another scheme": {"Origin": "ftp://shop.example"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.fault(38)
def test_a_form_from_elsewhere_is_refused_and_nobody_is_asked(front, tmp_path, headers):
    before = front.asked()
    response = front.post(FORM, {"score": "5"}, headers=headers)
    assert response.status_code == 403
    assert (kept(tmp_path), front.asked()) == ([], before)


@pytest.mark.parametrize("headers", [OWN, {"Origin": HOST}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_form_from_the_page_itself_is_taken(front, headers):
    assert front.post(FORM, {"score": "5"}, headers=headers).status_code == 303


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PAGE}?widget=nothing", 404),
        (f"{PAGE}?widget=cross_sell", 404),  # installed, but not a widget of this shop
        (f"{PAGE}?widget=../survey", 404),
        ("/track/hello?widget=survey", 404),
        (f"/track/{UNKNOWN}?widget=survey", 404),
        (PAGE, 404),
        ("/", 422),  # the look-up form of orders, with nothing in it
    ],
)
def test_a_form_for_nothing_is_refused(front, tmp_path, path, status):
    assert front.post(path, {"score": "5"}).status_code == status
    assert kept(tmp_path) == []


def test_a_question_that_was_not_asked_is_not_answered(front, tmp_path):
    assert front.post(f"/track/{MOVING}?widget=survey", {"score": "5"}).status_code == 422
    assert kept(tmp_path) == []


LARGE = {"score": "5", "comment": "x" * 70_000}


def test_a_form_larger_than_the_cap_is_not_read(front, tmp_path):
    response = front.post(FORM, LARGE)
    assert response.status_code in (413, 422)
    assert "xxxx" not in response.text
    assert kept(tmp_path) == []


def test_a_form_of_unknown_length_is_not_read(front, tmp_path):
    def chunks():
        for _ in range(1000):
            yield b"comment=" + b"x" * 1000 + b"&"
        yield b"score=5"

    headers = {**OWN, "Content-Type": "application/x-www-form-urlencoded"}
    response = front.client.post(FORM, content=chunks(), headers=headers, follow_redirects=False)
    assert response.status_code in (411, 413, 422)
    assert kept(tmp_path) == []


BODIES = {
    "many fields": ("application/x-www-form-urlencoded", "&".join(f"f{n}=1" for n in range(5000)).encode()),
    "broken percent": ("application/x-www-form-urlencoded", b"score=%zz&comment=%ff%fe"),
    "json": ("application/json", b'{"score": "5"}'),
    "no boundary": ("multipart/form-data", b"--x\r\n"),
    "broken multipart": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: nonsense\r\n\r\n5"),
    "a file": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="score"; filename="a"\r\n\r\n5\r\n--x--\r\n',
    ),
    "a character set that reads nothing": (
        "multipart/form-data; boundary=x; charset=undefined",
        b'--x\r\nContent-Disposition: form-data; name="score"\r\n\r\n5\r\n--x--\r\n',
    ),
    "nothing": ("", b""),
}


@pytest.mark.parametrize(("kind", "body"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_form_is_refused_and_no_failure(front, tmp_path, kind, body):
    headers = {**OWN, "Content-Type": kind}
    response = front.client.post(FORM, content=body, headers=headers, follow_redirects=False)
    assert 400 <= response.status_code < 500
    assert kept(tmp_path) == []


def test_a_multipart_form_is_read_like_any_other(front, tmp_path):
    response = front.client.post(FORM, files={"score": (None, "3")}, headers=OWN, follow_redirects=False)
    assert response.status_code == 303
    assert [data["score"] for _, _, data in kept(tmp_path)] == [3]


def test_a_form_for_a_parcel_nobody_knows_is_told_to_wait_and_not_sent_on(tmp_path, bundled):
    sandbox, _ = bundled
    with shop(tmp_path, sandbox, "http://127.0.0.1:9") as front:  # nobody listens: the carrier cannot be asked
        response = front.post(FORM, {"score": "3"})
    assert (response.status_code, "refresh" in response.headers) == (503, False)
    assert int(response.headers["retry-after"]) > 0
    assert kept(tmp_path) == []


@pytest.mark.parametrize("amiss", ["locked", "gone"])
@pytest.mark.fault(42)
def test_an_answer_that_cannot_be_kept_comes_back_with_its_text(front, tmp_path, monkeypatch, amiss):
    async def fail(*args):
        raise StoreError(f"the answer was not kept: database is {amiss}")

    monkeypatch.setattr(front.engine.answers, "save", fail)
    with capture_logs() as logs:
        response = front.post(FORM, {"score": "3", "comment": "It took me an hour to write this."})
    widget = parsed(response.text).find(".//section[@id='widget-survey']")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert words(widget.find(".//p[@role='alert']")).startswith("Your answer could not be saved just now.")
    assert widget.find(".//textarea").text.strip() == "It took me an hour to write this."
    assert widget.find(".//input[@checked]").get("value") == "3"
    assert "an hour" not in json.dumps(logs)


def test_a_database_whose_table_is_gone_costs_the_form_and_not_the_page(front, tmp_path):
    other = sqlite3.connect(tmp_path / "doorstep.db")
    other.execute("DROP TABLE answers")
    other.commit()
    other.close()
    response = front.post(FORM, {"score": "3", "comment": "kept in the page"})
    assert response.status_code == 503
    assert "kept in the page" in response.text
    assert front.get(PAGE).status_code == 200


@pytest.mark.parametrize("number", ["1Z 999", "12#34", "../..", "a/b?c=d", "//evil.example/"])
def test_a_form_goes_back_to_the_number_that_was_asked_however_the_carrier_writes_it(tmp_path, plugin, number):
    package = spy(plugin, {"SPY123456": (parcel(number, scan(Status.DELIVERED)),)})
    with shop(tmp_path, sandbox_of([]), "", more=(package,), accounts=SPY) as front:
        form = parsed(front.get("/track/SPY123456").text).find(".//section[@id='widget-survey']/form")
        assert form.get("action") == "?widget=survey"
        posted = front.post(urljoin("/track/SPY123456", form.get("action")), {"score": "5"})
        assert posted.headers["location"].startswith("/track/SPY123456?")


def test_two_stores_keep_their_answers_apart(tmp_path, bundled):
    stores = {"main": store(), "outlet": store(name="Outlet", path="/outlet")}
    with shop(tmp_path, *bundled, stores=stores) as front:
        front.post(FORM, {"score": "1"})
        front.post("/outlet" + FORM, {"score": "5"})
    assert [data["score"] for _, _, data in kept(tmp_path, "main")] == [1]
    assert [data["score"] for _, _, data in kept(tmp_path, "outlet")] == [5]


def test_what_is_kept_names_the_shipment_by_its_id_and_never_by_its_number(front, tmp_path):
    front.post(FORM, {"score": "1", "comment": "about it"})
    for file in tmp_path.glob("doorstep.db*"):
        assert DELIVERED.encode() not in file.read_bytes()
