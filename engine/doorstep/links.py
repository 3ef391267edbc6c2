"""Signed links to an order's page: who made them, what for, until when. The token stands in the address, so that the page
works without cookies.

    /o/{token}/        token = order, how it was proved, expiry, generation; signed with the engine's secret

A generation counted up in the order's row makes every link given before void.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from itsdangerous import BadData, URLSafeSerializer
from msgspec import Struct

from .secret import Secret

LONGEST_TOKEN = 400
_PURPOSE = "doorstep order link"


class Proof(StrEnum):
    """How somebody showed that the order is theirs."""

    LINK = "l"  # a link from the shop
    EMAIL = "e"
    POSTCODE = "p"


class Ticket(Struct, frozen=True):
    """What a token says. `second` is the second proof, of another kind, which level 2 asks for."""

    order_id: str
    proof: Proof
    expires_at: datetime
    generation: int
    second: Proof | None = None

    @property
    def level(self) -> int:
        return 1 if self.second is None else 2


class Links:
    """Makes and reads tokens. The first secret key signs, all verify."""

    def __init__(self, secret_keys: Sequence[Secret]) -> None:
        texts = [key.reveal() for key in reversed(secret_keys)]  # itsdangerous signs with the last
        self._signer = URLSafeSerializer(texts, salt=_PURPOSE)

    def token(self, ticket: Ticket) -> str:
        parts = [ticket.order_id, ticket.proof, int(ticket.expires_at.timestamp()), ticket.generation]
        return str(self._signer.dumps([*parts, ticket.second] if ticket.second else parts))

    def read(self, token: str) -> Ticket | None:
        """What the token says, or None when it is not one of ours. The caller looks at expiry and generation."""
        if len(token) > LONGEST_TOKEN:
            return None
        try:
            order_id, proof, expires, generation, *second = self._signer.loads(token)
            expires_at = datetime.fromtimestamp(expires, UTC)
            return Ticket(order_id, Proof(proof), expires_at, generation, Proof(second[0]) if second else None)
        except (BadData, ValueError, TypeError, OverflowError):
            return None
