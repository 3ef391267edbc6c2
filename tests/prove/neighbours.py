"""Whom the shop's processes talk to, while they live: a carrier whose parcels move on, and the shop's endpoint."""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ..servers import Reply, Seen, hang_up, reply

STAGES = ("ANN", "COL", "HUB", "VAN", "DEL")  # codes of the carrier's plugin, in the order of a parcel's way
STATUSES = ("label_created", "accepted", "in_transit", "out_for_delivery", "delivered")


def number_of(serial: int) -> str:
    """A parcel's number with its check digit: weights 3 and 1, modulo 10."""
    digits = f"{serial:08d}"
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(digits))
    return f"AC{digits}{-total % 10}"


class Neighbour:
    """Now and then it fails, as long as it is `moody`."""

    def __init__(self, dice: random.Random) -> None:
        self.moody = True
        self.asked = 0
        self._dice = dice

    def fails(self) -> Reply | None:
        self.asked += 1
        if not self.moody or self._dice.random() > 0.15:
            return None
        return self._dice.choice([reply(503), hang_up])


class MovingCarrier(Neighbour):
    """A parcel goes a stage further most times when it is asked about, and never back."""

    def __init__(self, dice: random.Random, now: Callable[[], datetime]) -> None:
        super().__init__(dice)
        self._now = now
        self._scans: dict[str, list[datetime]] = {}

    def stage(self, number: str) -> str:
        """The status that was last said of a parcel."""
        return STATUSES[len(self._scans[number]) - 1]

    def answer(self, seen: Seen) -> Reply:
        if failing := self.fails():
            return failing
        body = self.told(seen.path.rpartition("/")[2])
        return reply(200, json.dumps(body).encode(), content_type="application/json")

    def told(self, number: str) -> dict[str, Any]:
        """What the carrier says of a parcel now, the newest scan first."""
        scans = self._scans.setdefault(number, [self._now() - timedelta(minutes=1)])
        if len(scans) < len(STAGES) and self._dice.random() < 0.7:
            scans.append(self._now())
        told = [{"code": STAGES[nth], "at": at.isoformat(), "town": "Utrecht"} for nth, at in enumerate(scans)]
        return {"number": number, "product": "Home", "scans": told[::-1]}


class Endpoint(Neighbour):
    """Takes webhooks. What it fails to take it may have read nevertheless."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(dice)
        self.taken: dict[str, list[bytes]] = {}

    def answer(self, seen: Seen) -> Reply:
        if failing := self.fails():
            return failing
        self.taken.setdefault(seen.headers["webhook-id"], []).append(seen.body)
        return reply(204, b"")

    @property
    def repeated(self) -> int:
        return sum(len(bodies) - 1 for bodies in self.taken.values())

    def changed(self) -> list[str]:
        """Ids under which two different things came."""
        return [id for id, bodies in self.taken.items() if len({_told(body) for body in bodies}) > 1]


def _told(body: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(body), order="deterministic")
