"""Who counts as somebody who reads a page."""

from doorstep.people import is_person

PEOPLE = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile",
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 [FBAN/FBIOS;FBAV/472.0]",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 [Pinterest/iOS]",
]
OTHERS = [
    "",
    " ",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; YandexBot/3.0)",
    "facebookexternalhit/1.1",
    "WhatsApp/2.23.20.0",
    "Slackbot-LinkExpanding 1.0",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Baiduspider+(+http://www.baidu.com/search/spider.htm)",
    "Mozilla/5.0 HeadlessChrome/130.0",
    "curl/8.10.1",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
]


def sent(agent: str, **more: str) -> dict[bytes, bytes]:
    named = {"user-agent": agent, **more}
    return {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in named.items()}


def test_browsers_are_people_also_those_inside_other_programs() -> None:
    assert [one for one in PEOPLE if not is_person("GET", sent(one))] == []


def test_search_engines_previews_of_links_and_programs_are_not() -> None:
    assert [one for one in OTHERS if is_person("GET", sent(one))] == []
    assert not is_person("GET", {})


def test_a_page_that_is_loaded_in_advance_is_read_by_nobody_yet() -> None:
    assert not is_person("GET", sent(PEOPLE[0], sec_purpose="prefetch;prerender"))
    assert not is_person("GET", sent(PEOPLE[0], purpose="prefetch"))
    assert not is_person("GET", sent(PEOPLE[0], x_moz="prefetch"))


def test_only_a_page_that_is_got_is_read() -> None:
    assert not is_person("HEAD", sent(PEOPLE[0]))
    assert not is_person("POST", sent(PEOPLE[0]))


def test_a_name_of_any_length_and_any_bytes_is_looked_at() -> None:
    assert is_person("GET", {b"user-agent": b"Mozilla/5.0 \xff" + b"x" * 100_000})
