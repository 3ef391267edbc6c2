"""Track Alert: UPS pushes what happens to 1Z and 1R numbers for fourteen days after it was asked to (API v2)."""

import re
from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from doorstep import (  # isort: skip
    Carrier, CarrierError, Exchange, Incoming, ProtocolError, Pushed, PushSettings, Query, Registrations, Request, Secret,
    Verdict, is_any,
)  # fmt: skip

WATCHED = re.compile("1Z[0-9A-Z]{16}|1R[0-9A-Z]{14}|1R[0-9A-Z]{26}")


class Settings(PushSettings, frozen=True):
    """`push_header` is where UPS shows the credential that was given to it."""

    client_id: str
    client_secret: Secret
    account_number: str = ""
    push_header: str = "credential"


class TrackAlert(Carrier[Settings]):
    def register(self, queries: Sequence[Query]) -> Exchange[Registrations]:
        results: dict[str, CarrierError | None] = {
            query.number: ProtocolError("Track Alert watches 1Z and 1R numbers only") for query in queries
        }
        if numbers := [number for number in results if WATCHED.fullmatch(number)]:
            path = "/api/track/v2/subscription/standard/package"
            headers = {"transId": str(uuid5(NAMESPACE_URL, path + numbers[0])), "transactionSrc": "doorstep"}
            body = {"locale": "en_US", "trackingNumberList": numbers}
            answer = (yield Request("POST", path, headers=headers, json=body)).expect(200, 400).tree()
            taken = {one.text() for one in answer.each("validTrackingNumbers")}
            said = "; ".join(f"{one.text('code')} {one.text('message')}" for one in answer.each("response.errors"))
            refused = ProtocolError(f"UPS does not watch it: {said or 'no reason given'}")
            results |= {number: None if number in taken else refused for number in numbers}
        return results

    def verify(self, incoming: Incoming) -> Verdict:
        shown = incoming.header(self.settings.push_header).removeprefix("Bearer ")
        return Verdict.of(is_any(self.push_secrets(), shown))

    def push(self, incoming: Incoming) -> Pushed:
        event = incoming.json()
        numbers = (event.expect("trackingNumber").text(), event.text("alternateTrackingNumber"))
        return Pushed(tuple(filter(None, numbers)))
