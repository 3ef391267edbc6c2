"""Who comes to a shop that is loaded: readers, customers, the shop's checkout and its carrier, each when the dice say so,
however long the others take. What a slow answer makes others wait counts as theirs: the clock of each begins when it was due.
"""

import asyncio
import json
import random
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2
from msgspec import Struct

from doorstep import Status

from ..posting import SECRET, signed
from ..servers import Reply, Seen, reply, silence

_BROWSER = "Mozilla/5.0 (Linux; Android 9) Firefox/140.0"
_WAYS = (Status.LABEL_CREATED, Status.ACCEPTED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)
_HEADLINES = ("Getting ready to ship", "The carrier has your parcel", "On its way", "Out for delivery")
_SHOP = "https://track.shop.example"
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # a default one is read from the disk, for every visit
_SPARED = 40.0  # seconds
_LATE = 30.0  # seconds after which a visitor gives up


class Post:
    """The carrier. Every push of a parcel's is a stage further; `down`, it fails or is silent."""

    def __init__(self, dice: random.Random) -> None:
        self.down = False
        self._spared_until = 0.0
        self.asked = 0
        self._dice = dice
        self._stages: dict[str, int] = {}

    def comes_back(self) -> None:
        self.down = False
        self._spared_until = time.monotonic() + _SPARED

    @property
    def may_be_missed(self) -> bool:
        """It is down, or was until a short time ago: an account whose carrier kept failing asks once in half a minute."""
        return self.down or time.monotonic() < self._spared_until

    def moves(self, number: str) -> None:
        self._stages[number] = min(self.stage(number) + 1, len(_WAYS) - 1)

    def stage(self, number: str) -> int:
        return self._stages.setdefault(number, 0)

    def answer(self, seen: Seen) -> Reply:
        self.asked += 1
        if self.down:
            return self._dice.choice([reply(503), silence])
        number = seen.path.rpartition("/")[2]
        day = datetime.now(UTC).date().isoformat()
        scans = [[_WAYS[nth].value, f"{day}T00:{nth:02d}:00Z"] for nth in range(self.stage(number), -1, -1)]
        return reply(200, json.dumps(scans).encode(), content_type="application/json")


