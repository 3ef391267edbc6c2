"""`carrier.toml`: all that is known of a carrier without importing its plugin."""

import re
import tomllib
import warnings
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from .checksums import CHECKSUMS, WEIGHTED
from .errors import ManifestError

CONTRACT = 1  # the version of the plugin contract this engine speaks

_parser: Any = vars(re)["_parser"]  # the regular-expression parser that `re` itself compiles with
_LONGEST_REPEAT, _MOST_WAYS = 64, 1000


class Checksum(Struct, frozen=True, forbid_unknown_fields=True):
    """How a format's check digit is verified: the pattern's groups `serial` and `check`, by one of `doorstep.checksums`."""

    kind: str
    weights: tuple[int, ...] = ()

    def holds(self, serial: str | None, check: str | None) -> bool:
        """Whether the check digit is right; never for what the checksum cannot read (letters, a missing group)."""
        try:
            return CHECKSUMS[self.kind](serial or "", self.weights) == check
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


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What an account may ask: `calls` per `seconds`, and so many at the same time. 0 calls: the carrier names no limit."""

    calls: Annotated[int, Meta(ge=0)] = 0
    seconds: Annotated[float, Meta(gt=0)] = 1.0
    concurrent: Annotated[int, Meta(ge=1)] = 8


class AuthKind(StrEnum):
    NONE = "none"
    KEY = "key"
    BASIC = "basic"
    OAUTH = "oauth_client_credentials"
    TOKEN = "login_token"  # noqa: S105
    BODY = "body"


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """A carrier. `link` is its own tracking page, with `{number}` and `{language}`. Without an `endpoint` the carrier is
    known by number and link only, and a manifest is all there is."""

    slug: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    name: str
    contract: int
    link: str = ""
    countries: tuple[str, ...] = ()
    formats: tuple[Format, ...] = ()
    endpoint: str = ""
    hosts: tuple[str, ...] = ()
    auth: AuthKind = AuthKind.NONE
    batch: Annotated[int, Meta(ge=1)] = 1
    limits: Limits = Limits()
    can: tuple[str, ...] = ()  # of: track_many, register, document, push
    aggregator: bool = False
    notice: str = ""  # a sentence the carrier wants shown with its data
    docs: str = ""

    @property
    def asks(self) -> bool:
        """Whether there is an API behind it."""
        return bool(self.endpoint)

    def link_for(self, number: str, language: str) -> str:
        return self.link.replace("{number}", number).replace("{language}", language.replace("_", "-"))


def load_manifest(text: str, *, file: str) -> Manifest:
    """A Manifest from the text of a `carrier.toml`. Raises ManifestError with file, path and what to write instead."""
    try:
        manifest = msgspec.convert(tomllib.loads(text), Manifest)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ManifestError(f"{file}: {error}", next_step="docs/manifest.md lists every key") from None
    if manifest.contract != CONTRACT:
        newer = manifest.contract > CONTRACT
        raise ManifestError(
            f"{file}: contract {manifest.contract} is {'newer' if newer else 'older'} than this engine's ({CONTRACT})",
            next_step="update Doorstep" if newer else "update the plugin; CHANGELOG.md says what changed",
        )
    for url in filter(None, (manifest.endpoint, manifest.link)):
        if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
            raise ManifestError(f"{file}: {url!r} is not an https URL", next_step="write the whole https://… address")
    for number_format in manifest.formats:
        _check_format(number_format, file)
    return manifest


def _check_format(number_format: Format, file: str) -> None:
    where = f"{file}: format {number_format.name!r}"
    try:
        with warnings.catch_warnings(action="error"):  # what Python will read otherwise one day is refused now
            pattern = re.compile(number_format.pattern, re.ASCII)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        raise ManifestError(f"{where}: the pattern does not compile: {error}") from None
    try:
        _ways(_parser.parse(number_format.pattern))
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
    if not {"serial", "check"} <= pattern.groupindex.keys():
        raise ManifestError(f"{where}: a checksum needs the groups (?P<serial>…) and (?P<check>…) in the pattern")


def _ways(parsed: Any) -> int:
    """In how many ways a pattern can be tried, which bounds its backtracking; counted no further than just above the limit.
    Allowed: literals, classes, groups, alternatives, bounded repeats. Raises ValueError."""
    product = 1
    for op, value in parsed:
        name = str(op)
        if name == "MAX_REPEAT":
            low, high, body = value
            if high > _LONGEST_REPEAT:  # MAXREPEAT, where there is no bound, is larger still
                raise ValueError("has an unbounded repeat")
            once = _ways(body)
            ways = sum(once**times for times in range(low, high + 1))
        elif name == "SUBPATTERN":
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
