"""A shop that runs on a database of its own, and a program with a key that asks its API."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doorstep.config import Webhook
from doorstep.keys import SCOPES, Keys
from doorstep.sandbox import sandbox_of
from doorstep.secret import Secret

from .clock import FakeClock
from .shopfront import Front, shop, store

ORDERS, BANNERS = "/api/v1/orders", "/api/v1/banners"
SCRIPTS = "https://scripts.example"
HOOKS = {"erp": Webhook("https://erp.example/hooks", (Secret("whsec_" + "a" * 32),))}
MAIN = store(public_url="https://shop.example/", allowed_origins=(SCRIPTS,), webhooks=HOOKS, timezone="UTC")
WHOLE = {
    "number": "1001",
    "placed_at": "2026-11-20T09:30:00Z",
    "language": "de",
    "email": "ida@shop.example",
    "postcode": "20095",
    "phone": "+4940123456",
    "country": "DE",
    "promised": {"from": "2026-11-25", "until": "2026-11-27"},
    "items": [{"name": "Boots", "id": "b", "quantity": 2, "price": {"amount": "49.90", "currency": "EUR"}}],
    "shipments": [{"number": "1Z D0R5 TP03 7311 6441", "carrier": "UPS", "items": [{"id": "b", "quantity": 1}]}],
    "total": {"amount": "99.80", "currency": "EUR"},
    "tags": ["gift"],
    "note": "Thank you, Ida",
}


class Shop:
    """A running shop, and a program with a key."""

    def __init__(self, front: Front, clock: FakeClock) -> None:
        self.front = front
        self.engine = front.engine
        self.clock = clock
        self.key = self.new_key()

    def new_key(self, *scopes: str, store: str = "main") -> str:
        with self.engine.database.writing() as connection:
            _, text = Keys(clock=self.clock).new(connection, store, "erp", scopes or SCOPES)
        return text.reveal()

    def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        bearer = {"Authorization": f"Bearer {self.key if key is None else key}"}
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        typed = {} if body is None else {"Content-Type": "application/json"}
        return self.front.client.request(method, path, content=content, headers={**typed, **bearer, **named})

    def new_order(self, **fields: Any) -> Any:
        response = self.ask("POST", ORDERS, {"number": "1001", **fields})
        assert response.status_code == 201, response.text
        return response.json()

    def rows(self, query: Any) -> list[Any]:
        with self.engine.database.reading() as connection:
            return list(connection.execute(query).all())


@contextmanager
def selling(folder: Path, database: str, clock: FakeClock, **fields: Any) -> Iterator[Shop]:
    """Two stores: `main`, and `outlet` below /outlet."""
    stores = {"main": MAIN, "outlet": store(path="/outlet")}
    with shop(folder, sandbox_of([]), "", stores=stores, clock=clock, database=database, **fields) as front:
        yield Shop(front, clock)
