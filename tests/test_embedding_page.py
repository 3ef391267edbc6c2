"""What the page about shops says of the element and the frame is what the script and the routes have."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from html5lib import parseFragment
from starlette.testclient import TestClient

from doorstep.app import create_app
from doorstep.config import Config, Store
from doorstep.paths import PACKAGE
from doorstep.secret import Secret

from .test_docs import DOCS, FENCE, generate

TEXT = (DOCS / "embedding.md").read_text("utf-8")
SCRIPT = (PACKAGE / "embed.js").read_text("utf-8")
SNIPPETS = [found["text"] for found in FENCE.finditer(TEXT) if found["language"] == "html"]


def observed() -> set[str]:
    names = re.search(r"observedAttributes = \[(.*?)\]", SCRIPT)
    assert names is not None
    return set(re.findall(r'"(\w+)"', names[1]))


def test_every_attribute_of_the_element_is_on_the_page_and_no_other() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == observed()


def test_each_snippet_loads_the_script_and_shows_a_page_that_there_is() -> None:
    assert len(SNIPPETS) == 2
    for snippet in SNIPPETS:
        tree = parseFragment(snippet, namespaceHTMLElements=False)
        loaded = [urlsplit(one.attrib["src"]).path for one in tree.iter("script")]
        assert [f"GET {path}" in generate.all_routes() for path in loaded] == [True]
        for element in tree.iter("doorstep-tracker"):
            assert set(element.attrib) <= observed()
        shown = [one.get("src") or one.get("href") for one in tree.iter() if one.tag in ("a", "iframe")]
        assert shown
        assert all(re.fullmatch(r"https://track\.shop\.example/track/\w+(\?embed=1)?", str(one)) for one in shown)
        assert "GET /track/{number}" in generate.all_routes()


def test_a_frame_written_by_hand_is_found_by_the_script() -> None:
    frame = next(parseFragment(SNIPPETS[1], namespaceHTMLElements=False).iter("iframe"))
    assert "data-doorstep" in frame.attrib
    assert 'querySelectorAll("iframe[data-doorstep]")' in SCRIPT


def test_what_a_proxy_keeps_inside_is_there() -> None:
    kept = re.search(r"@inside path (.*)", TEXT)
    assert kept is not None
    assert {f"GET {path}" for path in kept[1].split()} <= set(generate.all_routes())


def test_below_a_path_nothing_leads_to_what_stays_inside(tmp_path: Path) -> None:
    store = Store(name="Shop", path="/tracking")
    below = Config(stores={"main": store}, secret_key=(Secret("k" * 32),), base=tmp_path)
    with TestClient(create_app(below)) as shop:
        answers = {path: shop.get(path).status_code for path in ("/healthz", "/tracking/healthz", "/tracking/metrics")}
    assert answers == {"/healthz": 200, "/tracking/healthz": 404, "/tracking/metrics": 404}
