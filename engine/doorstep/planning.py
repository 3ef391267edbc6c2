"""Whom to ask about a number, in which order: from candidates and what is known to accounts. Asks nobody."""

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from .config import Store
from .made_once import once
from .plugins import Account, Plugins
from .recognition import Candidate, Hints, Recognizer

Allowed = tuple[str, ...]  # a store's accounts; all, when empty

_MOST_NUMBERS = 4096
_MOST_PLANS = 1024
_TIE = 0.1  # candidates whose scores are this close are equals


class Plan(Struct, frozen=True, dict=True):
    """The accounts to ask, equals together, best first. `direct`: carriers themselves, not only who may know of all."""

    groups: list[list[Account]]
    direct: bool

    @once
    def first(self) -> Account | None:
        return next((account for group in self.groups for account in group), None)


NOBODY = Plan([], direct=False)


class Planner:
    """Ranks for stores. `carrier` is the one named in the address (it alone counts then), `named` the one that the order
    names, `home` the one that had the number before."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._recognizer = Recognizer(plugins.manifests.values())
        # Neither the accounts nor their carriers change while the process lives. Numbers have few forms, and so few plans.
        self._hints = lru_cache(256)(self._hints_of)
        self._recognised = lru_cache(_MOST_NUMBERS)(lambda *asked: tuple(self._recognizer.candidates(*asked)))
        self._ranked = lru_cache(_MOST_PLANS)(self._ranked_of)

    def candidates(self, number: str, store: Store, carrier: str = "", named: str = "") -> tuple[Candidate, ...]:
        """The carriers that a normalised number may belong to, best first, as this store sees it."""
        candidates = self._recognised(number, self._hints(store.carriers, store.countries))
        if carrier in self._plugins.manifests:
            fitting = tuple(candidate for candidate in candidates if candidate.carrier == carrier)
            return fitting or (Candidate(carrier, "", 1.0, ("named in the address",)),)
        if named in self._plugins.manifests and all(candidate.carrier != named for candidate in candidates):
            return (Candidate(named, "", 1.0, ("named by the order",)), *candidates)
        return candidates

    def _hints_of(self, carriers: tuple[str, ...], countries: tuple[str, ...]) -> Hints:
        accounts = self._plugins.accounts.values()
        used = frozenset(one.carrier.manifest.slug for one in accounts if not carriers or one.name in carriers)
        return Hints(carriers=used, countries=frozenset(countries))

    def likely(self, number: str, store: Store, carrier: str = "", named: str = "") -> tuple[str, ...]:
        """The carriers to whose own pages a shopper can be sent: a form that any company may use (a GS1 unit) is nobody's."""
        candidates = self.candidates(number, store, carrier, named)
        good = [candidate.carrier for candidate in candidates if candidate.score >= candidates[0].score / 2]
        manifests = self._plugins.manifests
        told = {manifests[slug].part_of for slug in good}  # a carrier whose part is there needs no second link
        return tuple(slug for slug in good if slug not in told and (manifests[slug].link or manifests[slug].countries))

    def owners(self, number: str, store: Store, named: str = "") -> tuple[str, ...]:
        """The carriers whose a number may be, for an aggregator: the one that the order names, alone, else by its form."""
        manifests = self._plugins.manifests
        slugs = [named] if named in manifests else [one.carrier for one in self.candidates(number, store)]
        return tuple(slug for slug in slugs if not manifests[slug].aggregator)

    def plan(
        self, number: str, store: Store, carrier: str = "", named: str = "", home: str = "", *, stranger: bool
    ) -> Plan:
        """Whoever may be asked for a `stranger`, or for an order's own customer."""
        candidates = self.candidates(number, store, carrier, named)
        return self.ranked(candidates, store, carrier, named, home, stranger=stranger)

    def ranked(
        self, candidates: tuple[Candidate, ...], store: Store, carrier: str = "", named: str = "", home: str = "", *,
        stranger: bool,
    ) -> Plan:  # fmt: skip
        """The same, of candidates that are known."""
        return self._ranked(candidates, store.carriers, carrier, named, home, stranger)

    def _ranked_of(
        self, candidates: Sequence[Candidate], carriers: Allowed, carrier: str, named: str, home: str, stranger: bool
    ) -> Plan:
        parts = self._parts(candidates, carriers, stranger=stranger)
        parts.pop(home, None)
        named = parts.get(named, named)
        first = named or home
        groups: list[list[Account]] = []
        behind: list[list[Account]] = []
        leader: Candidate | None = None
        for candidate in sorted(candidates, key=lambda candidate: candidate.carrier != first):
            account = self._account(candidate.carrier, carriers, stranger=stranger)
            if account is None:
                continue
            if candidate.carrier in parts:
                behind.append([account])
                continue
            if leader is not None and leader.carrier != first and candidate.score >= leader.score - _TIE:
                groups[-1].append(account)
            else:
                groups.append([account])
                leader = candidate
        groups += behind
        aggregators = [[account] for account in self._aggregators(carriers, home, stranger=stranger)]
        if not groups:
            return Plan(aggregators, direct=False)
        if aggregators and not carrier and named and self._account(named, carriers, stranger=stranger) is None:
            return Plan([*aggregators, *groups], direct=True)  # who can be asked directly is another carrier, at best
        return Plan(groups, direct=True)

    def _parts(self, candidates: Sequence[Candidate], carriers: Allowed, *, stranger: bool) -> dict[str, str]:
        """The carriers that step back behind a part of theirs, which knows more of these numbers, each with that part."""
        wholes = {self._plugins.manifests[candidate.carrier].part_of: candidate.carrier for candidate in candidates}
        return {
            whole: part for whole, part in wholes.items() if whole and self._account(part, carriers, stranger=stranger)
        }

    def _account(self, slug: str, carriers: Allowed, *, stranger: bool) -> Account | None:
        """A store's account of a carrier; one whose share for strangers is 0 is not there for them."""
        accounts = self._plugins.accounts_of(slug, carriers)
        return next((account for account in accounts if account.strangers or not stranger), None)

    def _aggregators(self, carriers: Allowed, home: str, *, stranger: bool) -> list[Account]:
        """Who may know every carrier's numbers, one after the other since each is paid by the number: the one that had this
        number before, then in the order of the settings."""
        accounts = self._plugins.accounts
        named = (accounts[name] for name in carriers or accounts if name in accounts)
        slugs = dict.fromkeys(one.carrier.manifest.slug for one in named if one.carrier.manifest.aggregator)
        found = (
            self._account(slug, carriers, stranger=stranger) for slug in sorted(slugs, key=lambda slug: slug != home)
        )
        return [account for account in found if account is not None]
