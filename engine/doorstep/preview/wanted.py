"""What somebody at the preview wants to see, as it stands in an address."""

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct, structs

SETTING = "s."  # before a setting's name, among the parameters of an address
WIDTHS = {"320": "320, a small phone", "360": "360, a phone", "768": "768, a tablet", "1280": "1280, a desk"}
SCHEMES = {"": "of the device", "light": "light", "dark": "dark"}
DIRECTIONS = {"": "of the language", "ltr": "left to right", "rtl": "right to left"}
ALL = "all"  # every page at once
ALL_MESSAGES = "messages"


class Wanted(Struct, frozen=True):
    """A page of the preview. What is empty is the store's own; `settings` are as they were typed."""

    store: str
    case: str = "in_transit"
    theme: str = ""
    lang: str = ""
    scheme: str = ""
    dir: str = ""
    width: str = "360"
    settings: Mapping[str, str] = {}

    def address(self, page: str, **other: str) -> str:
        """The address of a page of the preview for this, or with something else in its place."""
        wanted = structs.replace(self, **other)
        named = {name: value for name in _PLAIN if (value := getattr(wanted, name))}
        return f"{page}?{urlencode({**named, **{SETTING + name: text for name, text in wanted.settings.items()}})}"


_PLAIN = tuple(name for name in Wanted.__struct_fields__ if name != "settings")


def read_wanted(params: Mapping[str, str], store: str) -> Wanted:
    """What an address asks for; of the first `store`, where it names none."""
    given = {name: value for name in _PLAIN if (value := params.get(name))}
    settings = {key.removeprefix(SETTING): text for key, text in params.items() if key.startswith(SETTING)}
    return Wanted(**{"store": store, **given}, settings=settings)
