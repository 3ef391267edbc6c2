"""The page that is asked for most is found by its path; whatever else is asked for goes on to the table of routes."""

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from doorstep.routing import TrackRoute


async def table(scope, receive, send):
    await PlainTextResponse("table")(scope, receive, send)


async def page(request: Request) -> Response:
    return PlainTextResponse(f"page of {request.path_params['number']}")


@pytest.fixture
def client() -> TestClient:
    return TestClient(TrackRoute(table, page=page))


def test_a_page_is_found_by_its_path_below_the_stores_own(client: TestClient):
    assert client.get("/track/AB 1").text == "page of AB 1"
    assert TestClient(TrackRoute(table, page=page), root_path="/shop").get("/shop/track/AB1").text == "page of AB1"


@pytest.mark.parametrize(
    "path",
    ["/", "/track/", "/track", "/track/AB1/", "/track/AB1/widgets/survey", "/x/track/AB1", "/track/track/AB1", "/o/x/"],
)
def test_other_paths_are_for_the_table(client: TestClient, path: str):
    assert client.get(path).text == "table"


def test_a_form_is_for_the_table(client: TestClient):
    assert client.post("/track/AB1").text == "table"
