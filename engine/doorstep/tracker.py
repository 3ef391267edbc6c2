"""From a number to an answer: which carriers to ask, what is known already, what is asked now.

What is known is served at once with its age and refreshed behind; what is not known is asked, and a page that cannot wait
says so while the question goes on. It is looked for in the cache, then in what lasts of ordered parcels, then at the carrier.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

import msgspec
from msgspec import Struct

from .cache import Cache
from .clock import Clock
from .config import Store
from .deadlines import Deadlines
from .errors import CarrierError, CarrierUnavailable, PluginFailed
from .exchange import Query
from .fetch import Fetcher
from .freshness import Entry, Freshness, Record, Standing, State
from .invalidation import Moved, nobody
from .leases import Leases
from .lookup import Heard, Known, Lookup, Outcome, Wish, merged
from .manifest import Ability
from .metrics import Metrics
from .planning import NOBODY, Plan, Planner
from .plugins import Account, Plugins
from .questions import Part, Questions
from .secret import Secret
from .wire import Wire

Flights = Mapping[asyncio.Task[Entry], tuple[Account, str]]  # with whom is asked, and the answer's key

_MOST_ASKED = 4
_LONGEST = 60.0  # seconds that a refresh may take


class Records(Protocol):
    """What lasts of a number, read in the store's language. Never raises, and never keeps a page waiting."""

    async def known(self, number: str, language: str) -> Record: ...


class NoRecords:
    """Where no orders are kept."""

    async def known(self, number: str, language: str) -> Record:
        return Record()


class Wanted(Struct, frozen=True):
    """A parcel to be refreshed, with what is known of it."""

    number: str
    store: Store
    record: Record = Record()


class Refreshed(Struct, frozen=True):
    """What became of it: the answers now valid, by the account's carrier (several when equals both know the number), or why
    nobody could be asked. Neither: nobody knows the number, or there is nobody to ask."""

    entries: dict[str, Entry] = {}
    error: CarrierError | None = None


