"""`carrier.toml`: all that is known of a carrier without importing its plugin."""

import re
import tomllib
import warnings
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from .addresses import is_web_address
from .checksums import CHECKSUMS, WEIGHTED
from .errors import ManifestError

CONTRACT = 1  # the version of the plugin contract this engine speaks

_parser: Any = vars(re)["_parser"]  # the regular-expression parser that `re` itself compiles with
_LONGEST_REPEAT, _MOST_WAYS = 64, 1000
_COUNTRY = "{country}"
_HELP = "docs/manifest.md lists every key"


class Checksum(Struct, frozen=True, forbid_unknown_fields=True):
    """How a format's check digit is verified: the pattern's groups `serial` and `check`, by one of `doorstep.checksums`."""

    kind: str
    weights: tuple[int, ...] = ()
    before: str = ""  # digits in front of the serial that count although they are not written

    def holds(self, serial: str | None, check: str | None) -> bool:
        """Whether the check digit is right; never for what the checksum cannot read (letters, a missing group)."""
        try:
            return CHECKSUMS[self.kind](self.before + (serial or ""), self.weights) == check
        except ValueError:
            return False


class Format(Struct, frozen=True, forbid_unknown_fields=True):
    """One shape of number. `rank` (1 to 99) is how likely a number of this shape is this carrier's, check digit included.

    `pattern` is matched against the whole normalised number (upper case, no blanks or hyphens). `examples` are valid
    numbers; the contract suite tries them.
    """

    name: str
    pattern: str
    rank: Annotated[int, Meta(ge=1, le=99)]
    checksum: Checksum | None = None
    examples: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """So many requests in so many seconds; a carrier may have several limits at once (an hour's and a day's)."""

    calls: Annotated[int, Meta(ge=1)]
    seconds: Annotated[float, Meta(gt=0)]


class Courier(Struct, frozen=True, forbid_unknown_fields=True):
    """A carrier as an aggregator knows it: by its own `code`, under a `name`, and as which of our carriers, if we have it."""

    code: str
    name: str
    carrier: str = ""


class Ability(StrEnum):
    """What a carrier can do beside answering about one number."""

    TRACK_MANY = "track_many"
    REGISTER = "register"
    DOCUMENT = "document"
    PUSH = "push"


class AuthKind(StrEnum):
    NONE = "none"
    KEY = "key"
    BASIC = "basic"
    OAUTH = "oauth_client_credentials"
    TOKEN = "login_token"  # noqa: S105
    BODY = "body"


class Sureness(StrEnum):
    HIGH = "high"  # the carrier's own documents and published answers
    MEDIUM = "medium"  # public clients, excerpts, descriptions by others
    LOW = "low"  # general knowledge, found in no document


class Certainty(Struct, frozen=True, forbid_unknown_fields=True):
    """What a plugin rests on: for the shape of the answers, and for the meaning of most codes."""

    answers: Sureness
    codes: Sureness


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """A carrier. `link` is its own tracking page, with `{number}` and `{language}`; `links` has those of languages and
    countries that are written otherwise. Without an `endpoint` the carrier is known by number and link only, and a manifest
    is all there is."""

    slug: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    name: str
    contract: int
    link: str = ""
    links: dict[Annotated[str, Meta(pattern=r"^([a-z]{2,3}(-[A-Za-z]{2,4})?|[A-Z]{2})$")], str] = {}
    countries: tuple[str, ...] = ()
    formats: tuple[Format, ...] = ()
    endpoint: str = ""
    hosts: tuple[str, ...] = ()
    auth: AuthKind = AuthKind.NONE
    batch: Annotated[int, Meta(ge=1)] = 1
    limits: tuple[Limit, ...] = ()
    concurrent: Annotated[int, Meta(ge=1)] = 8
    can: tuple[Ability, ...] = ()
    registered_days: Annotated[int, Meta(ge=0)] = 0  # how long a registration lasts; 0: for good
    aggregator: bool = False
    coarse_codes: bool = False
    couriers: tuple[Courier, ...] = ()  # of an aggregator that wants to be told the carrier, or tells it as a code
    certainty: Certainty | None = None
    part_of: str = ""  # the slug of the carrier that these numbers are, where this is another API of it
    notice: str = ""  # a sentence the carrier wants shown with its data
    docs: str = ""

    @property
    def asks(self) -> bool:
        """Whether there is an API behind it."""
        return bool(self.endpoint)

    def link_for(self, number: str, language: str) -> str:
        """The carrier's page of the number for a language ("de", "de-AT"): that of the language as the country speaks it,
        of the country, of the language, or the one for all."""
        tag = language.replace("_", "-")
        spoken, _, country = tag.partition("-")
        link = next((self.links[name] for name in (tag, country, spoken) if name in self.links), self.link)
        return link.replace("{number}", number).replace("{language}", tag)

    def codes_of(self, carriers: Sequence[str]) -> tuple[str, ...]:
        """What the aggregator calls these carriers; those it has no code for are left out."""
        return tuple(one.code for slug in carriers for one in self.couriers if one.carrier == slug)

    def code_of(self, carriers: Sequence[str], *, otherwise: str) -> str:
        """What to tell the aggregator when it is to watch a number: its code for the only one of these carriers, nothing where
        it has none; for several or no carriers `otherwise`. A wrong carrier is worse than none, which it finds out itself."""
        return next(iter(self.codes_of(carriers)), "") if len(carriers) == 1 else otherwise

    def courier_name(self, code: str) -> str:
        """The name of the carrier with this code; of one that is not listed, the code made readable."""
        known = next((one.name for one in self.couriers if one.code == code), "")
        return known or (code.replace("-", " ").replace("_", " ").title() if code.islower() else code)


