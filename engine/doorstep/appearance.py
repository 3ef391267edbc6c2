"""What a store sets of its appearance: a layer for all, others over it by market, language, season and draft; its own words."""

from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(_[A-Z][a-z]{3})?(_[A-Z]{2})?$")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Layer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Values of a theme's settings: those of a preset, and others over them. Sections that are empty are those below."""

    preset: str = ""  # of the theme, by name
    settings: dict[str, Any] = {}  # of the theme, by name, over the preset's
    sections: tuple[str, ...] = ()  # the order of the page
    order_sections: tuple[str, ...] = ()  # as `sections`, for the pages of orders


class Season(Layer, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A layer for some days, first and last included, by the store's own clock."""

    name: Name
    from_: date = msgspec.field(name="from")
    until: date

    def holds(self, day: date) -> bool:
        return self.from_ <= day <= self.until


class Draft(Layer, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A layer, perhaps of another theme, that only those see who have a link to it."""

    theme: str = ""


class Appearance(Layer, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A store's own layer and those over it. Later stand over earlier: market, language, season, draft."""

    market: dict[Country, Layer] = {}
    language_layers: dict[Language, Layer] = msgspec.field(name="in", default={})
    season: tuple[Season, ...] = ()
    draft: dict[Name, Draft] = {}
    words: dict[Language, dict[str, Any]] = {}  # its own, by language and the names of texts
