"""Many orders at once, from a file: in transactions of a few hundred, and as often as one likes with the same end.

What was counted is on the disk. An import that is interrupted is simply run again: what is there already stays as it is.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select, update

from .clock import Clock
from .database import Database
from .drafts import Draft, Problem
from .errors import DoorstepError, StoreError
from .ledger import Ledger, Outcome
from .tables import parcels

AT_ONCE = 300  # orders in a transaction
APART = timedelta(seconds=0.5)  # between the first questions about two imported parcels
_LONGEST_QUEUE = timedelta(days=2)


class Counts(Struct, frozen=True):
    """What became of orders, and what is wrong with the bad ones."""

    created: int = 0
    changed: int = 0
    same: int = 0
    bad: int = 0
    parcels: int = 0  # that are new
    problems: tuple[Problem, ...] = ()

    @property
    def orders(self) -> int:
        """How many are in, as the file says."""
        return self.created + self.changed + self.same


class Importer:
    """Imports into one store."""

    def __init__(self, database: Database, ledger: Ledger, *, clock: Clock, store: str) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._store = store
        self._due = clock.now()

    def run(
        self, drafts: Iterable[Draft], *, refused: Callable[[Draft], None], dry_run: bool = False
    ) -> Iterator[Counts]:
        """Imports draft after draft; the counts of each transaction, once it is kept. `refused` is given what is bad.
        Raises StoreError."""
        self._due = self._end_of_queue()
        for batch in _batches(drafts):
            with self._database.writing() as connection:
                counts, bad = self._enter(connection, batch)
                if dry_run and (transaction := connection.get_transaction()):
                    transaction.rollback()
            for draft in bad:
                refused(draft)
            yield counts

    def _enter(self, connection: Connection, batch: Sequence[Draft]) -> tuple[Counts, list[Draft]]:
        """Enters what is good; what is bad comes back."""
        bad: list[Draft] = []
        outcomes: Counter[Outcome] = Counter()
        new: list[str] = []
        self._ledger.begin(connection, self._store)
        for draft in batch:
            try:
                if draft.change is None:
                    bad.append(draft)
                    continue
                entry = self._ledger.enter(connection, self._store, draft.number, draft.change)
            except StoreError:
                raise
            except DoorstepError as error:
                bad.append(_refused(draft, error))
                continue
            outcomes[entry.outcome] += 1
            new += entry.parcels
        self._stagger(connection, new)
        problems = tuple(problem for draft in bad for problem in draft.problems)
        kinds = (outcomes[Outcome.CREATED], outcomes[Outcome.CHANGED], outcomes[Outcome.SAME])
        return Counts(*kinds, len(bad), len(new), problems), bad

    def _end_of_queue(self) -> datetime:
        """When the last parcel that waits for its first question is asked about: an import goes on from there."""
        now = self._clock.now()
        waiting = (parcels.c.fetched_at.is_(None)) & (parcels.c.failures == 0)
        near = parcels.c.due_at.between(now, now + _LONGEST_QUEUE)
        with self._database.reading() as connection:
            last: datetime | None = connection.scalar(select(func.max(parcels.c.due_at)).where(waiting, near))
        return last or now

    def _stagger(self, connection: Connection, ids: Sequence[str]) -> None:
        due = [self._due + APART * at for at in range(1, len(ids) + 1)]
        if due:
            connection.execute(_DUE, [{"parcel": id, "due": at} for id, at in zip(ids, due, strict=True)])
            self._due = due[-1]


_DUE = update(parcels).where(parcels.c.id == bindparam("parcel")).values(due_at=bindparam("due"))


def _refused(draft: Draft, error: DoorstepError) -> Draft:
    problem = Problem(draft.rows[0].line, "", error.message, error.next_step or "correct it")
    return Draft(draft.number, draft.rows, None, (problem,))


def _batches(drafts: Iterable[Draft]) -> Iterator[list[Draft]]:
    ahead = iter(drafts)
    while batch := list(islice(ahead, AT_ONCE)):
        yield batch