def load_manifest(text: str, *, file: str) -> Manifest:
    """A Manifest from the text of a `carrier.toml`. Raises ManifestError with file, path and what to write instead."""
    return _manifest(_tables(text, file), file)


def load_manifests(text: str, *, file: str) -> list[Manifest]:
    """The carriers of a file: the one it describes, or one for each of its tables `[[carrier]]`.

    What stands outside these tables holds for all of them, unless one says otherwise; `{country}` in a format's
    name, pattern or examples is then the first country of each. Raises ManifestError.
    """
    common = _tables(text, file)
    if "carrier" not in common:
        return [_manifest(common, file)]
    try:
        carriers = msgspec.convert(common.pop("carrier"), list[dict[str, Any]])
    except msgspec.ValidationError as error:
        raise ManifestError(f"{file}: {error} (carrier)", next_step="write tables: [[carrier]]") from None
    named = ((one, f"{file}: carrier {one.get('slug', '?')!r}") for one in carriers)
    return [_in_its_country(_manifest(common | one, where), where) for one, where in named]


def _tables(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{file}: {error}", next_step=_HELP) from None


def _manifest(tables: dict[str, Any], file: str) -> Manifest:
    try:
        manifest = msgspec.convert(tables, Manifest)
    except msgspec.ValidationError as error:
        raise ManifestError(f"{file}: {error}", next_step=_HELP) from None
    if manifest.contract != CONTRACT:
        newer = manifest.contract > CONTRACT
        raise ManifestError(
            f"{file}: contract {manifest.contract} is {'newer' if newer else 'older'} than this engine's ({CONTRACT})",
            next_step="update Doorstep" if newer else "update the plugin; CHANGELOG.md says what changed",
        )
    for url in filter(None, (manifest.endpoint, manifest.link, *manifest.links.values())):
        if not (url.startswith("https://") and is_web_address(url)):
            raise ManifestError(f"{file}: {url!r} is not an https URL", next_step="write the whole https://… address")
    for number_format in manifest.formats:
        _check_format(number_format, file)
    return manifest


def _in_its_country(manifest: Manifest, file: str) -> Manifest:
    """The same with the carrier's first country where the file's common formats say `{country}`."""
    if not any(_COUNTRY in one.pattern for one in manifest.formats):
        return manifest
    country = manifest.countries[0] if manifest.countries else ""
    if not re.fullmatch("[A-Z]{2}", country):
        raise ManifestError(
            f"{file}: a format says {_COUNTRY}", next_step='write its country, such as countries = ["NO"]'
        )
    formats = tuple(
        msgspec.structs.replace(
            one,
            name=one.name.replace("{name}", manifest.name),
            pattern=one.pattern.replace(_COUNTRY, country),
            examples=tuple(example.replace(_COUNTRY, country) for example in one.examples),
        )
        for one in manifest.formats
    )
    return msgspec.structs.replace(manifest, formats=formats)


def _check_format(number_format: Format, file: str) -> None:
    where = f"{file}: format {number_format.name!r}"
    try:
        groups = _checked(number_format.pattern)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        raise ManifestError(f"{where}: the pattern does not compile: {error}") from None
    except ValueError as error:
        raise ManifestError(
            f"{where}: the pattern {error}", next_step="use fixed or bounded repeats such as [0-9]{8,12}"
        ) from None
    checksum = number_format.checksum
    if checksum is None:
        return
    if checksum.kind not in CHECKSUMS:
        raise ManifestError(f"{where}: unknown checksum {checksum.kind!r}", next_step=f"one of {', '.join(CHECKSUMS)}")
    if checksum.kind in WEIGHTED and not checksum.weights:
        raise ManifestError(f"{where}: {checksum.kind} has no weights", next_step="weights = [3, 1], say")
    if not {"serial", "check"} <= groups:
        raise ManifestError(f"{where}: a checksum needs the groups (?P<serial>…) and (?P<check>…) in the pattern")


@lru_cache(1024)
def parsed(pattern: str) -> Any:
    """The parse tree of a pattern, which is compiled from it only where a number may fit."""
    with warnings.catch_warnings(action="error"):  # what Python will read otherwise one day is refused now
        return _parser.parse(pattern)


@lru_cache(1024)
def _checked(pattern: str) -> frozenset[str]:
    """The names of a pattern's groups. Raises ValueError where a number could make it slow."""
    tree = parsed(pattern)
    if tree.state.flags != re.UNICODE:
        raise ValueError("sets flags, which recognition does not need")
    _ways(tree)
    return frozenset(tree.state.groupdict)


def _ways(pattern: Any) -> int:
    """In how many ways a pattern can be tried, which bounds its backtracking; counted no further than just above the limit.
    Allowed: literals, classes, groups, alternatives, bounded repeats. Raises ValueError."""
    product = 1
    for op, value in pattern:
        name = str(op)
        if name == "MAX_REPEAT":
            low, high, body = value
            if high > _LONGEST_REPEAT:  # MAXREPEAT, where there is no bound, is larger still
                raise ValueError("has an unbounded repeat")
            once = _ways(body)
            ways = sum(once**times for times in range(low, high + 1))
        elif name == "SUBPATTERN":
            if any(value[1:3]):
                raise ValueError("sets flags, which recognition does not need")
            ways = _ways(value[-1])
        elif name == "BRANCH":
            ways = sum(_ways(branch) for branch in value[1])
        elif name in ("LITERAL", "NOT_LITERAL", "IN", "AT", "ANY"):
            ways = 1
        else:
            raise ValueError(f"uses {name.lower().replace('_', ' ')}, which recognition does not need")
        product = min(product * ways, _MOST_WAYS + 1)
    if product > _MOST_WAYS:
        raise ValueError("can match in too many ways: its variable repeats and alternatives multiply")
    return product
