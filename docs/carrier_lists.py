"""The tables of carriers in the documentation, from manifests, code tables and quality lists; used by `generate.py`."""

from collections import Counter
from collections.abc import Iterator
from functools import cache

from msgspec import Struct
from reference import Row, table

from doorstep import config, plugins
from doorstep.codes import CodeTable
from doorstep.manifest import Ability, Limit, Manifest
from doorstep.packages import Package, installed
from doorstep.quality import Claim, Standing, load_quality

NO = "–"
_PUSH = "push"
_SPANS = {1: "a second", 60: "a minute", 3600: "an hour", 86400: "a day"}


class Asked(Struct, frozen=True):
    """A carrier that can be asked, with all that its package says of it."""

    manifest: Manifest
    codes: CodeTable
    claims: dict[str, Claim]
    settings: tuple[str, ...]

    @property
    def link(self) -> str:
        return f"[{self.manifest.name}]({self.manifest.docs.removeprefix('docs/')})"


@cache
def asked() -> list[Asked]:
    """By name, as people sort names."""
    found = [_asked(package, one) for package in installed() for one in package.manifests() if one.asks]
    return sorted(found, key=lambda one: one.manifest.name.casefold())


def abilities() -> str:
    header = ["carrier", "slug", "track", "batch", "push", "documents", "languages", "auth", "settings"]
    return table(header, map(_abilities, asked()))


def reliance() -> str:
    header = ["carrier", "limits", "certainty of answers", "certainty of codes", "verified live", "rules done"]
    return table(header, map(_reliance, asked()))


def sources() -> str:
    return table(["carrier", "codes", "where they come from"], map(_sources, asked()))


def by_number() -> str:
    """Those with a form of number or a link of their own."""
    rows = [(one.name, f"`{one.slug}`", ", ".join(one.countries), _pages(one)) for one in _by_number(posts=False)]
    return table(["carrier", "slug", "countries", "its own page"], rows)


def posts() -> str:
    """The posts of the world of which no more is known than the numbers they issue."""
    return ", ".join(f"{one.name} (`{one.slug}`, {', '.join(one.countries)})" for one in _by_number(posts=True)) + "."


def _by_number(*, posts: bool) -> Iterator[Manifest]:
    known = [one for package in installed() for one in package.manifests() if not one.asks]
    for one in sorted(known, key=lambda one: one.name.casefold()):
        if posts == (one.slug.startswith("post_") and not one.link):
            yield one


def _pages(one: Manifest) -> str:
    own = [f"{name}: `{link}`" for name, link in one.links.items()]
    return "<br>".join([f"`{one.link}`" if one.link else NO, *own])


def _asked(package: Package, one: Manifest) -> Asked:
    loaded = plugins.load_plugins(config.Config(stores={}, carriers={one.slug: {}}), [package])
    settings = loaded.registered.carriers[package.module].settings_type
    claims = load_quality(package.folder / "quality.toml")
    return Asked(one, package.codes(), claims, settings.__struct_fields__)


def _abilities(one: Asked) -> Row:
    can = {ability.value for ability in one.manifest.can}
    several = can & {Ability.TRACK_MANY, Ability.REGISTER}
    return (
        one.link,
        f"`{one.manifest.slug}`",
        "for other carriers" if one.manifest.aggregator else "yes",
        f"{one.manifest.batch} a call" if several else NO,
        "yes" if _PUSH in can else NO,
        "yes" if Ability.DOCUMENT in can else NO,
        _told(one.claims["languages"], "the store's"),
        one.manifest.auth.value,
        ", ".join(f"`{name}`" for name in one.settings) or "none",
    )


def _reliance(one: Asked) -> Row:
    certainty = one.manifest.certainty
    counted = Counter(claim.standing for claim in one.claims.values())
    limits = ", ".join(map(_limit, one.manifest.limits))
    return (
        one.link,
        limits or _told(one.claims["limits"], NO),
        certainty.answers.value if certainty else "not said",
        certainty.codes.value if certainty else "not said",
        "yes" if one.claims["live"].standing is Standing.DONE else "not yet",
        f"{counted[Standing.DONE]} of {len(one.claims) - counted[Standing.EXEMPT]}",
    )


def _sources(one: Asked) -> Row:
    counted = Counter(meaning.source for meaning in one.codes.items().values())
    told = "<br>".join(f"{source} ({count})" for source, count in counted.most_common())
    return one.link, str(len(one.codes)), told


def _told(claim: Claim, done: str) -> str:
    reason = {Standing.TODO: f"not yet: {claim.reason}", Standing.EXEMPT: f"no: {claim.reason}"}
    return reason.get(claim.standing, done)


def _limit(limit: Limit) -> str:
    calls = f"{limit.calls:,} call{'s' * (limit.calls > 1)}"
    span = _SPANS.get(int(limit.seconds))
    return f"{calls} {span}" if span else f"{calls} in {limit.seconds:,g} s"
