"""The shop's checkout: writes orders by the API, says again what it got no answer to, and remembers what was accepted; and its
customers, who answer surveys."""

import asyncio
import random
from typing import Any
from urllib.parse import urlsplit

import httpx2

from .neighbours import number_of

_TEMPORARY = (502, 503)
_OFTEN_ENOUGH = 429


class Checkout:
    """`accepted` are the orders answered with 201, by number; `noted` the last note that was answered with 200, `said` the last
    answer to a survey that was answered with 303."""

    def __init__(self, url: str, key: str, dice: random.Random) -> None:
        self.accepted: dict[str, dict[str, Any]] = {}
        self.noted: dict[str, int] = {}
        self.said: dict[str, int] = {}
        self.problems: list[str] = []
        self.answered = 0
        self._shop = url
        self._url = f"{url}/api/v1/orders"
        self._key = {"Authorization": f"Bearer {key}"}
        self._dice = dice
        self._unanswered: list[dict[str, Any]] = []
        self._last = 0

    async def work(self, orders: int) -> None:
        """Writes so many new orders, as far as it gets; ends when the other side is gone."""
        self._unanswered += [self._new() for _ in range(orders)]
        async with httpx2.AsyncClient(headers=self._key, timeout=10, trust_env=False) as client:
            try:
                for order in list(self._unanswered):
                    if await self._place(client, order):
                        self._unanswered.remove(order)
                        await self._change(client)
                        await self._answer(client)
            except httpx2.TransportError:
                return  # killed: what was under way is said again next time

    async def is_answered(self) -> bool:
        """Whether somebody is there."""
        async with httpx2.AsyncClient(headers=self._key, timeout=10, trust_env=False) as client:
            try:
                return (await client.get(self._url, params={"limit": 1})).status_code == 200
            except httpx2.TransportError:
                return False

    def _new(self) -> dict[str, Any]:
        self._last += 1
        # Every fourth order shares a parcel with the one before.
        serials = [self._last * 2 - (2 if self._last % 4 == 0 else 0)]
        serials += [self._last * 2 + 1] if self._dice.random() < 0.3 else []
        # Every fourth is still to be packed: its page, where surveys are answered, asks no carrier beside the worker.
        shipments = [{"number": number_of(serial)} for serial in serials] if self._last % 4 != 1 else []
        order = {"number": f"K-{self._last}", "email": f"{self._last}@mail.example", "shipments": shipments}
        if self.accepted and self._last % 2:
            order["referral"] = self._dice.choice(list(self.accepted.values()))["codes"]["referral"]
        return order

    async def _place(self, client: httpx2.AsyncClient, order: dict[str, Any]) -> bool:
        response = await client.post(self._url, json=order, headers={"Idempotency-Key": order["number"]})
        if response.status_code in _TEMPORARY:
            await asyncio.sleep(0.05)
            return False
        if response.status_code != 201:
            self.problems.append(f"order {order['number']}: {response.status_code} {response.text}")
            return True
        self.answered += 1
        told = response.json()
        self.accepted[order["number"]] = {**{name: told[name] for name in ("id", "codes", "links")}, **order}
        return True

    async def _change(self, client: httpx2.AsyncClient) -> None:
        """Counts a note up in one of the orders, and now and then places it once more, as if the answer had been lost."""
        order = self._dice.choice(list(self.accepted.values()))
        number, note = order["number"], self.noted.get(order["number"], 0) + 1
        response = await client.patch(f"{self._url}/{order['id']}", json={"note": str(note)})
        if response.status_code == 200:
            self.answered += 1
            self.noted[number] = note
        elif response.status_code not in _TEMPORARY:
            self.problems.append(f"note to {number}: {response.status_code} {response.text}")
        if note == 1:
            written = {name: order[name] for name in ("number", "email", "shipments", "referral") if name in order}
            again = await client.post(self._url, json=written, headers={"Idempotency-Key": number})
            if again.status_code == 201 and again.json()["id"] != order["id"]:
                self.problems.append(f"order {number} was made twice")

    async def _answer(self, client: httpx2.AsyncClient) -> None:
        """Somebody says how it was to buy, by the link of an order that is not packed yet; whoever has said it says more."""
        unpacked = [one for one in self.accepted.values() if not one["shipments"]]
        if not unpacked:
            return
        order = self._dice.choice(unpacked)
        number, words = order["number"], self.said.get(order["number"], 0) + 1
        page = self._shop + urlsplit(order["links"]["order"]).path
        form = {"moment": "after_checkout", "score": "5", "comment": str(words)}
        response = await client.post(f"{page}widgets/survey", data=form, headers={"Origin": self._shop})
        if response.status_code == 303:
            self.answered += 1
            self.said[number] = words
        elif response.status_code not in (*_TEMPORARY, _OFTEN_ENOUGH):
            self.problems.append(f"answer to {number}: {response.status_code}")
