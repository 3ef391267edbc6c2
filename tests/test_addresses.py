"""Addresses that may become links: the web's, and nothing that a browser could read otherwise."""

import pytest

from doorstep import is_web_address


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example",
        "http://shop.example:8080/a?b=c#d",
        "HTTPS://SHOP.EXAMPLE/",
        "https://xn--bcher-kva.example/é",
    ],
)
def test_an_address_with_a_host_is_taken(text: str) -> None:
    assert is_web_address(text)


@pytest.mark.parametrize("text", ["/", "/shop/#mug", "/a/b?c=d"])
def test_a_path_is_taken_only_where_paths_are(text: str) -> None:
    assert is_web_address(text, paths=True)
    assert not is_web_address(text)


REFUSED = [
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example",
    r"/\evil.example",
    r"\\evil.example",
    "https:evil.example",
    "https:///evil.example",
    "https://",
    "https://?x",
    "https://user@evil.example",
    r"https://shop.example\@evil.example",
    "https://shop.example/<b>",
    'https://shop.example/"',
    "ftp://shop.example",
    "shop.example",
]


@pytest.mark.parametrize(
    "text", ["", *REFUSED, " https://shop.example", "https://shop.example/\n", "java\tscript:alert(1)"]
)
def test_what_a_browser_could_read_as_something_else_is_refused(text: str) -> None:
    assert not is_web_address(text, paths=True)
