"""Looks: a theme with one set of values. A store has one for each market, language and season that sets something of its own,
all made at start, so that what is wrong is named there."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, TypeVar

from markupsafe import Markup
from msgspec import Struct, structs

from .appearance import Appearance, Draft, Layer
from .assets import Asset, Assets, asset
from .context import PageContext
from .contrast import derived
from .errors import ThemeError
from .i18n import Localizer
from .languages import widening
from .lasting import Kept
from .letter import LetterContext
from .mail_styles import written_out
from .often import Often
from .theme_settings import STACKS, Setting, SettingType, is_font_file, is_own_file
from .theming import SLOT, Frame, Templates
from .widget import WidgetView

L = TypeVar("L", bound=Layer)
MOST = 400  # looks of one store
_SHEET = "store.css"

Placed = tuple[str, Layer]  # a layer, and the place where it stands
Stack = Sequence[tuple[str, Appearance]]  # of one store: the settings', and over it the API's


class Look:
    """A theme dressed: values, sections, and the style sheet that is made of them."""

    def __init__(
        self,
        templates: Templates,
        values: Mapping[str, Any],
        sections: tuple[str, ...],
        order_sections: tuple[str, ...],
    ) -> None:
        self.theme = templates.theme
        self.settings = dict(values)
        self.sections = sections
        self.order_sections = order_sections
        colors, _ = derived(templates.theme.contrast, values)
        self.assets: Assets = {**templates.assets, _SHEET: asset(_SHEET, _stylesheet(templates, values, colors))}
        self.mail_sheet = written_out(templates.mail_styles, _properties(templates, values, colors))
        self._templates = templates
        self._kept: defaultdict[tuple[Localizer, str], Kept] = defaultdict(Kept)
        self._often = Often()
        self._letters_often = Often()  # in many languages: pages do not lose their places to them
        self._widgets_often = Often()  # nor to those, of which one may say many things

    def render(
        self, template: str, context: PageContext, localizer: Localizer, slots: Mapping[str, str] | None = None
    ) -> str:
        """A page. Raises ThemeError with file and line."""
        return "".join(self.pieces(template, context, localizer, slots))

    def pieces(
        self, template: str, context: PageContext, localizer: Localizer, slots: Mapping[str, str] | None = None
    ) -> list[str]:
        """A page piece by piece. Few have letters that are not ASCII, which all of a text takes more memory and time for."""
        base = context.store.base
        frame = Frame(localizer, base, slots or {}, self.asset, self._kept[localizer, base], self._often)
        return self._templates.pieces(template, structs.asdict(context), frame)

    def render_widget(
        self, name: str, context: Struct, view: WidgetView, localizer: Localizer, base: str, *, widget_id: str
    ) -> Markup:
        """A widget's fragment, from `widgets/<name>.html`. Raises ThemeError with file and line."""
        variables = {**structs.asdict(context), "view": view, "widget_id": widget_id}
        frame = Frame(
            localizer, base, {}, self.asset, self._kept[localizer, base], self._widgets_often,
            self._way_out(view, name, base),
        )  # fmt: skip
        said = self._templates.pieces(f"widgets/{name}.html", variables, frame)
        return Markup("".join(said))  # noqa: S704  # autoescaped

    def render_letter(self, context: LetterContext, localizer: Localizer) -> str:
        """A mail, from `mail/<kind>.html` or, where the theme has none, `mail/letter.html`. Raises ThemeError with file and
        line."""
        own = f"mail/{context.letter.kind}.html"
        template = own if self.has_template(own) else "mail/letter.html"
        base = context.store.base
        frame = Frame(localizer, base, {}, self.asset, self._kept[localizer, base], self._letters_often)
        return "".join(self._templates.pieces(template, structs.asdict(context), frame))

    def _way_out(self, view: WidgetView, name: str, base: str) -> Callable[[str], str]:
        outgoing = self._templates.outgoing
        return partial(outgoing.link, base, view.store.id, name) if outgoing else str

    def has_template(self, name: str) -> bool:
        """Whether the theme, or a widget, brings this template."""
        return self._templates.has_template(name)

    def asset(self, name: str) -> Asset | None:
        """A static file by name; None when neither the theme nor a widget has it."""
        return self.assets.get(name)


def dressed(templates: Templates, *layers: Placed) -> Look:
    """A theme with what these layers set. Raises ThemeError, naming the layer."""
    return Look(templates, *_resolved(templates, layers))