class Tracker:
    """Looks numbers up for stores, and refreshes parcels of orders. One per process."""

    def __init__(
        self, plugins: Plugins, fetcher: Fetcher, cache: Cache, *, clock: Clock, metrics: Metrics, secret: Secret,
        records: Records = NoRecords(), leases: Leases | None = None, moved: Moved = nobody,  # noqa: B008
    ) -> None:  # fmt: skip
        self._plugins = plugins
        self._fetcher = fetcher
        self._clock = clock
        self._metrics = metrics
        self._records = records
        self._planner = Planner(plugins)
        self._deadlines = Deadlines()
        self.questions = Questions(cache, clock=clock, secret=secret, metrics=metrics, leases=leases, moved=moved)

    async def close(self) -> None:
        """Lets no question outlive the process."""
        await self.questions.close()

    async def look_up(
        self,
        number: str,
        store: Store,
        *,
        carrier: str = "",
        wait: float,
        stranger: bool = True,
        wire: Wire | None = None,
    ) -> Lookup:
        """What is known of a normalised number. `carrier` narrows to one; `wait` is the longest this may take, in seconds.

        A `stranger` has the number alone, and spends no more than the accounts' share for strangers; the number of an order's
        parcel is no stranger's. With a `wire` log the carriers are asked now, whatever is kept.
        """
        wish = Wish(number, store, carrier, wait, stranger, wire)
        lookup = await self._look_up(wish)
        self._count(lookup)
        return lookup

    def _count(self, lookup: Lookup) -> None:
        if lookup.fetched_at is None:
            self._metrics.lookups.counts[lookup.outcome] += 1
            return
        age = (self._clock.now() - lookup.fetched_at).total_seconds()
        self._metrics.served_age.of(lookup.freshness).observe(age)
        if lookup.freshness is Freshness.STALE_ON_ERROR:
            self._metrics.outage_age.note(age, self._clock.monotonic())
        self._metrics.lookups.counts["miss" if lookup.asked else lookup.freshness] += 1

    def query(self, wanted: Wanted) -> Query:
        """What a carrier is asked about a parcel, or told to watch."""
        number, store, record = wanted.number, wanted.store, wanted.record
        owners = self._planner.owners(number, store, record.carrier)
        return Query(number, store.language.replace("_", "-"), record.postcode, record.shipped_on, owners)

    async def first_asked(self, wanted: Wanted) -> Account | None:
        """The account that is asked about a parcel before any other; None when nobody can be."""
        plan, _ = await self._plan(self._patient(wanted))
        return plan.first

    async def refresh(self, parcels: Sequence[Wanted]) -> list[Refreshed]:
        """What the carriers say now of parcels of orders, in the same order: asked where what is kept is no longer fresh, in
        one question where the carrier takes several numbers. Whatever is learnt is in the cache for pages."""
        wishes = [self._patient(one) for one in parcels]
        together: dict[tuple[str, str], list[tuple[Account, Wish]]] = {}
        for wish in wishes:
            plan, _ = await self._plan(wish)
            account = plan.first
            if account is not None and Ability.TRACK_MANY in account.carrier.manifest.can:
                together.setdefault((account.name, wish.store.language), []).append((account, wish))
        await asyncio.gather(*map(self._ask_together, together.values()))
        return await asyncio.gather(*map(self._refreshed, wishes))

    async def renew(self, number: str, store: Store, since: datetime) -> None:
        """Asks again about a number of which there is news: what was said before `since` is old. One that belongs to no order,
        and that nobody here has asked about, is let be."""
        wish = Wish(number, store, "", _LONGEST, True, patient=True, since=since)
        plan, _ = await self._plan(wish)
        kept = [(await self._kept(account, wish))[1] for group in plan.groups for account in group]
        if any(kept) or (await self._record(wish)).ordered:
            await self._heard(wish)

    def _patient(self, wanted: Wanted) -> Wish:
        return Wish(wanted.number, wanted.store, "", _LONGEST, False, patient=True, record=wanted.record)

    async def _refreshed(self, wish: Wish) -> Refreshed:
        try:
            _, heard = await self._heard(wish)
        except Exception as error:  # a mistake of ours about one number is no reason to stop asking about the others
            return Refreshed(error=PluginFailed(f"the question failed: {type(error).__name__}"))
        if heard.waiting:
            heard.errors.append(CarrierUnavailable("no answer in time"))
        if not heard.known and heard.errors:
            return Refreshed(error=heard.errors[0])
        return Refreshed({one.account.carrier.manifest.slug: one.entry for one in heard.known})

    async def _ask_together(self, batch: Sequence[tuple[Account, Wish]]) -> None:
        """Asks one account about several numbers, those it was not asked about a moment ago."""
        due: dict[str, tuple[str, Wish, Entry | None]] = {}
        account, _ = batch[0]
        for _, wish in batch:
            key, entry = await self._kept(account, wish)
            if self._standing(wish, key, entry).state.begins:
                due[wish.number] = (key, wish, entry)
        if len(due) < 2:
            return  # one alone is asked in full, as a page asks
        queries = [await self._query(wish) for _, wish, _ in due.values()]
        together = self.questions.batch(partial(self._fetcher.track_many, account), len(queries))
        flights = {}
        for query in queries:
            key, wish, before = due[query.number]
            ask = Part(together, self._fetcher, account, query, before)
            life = wish.store.freshness
            since = wish.news_at
            flights[key] = (self.questions.flight(key, account, before, ask, life, quiet=True, since=since), wish)
        await asyncio.wait([flight for flight, _ in flights.values()])
        for key, (flight, wish) in flights.items():
            if flight.exception() is None:
                wish.read[key] = flight.result()

    async def _look_up(self, wish: Wish) -> Lookup:
        plan, heard = await self._heard(wish)
        life = wish.store.freshness
        return msgspec.structs.replace(
            self._concluded(wish, plan, heard),
            asked=heard.waiting or any(one.asked for one in heard.answers),
            fresh_until=min(
                [one.fresh_until or self.questions.fresh_until(one.key, one.entry, life) for one in heard.answers],
                default=None,
            ),
            tags=() if heard.waiting or heard.errors else tuple(one.key for one in heard.answers),
        )

    async def _heard(self, wish: Wish) -> tuple[Plan, Heard]:
        """What was heard in the time there is, whatever took it: a carrier, a cache, or a database."""
        plan, heard = NOBODY, Heard()
        try:
            with self._deadlines.within(wish.wait):
                plan, kept = await self._plan(wish)
                if kept is None:
                    await self._hear(wish, plan, heard)
                else:
                    heard = kept
                await self._remember(wish, heard)
        except TimeoutError:
            heard.waiting = True
        return plan, heard

    def _concluded(self, wish: Wish, plan: Plan, heard: Heard) -> Lookup:
        number = wish.number
        slugs = tuple(heard.asked)
        if heard.known:
            return merged(number, heard.known)
        named = wish.record.carrier if wish.record else ""
        likely = self._planner.likely(number, wish.store, wish.carrier, named)
        if heard.waiting:
            return Lookup(Outcome.WAITING, number, carriers=slugs or likely)
        if heard.errors:
            after = max(error.retry_after or 0 for error in heard.errors)
            code = heard.errors[0].code
            return Lookup(Outcome.UNAVAILABLE, number, carriers=slugs, retry_after=after or None, error=code)
        if plan.direct:
            return Lookup(Outcome.NOT_FOUND, number, carriers=slugs)
        return Lookup(Outcome.LINK_ONLY if likely else Outcome.UNRECOGNISED, number, carriers=likely)

    async def _hear(self, wish: Wish, plan: Plan, heard: Heard) -> None:
        """Asks group by group, equals at once: a worse candidate only when every better one has said no. When one is down, no
        other carrier answers for it; another API of the same one does."""
        wholes: set[str] = set()
        for group in plan.groups:
            if heard.errors:
                group = [account for account in group if account.carrier.manifest.slug in wholes]
            wholes.update(account.carrier.manifest.part_of for account in group)
            flights = {}
            for account in group[: _MOST_ASKED - len(heard.asked)]:
                heard.asked.append(account.carrier.manifest.slug)
                key, entry = await self._kept(account, wish)
                stands = self._standing(wish, key, entry)
                settled = stands.state.settled
                shown = stands.shown if settled or not wish.patient else None
                if not (settled or stands.failure):
                    flight = await self._flight(key, account, wish, entry, behind=shown is not None)
                if shown is not None:
                    heard.answers.append(Known(account, key, shown, stands.state.served, stands.fresh_until))
                elif stands.failure is not None:
                    heard.errors.append(stands.failure)
                else:
                    flights[flight] = (account, key)
            await self._land(flights, heard)
            if heard.known:
                break

    async def _land(self, flights: Flights, heard: Heard) -> None:
        """Waits for the answers; should there be no time for all, those that came count."""
        try:
            if flights:
                await asyncio.wait(flights)
        finally:
            for flight, (account, key) in flights.items():
                if flight.done():
                    try:
                        heard.answers.append(Known(account, key, flight.result(), asked=True))
                    except CarrierError as error:
                        heard.errors.append(error)

    def _standing(self, wish: Wish, key: str, entry: Entry | None) -> Standing:
        """How the data stand; with a wire log nothing is kept that counts. What is settled is so for the whole look-up, until
        something is known of news."""
        if key in wish.settled:
            return wish.settled[key]
        if wish.wire is not None:
            return Standing(State.MISSING)
        stands = self.questions.standing(key, entry, wish.store.freshness, wish.news_at)
        if stands.state.settled:
            wish.settled[key] = stands
        return stands

    async def _remember(self, wish: Wish, heard: Heard) -> None:
        """Which carrier has the number, where one is certain: one shopper's choice, or a hit while an equal has not said no, is
        not everybody's answer."""
        slugs = {one.account.carrier.manifest.slug for one in heard.known}
        if (
            wish.carrier not in self._plugins.manifests
            and not heard.errors
            and len(slugs) == 1
            and slugs != {wish.home}
        ):
            await self.questions.remember(wish.number, *slugs)

    async def _plan(self, wish: Wish) -> tuple[Plan, Heard | None]:
        """Whom to ask, in which order; and what they would say, where the cache alone can tell. Only where it cannot, what
        lasts is read."""
        if wish.record is None:
            plan = await self._guessed(wish)
            kept = await self._answers_at_once(wish, plan)
            if kept is not None:
                return plan, kept
        else:
            wish.home = await self.questions.home(wish.number)
        record = await self._record(wish)
        stranger = wish.stranger and not record.ordered
        plan = self._planner.plan(wish.number, wish.store, wish.carrier, record.carrier, wish.home, stranger=stranger)
        return plan, None

    async def _guessed(self, wish: Wish) -> Plan:
        """Whom to ask by the number alone, and by who had it before. That is mostly who would be asked anyway: what is kept of
        its answers is read with it."""
        candidates = self._planner.candidates(wish.number, wish.store, wish.carrier)
        plan = self._planner.ranked(candidates, wish.store, wish.carrier, stranger=False)
        if plan.first is None or wish.wire is not None:
            wish.home = await self.questions.home(wish.number)
        else:
            key = self._key(plan.first, wish)
            wish.home, wish.read[key] = await self.questions.begin(wish.number, key)
        if not wish.home:
            return plan
        return self._planner.ranked(candidates, wish.store, wish.carrier, home=wish.home, stranger=False)

    async def _answers_at_once(self, wish: Wish, plan: Plan) -> Heard | None:
        """What the cache says of all that this plan would ask, as `_hear` would: then nothing is asked, of whomever."""
        if plan.first is None:
            return None
        heard = Heard()
        for group in plan.groups:
            for account in group[: _MOST_ASKED - len(heard.asked)]:
                heard.asked.append(account.carrier.manifest.slug)
                key = self._key(account, wish)
                entry = await self._read(wish, key)
                stands = None if entry is None else self._standing(wish, key, entry)
                if stands is None or stands.shown is None or not stands.state.settled:
                    return None
                heard.answers.append(Known(account, key, stands.shown, stands.state.served, stands.fresh_until))
            if heard.known:
                break
        return heard

    async def _flight(
        self, key: str, account: Account, wish: Wish, before: Entry | None, *, behind: bool
    ) -> asyncio.Task[Entry]:
        query, stranger = await self._query(wish), wish.stranger and not (await self._record(wish)).ordered
        ask = partial(self._fetcher.track, account, query, stranger=stranger, wire=wish.wire)
        life, now = wish.store.freshness, wish.wire is not None
        quiet, since = wish.patient, wish.news_at
        return self.questions.flight(key, account, before, ask, life, quiet=quiet, now=now, behind=behind, since=since)

    async def _kept(self, account: Account, wish: Wish) -> tuple[str, Entry | None]:
        """The newest answer of an account that is kept anywhere, with its key in the cache, where it is from then on."""
        key = self._key(account, wish)
        entry = await self._read(wish, key)
        if self._standing(wish, key, entry).state.settled:
            return key, entry
        lasting = (await self._record(wish)).entries.get(account.carrier.manifest.slug)
        if lasting is not None and (entry is None or entry.fetched_at < lasting.fetched_at):
            before, wish.read[key], entry = entry, lasting, lasting
            await self.questions.put(key, lasting, before)
        return key, entry

    async def _read(self, wish: Wish, key: str) -> Entry | None:
        if key not in wish.read:
            wish.read[key] = await self.questions.read(key)
        return wish.read[key]

    async def _record(self, wish: Wish) -> Record:
        """What lasts of the number; read once a look-up."""
        if wish.record is None:
            wish.record = await self._records.known(wish.number, wish.store.language)
            wish.settled.clear()
        return wish.record

    async def _query(self, wish: Wish) -> Query:
        return self.query(Wanted(wish.number, wish.store, await self._record(wish)))

    def _key(self, account: Account, wish: Wish) -> str:
        if account.name not in wish.keys:
            wish.keys[account.name] = self.questions.key(account, wish.number, wish.store.language)
        return wish.keys[account.name]