class Proxy(httpx2.AsyncBaseTransport):
    """As the shop's own in front of several processes: a connection for each request, to another process each time; where
    nobody listens, to the next."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = deque(ports)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._ports.rotate()
        last: Exception | None = None
        for port in list(self._ports):
            request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)
            try:
                async with httpx2.AsyncHTTPTransport(verify=_NO_TLS) as connection:
                    answered = await connection.handle_async_request(request)
                    body = await answered.aread()
                    answered.headers.pop("content-encoding", None)  # it is read already
                    return httpx2.Response(answered.status_code, headers=answered.headers, content=body)
            except httpx2.ConnectError as error:
                last = error
        raise last or AssertionError("there is no process")


class Answered(Struct, frozen=True):
    """What came of a visit: which phase it was due in, whether it was what was wanted, and the seconds until it was whole."""

    kind: str
    phase: str
    fine: bool
    waited: float


class Crowd:
    """`answered` is everything that came of it. Every order that was accepted has a page at once, and one answer to
    its survey. When Redis lost a third of what it knew (`some_forgotten`) and the carrier is not there to be asked, so
    many pages may say that."""

    def __init__(self, ports: Sequence[int], key: str, post: Post, dice: random.Random) -> None:
        self.phase = ""
        self.answered: list[Answered] = []
        self.problems: list[str] = []
        self.orders: list[str] = []  # paths of their pages
        self.placed = 0
        self.forms = 0
        self.some_forgotten = False
        self._forgotten: set[str] = set()
        self._proxy = Proxy(ports)
        self._key = {"Authorization": f"Bearer {key}"}
        self._post = post
        self._dice = dice
        self._known: list[str] = []
        self._unanswered: list[str] = []
        self._last = 0
        self._kinds: Mapping[str, Callable[[httpx2.AsyncClient], Awaitable[bool]]] = {
            "hot": self._hot, "miss": self._miss, "cold": self._cold, "order's page": self._order_page,
            "form": self._form, "order": self._order, "push": self._push,
        }  # fmt: skip

    async def arrive(self, known: int, orders: int) -> None:
        """Before it begins: so many parcels that are known, and orders."""
        async with self._visitor() as client, asyncio.timeout(300):
            for _ in range(known):
                number = self._number()
                await client.get(f"{_SHOP}/track/{number}", headers=self._reader())
                self._known.append(number)
            for _ in range(orders):
                await self._order(client)

    async def come(self, kinds: Mapping[str, float], seconds: float) -> None:
        """For so long, each kind so many times a second; ends when everybody has an answer."""
        names, rates = list(kinds), list(kinds.values())
        begun = due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while (due := due + self._dice.expovariate(sum(rates))) < begun + seconds:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                [kind] = self._dice.choices(names, rates)
                group.create_task(self._visit(kind, self.phase, due))

    async def _visit(self, kind: str, phase: str, due: float) -> None:
        try:
            async with self._visitor() as client:
                fine = await self._kinds[kind](client)
        except httpx2.TransportError as error:
            fine = False
            self.problems.append(f"{phase}, {kind}: {error!r}")
        self.answered.append(Answered(kind, phase, fine, time.monotonic() - due))

    async def _hot(self, client: httpx2.AsyncClient) -> bool:
        return await self._page(client, self._dice.choice(self._known[:20]))

    async def _miss(self, client: httpx2.AsyncClient) -> bool:
        return await self._page(client, self._dice.choice(self._known[20:]))

    async def _cold(self, client: httpx2.AsyncClient) -> bool:
        """Nobody has asked about it: the page says that it is asking, where the answer takes longer than a page may; or
        that the carrier is not answering, and when to come again."""
        response, is_coming = await self._looked_up(client, self._number())
        return response.status_code == 200 or is_coming or self._wrong("cold", response)

    async def _page(self, client: httpx2.AsyncClient, number: str) -> bool:
        """A stage that the carrier has told is not taken back: what is shown is one of those up to where it is."""
        response, is_coming = await self._looked_up(client, number)
        if is_coming and self.some_forgotten:
            self._forgotten.add(number)
            return True
        told = any(f"<h1>{one}</h1>" in response.text for one in _HEADLINES[: self._post.stage(number) + 1])
        return (response.status_code == 200 and told) or self._wrong(number, response)

    async def _looked_up(self, client: httpx2.AsyncClient, number: str) -> tuple[httpx2.Response, bool]:
        """The page, and whether it says that the carrier is being asked, or is missed and when to come again."""
        missed = self._post.may_be_missed
        response = await client.get(f"{_SHOP}/track/{number}", headers=self._reader())
        missed = missed or self._post.may_be_missed
        comes_again = missed and response.status_code == 503 and "retry-after" in response.headers
        return response, comes_again or response.status_code == 202

    def more_than_forgotten(self) -> list[str]:
        forgotten, known = len(self._forgotten), len(self._known)
        return [f"{forgotten} of {known} parcels were forgotten"] if forgotten > known / 2 else []

    async def _order_page(self, client: httpx2.AsyncClient) -> bool:
        response = await client.get(_SHOP + self._dice.choice(self.orders), headers=self._reader())
        return response.status_code == 200 or self._wrong("an order's page", response)

    async def _form(self, client: httpx2.AsyncClient) -> bool:
        if not self._unanswered:
            return await self._order(client)
        page = self._unanswered.pop(self._dice.randrange(len(self._unanswered)))
        form = {"moment": "after_checkout", "score": "5", "comment": "quick"}
        headers = {**self._reader(), "Origin": _SHOP}
        response = await client.post(f"{_SHOP}{page}widgets/survey", data=form, headers=headers)
        self.forms += response.status_code == 303
        return response.status_code == 303 or self._wrong("a form", response)

    async def _order(self, client: httpx2.AsyncClient) -> bool:
        self._last += 1
        number = f"L-{self._last}"
        order = {"number": number, "email": f"{number}@mail.example", "shipments": [{"number": self._number()}]}
        headers = {**self._key, "Idempotency-Key": number}
        response = await client.post(f"{_SHOP}/api/v1/orders", json=order, headers=headers)
        if response.status_code != 201:
            return self._wrong("an order", response)
        self.placed += 1
        self.orders.append(urlsplit(response.json()["links"]["order"]).path)
        self._unanswered.append(self.orders[-1])
        return True

    async def _push(self, client: httpx2.AsyncClient) -> bool:
        number = self._dice.choice(self._known)
        self._post.moves(number)
        body = json.dumps({"numbers": [number], "id": str(self._dice.random())}).encode()
        response = await client.post(f"{_SHOP}/webhooks/post/post", content=body, headers=signed(body, SECRET))
        return response.status_code == 200 or self._wrong("a push", response)

    def _visitor(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=self._proxy, timeout=_LATE)

    def _number(self) -> str:
        self._last += 1
        return f"{self._last:09d}"

    def _reader(self) -> dict[str, str]:
        """Each from an address of its own, behind the shop's proxy."""
        address = f"10.{self._dice.randrange(256)}.{self._dice.randrange(256)}.{self._dice.randrange(256)}"
        return {"User-Agent": _BROWSER, "X-Forwarded-For": address}

    def _wrong(self, what: str, response: httpx2.Response) -> bool:
        self.problems.append(f"{self.phase}, {what}: {response.status_code} {response.text[:200]!r}")
        return False


def waited(answered: Sequence[Answered]) -> tuple[float, float, float, float]:
    """The seconds that half of them took at most, 90 and 99 of a hundred, and the slowest."""
    seconds = sorted(one.waited for one in answered)
    at = [len(seconds) // 2, len(seconds) * 9 // 10, len(seconds) * 99 // 100, len(seconds) - 1]
    return tuple(seconds[nth] for nth in at)  # type: ignore[return-value]
