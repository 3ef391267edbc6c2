"""Addresses that may become links: the web's, and nothing that a browser could read otherwise."""

import pytest

from doorstep import is_web_address, may_show
from doorstep.addresses import host_of


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
    "https://[evil.example",
    "https://[::1/",
    "https://a\u2100b.example",  # which is a/cb once it is normalised
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


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://shop.example:8443/a@b", "shop.example:8443"),
        ("https://ada@shop.example", "shop.example"),
        ("https://[::1]:80/", "[::1]:80"),
        ("https://[x/", ""),
        ("/a", ""),
        ("null", ""),
    ],
)
def test_a_host_is_told_or_nothing(address: str, host: str) -> None:
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("/a.png", True),
        ("https://cdn.example/a.png", True),
        ("https://one.img.example/a.png", True),
        ("http://cdn.example/a.png", False),
        ("https://img.example/a.png", False),
        ("https://[cdn.example/a.png", False),
    ],
)
def test_an_image_is_shown_from_the_hosts_that_are_named(image: str, shown: bool) -> None:
    assert may_show(image, ("cdn.example", "*.img.example")) is shown
