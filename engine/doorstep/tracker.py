"""From a number to an answer: which carriers to ask, what is kept, one question at a time per number.

What is known is served at once with its age and refreshed behind; what is not known is asked, and a page that cannot wait
says so while the question goes on. An error belongs to the question, never to the shipment.
"""

import asyncio
import hmac
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import msgspec
import structlog
from msgspec import Struct

from .cache import Cache
from .clock import Clock
from .config import Store
from .errors import CarrierError
from .exchange import Answer, Found, NotFound, Query
from .fetch import Fetcher
from .freshness import KEPT, Entry
from .metrics import Metrics
from .models import Shipment
from .plugins import Account, Plugins
from .recognition import Candidate, Hints, Recognizer
from .secret import Secret
from .wire import Wire

_FORMAT = "ds1"  # of what the cache keeps; another format is another key
_TIE = 0.1  # candidates whose scores are this close are equals
_MOST_ASKED = 4
_MOST_FAILURES = 4096

log = structlog.get_logger("doorstep.tracker")


class Outcome(StrEnum):
    FOUND = "found"
    CHOOSE = "choose"  # several carriers, or several parcels, have this number
    NOT_FOUND = "not_found"
    WAITING = "waiting"  # the carrier is being asked and has not answered yet
    UNAVAILABLE = "unavailable"
    LINK_ONLY = "link_only"  # the number is recognised, but nobody here can ask
    UNRECOGNISED = "unrecognised"


class Freshness(StrEnum):
    FRESH = "fresh"
    STALE = "stale"  # being refreshed behind
    STALE_ON_ERROR = "stale_on_error"  # the carrier could not be asked again


class Lookup(Struct, frozen=True):
    """What is known of a number. `carriers` are the slugs asked, or that could be asked; `retry_after` is in seconds."""

    outcome: Outcome
    number: str
    shipments: tuple[Shipment, ...] = ()
    fetched_at: datetime | None = None
    freshness: Freshness = Freshness.FRESH
    carriers: tuple[str, ...] = ()
    retry_after: float | None = None
    error: str = ""

    def narrowed(self, parcel: str) -> "Lookup":
        """The same with the one shipment of that id, if it is among them."""
        chosen = tuple(shipment for shipment in self.shipments if shipment.id == parcel)
        return msgspec.structs.replace(self, outcome=Outcome.FOUND, shipments=chosen) if chosen else self


class _Wish(Struct, frozen=True):
    """One look-up: what is asked, for whom, until when (on the monotonic clock)."""

    number: str
    store: Store
    carrier: str
    ends: float
    stranger: bool
    wire: Wire | None


class _Known(Struct, frozen=True):
    """An answer of one account, as the look-up uses it."""

    account: Account
    entry: Entry
    freshness: Freshness


class _Failure(Struct, frozen=True):
    error: CarrierError
    until: float  # on the monotonic clock: not asked again before


