"""Subscriptions - Tracking 3.2: USPS pushes what happens to parcels, of a mailer or of these numbers."""

from collections.abc import Sequence

from doorstep import (  # isort: skip
    Carrier, Exchange, Incoming, ProtocolError, Pushed, PushSettings, Query, Registrations, Request, Secret, Verdict,
    is_signed,
)  # fmt: skip


class Settings(PushSettings, frozen=True):
    """`push_url` is this account's address for pushes, to which numbers are subscribed; without it, that is done by hand, for
    the mailer's id. `push_header` holds the signature."""

    client_id: str
    client_secret: Secret
    push_url: str = ""
    push_header: str = "X-HMAC"


class Subscriptions(Carrier[Settings]):
    def register(self, queries: Sequence[Query]) -> Exchange[Registrations]:
        if not self.settings.push_url:
            return {query.number: None for query in queries}  # the mailer's subscription has them
        watched = {"trackingNumbers": [bare(query.number) for query in queries], "trackingEventTypes": ["ALL"]}
        secret = self.push_secrets()[0].reveal()
        body = {"listenerURL": self.settings.push_url, "secret": secret, "filterProperties": watched}
        answer = yield Request("POST", "/subscriptions-tracking/v3/subscriptions", json=body)
        if answer.status not in (200, 201):
            error = answer.tree().at("error")
            said = f"{error.text('code')} {error.text('message')}".strip()
            refused = ProtocolError(f"USPS does not take the subscription: {said or answer.status}")
            return {query.number: refused for query in queries}
        return {query.number: None for query in queries}

    def verify(self, incoming: Incoming) -> Verdict:
        # Whether it is base64 or hexadecimal is not documented; the other one cannot be right by chance.
        signature, secrets = incoming.header(self.settings.push_header), self.push_secrets()
        in_hex = is_signed(incoming.body, secrets, signature.lower(), hex=True)
        return Verdict.of(is_signed(incoming.body, secrets, signature) or in_hex)

    def push(self, incoming: Incoming) -> Pushed:
        return Pushed(tuple(incoming.json().texts("trackingNumber")))


def bare(number: str) -> str:
    """The number without 420 and the destination's ZIP code (five or nine digits), which a label's barcode has in front."""
    if not (number.startswith("420") and number.isdecimal()):
        return number
    rests = [rest for rest in (number[12:], number[8:]) if len(rest) in (20, 22, 26, 30)]
    return max(rests, key=lambda rest: ("91" <= rest[:2] <= "95", _checks(rest)), default=number)


def _checks(number: str) -> bool:
    return (sum(map(int, number[-1::-2])) + 3 * sum(map(int, number[-2::-2]))) % 10 == 0
