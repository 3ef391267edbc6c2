"""Links out: signed, the same each time, and for nobody else to make."""

from urllib.parse import parse_qs, quote, urlsplit

import pytest

from doorstep.outgoing import Outgoing
from doorstep.secret import Secret

NOW, BEFORE = Secret("now-" + "x" * 32), Secret("before-" + "y" * 32)
OUT = Outgoing([NOW])
MUG = "https://shop.example/mug?colour=blue&size=l#top"
HOSTILE = [
    "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x",
    "//evil.example", "///evil.example", "\\\\evil.example", "/\\evil.example", "https:evil.example", "https:/evil.example",
    "https:///evil.example",
    "https://shop.example@evil.example/", "https://user:pass@evil.example", "https://shop.example\\@evil.example",
    "evil.example", "http://", "https://?x", " https://evil.example",
    "https://evil.example\r\nSet-Cookie: a=b", "/path\r\nX: y", "ftp://evil.example",
    "mailto:a@evil.example", "https://shop.example/\x00", "/\t/evil.example", "h", "https://" + "a" * 3000 + ".example",
]  # fmt: skip


def asked(link: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(link).query, strict_parsing=True)
    return query["to"][0], query["s"][0]


def test_a_link_says_where_it_leads_and_holds_for_its_store_and_widget_alone() -> None:
    link = OUT.link("/shop", "main", "offer", MUG)
    to, signature = asked(link)
    assert link.startswith(f"/shop/out/offer?to={quote(MUG, safe='')}&s=")
    assert to == MUG
    assert OUT.holds("main", "offer", to, signature)
    assert not OUT.holds("other", "offer", to, signature)
    assert not OUT.holds("main", "review", to, signature)
    assert not OUT.holds("main", "offer", MUG.replace("mug", "bag"), signature)
    assert not OUT.holds("main", "offer", to, signature[:-1])
    assert not OUT.holds("main", "offer", to, "")
    assert not OUT.holds("main", "offer", to, "é\x00")


def test_a_link_is_the_same_each_time_in_every_process() -> None:
    assert OUT.link("", "main", "offer", "/mug") == Outgoing([NOW]).link("", "main", "offer", "/mug")


def test_a_link_outlives_a_change_of_the_secret_and_ends_with_the_former_one() -> None:
    _, signature = asked(Outgoing([BEFORE]).link("", "main", "offer", "/mug"))
    assert Outgoing([NOW, BEFORE]).holds("main", "offer", "/mug", signature)
    assert not OUT.holds("main", "offer", "/mug", signature)
    assert asked(Outgoing([NOW, BEFORE]).link("", "main", "offer", "/mug")) == asked(
        OUT.link("", "main", "offer", "/mug")
    )


def test_what_a_browser_could_read_as_anything_but_the_web_gets_no_link() -> None:
    for to in HOSTILE:
        with pytest.raises(ValueError, match="cannot be linked"):
            OUT.link("", "main", "offer", to)


def test_what_one_store_and_widget_are_called_cannot_be_moved_into_the_other() -> None:
    _, signature = asked(OUT.link("", "a", "b", "/c"))
    assert not OUT.holds("a\nb", "/c", "/c", signature)
    assert not OUT.holds("a", "b\n/c", "/c", signature)
