"""Requests that are done once, however often they are sent: `Idempotency-Key`, as draft-ietf-httpapi-idempotency-key-header
has it.

The key is written in the transaction that does the work, with the sealed answer. So there is no state between: a request that
failed leaves nothing, and one that comes while the first is under way waits for it and gets its answer.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, delete, select, update

from .clock import Clock
from .database import insert
from .errors import KeyReused
from .tables import requests
from .vault import Vault, same

LASTS = timedelta(hours=24)
LONGEST = 128


class Given(Struct, frozen=True):
    """An answer as it went out."""

    status: int
    headers: dict[str, str]
    body: bytes


class Once:
    """Does things once."""

    def __init__(self, vault: Vault, *, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    def do(
        self, connection: Connection, scope: str, key: str, request: bytes, work: Callable[[Connection], Given]
    ) -> Given:
        """The answer of `work`, or the one it gave when the same request came before.

        `scope` is whose key it is, `request` all that makes the request what it is. Raises KeyReused.
        """
        now, prints = self._clock.now(), self._vault.fingerprints(request)
        mine = (requests.c.scope == scope) & (requests.c.key == key)
        connection.execute(delete(requests).where(mine, requests.c.created_at <= now - LASTS))
        row = {"scope": scope, "key": key, "fingerprint": prints[0], "created_at": now}
        # On PostgreSQL this waits for another transaction with the same key; SQLite has one writer at a time.
        written = insert(connection, requests).values(row).on_conflict_do_nothing().returning(requests.c.key)
        if connection.scalar(written) is None:
            return self._replayed(connection.execute(select(requests).where(mine)).one(), prints)
        given = work(connection)
        answer = {"status": given.status, "headers": msgspec.json.encode(given.headers)}
        connection.execute(update(requests).where(mine).values(**answer, body=self._vault.seal(given.body)))
        return given

    def _replayed(self, row: Row[Any], prints: list[str]) -> Given:
        if not same(row.fingerprint, prints):
            raise KeyReused(
                "this Idempotency-Key came with another request", next_step="make a new key for each request"
            )
        return Given(row.status, msgspec.json.decode(row.headers, type=dict[str, str]), self._vault.open(row.body))
