"""Keys of the API: `ds_<id>_<secret>`, each for one store and for what it may do. Shown once; a hash of it is kept."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, delete, or_, select, update

from .clock import Clock
from .secret import Secret
from .tables import keys

SCOPES = (
    "orders:read", "orders:write", "answers:read", "answers:write", "banners:read", "banners:write", "appearance:read",
    "appearance:write", "codes:read", "codes:write", "referrals:read", "referrals:write", "insights:read",
)  # fmt: skip
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: 5 bits a character
_FORM = re.compile(r"ds_([0-9a-z]{12})_([0-9a-z]{32})")
_NOTED = timedelta(minutes=1)  # how exactly it is known when a key was used: not every request is a write


class Key(Struct, frozen=True):
    """What is known of a key; its secret is not."""

    id: str
    store: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class Keys:
    """The keys of all stores. Every function works inside the caller's transaction."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def new(
        self,
        connection: Connection,
        store: str,
        name: str,
        scopes: Sequence[str],
        *,
        expires_at: datetime | None = None,
    ) -> tuple[Key, Secret]:
        """A new key, and its text, which cannot be had again."""
        id, secret = _random(12), _random(32)
        key = Key(id, store, name, tuple(sorted(set(scopes))), self._clock.now(), expires_at, None)
        row = {
            "id": id, "store": store, "name": name, "scopes": " ".join(key.scopes), "hash": _hash(secret),
            "created_at": key.created_at, "expires_at": expires_at,
        }  # fmt: skip
        connection.execute(keys.insert().values(row))
        return key, Secret(f"ds_{id}_{secret}")

    def find(self, connection: Connection, offered: str) -> Key | None:
        """The key with this text, unless it is unknown or expired."""
        written = _FORM.fullmatch(offered)
        if written is None:
            return None
        # The hash is compared where the row lies, so that an unknown id and a wrong secret are the same work. How far it fits
        # tells nothing: nobody can choose the hash of a secret.
        known = select(keys).where(keys.c.id == written[1], keys.c.hash == _hash(written[2]))
        row = connection.execute(known).one_or_none()
        if row is None or (row.expires_at is not None and row.expires_at <= self._clock.now()):
            return None
        return _key(row)

    def all(self, connection: Connection, store: str = "") -> list[Key]:
        """The keys of a store, or of all, the oldest first; those that expired too."""
        query = select(keys).order_by(keys.c.store, keys.c.created_at, keys.c.id)
        return [_key(row) for row in connection.execute(query.where(keys.c.store == store) if store else query)]

    def rotate(self, connection: Connection, id: str, *, hours: float) -> tuple[Key, Secret] | None:
        """A new key that may do the same; the old one works for so many hours more. None when there is no such key."""
        row = connection.execute(select(keys).where(keys.c.id == id).with_for_update()).one_or_none()
        if row is None:
            return None
        old, now = _key(row), self._clock.now()
        until = now + timedelta(hours=hours)
        ends = until if old.expires_at is None else min(old.expires_at, until)
        connection.execute(update(keys).where(keys.c.id == id).values(expires_at=ends))
        lasts = old.expires_at - old.created_at if old.expires_at else None
        return self.new(connection, old.store, old.name, old.scopes, expires_at=now + lasts if lasts else None)

    def revoke(self, connection: Connection, id: str) -> bool:
        """Deletes a key: it works no more. Whether there was one."""
        return bool(connection.execute(delete(keys).where(keys.c.id == id)).rowcount)

    def is_noted(self, key: Key) -> bool:
        """Whether it is known already that the key is in use."""
        return key.used_at is not None and self._clock.now() - key.used_at < _NOTED

    def note(self, connection: Connection, key: Key) -> None:
        """Notes that the key was used now."""
        now = self._clock.now()
        stale = or_(keys.c.used_at.is_(None), keys.c.used_at <= now - _NOTED)
        connection.execute(update(keys).where(keys.c.id == key.id, stale).values(used_at=now))


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _hash(secret: str) -> str:
    """Of 160 random bits, which nobody guesses: a slow hash would protect nothing more."""
    return sha256(secret.encode()).hexdigest()


def _key(row: Row[Any]) -> Key:
    return Key(
        row.id, row.store, row.name, tuple(row.scopes.split()), row.created_at, row.expires_at, row.used_at
    )  # fmt: skip
