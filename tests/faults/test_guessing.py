"""Strangers who guess, and those who answer a thousand times: over real HTTP they learn nothing and fill nothing."""

from datetime import timedelta

import anyio
import pytest

from ..ordering import DELIVERED, EMAIL, MOVING, POSTCODE, order, ordering, packed, page_of, placed
from ..shopfront import parsed, store, words

NOBODY = "eve@post.example"
SHOP = store(contact_url="https://shop.example/help", widgets={"survey": {"after_delivery": {"kind": "nps"}}})


@pytest.fixture
def front(tmp_path, plugin):
    with ordering(tmp_path, plugin, stores={"main": SHOP}, listening=True) as front:
        yield front


def said(response, number):
    """What an answer tells, but for the number that was asked for."""
    kept = {name: value for name, value in response.headers.items() if name not in ("date", "etag", "content-length")}
    return response.status_code, kept, response.text.replace(number, "…")


@pytest.mark.fault(40)
def test_of_an_order_nobody_learns_whether_it_is_there(front):
    placed(front, order("1001", MOVING, email=EMAIL, postcode=POSTCODE))
    hidden = said(front.post("/", {"order": "1001", "proof": NOBODY}), "1001")
    unknown = said(front.post("/", {"order": "1002", "proof": NOBODY}), "1002")
    assert hidden == unknown
    assert hidden[0] == 422


@pytest.mark.fault(40)
def test_five_wrong_proofs_close_an_order_for_an_hour_to_who_has_the_right_one_too(front):
    path = page_of(front, order("1001", MOVING, email=EMAIL, postcode=POSTCODE))
    tries = [front.post("/", {"order": "1001", "proof": f"SW{guess}A 1AA"}).status_code for guess in range(5)]
    assert tries == [422] * 5
    refused = front.post("/", {"order": "1001", "proof": POSTCODE})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert front.get(path).status_code == 200, "a link is no guess"
    front.clock.advance(3601)
    assert front.post("/", {"order": "1001", "proof": POSTCODE}).status_code == 303


@pytest.mark.fault(40)
def test_who_counts_through_numbers_is_stopped_and_learns_no_more(front):
    answers = [front.get(f"/track/SPY{n:06}") for n in range(200, 600)]
    stopped = next(at for at, one in enumerate(answers) if one.status_code == 429)
    assert {one.status_code for one in answers[:stopped]} == {404}
    assert {one.status_code for one in answers[stopped:]} == {429}
    assert int(answers[-1].headers["retry-after"]) > 0
    known, unknown = front.get(f"/track/{MOVING}"), front.get("/track/SPY000001")
    assert said(known, MOVING)[0] == said(unknown, "SPY000001")[0] == 429


def answered(front):
    return [one.data for one in anyio.run(front.engine.answers.of, "main", "survey")]


@pytest.mark.fault(43)
@pytest.mark.exhaustive
def test_of_a_thousand_answers_one_is_kept_and_the_last_edit_that_was_taken_wins(front):
    kept = placed(front, order("1001", packed(DELIVERED, shoes=1, socks=3)))
    form = f"/o/{front.engine.access.link(kept, timedelta(days=30))}/widgets/survey"
    taken = [front.post(form, {"score": str(n % 10), "comment": f"{n}"}).status_code for n in range(1000)]
    assert taken == [303] * 10 + [429] * 990
    assert [one["comment"] for one in answered(front)] == ["9"]
    refused = front.post(form, {"score": "3", "comment": "It took me an hour"})
    assert words(parsed(refused.text).find(".//section[@id='widget-survey']//textarea")) == "It took me an hour"


@pytest.mark.fault(43)
@pytest.mark.parametrize(
    "typed", [{"website": "https://spam.example"}, {"comment": "x" * 100_000}], ids=["trap", "100 kB"]
)
def test_what_a_program_fills_in_is_refused(front, typed):
    kept = placed(front, order("1001", packed(DELIVERED, shoes=1, socks=3)))
    form = f"/o/{front.engine.access.link(kept, timedelta(days=30))}/widgets/survey"
    assert front.post(form, {"score": "5", **typed}).status_code == 422
    assert answered(front) == []


@pytest.mark.fault(38)
def test_no_other_site_answers_for_a_reader_and_no_link_for_another(front):
    kept = placed(front, order("1001", packed(DELIVERED, shoes=1, socks=3)))
    token = front.engine.access.link(kept, timedelta(days=30))
    form = f"/o/{token}/widgets/survey"
    elsewhere = [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
    assert [front.post(form, {"score": "5"}, one).status_code for one in elsewhere] == [403] * 4
    assert front.post(form.replace(token, token[:-4] + "AAAA"), {"score": "5"}).status_code == 404
    assert front.get(f"{form}?score=5").status_code in (404, 405)
    assert answered(front) == []
    assert front.post(form, {"score": "5"}).status_code == 303