class Tracker:
    """Looks numbers up for stores. One per process."""

    def __init__(
        self, plugins: Plugins, fetcher: Fetcher, cache: Cache, *, clock: Clock, metrics: Metrics, secret: Secret
    ) -> None:
        self._plugins = plugins
        self._fetcher = fetcher
        self._cache = cache
        self._clock = clock
        self._metrics = metrics
        self._secret = secret.reveal().encode()
        self._recognizer = Recognizer(plugins.manifests.values())
        self._flights: dict[str, asyncio.Task[Entry]] = {}
        self._failures: dict[str, _Failure] = {}

    async def close(self) -> None:
        """Lets no question outlive the process."""
        for flight in list(self._flights.values()):
            flight.cancel()
        await asyncio.gather(*self._flights.values(), return_exceptions=True)

    def candidates(self, number: str, store: Store) -> list[Candidate]:
        """The carriers a normalised number may belong to, best first, as this store sees it."""
        accounts = self._plugins.accounts.values()
        used = frozenset(
            one.carrier.manifest.slug for one in accounts if not store.carriers or one.name in store.carriers
        )
        return self._recognizer.candidates(number, Hints(carriers=used, countries=frozenset(store.countries)))

    async def look_up(
        self,
        number: str,
        store: Store,
        *,
        carrier: str = "",
        wait: float = 2.5,
        stranger: bool = True,
        wire: Wire | None = None,
    ) -> Lookup:
        """What is known of a normalised number. `carrier` narrows to one; `wait` is the longest this may take, in seconds.

        A `stranger` has the number alone, and spends no more than the accounts' share for strangers. With a `wire` log the
        carriers are asked now, whatever is kept.
        """
        wish = _Wish(number, store, carrier, self._clock.monotonic() + wait, stranger, wire)
        lookup = await self._look_up(wish)
        outcome = lookup.freshness if lookup.outcome is Outcome.FOUND else lookup.outcome
        self._metrics.lookups.labels(outcome.value).inc()
        return lookup

    async def _look_up(self, wish: _Wish) -> Lookup:
        number = wish.number
        candidates = self.candidates(number, wish.store)
        named = wish.carrier in self._plugins.manifests
        if named:
            fitting = [candidate for candidate in candidates if candidate.carrier == wish.carrier]
            candidates = fitting or [Candidate(wish.carrier, "", 1.0, ("named in the address",))]
        known: list[_Known] = []
        errors: list[CarrierError] = []
        asked: list[str] = []
        waiting = False
        direct = await self._groups(wish, candidates)
        for group in direct or [self._aggregators(wish)]:
            for account in group:
                if len(asked) >= _MOST_ASKED:
                    break
                asked.append(account.carrier.manifest.slug)
                try:
                    answer = await self._known(account, wish)
                    if isinstance(answer.entry.answer, Found):
                        known.append(answer)
                except CarrierError as error:
                    errors.append(error)
                except TimeoutError:
                    waiting = True
            if known or waiting or errors:
                break  # a worse candidate is asked only when every better one has said no
        slugs = tuple(asked)
        if known:
            # One shopper's choice, or a hit while an equal has not said no, is not everybody's answer.
            certain = not named and not waiting and not errors
            return await self._found(number, known, remember=certain)
        if waiting:
            return Lookup(Outcome.WAITING, number, carriers=slugs)
        if errors:
            after = max((error.retry_after or 0 for error in errors), default=0)
            return Lookup(Outcome.UNAVAILABLE, number, carriers=slugs, retry_after=after or None, error=errors[0].code)
        if direct:
            return Lookup(Outcome.NOT_FOUND, number, carriers=slugs)
        likely = tuple(
            one.carrier for one in candidates if self._is_somebody(one) and one.score >= candidates[0].score / 2
        )
        return Lookup(Outcome.LINK_ONLY if likely else Outcome.UNRECOGNISED, number, carriers=likely)

    def _is_somebody(self, candidate: Candidate) -> bool:
        """Whether a shopper can be sent there: a form that any company may use (a GS1 unit) is nobody's."""
        manifest = self._plugins.manifests[candidate.carrier]
        return bool(manifest.link or manifest.countries)

    def _account(self, slug: str, wish: _Wish) -> Account | None:
        """The store's account of a carrier; one whose share for strangers is 0 is not there for them."""
        accounts = self._plugins.accounts_of(slug, wish.store.carriers)
        return next((account for account in accounts if account.strangers or not wish.stranger), None)

    def _aggregators(self, wish: _Wish) -> list[Account]:
        """Who may know every carrier's numbers, for where no carrier itself can be asked."""
        slugs = [slug for slug, manifest in self._plugins.manifests.items() if manifest.aggregator]
        return [account for slug in slugs if (account := self._account(slug, wish)) is not None]

    async def _groups(self, wish: _Wish, candidates: Sequence[Candidate]) -> list[list[Account]]:
        """The accounts to ask, equals together, best first; a carrier that had this number before comes before all."""
        home = (await self._cache.get(self._home_key(wish.number)) or b"").decode("utf-8", "replace")
        groups: list[list[Account]] = []
        leader: Candidate | None = None
        for candidate in sorted(candidates, key=lambda candidate: candidate.carrier != home):
            account = self._account(candidate.carrier, wish)
            if account is None:
                continue
            if leader is not None and leader.carrier != home and candidate.score >= leader.score - _TIE:
                groups[-1].append(account)
            else:
                groups.append([account])
                leader = candidate
        return groups

    async def _found(self, number: str, known: list[_Known], *, remember: bool) -> Lookup:
        carriers = tuple(one.account.carrier.manifest.slug for one in known)
        shipments = tuple(s for one in known if isinstance(one.entry.answer, Found) for s in one.entry.answer.shipments)
        if remember and len(set(carriers)) == 1:
            await self._cache.set(self._home_key(number), carriers[0].encode(), KEPT)
        oldest = min(known, key=lambda one: one.entry.fetched_at)
        outcome = Outcome.FOUND if len(shipments) == 1 else Outcome.CHOOSE
        return Lookup(outcome, number, shipments, oldest.entry.fetched_at, oldest.freshness, carriers)

    async def _known(self, account: Account, wish: _Wish) -> _Known:
        """The account's answer: kept or asked for. Raises CarrierError, or TimeoutError when there is no time to wait."""
        wire, language = wish.wire, wish.store.language
        key = self._key(account, wish.number, language)
        seed = key.rpartition(":")[2]
        entry = await self._read(key)
        now = self._clock.now()
        if entry is not None and entry.fresh(now, seed=seed) and wire is None:
            return _Known(account, entry, Freshness.FRESH)
        failure = self._recent_failure(key)
        if failure is None or wire is not None:
            flight = self._flight(key, account, wish, entry)
        if entry is not None and entry.usable(now) and wire is None:
            return _Known(account, entry, Freshness.STALE_ON_ERROR if failure else Freshness.STALE)
        if failure is not None and wire is None:
            raise failure.error
        left = max(0.0, wish.ends - self._clock.monotonic())
        return _Known(account, await asyncio.wait_for(asyncio.shield(flight), left), Freshness.FRESH)

    def _flight(self, key: str, account: Account, wish: _Wish, before: Entry | None) -> asyncio.Task[Entry]:
        """The one question under way for this key; begins it where there is none. It outlives the page that began it."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._ask(key, account, wish, before))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    async def _ask(self, key: str, account: Account, wish: _Wish, before: Entry | None) -> Entry:
        query = Query(wish.number, wish.store.language.replace("_", "-"))
        answer = await self._fetcher.track(account, query, stranger=wish.stranger, wire=wish.wire)
        if isinstance(answer, NotFound) and before is not None and isinstance(before.answer, Found):
            answer = before.answer  # a carrier that forgets a parcel it knew does not make it unknown
        entry = Entry(self._with_ids(answer, before, account), self._clock.now())
        await self._cache.set(key, msgspec.msgpack.encode(entry), KEPT)
        return entry

    def _landed(self, key: str, flight: asyncio.Task[Entry]) -> None:
        self._flights.pop(key, None)
        if flight.cancelled():
            return
        error = flight.exception()
        if error is None:
            self._failures.pop(key, None)
            return
        if not isinstance(error, CarrierError):
            log.error("question failed", error=type(error).__name__)
            return
        log.warning("carrier did not answer", code=error.code, reason=error.message)
        pause = min(max(error.retry_after or 30.0, 5.0), 3600.0)
        if len(self._failures) >= _MOST_FAILURES:
            self._failures.clear()
        self._failures[key] = _Failure(error, self._clock.monotonic() + pause)

    def _recent_failure(self, key: str) -> _Failure | None:
        failure = self._failures.get(key)
        if failure is not None and self._clock.monotonic() >= failure.until:
            del self._failures[key]
            return None
        return failure

    async def _read(self, key: str) -> Entry | None:
        packed = await self._cache.get(key)
        if packed is None:
            return None
        try:
            return msgspec.msgpack.decode(packed, type=Entry)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
            return None  # written by something else, or damaged: a miss

    def _with_ids(self, answer: Answer, before: Entry | None, account: Account) -> Answer:
        """Each shipment with its id: the one it had, or a new one. A number is used again; an id is not."""
        if not isinstance(answer, Found):
            return answer
        kept: dict[str, str] = {}
        if before is not None and isinstance(before.answer, Found):
            kept = {mark: one.id for mark, one in zip(_marks(before.answer), before.answer.shipments, strict=True)}
        shipments = []
        for mark, shipment in zip(_marks(answer), answer.shipments, strict=True):
            id = kept.get(mark) or self._digest("shipment", account.carrier.manifest.slug, shipment.number, mark)[:20]
            shipments.append(msgspec.structs.replace(shipment, id=id))
        return Found(tuple(shipments))

    def _key(self, account: Account, number: str, language: str) -> str:
        revision = f"{account.name}:{account.revision}:{language}"
        return f"{_FORMAT}:{revision}:{self._digest('answer', account.carrier.manifest.slug, number)}"

    def _home_key(self, number: str) -> str:
        return f"{_FORMAT}:home:{self._digest('home', number)}"

    def _digest(self, *parts: str) -> str:
        """What stands for a number in keys: it cannot be read back without the engine's secret."""
        return hmac.new(self._secret, "\x1f".join(parts).encode(), sha256).hexdigest()[:32]


def _marks(answer: Found) -> list[str]:
    """What tells parcels under one number apart: the day of the first scan, and their order where it is the same."""
    seen: Counter[str] = Counter()
    marks = []
    for day in map(_first_day, answer.shipments):
        seen[day] += 1
        marks.append(day if seen[day] == 1 else f"{day}#{seen[day]}")
    return marks


def _first_day(shipment: Shipment) -> str:
    for event in reversed(shipment.events):
        at = event.moment.local or event.moment.instant
        if at is not None:
            return at.date().isoformat()
    return ""