class Looks:
    """All looks of a store. `languages` are those it speaks; `draft` is a layer over everything."""

    def __init__(
        self, templates: Templates, stack: Stack, *, languages: Iterable[str], draft: Placed | None = None
    ) -> None:
        self._stack = tuple(stack)
        self._draft = () if draft is None else (draft,)
        self._seasons = [
            (f"{where}.season[{i}]", season) for where, own in stack for i, season in enumerate(own.season)
        ]
        self._countries = frozenset(country for _, own in stack for country in own.market)
        self._spoken = self._languages(languages)
        self._looks = self._made(templates)
        self.usual = self._looks["", "", ()]
        self._only = len(set(self._looks.values())) == 1

    def __iter__(self) -> Iterator[Look]:
        return iter(dict.fromkeys(self._looks.values()))

    def find(self, country: str, language: str, day: date) -> Look:
        """The look of a page: for a parcel or order that goes to `country`, a reader's language and the store's date."""
        if self._only:
            return self.usual
        market = country if country in self._countries else ""
        return self._looks[market, self._spoken.get(language, ""), self._holding(day)]

    def _languages(self, languages: Iterable[str]) -> dict[str, str]:
        """The spoken languages that have a layer, their own or that of a base language."""
        layers = {code for _, own in self._stack for code in own.language_layers}
        spoken = {code: code for code in languages if layers & set(widening(code))}
        for where, own in self._stack:
            for code in own.language_layers:
                if not any(code in widening(one) for one in spoken):
                    raise ThemeError(
                        f"{where}.in.{code}: no page of this store is in that language", next_step="see its `languages`"
                    )
        return spoken

    def _holding(self, day: date) -> tuple[int, ...]:
        return tuple(i for i, (_, season) in enumerate(self._seasons) if season.holds(day))

    def _made(self, templates: Templates) -> dict[tuple[str, str, tuple[int, ...]], Look]:
        turns = {turn for _, season in self._seasons for turn in (season.from_, season.until + timedelta(1))}
        seasons = {(), *map(self._holding, turns)}
        markets, languages = ["", *sorted(self._countries)], ["", *self._spoken]
        if (count := len(markets) * len(languages) * len(seasons)) > MOST:
            raise ThemeError(
                f"{self._stack[0][0]}: {count} looks, of all markets with all languages and seasons",
                next_step=f"{MOST} are possible: set less apart",
            )
        for where, season in self._seasons:
            if season.until < season.from_:
                raise ThemeError(f"{where}.until: it is before `from`", next_step="correct the day")
        made: dict[str, Look] = {}
        looks = {}
        for key in ((market, code, held) for market in markets for code in languages for held in sorted(seasons)):
            resolved = _resolved(templates, self._layers(*key))
            same = repr(resolved)
            if same not in made:
                made[same] = Look(templates, *resolved)
            looks[key] = made[same]
        return looks

    def _layers(self, market: str, language: str, seasons: tuple[int, ...]) -> Iterator[Placed]:
        yield from self._stack
        for where, own in self._stack:
            if market in own.market:
                yield f"{where}.market.{market}", own.market[market]
        for code in reversed(widening(language)):
            for where, own in self._stack:
                if code in own.language_layers:
                    yield f"{where}.in.{code}", own.language_layers[code]
        for i in seasons:
            yield self._seasons[i]
        yield from self._draft


def drafts_of(stack: Stack) -> dict[str, tuple[str, Draft]]:
    """The drafts of a store, each with its place."""
    return {name: (f"{where}.draft.{name}", one) for where, own in stack for name, one in own.draft.items()}


def fitted(own: Appearance, templates: Templates) -> Appearance:
    """What of an appearance another theme understands, too: a merchant who tries one keeps what both have."""
    return structs.replace(
        _fitted(own, templates),
        market={country: _fitted(layer, templates) for country, layer in own.market.items()},
        language_layers={code: _fitted(layer, templates) for code, layer in own.language_layers.items()},
        season=tuple(_fitted(season, templates) for season in own.season),
    )


def _fitted(layer: L, templates: Templates) -> L:
    theme, known = templates.theme, set(templates.sections)
    settings = theme.settings
    return structs.replace(
        layer,
        preset=layer.preset if layer.preset in theme.presets else "",
        settings={
            name: value
            for name, value in layer.settings.items()
            if name in settings and not settings[name].problem(value)
        },
        sections=layer.sections if known.issuperset(layer.sections) else (),
        order_sections=layer.order_sections if known.issuperset(layer.order_sections) else (),
    )


