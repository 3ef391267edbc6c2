"""Whether a page is asked for by somebody who reads it: not by a search engine, a link's preview, or a browser in advance."""

import re
from collections.abc import Mapping
from functools import lru_cache

_SAYS_SO = re.compile(
    r"(?<!cu)bot\b|(?<!cu)bot[/_-]|crawl|spider|slurp|preview|facebookexternalhit|^whatsapp/|embedly|mediapartners|headless"
    r"|lighthouse|pingdom|uptime|monitor|scanner|feedfetcher|imageproxy|^(curl|wget|python|java|ruby|php|perl|lwp|libwww|axios"
    r"|node|undici|okhttp|go-http|apache-httpclient|postman|insomnia|httpie)\b",
    re.IGNORECASE,
)  # Cubot is a make of phones
_LONGEST = 500  # characters of a name that is looked at; browsers send a third
_IN_ADVANCE = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")


def is_person(method: str, sent: Mapping[bytes, bytes]) -> bool:
    """By what a request sends, its headers in lower case. Who hides what it is passes for a person."""
    if method != "GET" or not _is_browser(sent.get(b"user-agent", b"")[:_LONGEST]):
        return False
    return not any(_asks_early(sent[name]) for name in _IN_ADVANCE if name in sent)


@lru_cache(1024)
def _is_browser(name: bytes) -> bool:
    return name.strip() != b"" and not _SAYS_SO.search(name.decode("latin-1"))


def _asks_early(purpose: bytes) -> bool:
    return b"prefetch" in purpose or b"prerender" in purpose or b"preview" in purpose