def _resolved(
    templates: Templates, layers: Iterable[Placed]
) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """Values, sections and those of orders, after a look at every layer."""
    theme, placed = templates.theme, list(layers)
    values = theme.values(*placed)
    for name, setting in theme.settings.items():
        _check_file(templates, name, setting, values[name], placed)
    for low in derived(theme.contrast, values)[1]:
        where = _given_by(low.settings, placed) or f"{theme.name}/theme.toml"
        raise ThemeError(f"{where}: {low.problem}", next_step=low.mend)
    listed = [_sections(templates, field, placed) for field in ("sections", "order_sections")]
    return values, listed[0], listed[1]


def _check_file(templates: Templates, name: str, setting: Setting, value: Any, placed: Sequence[Placed]) -> None:
    """A value that names a file names one that there is."""
    own = (setting.type is SettingType.FONT and is_font_file(value)) or (
        setting.type is SettingType.IMAGE and is_own_file(value)
    )
    if own and value not in templates.assets:
        where = _given_by([name], placed) or f"{templates.theme.name}/theme.toml: settings.{name}"
        raise ThemeError(f"{where}: there is no file static/{value}", next_step="put it there, or correct the name")


def _given_by(names: Sequence[str], placed: Sequence[Placed]) -> str:
    """Where the last of these settings was given a value; "" where no layer did."""
    for where, layer in reversed(placed):
        if found := [name for name in names if name in layer.settings]:
            return f"{where}.settings.{found[0]}"
        if layer.preset:
            return f"{where}.preset"
    return ""


def _sections(templates: Templates, field: str, placed: Sequence[Placed]) -> tuple[str, ...]:
    theme = templates.theme
    of_theme: tuple[str, ...] = getattr(theme, field)
    listed = [(f"{theme.name}/theme.toml: {field}", of_theme)]
    listed += [(f"{where}.{field}", getattr(layer, field)) for where, layer in placed if getattr(layer, field)]
    known = templates.sections
    for where, names in listed:
        for i, name in enumerate(names):
            if name not in known:
                kind = "slot" if name.startswith(SLOT) else "section"
                raise ThemeError(
                    f"{where}[{i}]: theme {theme.name!r} has no {kind} {name!r}",
                    next_step=f"it has: {', '.join(known)}",
                )
            if name in names[:i]:
                raise ThemeError(f"{where}[{i}]: {name!r} stands there twice", next_step="keep one of them")
    return listed[-1][1]


def _stylesheet(templates: Templates, values: Mapping[str, Any], colors: Mapping[str, str]) -> bytes:
    """The fonts, the settings and the colours made of them as custom properties, then the styles."""
    fonts = []
    for name, setting in templates.theme.settings.items():
        if setting.type is SettingType.FONT and is_font_file(values[name]):
            source = f'{_address(templates, values[name])} format("woff2")'
            face = f'font-family:"{_family(name)}";src:{source};font-weight:100 900;font-display:swap'
            fonts.append(f"@font-face{{{face}}}")
    properties = [f"{name}:{value};" for name, value in _properties(templates, values, colors).items()]
    head = f"{''.join(fonts)}:root{{{''.join(properties)}}}"
    return b"\n".join([head.encode(), templates.styles]) if templates.styles else head.encode()


def _properties(templates: Templates, values: Mapping[str, Any], colors: Mapping[str, str]) -> dict[str, str]:
    """The custom properties by name: the settings, and the colours made of them."""
    of_settings = {
        setting.css: _written(templates, name, setting, values[name])
        for name, setting in templates.theme.settings.items()
        if setting.css
    }
    return {**of_settings, **colors}


def _written(templates: Templates, name: str, setting: Setting, value: Any) -> str:
    """A value as CSS writes it."""
    match setting.type:
        case SettingType.FONT:
            return STACKS.get(value, f'"{_family(name)}",{STACKS["system"]}')
        case SettingType.IMAGE:
            return _address(templates, value) if value else "none"
        case SettingType.SWITCH:
            return "1" if value else "0"
        case _:
            return f"{value}{setting.unit if setting.type is SettingType.RANGE else ''}"


def _family(name: str) -> str:
    return f"theme-{name}"


def _address(templates: Templates, name: str) -> str:
    """A file seen from the style sheet, which stands beside it below its own fingerprint."""
    if is_own_file(name):
        name = f"../{templates.assets[name].fingerprint}/{name}"
    return f'url("{name}")'
